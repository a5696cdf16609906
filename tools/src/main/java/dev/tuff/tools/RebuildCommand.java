package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.array.RebuildInfo;
import dev.tuff.iom.array.RebuildPolicy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tuff rebuild}. */
@Command(
    name = "rebuild",
    description = {
      "Rebuild the drives that have taken others' places, and what drives take over of one that is",
      "missing, to the end.",
      "A rebuild goes on by itself whenever something has the array open for writing, and where it",
      "was after a stop or a crash; this command only stays until it is over.",
      "With service first, the default of tuff serve, what is written meanwhile is as well protected",
      "as while the drive was missing, until the rebuild comes to it; with the other policies what a",
      "write belongs to is rebuilt before it.",
      "Exit code 0 when everything is there, 1 when blocks could not be made."
    })
final class RebuildCommand implements Callable<Integer> {
  private static final long TICK_MILLIS = 50;

  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Option(
      names = "--policy",
      paramLabel = "POLICY",
      description =
          "Who goes first from now on when clients want something, too: service, balanced or rebuild"
              + " (default: as it is).")
  private RebuildPolicy policy;

  @Override
  public Integer call() {
    Map<String, Object> asked = policy == null ? Map.of() : Map.of("policy", policy.name());
    if (array.askService("rebuild-policy", asked) != null) {
      awaitService(array);
      output.print(Map.of(), () -> "There is nothing to rebuild any more.\n");
      return 0;
    }
    List<RebuildInfo> rebuilds;
    long lost;
    boolean any;
    try (Array assembled = array.assemble()) {
      any = assembled.anythingToRebuild();
      assembled.setRebuildPolicy(policy == null ? RebuildPolicy.REBUILD : policy);
      lost = finish(assembled);
      rebuilds = assembled.rebuilds();
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("rebuilt", rebuilds.stream().map(RebuildInfo::drive).toList());
    result.put("keptBytes", kept(rebuilds));
    result.put("rebuiltBytes", rebuilt(rebuilds));
    result.put("lostBlocks", lost);
    output.print(
        result,
        () ->
            any
                ? "rebuilt, %s%n".formatted(end(rebuilds, lost))
                : "There is nothing to rebuild.\n");
    return lost == 0 ? 0 : 1;
  }

  /** Waits until every drive has everything; returns how many blocks could not be made. */
  static long finish(Array array) {
    try (Progress progress = Progress.of("rebuild", total(array))) {
      long before = 0;
      while (array.anythingToRebuild()) {
        ArrayException failure = array.failure();
        if (failure != null) {
          throw failure;
        }
        long done = done(array);
        progress.advance(Math.max(0, done - before));
        before = Math.max(done, before);
        pause();
      }
    }
    return array.rebuilds().stream().mapToLong(RebuildInfo::lostBlocks).sum();
  }

  /** Waits until a running service has nothing to rebuild any more. */
  static void awaitService(ArrayOptions array) {
    try (Progress progress = Progress.of("rebuild", 1000)) {
      long before = 0;
      while (true) {
        JsonNode status = array.askService("status", Map.of());
        if (status == null) {
          throw new CommandException(
              "the service has ended; the rebuild goes on with its next start");
        }
        double percent = 100;
        for (JsonNode drive : status.get("drives")) {
          if (Results.rebuilding(drive.get("state").asText())) {
            percent = Math.min(percent, drive.path("rebuild").path("percent").asDouble());
          }
        }
        long now = (long) (percent * 10);
        progress.advance(Math.max(0, now - before));
        before = Math.max(now, before);
        if (percent >= 100 && !anyRebuilding(status)) {
          return;
        }
        pause();
      }
    }
  }

  private static boolean anyRebuilding(JsonNode status) {
    for (JsonNode drive : status.get("drives")) {
      if (Results.rebuilding(drive.get("state").asText())) {
        return true;
      }
    }
    return false;
  }

  private static long total(Array array) {
    return array.status().drives().stream()
        .filter(drive -> drive.rebuild() != null)
        .mapToLong(drive -> drive.rebuild().totalBytes())
        .sum();
  }

  private static long done(Array array) {
    return array.rebuilds().stream().mapToLong(r -> r.totalBytes() - r.leftBytes()).sum();
  }

  private static void pause() {
    try {
      Thread.sleep(TICK_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException("interrupted; the rebuild goes on with the next command", e);
    }
  }

  /** What was found where it was on drives that have come back, in bytes. */
  static long kept(List<RebuildInfo> rebuilds) {
    return rebuilds.stream().mapToLong(RebuildInfo::keptBytes).sum();
  }

  /** What was written, in bytes. */
  static long rebuilt(List<RebuildInfo> rebuilds) {
    return rebuilds.stream().mapToLong(RebuildInfo::rebuiltBytes).sum();
  }

  /** The end of a sentence about rebuilds that are over. */
  static String end(List<RebuildInfo> rebuilds, long lost) {
    long kept = kept(rebuilds);
    String how =
        kept == 0
            ? ""
            : "%s kept and %s made anew, "
                .formatted(ByteSize.brief(kept), ByteSize.brief(rebuilt(rebuilds)));
    return how + end(lost);
  }

  private static String end(long lost) {
    return lost == 0
        ? "and everything is on it"
        : String.format(
            Locale.ROOT,
            "but for %d blocks that could not be made: more of their groups is lost than the protection makes up for",
            lost);
  }
}
