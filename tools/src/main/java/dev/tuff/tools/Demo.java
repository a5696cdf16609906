package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.DeviceCountersSnapshot;
import dev.tuff.iom.array.FormatOptions;
import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.UUID;

/**
 * The appliance from drives to volume on real input, and the proof that nothing was lost: every
 * drive withheld in turn, random overwrites against a shadow copy, stop and start, a process killed
 * in mid-write. {@link #run} reads as the demo goes.
 */
final class Demo {
  private static final int DRIVES = 6;
  private static final int MEMBERS = 5;
  private static final int DATA = 4;
  private static final int PARITY = 1;
  private static final int REPEATS = 3;
  static final String VOLUME = "demo";
  private static final long MIB = 1 << 20;

  private final Path file;
  private final long bytes;
  private final Path folder;
  private final long seed;
  private final PrintWriter steps;
  private final DemoReport report = new DemoReport();
  private final DemoDrives drives;
  private final List<Path> members;
  private final DemoCrash crash;
  private long stepBegan;

  /**
   * @param file readable and not empty
   * @param folder where everything is made
   * @param steps hears of each step when it is done
   */
  Demo(Path file, Path folder, long seed, PrintWriter steps) throws IOException {
    this.file = file;
    this.bytes = Files.size(file);
    this.folder = folder.toAbsolutePath().normalize();
    this.seed = seed;
    this.steps = steps;
    this.drives = DemoDrives.plan(this.folder, DRIVES, bytes);
    this.members = drives.paths().subList(0, MEMBERS);
    this.crash = new DemoCrash(this.folder, members, seed);
  }

