package dev.tuff.iom.check;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoMemory;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.array.DriveLabel;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.check.CheckReport.DriveReport;
import dev.tuff.iom.check.CheckReport.DriveState;
import dev.tuff.iom.check.CheckReport.Totals;
import dev.tuff.iom.check.JournalWindow.Place;
import dev.tuff.iom.checkpoint.Epoch;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.CnodePage;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageCursor;
import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Checks an array that does not run: labels, journals, metadata pages, bitmaps, every block's
 * checksum and every group's parity. Changes nothing. Needs memory for a bitmap of each drive and a
 * few MiB beside it; only what journals tell after the last checkpoint is kept as a whole.
 */
public final class ArrayCheck {
  private final List<BlockDevice> devices;
  private final IoLoop loop;
  private final IoMemory memory;
  private final CheckProgress progress;
  private final Witness witness;
  private final Arena arena;
  private final Findings findings = new Findings();
  private final List<String> notes = new ArrayList<>();

  private Superblock any;
  private CheckedDrive[] drives;
  private DriveState[] states;
  private String[] paths;

  /** The place whose rows are on stand-ins. */
  private int vacated = Layout.NONE;

  /** It is vacated, and the others have all that it had. */
  private boolean takenOver;

  private final Tally tally = new Tally(findings);

  private ArrayCheck(
      List<BlockDevice> devices,
      IoLoop loop,
      IoMemory memory,
      CheckProgress progress,
      Witness witness,
      Arena arena) {
    this.devices = devices;
    this.loop = loop;
    this.memory = memory;
    this.progress = progress;
    this.witness = witness;
    this.arena = arena;
  }

  /**
   * Checks the array that the drives belong to; any of its drives may be left out. Claims the
   * drives while it runs.
   *
   * @throws ArrayException with one sentence when these drives can't be checked
   * @throws dev.tuff.device.DriveUnusableException likewise; among other things for a drive in use
   */
  public static CheckReport run(List<Path> paths, CheckProgress progress) {
    checkNamed(paths);
    int count = paths.size();
    try (IoMemory memory = IoMemory.open(memoryBytes(count));
        UringLoop loop = UringLoop.open(memory, count, count * DriveReader.QUEUE_DEPTH)) {
      List<BlockDevice> devices = new ArrayList<>();
      try {
        for (Path path : paths) {
          devices.add(UringDevice.open(loop, path, new DeviceOptions(DriveReader.QUEUE_DEPTH)));
        }
        return run(devices, loop, memory, progress, null);
      } finally {
        devices.forEach(BlockDevice::close);
      }
    }
  }

  private static void checkNamed(List<Path> paths) {
    if (paths.isEmpty()) {
      throw new ArrayException("No drive was named; name the drives of an array.");
    }
    Set<Path> seen = new HashSet<>();
    for (Path path : paths) {
      if (!seen.add(path.toAbsolutePath().normalize())) {
        throw new ArrayException(path + " is named twice; name each drive once.");
      }
    }
  }

  /** Memory that a check of so many drives needs for its reads, with what region borders waste. */
  public static long memoryBytes(int drives) {
    long bytes = drives * DriveReader.BYTES;
    return bytes + (bytes / IoMemory.LARGEST_REGION_BYTES) * DriveReader.BYTES;
  }

  /**
   * Checks drives that are open on a loop.
   *
   * @param memory of the loop, with {@link #memoryBytes} left
   * @param witness null: none
   */
  public static CheckReport run(
      List<BlockDevice> devices,
      IoLoop loop,
      IoMemory memory,
      CheckProgress progress,
      Witness witness) {
    try (Arena arena = Arena.ofConfined()) {
      return new ArrayCheck(devices, loop, memory, progress, witness, arena).run();
    }
  }

  private CheckReport run() {
    readLabels();
    for (CheckedDrive drive : drives) {
      if (drive != null) {
        drive.readJournal();
      }
    }
    compareRootCopies();
    long used = 0;
    for (CheckedDrive drive : drives) {
      if (drive != null) {
        drive.countMarked();
        used += drive.markedBlocks();
      }
    }
    progress.begin(used * Drive.BLOCK_BYTES);
    BlockCheck blocks = new BlockCheck(drives, tally, arena, witness, progress);
    for (CheckedObject object : objects()) {
      tally.objects += object.attributes.deleted() ? 0 : 1;
      blocks.check(object);
    }
    for (CheckedDrive drive : drives) {
      if (drive != null) {
        drive.compareBitmap();
      }
    }
    return report();
  }

