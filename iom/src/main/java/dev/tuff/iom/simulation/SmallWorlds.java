package dev.tuff.iom.simulation;

import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.array.IomMemory;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.simulation.SimulatedClient.Zeroing;
import dev.tuff.iom.volume.Toughness;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Every short workload on a fresh tiny array, with the power cut at every event of it, each time
 * with each one drive lost or none, and with nothing, everything or some of what was not hardened
 * left. Each such world is started, read and checked.
 */
public final class SmallWorlds {
  /** Every workload. */
  public static final int ALL = 1;

  private static final long SEED = 20_24;

  /** How much is left of what was not hardened. */
  private static final int[] LEFT_PERCENT = {0, 50, 100};

  /** One row of 2+1 on three drives, of one block a chunk, and some room beside it. */
  private static final Shape SHAPE =
      new Shape(
          3,
          2,
          1,
          Drive.BLOCK_BYTES,
          1,
          800,
          264,
          4 * Drive.BLOCK_BYTES,
          3,
          2 * Drive.BLOCK_BYTES,
          new IomMemory(40, Allocator.pagesFor(280) + 1, 8, 24, 2, 5),
          1);

  /** What a client may ask for. */
  private enum Operation {
    WRITE_A(0, Drive.BLOCK_BYTES),
    WRITE_B(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES),
    WRITE_PART_OF_A(1000, 600),
    WRITE_ROW(0, 2 * Drive.BLOCK_BYTES),
    DISCARD_A(0, Drive.BLOCK_BYTES),
    DISCARD_ROW(0, 2 * Drive.BLOCK_BYTES),
    FLUSH(0, 0);

    final int offset;
    final int bytes;

    Operation(int offset, int bytes) {
      this.offset = offset;
      this.bytes = bytes;
    }
  }

  private record Step(Operation operation, Toughness toughness) {
    @Override
    public String toString() {
      return operation == Operation.FLUSH ? "FLUSH" : operation + " at " + toughness.level();
    }
  }

  /**
   * What came of it.
   *
   * @param workloads sequences of requests
   * @param worlds arrays started after a power cut
   * @param failure what does not hold in the first world that fails, or null
   */
  public record Report(int workloads, long worlds, String failure, double seconds) {}

  private final List<List<Step>> workloads;
  private final AtomicInteger next = new AtomicInteger();
  private long worlds;
  private int done;
  private String failure;

  private SmallWorlds(List<List<Step>> workloads) {
    this.workloads = workloads;
  }

  /**
   * Runs the worlds of every workload of one and two requests and of three; of the longer ones only
   * each {@code oneIn}-th.
   */
  public static Report run(int oneIn, int threads) {
    final long begun = System.nanoTime();
    SmallWorlds all = new SmallWorlds(workloads(oneIn));
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> ends = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        ends.add(pool.submit(all::work));
      }
      for (Future<?> end : ends) {
        end.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while simulating", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("the simulator itself failed", e.getCause());
    }
    return new Report(all.done, all.worlds, all.failure, (System.nanoTime() - begun) / 1e9);
  }

  private static List<List<Step>> workloads(int oneIn) {
    List<Step> steps = new ArrayList<>();
    for (Operation operation : Operation.values()) {
      if (operation == Operation.FLUSH) {
        steps.add(new Step(operation, Toughness.HARDENED));
      } else {
        for (int level = 0; level < 3; level++) {
          steps.add(new Step(operation, Toughness.ofLevel(level)));
        }
      }
    }
    List<List<Step>> result = new ArrayList<>();
    int longer = 0;
    for (Step a : steps) {
      result.add(List.of(a));
      for (Step b : steps) {
        if (longer++ % oneIn == 0) {
          result.add(List.of(a, b));
        }
        for (Step c : steps) {
          if (longer++ % oneIn == 0) {
            result.add(List.of(a, b, c));
          }
        }
      }
    }
    return result;
  }

  private void work() {
    SimulatedMemory memories = new SimulatedMemory();
    SimulatedMemory copyMemories = new SimulatedMemory();
    while (failed() == null) {
      int index = next.getAndIncrement();
      if (index >= workloads.size()) {
        return;
      }
      runWorkload(workloads.get(index), memories, copyMemories);
    }
  }

  private synchronized String failed() {
    return failure;
  }

  private synchronized void add(long more, String broken) {
    worlds += more;
    done++;
    failure = failure == null ? broken : failure;
  }

  private void runWorkload(
      List<Step> workload, SimulatedMemory memories, SimulatedMemory copyMemories) {
    SimulatedArray array = new SimulatedArray(SHAPE, SEED, PlantedFault.NONE, memories);
    long count = 0;
    String broken = null;
    for (Step step : workload) {
      submit(array, step);
    }
    // The last requests have been taken on: from here to the end, every event.
    for (int event = 0; broken == null && array.step(); event++) {
      int replies = array.client.replies();
      for (int lost = -1; lost < SHAPE.drives() && broken == null; lost++) {
        for (int percent : LEFT_PERCENT) {
          count++;
          String wrong = runWorld(array, lost, percent, event, copyMemories);
          if (wrong != null) {
            broken =
                "%s; power cut after event %d (%d replies), %s, %d %% left: %s"
                    .formatted(
                        workload,
                        event,
                        replies,
                        lost < 0 ? "no drive lost" : "drive " + lost + " lost",
                        percent,
                        wrong);
            break;
          }
        }
      }
    }
    array.close();
    add(count, broken);
  }

  private static void submit(SimulatedArray array, Step step) {
    Operation operation = step.operation();
    if (operation == Operation.FLUSH) {
      array.client.submitFlush();
    } else if (operation == Operation.DISCARD_A || operation == Operation.DISCARD_ROW) {
      array.client.submitZero(operation.offset, operation.bytes, Zeroing.DISCARD, step.toughness());
    } else {
      array.client.submitWrite(
          operation.offset, array.client.randomContent(operation.bytes), step.toughness());
    }
  }

  /** Null when everything holds in the world after a cut now. */
  private static String runWorld(
      SimulatedArray before, int lost, int percent, int event, SimulatedMemory memories) {
    SimulatedArray after = before.afterCrash(percent, SEED + 31L * event + percent, memories);
    if (lost >= 0) {
      after.lose(lost);
    }
    try {
      after.start();
      if (after.recovery().lostGroups() > 0) {
        return "recovery has lost a group";
      }
      after.client.judgeBy(before.client.model());
      if (after.client.wrongReads().isEmpty() && lost < 0) {
        after.stop();
        List<String> findings = after.check(before.client.model()).findings();
        return findings.isEmpty() ? null : findings.getFirst();
      }
      return after.client.wrongReads().isEmpty() ? null : after.client.wrongReads().getFirst();
    } catch (RuntimeException bug) {
      return bug.toString();
    } finally {
      for (SimulatedDrive drive : after.drives) {
        drive.crash();
      }
    }
  }
}