  DemoReport run() throws IOException {
    requireSpace();
    Files.createDirectories(folder);
    stepBegan = System.nanoTime();
    try (FileChannel shadow =
        FileChannel.open(
            folder.resolve("shadow.bin"),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      makeDrives();
      String original = copyToShadow(shadow);
      double rawWrite = measureRawWrite();
      double rawRead = measureRawRead();
      format();
      store(rawWrite, rawRead, original);
      addGets(
          "degraded get, each drive withheld", withholdEachDrive("the file", original), rawRead);
      overwrite(shadow);
      String overwritten = Overwrites.sha256(shadow, bytes);
      stopAndStart("the overwritten file, after stop and start", overwritten);
      withholdEachDrive("the overwritten file", overwritten);
      crash(overwritten);
      readRandomly(shadow);
      new DemoFailures(this, members, drives.paths().get(MEMBERS), shadow, bytes, seed).happen();
    }
    Files.delete(folder.resolve("shadow.bin"));
    report.writeCharts(throughputChart(), latencyChart());
    report.fact("peak memory", peakMemory());
    return report;
  }

  Path throughputChart() {
    return folder.resolve("throughput.png");
  }

  Path latencyChart() {
    return folder.resolve("latency.png");
  }

  private String peakMemory() throws IOException {
    return "%s, and %s together with the process that was killed"
        .formatted(
            ByteSize.brief(DemoCrash.memory("VmHWM", ProcessHandle.current().pid())),
            ByteSize.brief(crash.togetherPeakBytes()));
  }

  private void requireSpace() throws IOException {
    Path existing = folder;
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    long needed = drives.missingBytes() + bytes + 64 * MIB;
    long free = Files.getFileStore(existing).getUsableSpace();
    if (free < needed) {
      throw new CommandException(
          "the demo needs %s in %s, and %s is free; free some space or give another folder with --dir"
              .formatted(ByteSize.brief(needed), folder, ByteSize.brief(free)));
    }
  }

  private void makeDrives() throws IOException {
    try (Progress progress = Progress.of("drives", DRIVES * drives.bytesEach())) {
      drives.make(progress);
    }
    report.fact("file", file + ", " + bytes + " bytes");
    report.fact(
        "drives",
        DRIVES + " image files of " + ByteSize.brief(drives.bytesEach()) + " in " + folder);
    report.fact("random seed", seed);
    step(
        "%d drives of %s are there, allocated and written"
            .formatted(DRIVES, ByteSize.brief(drives.bytesEach())));
  }

  /** Returns the file's SHA-256. */
  private String copyToShadow(FileChannel shadow) throws IOException {
    try (FileChannel in = FileChannel.open(file)) {
      for (long at = 0; at < bytes; ) {
        long copied = in.transferTo(at, bytes - at, shadow);
        if (copied <= 0) {
          throw new CommandException(
              file + " became shorter while it was read; try again when nothing writes to it");
        }
        at += copied;
      }
    }
    String sha256 = Overwrites.sha256(shadow, bytes);
    step("took a shadow copy of %s, SHA-256 %s".formatted(file, sha256));
    return sha256;
  }

  /** As many bytes on each drive as the file's data and parity will take, at least 64 MiB. */
  private long rawBytesEach() {
    long share = (bytes / DATA + MIB - 1) / MIB * MIB;
    return Math.min(Math.max(share, 64 * MIB), drives.bytesEach());
  }

  private double measureRawWrite() {
    return measureRaw("raw drives, 1 MiB sequential write", true);
  }

  private double measureRawRead() {
    return measureRaw("raw drives, 1 MiB sequential read", false);
  }

  /** Bytes per second of all five drives together, the median of {@link #REPEATS}. */
  private double measureRaw(String work, boolean writing) {
    long all = rawBytesEach() * MEMBERS;
    double[] seconds = new double[REPEATS];
    try (RawDrives raw = new RawDrives(members);
        Progress progress = Progress.of(writing ? "raw write" : "raw read", all * REPEATS)) {
      for (int i = 0; i < REPEATS; i++) {
        seconds[i] =
            writing ? raw.write(rawBytesEach(), progress) : raw.read(rawBytesEach(), progress);
      }
    }
    Arrays.sort(seconds);
    double rate = all / seconds[REPEATS / 2];
    report.add(DemoReport.Figure.of(work, all, seconds[REPEATS / 2]));
    step("%s: %.0f MB/s".formatted(work, rate / 1e6));
    return rate;
  }

  private void format() throws IOException {
    UUID uuid = Array.format(members, new FormatOptions(DATA, PARITY, 0, true));
    new ArrayFile(uuid, members).write(folder.resolve("tuff.toml"));
    try (Array array = Array.assemble(members, AssembleOptions.defaults())) {
      array.createVolume(VolumeSpec.of(VOLUME, (bytes + MIB - 1) / MIB * MIB));
    }
    report.fact("array", uuid + ", protection " + DATA + "+" + PARITY + ", one drive kept aside");
    step(
        "formatted %d of them as %d+%d and created volume %s"
            .formatted(MEMBERS, DATA, PARITY, VOLUME));
  }

  private void store(double rawWrite, double rawRead, String sha256) throws IOException {
    try (Array array = Array.assemble(members, AssembleOptions.defaults());
        FileChannel in = FileChannel.open(file)) {
      Volume volume = array.volume(VOLUME);
      DeviceCountersSnapshot before = array.counters();
      List<Transfer> puts = new ArrayList<>();
      try (Progress progress = Progress.of("put", bytes * REPEATS)) {
        for (int i = 0; i < REPEATS; i++) {
          Transfer put = Transfer.plain(array, volume, progress);
          put.put(in, bytes, Toughness.HARDENED);
          puts.add(put);
        }
      }
      double written = writtenPerByte(before, array.counters(), bytes * REPEATS);
      Transfer median = median(puts);
      double rate = bytes / median.seconds();
      report.add(
          DemoReport.Figure.of("put, 1 MiB writes, toughness 2", bytes, median.seconds())
              .withOperations(median.latencies(), median.seconds())
              .withRaw(rate / rawWrite)
              .withWritten(written));
      step(
          "stored the file %d times at toughness 2: %.0f MB/s (the raw drives' rate x %d/%d is %.0f)"
              .formatted(
                  REPEATS,
                  rate / 1e6,
                  DATA,
                  DATA + PARITY,
                  rawWrite * DATA / (DATA + PARITY) / 1e6));
      readBack(array, "the file, read back", sha256);
      List<Transfer> gets = new ArrayList<>();
      for (int i = 0; i < REPEATS; i++) {
        gets.add(read(array));
      }
      addGets("get, 1 MiB reads", gets, rawRead);
    }
  }

  private void addGets(String work, List<Transfer> gets, double rawRead) {
    Transfer median = median(gets);
    report.add(
        DemoReport.Figure.of(work, bytes, median.seconds())
            .withOperations(median.latencies(), median.seconds())
            .withRaw(bytes / median.seconds() / rawRead));
  }

  private static Transfer median(List<Transfer> transfers) {
    return transfers.stream()
        .sorted(Comparator.comparingDouble(Transfer::seconds))
        .toList()
        .get(transfers.size() / 2);
  }

  /** Reads the file's bytes from the volume without looking at them, for figures. */
  private Transfer read(Array array) throws IOException {
    try (Progress progress = Progress.of("get", bytes)) {
      Transfer get = Transfer.plain(array, array.volume(VOLUME), progress);
      get.get(null, bytes);
      return get;
    }
  }

  /** Reads the file's bytes from the volume and compares them. */
  void readBack(Array array, String what, String sha256) throws IOException {
    Transfer get;
    try (Progress progress = Progress.of("get", bytes)) {
      get = Transfer.hashed(array, array.volume(VOLUME), progress);
      get.get(null, bytes);
    }
    boolean same = get.sha256Hex().equals(sha256);
    compared(what, same, same ? "SHA-256" : "SHA-256 is another; it had to be " + sha256);
  }

  private void stopAndStart(String what, String sha256) throws IOException {
    try (Array array = Array.assemble(members, AssembleOptions.defaults())) {
      readBack(array, what, sha256);
    }
  }

  private void crash(String sha256) throws IOException {
    crash.happen();
    step(
        "a process of its own wrote another volume, and was killed after %d writes"
            .formatted(crash.writes()));
    try (Array array = Array.assemble(members, AssembleOptions.defaults())) {
      ArrayStatus status = array.status();
      if (!status.recovery().needed()) {
        throw new CommandException("the killed process left an array that was stopped cleanly");
      }
      step("the array was not stopped cleanly; " + StartNotes.recovered(status));
      String wrong = crash.wrong(array);
      compared(
          "%d blocks acknowledged before the kill".formatted(crash.promisedBlocks()),
          wrong == null,
          wrong == null ? StartNotes.recovered(status) : wrong);
      readBack(array, "the overwritten file, after the kill", sha256);
    }
    crash.deleteFiles();
  }

  private List<Transfer> withholdEachDrive(String what, String sha256) throws IOException {
    List<Transfer> gets = new ArrayList<>();
    for (int withheld = 0; withheld < MEMBERS; withheld++) {
      try (Array array = assembleWithout(withheld)) {
        readBack(array, what + ", without drive " + withheld, sha256);
        gets.add(read(array));
      }
    }
    return gets;
  }

  private Array assembleWithout(int withheld) {
    List<Path> present = new ArrayList<>(members);
    present.remove(withheld);
    AssembleOptions options = AssembleOptions.defaults();
    return Array.assemble(present, new AssembleOptions(options.shards(), true, options.pinned()));
  }

  private void overwrite(FileChannel shadow) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    try (Array array = Array.assemble(members, AssembleOptions.defaults())) {
      Volume volume = array.volume(VOLUME);
      Overwrites mixed = new Overwrites(array, volume, shadow, bytes, random.split(), 16);
      DeviceCountersSnapshot before = array.counters();
      mixed.run(Overwrites.MIXED, 6000, 12, 20);
      report.add(
          DemoReport.Figure.of(
                  "random overwrites, 1 B to 256 KiB, toughness 2, depth 16",
                  mixed.writtenBytes(),
                  mixed.seconds())
              .withOperations(mixed.writeLatencies(), mixed.seconds())
              .withWritten(writtenPerByte(before, array.counters(), mixed.writtenBytes())));
      compared(
          mixed.readLatencies().getTotalCount()
              + " reads among random overwrites of any size and alignment",
          mixed.mismatch() == null,
          mixed.mismatch() == null ? "byte for byte" : "first at " + mixed.mismatch());
      step(
          "overwrote %d random ranges, %s"
              .formatted(
                  mixed.writeLatencies().getTotalCount(), ByteSize.brief(mixed.writtenBytes())));
      if (bytes >= 4096) {
        overwriteBlocks(array, volume, shadow, random.split());
      }
      readBack(array, "the overwritten file, read back", Overwrites.sha256(shadow, bytes));
    }
  }

