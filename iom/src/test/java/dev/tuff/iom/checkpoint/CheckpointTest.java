package dev.tuff.iom.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.checkpoint.MetadataRig.Entry;
import dev.tuff.iom.checkpoint.MetadataRig.OnDrive;
import dev.tuff.iom.checkpoint.MetadataRig.PowerCut;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CheckpointTest {
  /** Leaves of the map in tests: many more than there are frames, below three pages of pointers. */
  private static final int LEAVES = 600;

  /** The trees hold what was frozen, and the bitmap exactly what they reach. */
  private static void checkDrive(MetadataRig rig, String seed) {
    OnDrive found = rig.read(rig.root);
    assertThat(found.map())
        .as("%s: the map at checkpoint %d", seed, rig.root.checkpointId())
        .isEqualTo(rig.frozen.get(rig.root.checkpointId()));
    Set<Long> reachable = new HashSet<>(found.pages());
    for (Entry entry : found.map().values()) {
      assertThat(reachable.add(entry.address())).as("%s: used twice", seed).isTrue();
    }
    assertThat(found.used()).as("%s: used blocks", seed).isEqualTo(reachable);
  }

  private static void changes(MetadataRig rig, Random random, int count) {
    for (int i = 0; i < count; i++) {
      rig.change(MetadataRig.lblk(random.nextInt(LEAVES), random.nextInt(160)));
      if (random.nextInt(4) == 0) {
        rig.step();
      }
      if (rig.maps.dirtyCount() > MetadataRig.FRAMES / 4) {
        rig.startCheckpoint();
      }
    }
  }

  @Test
  void anEmptyDriveTakesACheckpoint() {
    MetadataRig rig = new MetadataRig(1, 2500);
    rig.startCheckpoint();
    rig.finishCheckpoint();
    checkDrive(rig, "empty");
    rig.startCheckpoint();
    rig.finishCheckpoint();
    assertThat(rig.checkpoint.completed()).isEqualTo(2);
    checkDrive(rig, "again");
  }

  @Test
  void pagesComeBackAfterACheckpointAndAReload() {
    MetadataRig rig = new MetadataRig(2, 70_000);
    changes(rig, new Random(2), 500);
    rig.finishCheckpoint();
    rig.startCheckpoint();
    rig.finishCheckpoint();
    checkDrive(rig, "before");
    int entries = rig.model.size();
    rig.crash();
    assertThat(rig.model).hasSize(entries);
    rig.model.forEach((lblk, entry) -> assertThat(rig.look(lblk)).isEqualTo(entry));
  }

  @Test
  void aMapLargerThanMemoryIsThatOfTheModel() {
    for (int seed = 0; seed < 3; seed++) {
      MetadataRig rig = new MetadataRig(seed, 70_000);
      Random random = new Random(seed);
      for (int round = 0; round < 150; round++) {
        changes(rig, random, 10);
        for (int i = 0; i < 20; i++) {
          long lblk = MetadataRig.lblk(random.nextInt(LEAVES), random.nextInt(160));
          assertThat(rig.look(lblk)).as("seed %d", seed).isEqualTo(rig.model.get(lblk));
        }
      }
      assertThat(rig.maps.capacity()).isLessThan(LEAVES / 10);
      assertThat(rig.maps.misses()).as("pages were given up and read again").isGreaterThan(500);
      rig.finishCheckpoint();
      rig.startCheckpoint();
      rig.finishCheckpoint();
      checkDrive(rig, "seed " + seed);
      assertThat(rig.allocator.blocks() - rig.allocator.freeBlocks())
          .as("seed %d: nothing is held any more", seed)
          .isEqualTo(rig.read(rig.root).used().size());
    }
  }

  /** Two checkpoints and changes beside them, with the power cut at each completion in turn. */
  @Test
  void aCrashAtAnyPointLeavesTheFormerStateOrTheNew() {
    boolean[] seen = new boolean[4];
    for (int cutAfter = 1; ; cutAfter++) {
      MetadataRig rig = new MetadataRig(1000 + cutAfter, 2500);
      rig.powerCutAfter = cutAfter;
      boolean finished = scenario(rig, 5);
      long completed = rig.checkpoint.completed();
      rig.crash();
      checkDrive(rig, "cut after " + cutAfter);
      long sequence = rig.root.sequence();
      assertThat(sequence).as("cut after %d", cutAfter).isBetween(completed, completed + 1);
      seen[(int) sequence] = true;
      if (finished) {
        assertThat(sequence).isEqualTo(2);
        assertThat(cutAfter).as("there were points to crash at").isGreaterThan(20);
        break;
      }
    }
    assertThat(seen).startsWith(true, true, true);
  }

  private static boolean scenario(MetadataRig rig, long seed) {
    Random random = new Random(seed);
    try {
      for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        for (int i = 0; i < 6; i++) {
          rig.change(MetadataRig.lblk(random.nextInt(5), random.nextInt(3)));
        }
        rig.startCheckpoint();
        while (rig.checkpoint.running()) {
          // Not part of the checkpoint, and on pages that it is writing.
          if (rig.maps.dirtyCount() < 6) {
            rig.change(MetadataRig.lblk(random.nextInt(5), random.nextInt(3)));
          }
          rig.step();
        }
      }
      return true;
    } catch (PowerCut cut) {
      return false;
    }
  }

  /** A drive that is almost full, where a page freed too early would be given out at once. */
  @Test
  void randomCrashesOnAFullDrive() {
    int crashes = 0;
    for (int seed = 0; seed < 25; seed++) {
      MetadataRig rig = new MetadataRig(seed, 500);
      Random random = new Random(seed);
      for (int life = 0; life < 6; life++) {
        rig.powerCutAfter = rig.steps + random.nextInt(400);
        try {
          for (int i = 0; i < 400; i++) {
            // At most 300 entries: with their pages, twice, the 500 blocks are all but used up.
            rig.change(MetadataRig.lblk(random.nextInt(30), random.nextInt(10)));
            if (random.nextInt(3) == 0) {
              rig.step();
            }
            if (rig.maps.dirtyCount() > MetadataRig.FRAMES / 4) {
              rig.startCheckpoint();
            }
          }
        } catch (PowerCut cut) {
          crashes++;
        }
        rig.powerCutAfter = Long.MAX_VALUE;
        rig.crash();
        checkDrive(rig, "seed " + seed + " life " + life);
      }
    }
    assertThat(crashes).as("power cuts").isGreaterThan(50);
  }

  /** What comes after a superseded page is freed in the bitmap and before the root is hardened. */
  @Test
  void supersededPagesAreNotGivenOutBeforeTheRootIsHardened() {
    MetadataRig rig = new MetadataRig(7, 300);
    changes(rig, new Random(7), 5);
    rig.startCheckpoint();
    rig.finishCheckpoint();
    Set<Long> former = rig.kept;
    assertThat(former).isNotEmpty();
    changes(rig, new Random(8), 3);
    rig.startCheckpoint();
    // All there is, while the checkpoint runs.
    int free = (int) rig.allocator.freeBlocks();
    long[] addresses = new long[free];
    rig.allocator.allocate(free, addresses, 0, rig.journal.nextId());
    for (long address : addresses) {
      assertThat(former).doesNotContain(address);
    }
    assertThat(rig.allocator.freeBlocks()).isZero();
    rig.finishCheckpoint();
    assertThat(rig.allocator.freeBlocks()).as("the hold has ended").isPositive();
  }

  /** The bitmap's own pages move too, which changes the bitmap: with 5 leaves and one above. */
  @Test
  void theBitmapsOwnPagesComeToAnEnd() {
    MetadataRig rig = new MetadataRig(9, 5 * 32_256L);
    long[] addresses = new long[1000];
    for (int round = 0; round < 12; round++) {
      // Now here, now there on the drive, so that other leaves of the bitmap change.
      rig.allocator.allocate(1000, addresses, 0, rig.journal.nextId());
      for (long address : addresses) {
        rig.allocator.free(address, rig.journal.nextId());
      }
      for (int i = 0; i < 15; i++) {
        long[] run = new long[2000];
        rig.allocator.allocate(2000, run, 0, rig.journal.nextId());
        for (long address : run) {
          rig.allocator.free(address, rig.journal.nextId());
        }
      }
      rig.change(MetadataRig.lblk(round, 0));
      rig.startCheckpoint();
      rig.finishCheckpoint();
      checkDrive(rig, "round " + round);
    }
  }

  /** The journal is trimmed to what the trees do not contain. */
  @Test
  void theJournalsTailFollows() {
    MetadataRig rig = new MetadataRig(10, 2500);
    Random random = new Random(10);
    for (int round = 0; round < 40; round++) {
      changes(rig, random, 20);
      rig.finishCheckpoint();
      rig.startCheckpoint();
      rig.finishCheckpoint();
      assertThat(rig.root.tailPosition()).isGreaterThanOrEqualTo(rig.root.sequence());
      assertThat(rig.journal.usedBlocks()).isLessThan(rig.journal.blocks() / 2);
    }
  }
}
