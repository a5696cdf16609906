package dev.tuff.iom.array;

import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.volume.VolumeInfo;
import java.util.List;
import java.util.UUID;

/**
 * An array as people see it.
 *
 * @param recovery what had to be recovered when it was started
 * @param recoveryNanos how long its start took, reading the journals included
 */
public record ArrayStatus(
    UUID uuid,
    int driveCount,
    int dataMembers,
    int parityMembers,
    boolean readOnly,
    boolean degraded,
    int shards,
    long freeBytes,
    RecoveryReport recovery,
    long recoveryNanos,
    List<DriveInfo> drives,
    List<VolumeInfo> volumes) {}