  private void overwriteBlocks(
      Array array, Volume volume, FileChannel shadow, SplittableRandom random) throws IOException {
    Overwrites blocks = new Overwrites(array, volume, shadow, bytes, random, 64);
    DeviceCountersSnapshot before = array.counters();
    blocks.run(Overwrites.BLOCKS, 100_000, 6, 0);
    report.add(
        DemoReport.Figure.of(
                "random 4 KiB overwrites, toughness 2, depth 64",
                blocks.writtenBytes(),
                blocks.seconds())
            .withOperations(blocks.writeLatencies(), blocks.seconds())
            .withWritten(writtenPerByte(before, array.counters(), blocks.writtenBytes())));
    step("overwrote %d random blocks of 4 KiB".formatted(blocks.writeLatencies().getTotalCount()));
  }

  private void readRandomly(FileChannel shadow) throws IOException {
    if (bytes < 4096) {
      return;
    }
    try (Array array = Array.assemble(members, AssembleOptions.defaults())) {
      readRandomly(array, shadow, "random 4 KiB reads, depth 32");
    }
    try (Array array = assembleWithout(0)) {
      readRandomly(array, shadow, "degraded random 4 KiB reads, depth 32");
    }
  }

  private void readRandomly(Array array, FileChannel shadow, String work) throws IOException {
    Overwrites reads =
        new Overwrites(array, array.volume(VOLUME), shadow, bytes, new SplittableRandom(seed), 32);
    reads.run(Overwrites.BLOCKS, 200_000, 3, 100);
    long count = reads.readLatencies().getTotalCount();
    report.add(
        DemoReport.Figure.of(work, count * 4096, reads.seconds())
            .withOperations(reads.readLatencies(), reads.seconds()));
    compared(
        count + " " + work.replace(", depth 32", ""),
        reads.mismatch() == null,
        reads.mismatch() == null ? "byte for byte" : "first at " + reads.mismatch());
  }

  private static double writtenPerByte(
      DeviceCountersSnapshot before, DeviceCountersSnapshot after, long bytes) {
    return (double) (after.writtenBytes() - before.writtenBytes()) / bytes;
  }

  void compared(String what, boolean same, String detail) {
    report.add(new DemoReport.Comparison(what, same, detail));
    step("%s: %s".formatted(what, same ? "the same" : "DIFFERENT (" + detail + ")"));
  }

  private void step(String done) {
    long now = System.nanoTime();
    steps.printf(Locale.ROOT, "%6.1f s  %s%n", (now - stepBegan) / 1e9, done);
    steps.flush();
    stepBegan = now;
  }
}
