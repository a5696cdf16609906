package dev.tuff.iom.array;

import dev.tuff.iom.volume.VolumeInfo;
import java.util.List;
import java.util.UUID;

/** An array as people see it. */
public record ArrayStatus(
    UUID uuid,
    int driveCount,
    int dataMembers,
    int parityMembers,
    boolean readOnly,
    boolean degraded,
    int shards,
    long freeBytes,
    List<DriveInfo> drives,
    List<VolumeInfo> volumes) {}
