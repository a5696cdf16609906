package dev.tuff.iom.simulation;

import dev.tuff.iom.simulation.SimulationRun.Outcome;
import dev.tuff.iom.simulation.SimulationRun.Plan;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Runs many simulations, one on each of several threads, up to the first that fails; makes that one
 * as small as it can.
 */
public final class Simulator {
  /** Runs after which every kind of fault must have been injected. */
  private static final int ENOUGH_RUNS = 100;

  private static final int TRIES_TO_MINIMISE = 60;

  private Simulator() {}

  /**
   * What to run.
   *
   * @param firstSeed the others follow it
   * @param seeds runs at most; 0: until the time is up
   * @param seconds time after which no run begins; 0: no limit
   * @param operations requests of clients in each run
   * @param faults what may be done to the arrays
   */
  public record Request(
      long firstSeed,
      long seeds,
      long seconds,
      int operations,
      Shape.Pin pin,
      Set<FaultKind> faults,
      int threads) {
    /** Usual requests in a run: long enough for a few crashes, short enough for many seeds. */
    public static final int OPERATIONS = 120;

    /** Every fault, any shape. */
    public static Request of(long firstSeed, long seeds, long seconds, int threads) {
      return new Request(
          firstSeed,
          seeds,
          seconds,
          OPERATIONS,
          Shape.Pin.NONE,
          EnumSet.allOf(FaultKind.class),
          threads);
    }
  }

  /**
   * A run that failed, as small as it could be made.
   *
   * @param shape the array, in words
   * @param operations requests of clients that it takes
   * @param faults kinds of faults that it takes
   * @param events what was done to the array, in order
   * @param what what does not hold
   */
  public record Failure(
      long seed,
      String shape,
      int operations,
      Set<FaultKind> faults,
      List<String> events,
      String what) {}

  /**
   * What came of it.
   *
   * @param failure null when every run held
   * @param neverInjected kinds of faults of which not one was injected in many runs: such runs show
   *     nothing
   * @param neverDone likewise what clients can do and never did, by its name in the counts
   * @param seconds real time that it took
   */
  public record Report(
      Request request,
      Statistics statistics,
      Failure failure,
      Set<FaultKind> neverInjected,
      List<String> neverDone,
      double seconds) {
    /** True when every run held and the runs show something. */
    public boolean good() {
      return failure == null && neverInjected.isEmpty() && neverDone.isEmpty();
    }
  }

  /** Runs them. */
  public static Report run(Request request) {
    return run(request, () -> PlantedFault.NONE);
  }

  /** Runs them on arrays with a bug. */
  static Report run(Request request, Supplier<PlantedFault> planted) {
    final long begun = System.nanoTime();
    Search search = new Search(request, planted, begun);
    Outcome failed = search.run();
    Failure failure = failed == null ? null : minimised(failed, planted);
    return new Report(
        request,
        search.statistics,
        failure,
        failure == null ? neverInjected(request, search.statistics) : Set.of(),
        failure == null ? neverDone(request, search.statistics) : List.of(),
        (System.nanoTime() - begun) / 1e9);
  }

  /** Seeds given out one by one; the smallest that fails counts, whichever thread had it. */
  private static final class Search {
    private final Request request;
    private final Plan plan;
    private final Supplier<PlantedFault> planted;
    private final long begun;
    private final AtomicLong next = new AtomicLong();
    final Statistics statistics = new Statistics();
    private Outcome failed;

    Search(Request request, Supplier<PlantedFault> planted, long begun) {
      this.request = request;
      this.plan = new Plan(request.operations(), request.pin(), request.faults());
      this.planted = planted;
      this.begun = begun;
    }

    Outcome run() {
      try (ExecutorService threads = Executors.newFixedThreadPool(request.threads())) {
        List<Future<?>> ends = new ArrayList<>();
        for (int t = 0; t < request.threads(); t++) {
          ends.add(threads.submit(this::work));
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
      return failed;
    }

    private void work() {
      SimulatedMemory memories = new SimulatedMemory();
      for (long seed = nextSeed(); seed >= 0; seed = nextSeed()) {
        Outcome outcome =
            SimulationRun.of(request.firstSeed() + seed, plan, planted.get(), memories);
        add(outcome);
      }
    }

    /** Counted from the first one; -1 when there is none left to run. */
    private synchronized long nextSeed() {
      boolean late =
          request.seconds() > 0
              && System.nanoTime() - begun > TimeUnit.SECONDS.toNanos(request.seconds());
      boolean all = request.seeds() > 0 && next.get() >= request.seeds();
      return failed != null || late || all ? -1 : next.getAndIncrement();
    }

    private synchronized void add(Outcome outcome) {
      statistics.add(outcome.statistics());
      if (outcome.failed() && (failed == null || outcome.seed() < failed.seed())) {
        failed = outcome;
      }
    }
  }

  private static Set<FaultKind> neverInjected(Request request, Statistics statistics) {
    Set<FaultKind> never = EnumSet.noneOf(FaultKind.class);
    if (enough(request, statistics)) {
      for (FaultKind kind : request.faults()) {
        if (statistics.injected(kind) == 0) {
          never.add(kind);
        }
      }
    }
    return never;
  }

  private static boolean enough(Request request, Statistics statistics) {
    return statistics.runs() >= ENOUGH_RUNS
        && request.pin().equals(Shape.Pin.NONE)
        && request.operations() >= Request.OPERATIONS;
  }

  private static List<String> neverDone(Request request, Statistics statistics) {
    return enough(request, statistics) ? statistics.neverDone() : List.of();
  }

  // ---- the smallest that fails

  /** Fewer faults, then fewer operations, as long as it still fails, in whatever way. */
  private static Failure minimised(Outcome first, Supplier<PlantedFault> planted) {
    SimulatedMemory memories = new SimulatedMemory();
    Outcome least = first;
    int tries = 0;
    for (FaultKind kind : FaultKind.values()) {
      if (least.plan().faults().contains(kind)) {
        Set<FaultKind> fewer = EnumSet.noneOf(FaultKind.class);
        fewer.addAll(least.plan().faults());
        fewer.remove(kind);
        Plan plan = new Plan(least.plan().operations(), least.plan().pin(), fewer);
        Outcome outcome = SimulationRun.of(first.seed(), plan, planted.get(), memories);
        tries++;
        least = outcome.failed() ? outcome : least;
      }
    }
    int step = Math.max(1, least.plan().operations() / 2);
    while (tries++ < TRIES_TO_MINIMISE) {
      int operations = least.plan().operations() - step;
      Outcome outcome = null;
      if (operations > 0) {
        Plan plan = new Plan(operations, least.plan().pin(), least.plan().faults());
        outcome = SimulationRun.of(first.seed(), plan, planted.get(), memories);
      }
      if (outcome != null && outcome.failed()) {
        least = outcome;
      } else if (step == 1) {
        break;
      }
      step = Math.max(1, step / 2);
    }
    return new Failure(
        least.seed(),
        least.shape().toString(),
        least.plan().operations(),
        least.plan().faults(),
        least.events(),
        least.failure());
  }
}
