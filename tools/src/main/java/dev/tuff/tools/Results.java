package dev.tuff.tools;

import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.DriveInfo;
import dev.tuff.iom.volume.VolumeInfo;
import java.util.LinkedHashMap;
import java.util.List;
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
    return result;
  }

  static Table volumeTable(List<VolumeInfo> volumes) {
    Table table = new Table("VOLUME", "SIZE", "USED", "PROTECTION", "CHUNK", "TOUGHNESS");
    for (VolumeInfo volume : volumes) {
      table.row(
          volume.name(),
          ByteSize.brief(volume.sizeBytes()),
          volume.usedBytes() < 0 ? "-" : ByteSize.brief(volume.usedBytes()),
          volume.dataMembers() + "+" + volume.parityMembers(),
          ByteSize.brief(volume.chunkBytes()),
          volume.toughness().level());
    }
    return table;
  }

  static Map<String, Object> status(ArrayStatus status) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("array", status.uuid().toString());
    result.put("protection", status.dataMembers() + "+" + status.parityMembers());
    result.put("state", state(status));
    result.put("freeBytes", status.freeBytes());
    result.put("drives", status.drives().stream().map(Results::drive).toList());
    result.put("volumes", status.volumes().stream().map(Results::volume).toList());
    return result;
  }

  private static Map<String, Object> drive(DriveInfo drive) {
    Map<String, Object> result = new LinkedHashMap<>();
    boolean there = drive.state().equals("online");
    result.put("index", drive.index());
    result.put("path", there ? drive.path() : null);
    result.put("state", drive.state());
    result.put("sizeBytes", there ? drive.sizeBytes() : null);
    result.put("usedBytes", there && drive.usedBytes() >= 0 ? drive.usedBytes() : null);
    result.put("journalBytes", there ? drive.journalBytes() : null);
    result.put("epoch", there ? drive.epoch() : null);
    result.put("checksumErrors", there ? drive.checksumErrors() : null);
    result.put("mediaErrors", there ? drive.mediaErrors() : null);
    return result;
  }

  /** In one word: "degraded" while drives are missing, "healthy" otherwise. */
  private static String state(ArrayStatus status) {
    return status.degraded() ? "degraded" : "healthy";
  }

  static String statusText(ArrayStatus status) {
    Table drives = new Table("DRIVE", "STATE", "SIZE", "USED", "JOURNAL", "ERRORS", "PATH");
    for (DriveInfo drive : status.drives()) {
      boolean there = drive.state().equals("online");
      drives.row(
          drive.index(),
          drive.state(),
          there ? ByteSize.brief(drive.sizeBytes()) : "-",
          there && drive.usedBytes() >= 0 ? ByteSize.brief(drive.usedBytes()) : "-",
          there ? ByteSize.brief(drive.journalBytes()) : "-",
          there ? drive.checksumErrors() + drive.mediaErrors() : "-",
          there ? drive.path() : "-");
    }
    return "array %s, %s, protection %d+%d, %d drives%n%n%s%n%s"
        .formatted(
            status.uuid(),
            state(status),
            status.dataMembers(),
            status.parityMembers(),
            status.driveCount(),
            drives,
            volumeTable(status.volumes()));
  }
}
