package dev.tuff.tools;

import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.DriveInfo;
import dev.tuff.iom.array.RebuildInfo;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.volume.VolumeInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The appliance's answers in the two forms that people and programs get. */
final class Results {
  private Results() {}

  static Map<String, Object> volume(VolumeInfo volume) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("name", volume.name());
    result.put("sizeBytes", volume.sizeBytes());
    result.put("protection", volume.dataMembers() + "+" + volume.parityMembers());
    result.put("chunkBytes", volume.chunkBytes());
    result.put("toughness", volume.toughness().level());
    result.put("usedBytes", volume.usedBytes() < 0 ? null : volume.usedBytes());
    result.put("lossesSurvived", volume.lossesSurvived());
    return result;
  }

  static Table volumeTable(List<VolumeInfo> volumes) {
    Table table =
        new Table("VOLUME", "SIZE", "USED", "PROTECTION", "CHUNK", "TOUGHNESS", "SURVIVES");
    for (VolumeInfo volume : volumes) {
      table.row(
          volume.name(),
          ByteSize.brief(volume.sizeBytes()),
          volume.usedBytes() < 0 ? "-" : ByteSize.brief(volume.usedBytes()),
          volume.dataMembers() + "+" + volume.parityMembers(),
          ByteSize.brief(volume.chunkBytes()),
          volume.toughness().level(),
          survives(volume));
    }
    return table;
  }

  /** The redundancy that a volume has now, at one glance. */
  private static String survives(VolumeInfo volume) {
    return switch (volume.lossesSurvived()) {
      case 0 -> "no more loss";
      case 1 -> "1 more loss";
      default ->
          volume.lossesSurvived() < 0 ? "parts are lost" : volume.lossesSurvived() + " more losses";
    };
  }

  static Map<String, Object> status(ArrayStatus status, ScrubInfo scrub) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("array", status.uuid().toString());
    result.put("protection", status.dataMembers() + "+" + status.parityMembers());
    result.put("state", state(status));
    result.put("freeBytes", status.freeBytes());
    result.put("recovery", recovery(status));
    result.put("scrub", scrub.json());
    result.put("drives", status.drives().stream().map(Results::drive).toList());
    result.put("volumes", status.volumes().stream().map(Results::volume).toList());
    return result;
  }

  /** What the start for this command had to recover: nothing after a clean stop. */
  private static Map<String, Object> recovery(ArrayStatus status) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("stoppedCleanly", !status.recovery().needed());
    result.put("seconds", status.recoveryNanos() / 1e9);
    result.put("epoch", status.recovery().epoch());
    counts(status.recovery()).forEach(result::put);
    return result;
  }

  /** By their JSON names, in the order in which recovery comes to them. */
  private static Map<String, Long> counts(RecoveryReport recovery) {
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("journalRecords", recovery.records());
    counts.put("journalEntries", recovery.entries());
    counts.put("volumesCompleted", recovery.objectsCompleted());
    counts.put("groupsSettled", recovery.groups());
    counts.put("blocksForward", recovery.blocksForward());
    counts.put("blocksBack", recovery.blocksBack());
    counts.put("paritiesForward", recovery.paritiesForward());
    counts.put("paritiesBack", recovery.paritiesBack());
    counts.put("paritiesRemade", recovery.paritiesRemade());
    counts.put("damagedBlocks", recovery.damagedBlocks());
    counts.put("lostGroups", recovery.lostGroups());
    return counts;
  }

  private static String recoveryText(ArrayStatus status) {
    if (!status.recovery().needed()) {
      return "stopped cleanly\n";
    }
    Table table = new Table("NOT STOPPED CLEANLY", "RECOVERED");
    counts(status.recovery()).forEach((name, count) -> table.row(words(name), count));
    return "%s\n".formatted(table)
        + String.format(
            Locale.ROOT,
            "recovered in %.2f s, epoch %d\n",
            status.recoveryNanos() / 1e9,
            status.recovery().epoch());
  }

  /** "journalEntries" as people read it: "journal entries". */
  private static String words(String jsonName) {
    return jsonName.replaceAll("(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
  }

  static Map<String, Object> drive(DriveInfo drive) {
    Map<String, Object> result = new LinkedHashMap<>();
    boolean there = there(drive);
    boolean known = known(drive);
    result.put("index", drive.index());
    result.put("path", known ? drive.path() : null);
    result.put("state", drive.state());
    result.put("failure", drive.failure());
    result.put("sizeBytes", known ? drive.sizeBytes() : null);
    result.put("usedBytes", there && drive.usedBytes() >= 0 ? drive.usedBytes() : null);
    result.put("journalBytes", there ? drive.journalBytes() : null);
    result.put("epoch", known ? drive.epoch() : null);
    result.put("checksumErrors", there ? drive.checksumErrors() : null);
    result.put("mediaErrors", there ? drive.mediaErrors() : null);
    result.put("rebuild", drive.rebuild() == null ? null : rebuild(drive.rebuild()));
    return result;
  }

  private static Map<String, Object> rebuild(RebuildInfo rebuild) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("percent", Math.round(rebuild.percent() * 10) / 10.0);
    result.put("totalBytes", rebuild.totalBytes());
    result.put("leftBytes", rebuild.leftBytes());
    result.put("keptBytes", rebuild.keptBytes());
    result.put("rebuiltBytes", rebuild.rebuiltBytes());
    result.put("bytesPerSecond", rebuild.bytesPerSecond());
    result.put("secondsLeft", rebuild.secondsLeft() < 0 ? null : rebuild.secondsLeft());
    result.put("lostBlocks", rebuild.lostBlocks());
    return result;
  }

  /** It is in use, whether it has everything or not. */
  private static boolean there(DriveInfo drive) {
    return drive.state().equals("online") || rebuilding(drive.state());
  }

  /** A drive in that state gets what it does not have yet, of its own or of another drive. */
  static boolean rebuilding(String state) {
    return state.equals("rebuilding") || state.equals("taking over");
  }

  /** More is known of it than its index; a drive that was taken over may be gone. */
  private static boolean known(DriveInfo drive) {
    return !drive.path().isEmpty();
  }

  /** Like "rebuilding 12.3%, 1.2 GiB left, 81 MiB/s, 15 s, 160 MiB kept and 9 MiB made anew". */
  private static String stateText(DriveInfo drive) {
    RebuildInfo rebuild = drive.rebuild();
    if (rebuild == null) {
      return drive.state();
    }
    String speed =
        rebuild.bytesPerSecond() == 0
            ? ""
            : ", %s/s, %d s"
                .formatted(ByteSize.brief(rebuild.bytesPerSecond()), rebuild.secondsLeft());
    String kept =
        rebuild.keptBytes() == 0
            ? ""
            : ", %s kept and %s made anew"
                .formatted(
                    ByteSize.brief(rebuild.keptBytes()), ByteSize.brief(rebuild.rebuiltBytes()));
    return String.format(
        Locale.ROOT,
        "%s %.1f%%, %s left%s%s",
        drive.state(),
        rebuild.percent(),
        ByteSize.brief(rebuild.leftBytes()),
        speed,
        kept);
  }

  /**
   * In one word: "degraded" while drives are missing or stale and the others do not have all that
   * these had, "rebuilding" while some do not have everything, "healthy" otherwise.
   */
  private static String state(ArrayStatus status) {
    boolean rebuilding = status.drives().stream().anyMatch(drive -> drive.rebuild() != null);
    return status.degraded() ? "degraded" : rebuilding ? "rebuilding" : "healthy";
  }

  static Table driveTable(ArrayStatus status) {
    Table drives = new Table("DRIVE", "STATE", "SIZE", "USED", "JOURNAL", "ERRORS", "PATH");
    for (DriveInfo drive : status.drives()) {
      boolean there = there(drive);
      boolean known = known(drive);
      drives.row(
          drive.index(),
          stateText(drive),
          known ? ByteSize.brief(drive.sizeBytes()) : "-",
          there && drive.usedBytes() >= 0 ? ByteSize.brief(drive.usedBytes()) : "-",
          there ? ByteSize.brief(drive.journalBytes()) : "-",
          there ? drive.checksumErrors() + drive.mediaErrors() : "-",
          known ? drive.path() : "-");
    }
    return drives;
  }

  /** A sentence for each drive that has failed since the array was started. */
  private static String failuresText(ArrayStatus status) {
    StringBuilder text = new StringBuilder();
    for (DriveInfo drive : status.drives()) {
      if (drive.failure() != null) {
        text.append("drive %d %s%n".formatted(drive.index(), drive.failure()));
      }
    }
    return text.toString();
  }

  static String statusText(ArrayStatus status, ScrubInfo scrub) {
    return "array %s, %s, protection %d+%d, %d drives%n%n%s%s%n%s%n%s%s"
        .formatted(
            status.uuid(),
            state(status),
            status.dataMembers(),
            status.parityMembers(),
            status.driveCount(),
            driveTable(status),
            failuresText(status),
            volumeTable(status.volumes()),
            scrub.text(),
            recoveryText(status));
  }
}