  // ---- labels

  private record Candidate(BlockDevice device, DriveReader reader, DriveLabel label) {}

  private void readLabels() {
    List<Candidate> candidates = new ArrayList<>();
    MemorySegment blocks =
        arena.allocate(Superblock.LABEL_BLOCKS * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    Map<BlockDevice, List<String>> faults = new HashMap<>();
    for (BlockDevice device : devices) {
      DriveReader reader = new DriveReader(device, loop, memory);
      long there = Math.min(Superblock.LABEL_BLOCKS, reader.blocks());
      blocks.fill((byte) 0);
      reader.read(0, (int) there, blocks);
      DriveLabel label =
          DriveLabel.decode(
              Path.of(device.name()), blocks, reader.blocks() * (long) Drive.BLOCK_BYTES);
      candidates.add(new Candidate(device, reader, label));
      faults.put(device, copyFaults(blocks, reader.blocks()));
    }
    any = anySuperblock(candidates);
    Root newest = Epoch.newest(candidates.stream().map(c -> c.label().root()).toArray(Root[]::new));
    int places = newest == null ? any.drives() : newest.places();
    drives = new CheckedDrive[places];
    states = new DriveState[places];
    paths = new String[places];
    java.util.Arrays.fill(states, DriveState.MISSING);
    place(candidates, false, newest, faults);
    takeVacated(newest == null ? Layout.NONE : newest.vacated());
    // Those that were replaced come last: their places are taken.
    place(candidates, true, newest, faults);
    for (int d = 0; d < drives.length; d++) {
      if (states[d] == DriveState.MISSING && takenOver && d == vacated) {
        notes.add("drive " + d + " is missing, and the others have all that it had");
      } else if (states[d] == DriveState.MISSING) {
        findings.add("drive " + d + " is missing");
      }
    }
  }

  /** As a start does, all drives go by the layout of the newest epoch. */
  private void takeVacated(int place) {
    vacated = place;
    if (witness != null) {
      witness.onVacated(place);
    }
    takenOver = place != Layout.NONE && drives[place] == null;
    for (CheckedDrive drive : drives) {
      if (drive != null) {
        drive.root.takeVacated(place);
        takenOver &= !drive.root.standingIn();
      }
    }
  }

  /** What is wrong with single copies of the superblock, when another one serves. */
  private static List<String> copyFaults(MemorySegment label, long driveBlocks) {
    List<String> faults = new ArrayList<>();
    Superblock first = null;
    for (int copy = 0; copy < 2; copy++) {
      long block = Superblock.FIRST_COPY + copy * Superblock.COPY_DISTANCE_BLOCKS;
      Superblock found =
          Superblock.decode(
                  label.asSlice(block * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES), driveBlocks)
              .superblock();
      if (found == null) {
        faults.add("copy %d of the superblock (block %d) is damaged".formatted(copy, block));
      } else if (first == null) {
        first = found;
      } else if (!found.equals(first)) {
        faults.add("the two copies of the superblock differ");
      }
    }
    return faults;
  }

  private static Superblock anySuperblock(List<Candidate> candidates) {
    Candidate first = null;
    for (Candidate candidate : candidates) {
      DriveLabel label = candidate.label();
      if (label.superblock() == null) {
        if (label.fault() == Superblock.Fault.OTHER_VERSION) {
          throw new ArrayException(label.refusal());
        }
        continue;
      }
      if (first == null) {
        first = candidate;
      }
      Superblock known = first.label().superblock();
      if (!label.superblock().arrayId().equals(known.arrayId())) {
        throw new ArrayException(
            "%s belongs to array %s and %s to array %s; name the drives of one array."
                .formatted(
                    label.path(),
                    label.superblock().arrayId(),
                    first.label().path(),
                    known.arrayId()));
      }
    }
    if (first == null) {
      throw new ArrayException(candidates.getFirst().label().refusal());
    }
    return first.label().superblock();
  }

  private void place(
      List<Candidate> candidates,
      boolean stale,
      Root newest,
      Map<BlockDevice, List<String>> faults) {
    for (Candidate candidate : candidates) {
      Root root = candidate.label().root();
      if ((root != null && Epoch.stale(root, newest)) == stale) {
        place(candidate, newest, faults.get(candidate.device()));
      }
    }
  }

  private void place(Candidate candidate, Root newest, List<String> faults) {
    DriveLabel label = candidate.label();
    Superblock superblock = label.superblock();
    if (superblock == null) {
      // Which drive it is can't be told: it is among the missing ones.
      findings.add(label.refusal());
      return;
    }
    int index = superblock.driveIndex();
    if (index >= drives.length && label.root() != null && Epoch.stale(label.root(), newest)) {
      notes.add(
          "%s was to be added as drive %d, and the array has gone on without it; it was left out"
              .formatted(label.path(), index));
      return;
    }
    if (index < drives.length
        && paths[index] != null
        && label.root() != null
        && Epoch.stale(label.root(), newest)) {
      notes.add(
          "%s was drive %d before another took its place; it was left out"
              .formatted(label.path(), index));
      return;
    }
    if (index >= drives.length || paths[index] != null) {
      throw new ArrayException(
          "%s and %s are both drive %d of the array; one is a copy, leave it out."
              .formatted(label.path(), index < drives.length ? paths[index] : "another", index));
    }
    paths[index] = label.path().toString();
    if (label.root() == null) {
      states[index] = DriveState.UNUSABLE;
      findings.add(
          "drive %d (%s): has no sound root (all copies are damaged); it was left out"
              .formatted(index, label.path()));
      return;
    }
    // One that took part in the newest epoch and does not say so yet was stopped in its recovery.
    if (Epoch.stale(label.root(), newest)) {
      states[index] = DriveState.STALE;
      String stale =
          "drive %d (%s): is stale, its epoch is %d and the array's is %d; it was left out"
              .formatted(index, label.path(), label.root().epoch(), newest.epoch());
      if (takenOver && index == vacated) {
        notes.add(stale + ", and the others have all that it had");
      } else {
        findings.add(stale);
      }
      return;
    }
    states[index] = DriveState.SOUND;
    drives[index] =
        new CheckedDrive(
            label.path().toString(), superblock, label.root(), candidate.reader(), arena, findings);
    faults.forEach(drives[index]::find);
    boolean same =
        superblock.drives() <= drives.length
            && superblock.defaultData() == any.defaultData()
            && superblock.defaultParity() == any.defaultParity();
    if (!same) {
      drives[index].find("its superblock describes another array than that of the others");
    }
  }

  private boolean stoppedCleanly() {
    for (CheckedDrive drive : drives) {
      if (drive != null && !drive.clean()) {
        return false;
      }
    }
    return true;
  }

  /** Both copies of the current root; a power cut may leave one of them behind. */
  private void compareRootCopies() {
    MemorySegment block = arena.allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    for (CheckedDrive drive : drives) {
      for (int copy = 0; drive != null && copy < 2; copy++) {
        drive.reader.read(drive.root.address(copy), 1, block);
        Root found = Root.decode(block, 0, any.arrayId(), drive.index, drive.root.slot());
        if (found != null && found.sequence() == drive.root.sequence()) {
          continue;
        }
        String what =
            "copy %d of the current root (block %d) is %s"
                .formatted(
                    copy,
                    drive.root.address(copy),
                    found == null ? "damaged" : "that of an earlier checkpoint");
        if (stoppedCleanly()) {
          drive.find(what);
        } else {
          notes.add("drive " + drive.index + ": " + what + ", as a power cut may leave it");
        }
      }
    }
  }

  // ---- objects

  private static final class Found {
    final CnodePage[] cnodes;
    final boolean[] created;
    final List<ObjectAttributes> attributes = new ArrayList<>();

    Found(int drives) {
      cnodes = new CnodePage[drives];
      created = new boolean[drives];
    }

    /** Those that most drives have, but for changes that only some know. */
    ObjectAttributes mostCommon() {
      Map<ObjectAttributes, Integer> counts = new HashMap<>();
      ObjectAttributes best = null;
      for (ObjectAttributes one : attributes) {
        int count = counts.merge(one, 1, Integer::sum);
        if (best == null || count > counts.get(best)) {
          best = one;
        }
      }
      for (ObjectAttributes one : attributes) {
        boolean newer = one.sameObject(best) && one.changes() > best.changes();
        best = newer ? one : best;
      }
      return best;
    }

    boolean empty() {
      for (CnodePage cnode : cnodes) {
        if (cnode != null && cnode.tops().values().stream().anyMatch(top -> top.address() != 0)) {
          return false;
        }
      }
      return true;
    }
  }

  /** All objects, by the drives' trees and journals, in the order of their GFIDs. */
  private List<CheckedObject> objects() {
    Map<Long, Found> all = new TreeMap<>();
    for (CheckedDrive drive : drives) {
      if (drive != null) {
        readCnodes(drive, all);
        for (ObjectAttributes attributes : drive.journal.created()) {
          Found found = all.computeIfAbsent(attributes.gfid(), g -> new Found(drives.length));
          found.created[drive.index] = true;
          found.attributes.add(attributes);
        }
      }
    }
    Map<Long, CheckedObject> checked = new TreeMap<>();
    all.forEach(
        (gfid, found) -> {
          ObjectAttributes attributes = found.mostCommon();
          if (attributes.mostDrives() > drives.length) {
            findings.add(
                "volume %s is laid out over %d drives, and the array has %d; it was left out"
                    .formatted(attributes.name(), attributes.mostDrives(), drives.length));
            setAllIncomplete();
            return;
          }
          checked.put(gfid, new CheckedObject(attributes, found.cnodes, found.created, vacated));
        });
    addJournaled(checked);
    checked.forEach((gfid, object) -> compareCnodes(object, all.get(gfid)));
    return List.copyOf(checked.values());
  }

  private void setAllIncomplete() {
    for (CheckedDrive drive : drives) {
      if (drive != null) {
        drive.setIncomplete();
      }
    }
  }

  private void readCnodes(CheckedDrive drive, Map<Long, Found> all) {
    PageCursor tree = drive.cursor(() -> "objects", true);
    tree.open(
        PageFormat.KIND_OBJECTS,
        0,
        PageFormat.OBJECT_LEVELS,
        drive.root.objects().address(),
        drive.root.objects().crc());
    for (long gfid = tree.next(0); gfid >= 0; gfid = tree.next(gfid + 1)) {
      if (tree.seek(gfid) != PageCursor.Found.PAGE || CnodePage.empty(tree.page())) {
        continue;
      }
      CnodePage cnode = CnodePage.decode(tree.page());
      if (cnode == null || cnode.attributes().gfid() != gfid) {
        drive.find("object " + gfid + " has a cnode that makes no sense");
        drive.setIncomplete();
        continue;
      }
      if (gfid >= drive.root.nextGfid()) {
        drive.find(
            "object %d has a cnode, and the root says that the next new one is %d"
                .formatted(gfid, drive.root.nextGfid()));
      }
      Found found = all.computeIfAbsent(gfid, g -> new Found(drives.length));
      found.cnodes[drive.index] = cnode;
      found.attributes.add(cnode.attributes());
    }
  }

  private void addJournaled(Map<Long, CheckedObject> checked) {
    for (CheckedDrive drive : drives) {
      if (drive == null) {
        continue;
      }
      Set<Long> strangers = new HashSet<>();
      for (Place place : drive.journal.places()) {
        CheckedObject object = checked.get(place.gfid());
        if (object == null) {
          strangers.add(place.gfid());
        } else {
          object.journaled.add(place.lblk());
        }
      }
      for (long gfid : strangers) {
        drive.find("the journal has updates of object " + gfid + ", which nothing else tells of");
      }
    }
  }

  private void compareCnodes(CheckedObject object, Found found) {
    // A creation cut short leaves an object that some drives know and nobody has written to.
    boolean unfinished = !stoppedCleanly() && found.empty() && object.journaled.isEmpty();
    for (CheckedDrive drive : drives) {
      if (drive == null) {
        continue;
      }
      CnodePage cnode = object.cnodes[drive.index];
      boolean same =
          cnode == null
              || cnode.attributes().equals(object.attributes)
              // A change that was cut short, or stands in the journal only.
              || (!stoppedCleanly() && cnode.attributes().sameObject(object.attributes));
      if (!same) {
        drive.find(
            "volume %s has other attributes than on most drives"
                .formatted(object.attributes.name()));
      }
      if (object.known(drive.index)) {
        continue;
      }
      if (drive.root.incomplete()) {
        // Its first start was cut short; what it will have is not rebuilt.
        object.created[drive.index] = true;
      } else if (drive.index >= object.attributes.mostDrives()) {
        // It was added later, and its first start was cut short; nothing of this will be on it.
        object.created[drive.index] = true;
      } else if (unfinished) {
        object.created[drive.index] = true;
        notes.add(
            "volume %s was being created when the array stopped; drive %d does not know it"
                .formatted(object.attributes.name(), drive.index));
      } else if (!drive.incomplete()) {
        drive.find("volume %s has no cnode here".formatted(object.attributes.name()));
        drive.setIncomplete();
      }
    }
  }

  // ---- report

  private CheckReport report() {
    List<DriveReport> reports = new ArrayList<>();
    long read = 0;
    long pages = 0;
    for (int d = 0; d < drives.length; d++) {
      CheckedDrive drive = drives[d];
      if (drive == null) {
        reports.add(new DriveReport(d, paths[d], states[d], 0, 0, 0, 0, 0));
        continue;
      }
      read += drive.reader.blocksRead();
      pages += drive.damagedPages();
      reports.add(
          new DriveReport(
              d,
              paths[d],
              state(drive),
              drive.markedBlocks(),
              drive.blocks(),
              drive.journalRecords(),
              drive.journal.openUpdates(),
              drive.damagedBlocks()));
    }
    Totals totals =
        new Totals(
            tally.objects,
            tally.groups,
            read,
            tally.damaged,
            tally.repairable,
            pages,
            tally.made,
            tally.lost,
            tally.openBlocks,
            tally.openParities);
    return new CheckReport(
        any.arrayId(),
        any.defaultData(),
        any.defaultParity(),
        stoppedCleanly(),
        reports,
        totals,
        findings.sentences(),
        findings.count(),
        notes,
        verdict(totals));
  }

  private static DriveState state(CheckedDrive drive) {
    if (!drive.sound()) {
      return DriveState.DAMAGED;
    }
    return drive.root.incomplete() ? DriveState.REBUILDING : DriveState.SOUND;
  }

  private String rebuilding() {
    StringBuilder text = new StringBuilder();
    for (CheckedDrive drive : drives) {
      if (drive != null && drive.root.rebuilding()) {
        text.append("; drive ").append(drive.index).append(" is being rebuilt");
      } else if (drive != null && drive.root.standingIn()) {
        text.append("; drive ")
            .append(drive.index)
            .append(" is taking over its part of drive ")
            .append(vacated);
      }
    }
    return text.toString();
  }

  private String verdict(Totals totals) {
    int absent = 0;
    for (CheckedDrive drive : drives) {
      absent += drive == null ? 1 : 0;
    }
    absent -= takenOver ? 1 : 0;
    if (absent > any.defaultParity()) {
      return "%d drives are not there or of no use, more than the protection %d+%d makes up for: not all data can be read."
          .formatted(absent, any.defaultData(), any.defaultParity());
    }
    if (totals.lostBlocks() > 0) {
      return totals.lostBlocks() + " blocks are lost; everything else can be read.";
    }
    if (findings.count() == 0) {
      String sound =
          stoppedCleanly()
              ? "The array is sound"
              : "The array was not stopped cleanly; all that its maps and journals tell of is there";
      return sound + rebuilding() + ".";
    }
    List<String> parts = new ArrayList<>();
    if (absent > 0) {
      parts.add(absent + (absent == 1 ? " drive is" : " drives are") + " not there or of no use");
    }
    if (totals.damagedBlocks() > 0) {
      parts.add(totals.damagedBlocks() + " blocks are damaged, and their groups make them again");
    }
    if (totals.damagedPages() > 0) {
      parts.add(totals.damagedPages() + " metadata pages are damaged");
    }
    if (tally.wrongParities > 0) {
      parts.add(tally.wrongParities + " parity blocks are not what their members make");
    }
    if (parts.isEmpty()) {
      parts.add("there are faults");
    }
    String text = String.join("; ", parts);
    return Character.toUpperCase(text.charAt(0)) + text.substring(1) + ". No data block is lost.";
  }
}
