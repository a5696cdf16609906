package dev.tuff.bench;

import dev.tuff.bench.Comparison.Side;
import dev.tuff.xor.Kernel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Measures parity arithmetic on one core: ISA-L's kernels through Java, the plain-Java twin, and
 * the same ISA-L calls from C.
 */
public final class ParityBench {
  private static final int LARGE_BUFFER = 64 << 10;
  private static final double LARGE_GOAL = 0.97;
  private static final double SMALL_GOAL = 0.85;

  /**
   * All stripes of a load together: fits a core's second-level cache, where the data path finds its
   * buffers.
   */
  private static final int WORKING_SET_BYTES = 384 << 10;

  private static final int MEMBERS = 6;

  /**
   * What to measure.
   *
   * @param bufferBytes lengths of the buffers, multiples of 64, 64 bytes to 1 MiB
   * @param seconds of every stretch
   * @param repeats stretches per side, at least 1
   * @param withScalar whether the plain-Java twin is measured beside
   * @param againstC whether the C program is compiled and measured in turn
   */
  public record Options(
      List<Integer> bufferBytes,
      double seconds,
      int repeats,
      boolean withScalar,
      boolean againstC) {
    public Options {
      bufferBytes = bufferBytes.isEmpty() ? List.of(LARGE_BUFFER, 4096) : List.copyOf(bufferBytes);
      for (int bytes : bufferBytes) {
        if (bytes < 64 || bytes > 1 << 20 || bytes % 64 != 0) {
          throw new BenchException(
              "A buffer of " + bytes + " bytes was asked for; give a multiple of 64 up to 1 MiB.");
        }
      }
      if (!(seconds > 0) || repeats < 1) {
        throw new BenchException(
            "Seconds and repeats are "
                + seconds
                + " and "
                + repeats
                + "; give more than 0 of each.");
      }
    }

    /** 64 KiB and 4 KiB, five repeats of half a second, the twin beside. */
    public static Options defaults() {
      return new Options(List.of(), 0.5, 5, true, false);
    }

    /** The same in under a second, for tests and a first look: not for figures that count. */
    public Options quick() {
      return new Options(bufferBytes, 0.01, 2, withScalar, againstC);
    }
  }

  private ParityBench() {}

  /**
   * Measures on the calling thread.
   *
   * @throws BenchException where it cannot be done as asked: no compiler, no headers
   */
  public static BenchReport run(Options options, BenchProgress progress) {
    Kernel isal = Kernel.isal();
    if (!options.againstC) {
      return run(options, isal, null, progress);
    }
    try (ParityPeer peer = ParityPeer.compile()) {
      return run(options, isal, peer, progress);
    }
  }

  private static BenchReport run(
      Options options, Kernel isal, ParityPeer peer, BenchProgress progress) {
    int sides = 1 + (options.withScalar ? 1 : 0) + (peer == null ? 0 : 1);
    int steps =
        ParityLoad.Work.values().length * options.bufferBytes.size() * sides * options.repeats;
    int[] step = {0};
    List<Comparison> comparisons = new ArrayList<>();
    for (int bytes : options.bufferBytes) {
      int stripes = Math.max(1, WORKING_SET_BYTES / (MEMBERS * bytes));
      for (ParityLoad.Work work : ParityLoad.Work.values()) {
        String name = work.label + ", " + Workload.size(bytes);
        List<Side> all = new ArrayList<>();
        all.add(new Side("tuff", new ParityLoad(isal, work, bytes, stripes)::run));
        if (peer != null) {
          all.add(new Side("C", seconds -> peer(peer, work, bytes, stripes, seconds)));
        }
        // CRC32C has one implementation only, chosen at start.
        if (options.withScalar && work != ParityLoad.Work.CRC) {
          all.add(
              new Side("plain Java", new ParityLoad(Kernel.scalar(), work, bytes, stripes)::run));
        }
        Comparison comparison =
            Comparison.alternate(
                name,
                all,
                options.repeats,
                options.seconds,
                options.seconds,
                () -> progress.onStep(name, step[0]++, steps));
        if (peer != null) {
          Goal goal =
              work == ParityLoad.Work.CRC
                  ? null
                  : Goal.atLeast(bytes >= LARGE_BUFFER ? LARGE_GOAL : SMALL_GOAL);
          comparison =
              comparison
                  .withRatio("bytes per CPU second / C", 0, 1, ParityBench::bytesPerCpuSecond, goal)
                  .withRatio("throughput / C", 0, 1, Measurement::bytesPerSecond, null);
        }
        if (all.getLast().name().equals("plain Java")) {
          comparison =
              comparison.withRatio(
                  "bytes per CPU second / plain Java",
                  0,
                  all.size() - 1,
                  ParityBench::bytesPerCpuSecond,
                  null);
        }
        comparisons.add(comparison);
      }
    }
    progress.onStep("done", steps, steps);
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kernel", isal.name());
    settings.put("seconds", String.valueOf(options.seconds));
    settings.put("repeats", String.valueOf(options.repeats));
    settings.put("threads", "1");
    return new BenchReport(
        "Parity arithmetic" + (peer == null ? "" : " against C"),
        Environment.of(null, settings),
        comparisons,
        List.of(
            "MB/s of source data; buffers stay in the core's cache ("
                + Workload.size(WORKING_SET_BYTES)
                + " of stripes, gone round).",
            "Judged by the thread's CPU time, which others on the machine do not take away.",
            "C: the same ISA-L calls, gcc -O2, alternating with ours as processes of their own."));
  }

  private static double bytesPerCpuSecond(Measurement m) {
    return m.bytes() / m.cpuSeconds();
  }

  private static Measurement peer(
      ParityPeer peer, ParityLoad.Work work, int bytes, int stripes, double seconds) {
    ParityPeer.Answer answer =
        peer.run(work.name().toLowerCase(Locale.ROOT), bytes, stripes, seconds);
    long operations = Math.round(answer.bytesPerSecond() * seconds / bytes / work.dataBuffers);
    return new Measurement(
        seconds,
        operations,
        operations * bytes * work.dataBuffers,
        Latency.UNKNOWN,
        answer.bytesPerSecond() * seconds / answer.bytesPerCpuSecond(),
        0,
        0,
        0,
        0,
        -1,
        -1);
  }
}
