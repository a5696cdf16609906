package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayScrub;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.RebuildPolicy;
import dev.tuff.iom.array.Replacement;
import dev.tuff.iom.array.ScrubReport;
import dev.tuff.iom.check.ArrayCheck;
import dev.tuff.iom.check.CheckProgress;
import dev.tuff.iom.check.CheckReport;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The demo's bad days: a drive fails under load, the spare takes its place and is rebuilt under
 * load, the array is scrubbed and checked, and another drive fails.
 */
final class DemoFailures {
  private static final int FAILING = 2;
  private static final int FAILING_NEXT = 0;
  private static final int LOAD_OPERATIONS = 3000;
  private static final double LOAD_SECONDS = 3;

  private final Demo demo;
  private final List<Path> members;
  private final Path spare;
  private final FileChannel shadow;
  private final long bytes;
  private final SplittableRandom random;

  /**
   * For an array that is stopped.
   *
   * @param spare a drive that is no member
   * @param shadow what the volume must hold, kept so by the load
   */
  DemoFailures(
      Demo demo, List<Path> members, Path spare, FileChannel shadow, long bytes, long seed) {
    this.demo = demo;
    this.members = new ArrayList<>(members);
    this.spare = spare;
    this.shadow = shadow;
    this.bytes = bytes;
    this.random = new SplittableRandom(seed);
  }

  void happen() throws IOException {
    failRebuildScrub();
    check();
    failAnother();
  }

  private void failRebuildScrub() throws IOException {
    // What is on it is from before the array was formatted: the demo's own raw writes.
    AssembleOptions options =
        AssembleOptions.service(List.of(), AssembleOptions.DriveListener.NONE);
    try (Array array = Array.assemble(members, options)) {
      loadAndFail(array, FAILING);
      demo.readBack(array, "the file without the failed drive", sha256());
      array.setRebuildPolicy(RebuildPolicy.BALANCED);
      array.replaceInService(new Replacement(FAILING, spare, false, true, false));
      members.set(FAILING, spare);
      long reads = 0;
      boolean same = true;
      while (array.anythingToRebuild()) {
        Overwrites load = load(array, 200, 0.2);
        reads += load.readLatencies().getTotalCount();
        same &= load.mismatch() == null;
      }
      demo.compared(
          reads + " reads among overwrites while the spare was rebuilt in its place",
          same,
          "byte for byte");
      ScrubReport scrubbed =
          new ArrayScrub(
                  array,
                  0,
                  true,
                  ArrayScrub.forDrives(members.size(), List.of()),
                  (read, drives) -> {})
              .run();
      demo.compared(
          "scrub of %d blocks".formatted(scrubbed.blocks()),
          scrubbed.damaged() + scrubbed.unconfirmed() == 0,
          "%d damaged".formatted(scrubbed.damaged() + scrubbed.unconfirmed()));
    }
  }

  private void check() {
    CheckReport report = ArrayCheck.run(members, CheckProgress.none());
    demo.compared(
        "check of everything on the drives",
        report.sound(),
        report.sound() ? "sound" : report.findings().getFirst());
  }

  private void failAnother() throws IOException {
    try (Array array = Array.assemble(members, AssembleOptions.defaults())) {
      loadAndFail(array, FAILING_NEXT);
      demo.readBack(array, "the file after another drive has failed", sha256());
    }
  }

  /** Random overwrites with reads that are compared; a drive fails in their middle. */
  private void loadAndFail(Array array, int drive) throws IOException {
    CompletableFuture<Void> failing =
        CompletableFuture.runAsync(
            () -> array.failDrive(drive),
            CompletableFuture.delayedExecutor(500, TimeUnit.MILLISECONDS));
    Overwrites load = load(array, LOAD_OPERATIONS, LOAD_SECONDS);
    failing.join();
    demo.compared(
        "%d reads among overwrites while drive %d failed"
            .formatted(load.readLatencies().getTotalCount(), drive),
        load.mismatch() == null,
        load.mismatch() == null ? "byte for byte" : "first at " + load.mismatch());
  }

  private Overwrites load(Array array, int operations, double seconds) throws IOException {
    Overwrites load =
        new Overwrites(array, array.volume(Demo.VOLUME), shadow, bytes, random.split(), 16);
    load.run(Overwrites.MIXED, operations, seconds, 30);
    return load;
  }

  private String sha256() throws IOException {
    return Overwrites.sha256(shadow, bytes);
  }
}
