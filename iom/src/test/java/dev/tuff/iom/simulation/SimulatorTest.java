package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.simulation.SimulationRun.Outcome;
import dev.tuff.iom.simulation.SimulationRun.Plan;
import dev.tuff.iom.simulation.Simulator.Report;
import dev.tuff.iom.simulation.Simulator.Request;
import dev.tuff.iom.support.Seeds;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Whole arrays from seeds that are new each time, and that a seed is all that a run follows from.
 */
class SimulatorTest {
  private static final int SECONDS = 30;
  private static final int THREADS = Runtime.getRuntime().availableProcessors();

  @Test
  void everyPromiseIsKept() {
    long first = new SecureRandom().nextInt(Integer.MAX_VALUE);
    Report report = Simulator.run(Request.of(first, 0, SECONDS, THREADS));
    System.out.printf(
        "simulated from seed %d: %d runs, %d power cuts, %.0f virtual seconds%n",
        first,
        report.statistics().runs(),
        report.statistics().crashes(),
        report.statistics().virtualSeconds());
    assertThat(report.failure()).as("again with ./tuff simulate --seed and what follows").isNull();
    assertThat(report.neverInjected()).isEmpty();
  }

  @Test
  void sameSeedIsTheSameRun() {
    Plan plan = new Plan(60, Shape.Pin.NONE, EnumSet.allOf(FaultKind.class));
    SimulatedMemory memories = new SimulatedMemory();
    for (long seed : Seeds.of(12)) {
      Outcome first = SimulationRun.of(seed, plan, PlantedFault.NONE, memories);
      Outcome other = SimulationRun.of(seed, plan, PlantedFault.NONE, new SimulatedMemory());
      assertThat(first.failure()).as(Seeds.replay(seed)).isNull();
      assertThat(other.events()).as(Seeds.replay(seed)).isEqualTo(first.events());
      assertThat(other.statistics().counts())
          .as(Seeds.replay(seed))
          .isEqualTo(first.statistics().counts());
    }
  }

  @Test
  void pinsTheShape() {
    Plan plan = new Plan(20, new Shape.Pin(6, 3, 2), Set.of(FaultKind.POWER_CUT));
    Outcome outcome = SimulationRun.of(1, plan, PlantedFault.NONE, new SimulatedMemory());
    assertThat(outcome.shape().drives()).isEqualTo(6);
    assertThat(outcome.shape().data()).isEqualTo(3);
    assertThat(outcome.shape().parity()).isEqualTo(2);
    assertThat(outcome.failure()).isNull();
  }

  @Test
  void aSimulatorThatInjectsNothingFails() {
    Request never =
        new Request(
            1,
            100,
            0,
            Request.OPERATIONS,
            Shape.Pin.NONE,
            // Drives that were never away can't be stale.
            EnumSet.of(FaultKind.STALE_DRIVE),
            THREADS);
    Report report = Simulator.run(never);
    assertThat(report.failure()).isNull();
    assertThat(report.neverInjected()).containsExactly(FaultKind.STALE_DRIVE);
    assertThat(report.good()).isFalse();
  }

  @Test
  void makesAFailureSmall() {
    Request request = Request.of(1, 200, 0, THREADS);
    Report report =
        Simulator.run(
            request,
            () ->
                new PlantedFault() {
                  @Override
                  public boolean staleIsLeftOut() {
                    return false;
                  }
                });
    assertThat(report.failure()).isNotNull();
    assertThat(report.failure().operations()).isLessThan(Request.OPERATIONS);
    assertThat(report.failure().faults())
        .containsAnyOf(
            FaultKind.DRIVE_LOSS, FaultKind.DRIVE_FAILURE, FaultKind.IOM_BUG, FaultKind.HANG);
    assertThat(report.failure().faults()).doesNotContain(FaultKind.SLOW_DRIVE);
  }
}
