package dev.tuff.tools;

import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.DriveInfo;
import dev.tuff.iom.recovery.RecoveryReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a user has to know about an array's start, whatever command it was started for. */
final class StartNotes {
  private StartNotes() {}

  /** A sentence each; none when the array was stopped cleanly and no drive is stale. */
  static List<String> of(ArrayStatus status) {
    List<String> notes = new ArrayList<>();
    RecoveryReport recovery = status.recovery();
    if (recovery.needed()) {
      notes.add("the array was not stopped cleanly; " + recovered(status));
    }
    if (recovery.lostGroups() > 0) {
      notes.add(
          "warning: "
              + count(recovery.lostGroups(), "group has", "groups have")
              + " lost more than their protection makes up for; their lost blocks can't be read");
    }
    for (DriveInfo drive : status.drives()) {
      if (drive.rebuild() != null) {
        notes.add(
            String.format(
                Locale.ROOT,
                drive.state().equals("taking over")
                    ? "drive %d takes over its part of what a missing drive had: %.1f%% done"
                    : "drive %d is being rebuilt: %.1f%% done",
                drive.index(),
                drive.rebuild().percent()));
      }
      if (drive.state().equals("taken over")) {
        notes.add(
            "the others have all that drive %d had; give its place to a drive with 'tuff drive replace %d PATH'"
                .formatted(drive.index(), drive.index()));
      }
      if (drive.state().equals("stale")) {
        notes.add(
            "warning: drive "
                + drive.path()
                + " is stale: it missed what was decided at epoch "
                + recovery.epoch()
                + "; give its place to it or another drive with 'tuff drive replace "
                + drive.index()
                + " PATH'");
      }
    }
    return notes;
  }

  /** Like "recovered in 0.12 s: 17 journal entries, 3 groups settled, ...". */
  static String recovered(ArrayStatus status) {
    RecoveryReport recovery = status.recovery();
    return String.format(Locale.ROOT, "recovered in %.2f s: ", status.recoveryNanos() / 1e9)
        + count(recovery.entries(), "journal entry", "journal entries")
        + ", "
        + count(recovery.groups(), "group", "groups")
        + " settled, "
        + count(recovery.blocksBack(), "block", "blocks")
        + " rolled back, "
        + count(recovery.paritiesRemade(), "parity", "parities")
        + " made again";
  }

  private static String count(long count, String one, String many) {
    return count + " " + (count == 1 ? one : many);
  }
}
