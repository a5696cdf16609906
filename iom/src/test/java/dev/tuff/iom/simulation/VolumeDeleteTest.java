package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.simulation.SimulatedClient.Zeroing;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A volume is whole or gone on all drives, wherever its deletion is cut short. */
class VolumeDeleteTest {
  private static final Shape SHAPE =
      Shape.of(4, 2, 1, 8192, 2).client(128 << 10, 6, 64 << 10).drives(1500, 264);

  private static ObjectAttributes attributes(SimulatedArray array, int drive) {
    return array.iom(drive).rooms().cnode(Shape.GFID).attributes();
  }

  private static int delete(SimulatedArray array, int[] hardened) {
    ObjectAttributes deleted = SHAPE.attributes().asDeleted();
    int asked = 0;
    for (int d = 0; d < SHAPE.drives(); d++) {
      if (array.iom(d) != null) {
        asked++;
        array.iom(d).putObject(deleted, () -> hardened[0]++);
      }
    }
    return asked;
  }

  /** Every event from the first journal write on, with each drive lost or none, too. */
  @ParameterizedTest
  @ValueSource(ints = {0, 50, 100})
  void cutAnywhereItIsWholeOrGone(int percentLeft) {
    SimulatedArray array = new SimulatedArray(SHAPE, 21, PlantedFault.NONE);
    array.client.load(60);
    array.settle();
    int[] hardened = {0};
    delete(array, hardened);
    Set<Boolean> outcomes = new HashSet<>();
    SimulatedMemory memories = new SimulatedMemory();
    int event = 0;
    boolean more = true;
    while (more) {
      for (int lost = -1; lost < SHAPE.drives(); lost++) {
        SimulatedArray after = array.afterCrash(percentLeft, 31L * event++, memories);
        if (lost >= 0) {
          after.lose(lost);
        }
        after.start();
        boolean gone = attributes(after, lost == 0 ? 1 : 0).deleted();
        for (int d = 0; d < SHAPE.drives(); d++) {
          if (d != lost) {
            assertThat(attributes(after, d).deleted()).as("event %d", event).isEqualTo(gone);
          }
        }
        assertThat(gone || hardened[0] < SHAPE.drives()).as("acknowledged").isTrue();
        outcomes.add(gone);
        after.client.judgeBy(array.client.model());
        assertThat(after.client.wrongReads()).isEmpty();
        if (lost < 0) {
          after.stop();
          assertThat(after.check(array.client.model()).findings()).isEmpty();
        }
        for (SimulatedDrive drive : after.drives) {
          drive.crash();
        }
      }
      more = array.step();
    }
    assertThat(hardened[0]).isEqualTo(SHAPE.drives());
    assertThat(outcomes).contains(true);
    array.close();
  }

  @Test
  void whatADeletedVolumeHoldsIsFreedAfterACrash() {
    SimulatedArray array = new SimulatedArray(SHAPE, 22, PlantedFault.NONE);
    array.client.load(100);
    int[] hardened = {0};
    int asked = delete(array, hardened);
    array.run(() -> hardened[0] == asked);
    array.client.submitZero(0, SHAPE.volumeBytes(), Zeroing.DISCARD, Toughness.HARDENED);
    for (int i = 0; i < 30; i++) {
      array.step();
    }
    array.crash();
    array.start();
    array.client.learn();
    assertThat(array.client.zero(0, SHAPE.volumeBytes(), Zeroing.DISCARD, Toughness.HARDENED))
        .isEqualTo(RequestResult.OK);
    array.settle();
    for (int d = 0; d < SHAPE.drives(); d++) {
      var cnode = array.iom(d).rooms().cnode(Shape.GFID);
      assertThat(cnode.attributes().deleted()).isTrue();
      assertThat(cnode.mappedDataBlocks() + cnode.mappedParityBlocks()).isZero();
    }
    array.stop();
    assertThat(array.check().findings()).isEmpty();
  }
}
