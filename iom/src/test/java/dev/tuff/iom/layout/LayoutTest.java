package dev.tuff.iom.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.layout.Layout.Stretch;
import dev.tuff.iom.runtime.Invariant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LayoutTest {
  /** Drives, N, K, chunk blocks. */
  static List<int[]> shapes() {
    List<int[]> shapes = new ArrayList<>();
    for (int drives : new int[] {1, 2, 3, 5, 6, 9, 14}) {
      for (int n : new int[] {1, 2, 3, 4, 8}) {
        for (int k = 0; k <= 4; k++) {
          if (n + k <= drives) {
            shapes.add(new int[] {drives, n, k, 1 << (n + k) % 5});
          }
        }
      }
    }
    return shapes;
  }

  private static Layout layout(int[] shape) {
    return new Layout(shape[0], shape[1], shape[2], shape[3]);
  }

  /** 4 drives, 2+1: row r starts one drive further to the left than row r-1. */
  @Test
  void workedByHand() {
    Layout layout = new Layout(4, 2, 1, 16);
    int[][] drives = {{0, 1, 2}, {3, 0, 1}, {2, 3, 0}, {1, 2, 3}, {0, 1, 2}};
    for (int row = 0; row < drives.length; row++) {
      for (int member = 0; member < 3; member++) {
        assertThat(layout.drive(row, member)).isEqualTo(drives[row][member]);
        assertThat(layout.member(row, drives[row][member])).isEqualTo(member);
      }
    }
    assertThat(layout.member(0, 3)).as("drive 3 has no part in row 0").isEqualTo(3);
    // Drive 0 is data 0 of row 0, data 1 of row 1, parity of row 2, nothing of row 3, then again.
    assertThat(layout.dataIndex(0, 5)).isEqualTo(5);
    assertThat(layout.dataIndex(0, 16 + 5)).isEqualTo(16 + 5);
    assertThat(layout.parityIndex(0, 2 * 16 + 5)).isEqualTo(5);
    assertThat(layout.dataIndex(0, 4 * 16 + 5)).isEqualTo(2 * 16 + 5);
    assertThat(layout.parityIndex(0, 6 * 16 + 5)).isEqualTo(16 + 5);
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void membersOfARowSitOnDifferentDrivesAndRotateEvenly(int[] shape) {
    Layout layout = layout(shape);
    int members = shape[1] + shape[2];
    int[][] roles = new int[shape[0]][members];
    for (long row = 0; row < shape[0]; row++) {
      Set<Integer> seen = new HashSet<>();
      for (int member = 0; member < members; member++) {
        int drive = layout.drive(row, member);
        assertThat(drive).isBetween(0, shape[0] - 1);
        assertThat(seen.add(drive)).as("row %d member %d", row, member).isTrue();
        assertThat(layout.member(row, drive)).isEqualTo(member);
        roles[drive][member]++;
      }
      for (int drive = 0; drive < shape[0]; drive++) {
        if (!seen.contains(drive)) {
          assertThat(layout.member(row, drive)).isGreaterThanOrEqualTo(members);
        }
      }
    }
    for (int[] role : roles) {
      assertThat(role).as("each role once in a period").containsOnly(1);
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void indexesAreDenseAndComeBack(int[] shape) {
    Layout layout = layout(shape);
    long rows = 3L * shape[0];
    for (int drive = 0; drive < shape[0]; drive++) {
      long data = 0;
      long parity = 0;
      for (long lblk = 0; lblk < rows * shape[3]; lblk++) {
        int member = layout.member(lblk / shape[3], drive);
        if (member < shape[1]) {
          // Dense and in order: the next index is one more than the last.
          assertThat(layout.dataIndex(drive, lblk)).isEqualTo(data++);
          assertThat(layout.lblkOfDataIndex(drive, data - 1)).isEqualTo(lblk);
        } else if (member < shape[1] + shape[2]) {
          assertThat(layout.parityIndex(drive, lblk)).isEqualTo(parity++);
          assertThat(layout.lblkOfParityIndex(drive, parity - 1)).isEqualTo(lblk);
        }
      }
      assertThat(data).isEqualTo(3L * shape[1] * shape[3]);
      assertThat(parity).isEqualTo(3L * shape[2] * shape[3]);
    }
  }

  @Test
  void farRowsKeepTheirPlace() {
    Layout layout = new Layout(6, 4, 2, 16);
    long row = 1L << 40;
    for (int member = 0; member < 6; member++) {
      int drive = layout.drive(row, member);
      long lblk = row * 16 + 3;
      if (member < 4) {
        assertThat(layout.lblkOfDataIndex(drive, layout.dataIndex(drive, lblk))).isEqualTo(lblk);
      } else {
        assertThat(layout.lblkOfParityIndex(drive, layout.parityIndex(drive, lblk)))
            .isEqualTo(lblk);
      }
    }
  }

  @Test
  void rowsAreRoundedUp() {
    Layout layout = new Layout(6, 4, 2, 16);
    long rowBytes = 4 * 16 * 4096;
    assertThat(layout.rowsFor(1)).isEqualTo(1);
    assertThat(layout.rowsFor(rowBytes)).isEqualTo(1);
    assertThat(layout.rowsFor(rowBytes + 1)).isEqualTo(2);
  }

  @Test
  void tooFewDrivesAreABug() {
    assertThatThrownBy(() -> new Layout(5, 4, 2, 16)).isInstanceOf(Invariant.Broken.class);
  }

  /**
   * 3 drives, 2+1, of which rows 2 on are spread over 5: they begin anew with member 0 on drive 0.
   */
  @Test
  void stretchesWorkedByHand() {
    Layout layout = new Layout(3, List.of(new Stretch(2, 5)), 2, 1, 16, Layout.NONE);
    int[][] drives = {{0, 1, 2}, {2, 0, 1}, {0, 1, 2}, {4, 0, 1}, {3, 4, 0}, {2, 3, 4}};
    for (int row = 0; row < drives.length; row++) {
      for (int member = 0; member < 3; member++) {
        assertThat(layout.drive(row, member)).isEqualTo(drives[row][member]);
        assertThat(layout.member(row, drives[row][member])).isEqualTo(member);
      }
    }
    assertThat(layout.member(1, 4)).as("drive 4 comes later").isEqualTo(3);
    // Drive 0 is data of rows 0 to 3; drive 4 has nothing before row 3.
    assertThat(layout.dataIndex(0, 3 * 16 + 5)).isEqualTo(3 * 16 + 5);
    assertThat(layout.dataIndex(4, 3 * 16 + 5)).isEqualTo(5);
    assertThat(layout.parityIndex(2, 2 * 16)).isEqualTo(16);
    assertThat(layout.nextDataRow(4, 0)).isEqualTo(3);
    assertThat(layout.nextParityRow(4, 0)).isEqualTo(5);
    assertThat(layout.drives()).isEqualTo(5);
  }

  /** Drives, then the length and the drives of each further stretch, N, K, chunk blocks. */
  static List<int[]> stretches() {
    List<int[]> shapes = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(11);
    for (int n = 1; n <= 5; n++) {
      for (int k = 0; k <= 3; k++) {
        for (int further = 1; further < Layout.MAX_STRETCHES; further++) {
          int[] shape = new int[4 + 2 * further];
          shape[0] = n + k + random.nextInt(4);
          int drives = shape[0];
          for (int i = 0; i < further; i++) {
            drives += 1 + random.nextInt(3);
            shape[1 + 2 * i] = 1 + random.nextInt(3 * drives);
            shape[2 + 2 * i] = drives;
          }
          shape[shape.length - 3] = n;
          shape[shape.length - 2] = k;
          shape[shape.length - 1] = 1 << random.nextInt(3);
          shapes.add(shape);
        }
      }
    }
    return shapes;
  }

  private static List<Stretch> further(int[] shape) {
    List<Stretch> further = new ArrayList<>();
    long row = 0;
    for (int i = 1; i < shape.length - 3; i += 2) {
      row += shape[i];
      further.add(new Stretch(row, shape[i + 1]));
    }
    return further;
  }

  /** Against a model that goes row by row and counts. */
  @ParameterizedTest
  @MethodSource("stretches")
  void stretchesAreAsTheModelSays(int[] shape) {
    List<Stretch> further = further(shape);
    int n = shape[shape.length - 3];
    int k = shape[shape.length - 2];
    int chunk = shape[shape.length - 1];
    Layout layout = new Layout(shape[0], further, n, k, chunk, Layout.NONE);
    int most = further.getLast().drives();
    long rows = further.getLast().firstRow() + 2L * most + 1;
    long[] data = new long[most];
    long[] parity = new long[most];
    List<List<Long>> dataRows = new ArrayList<>();
    List<List<Long>> parityRows = new ArrayList<>();
    for (int d = 0; d < most; d++) {
      dataRows.add(new ArrayList<>());
      parityRows.add(new ArrayList<>());
    }
    for (long row = 0; row < rows; row++) {
      long first = 0;
      int drives = shape[0];
      for (Stretch stretch : further) {
        if (row >= stretch.firstRow()) {
          first = stretch.firstRow();
          drives = stretch.drives();
        }
      }
      int[] memberOf = new int[most];
      Arrays.fill(memberOf, n + k);
      for (int m = 0; m < n + k; m++) {
        int drive = Math.floorMod(m - (row - first), drives);
        assertThat(layout.drive(row, m)).isEqualTo(drive);
        assertThat(memberOf[drive]).as("one member a drive").isEqualTo(n + k);
        memberOf[drive] = m;
      }
      for (int d = 0; d < most; d++) {
        assertThat(layout.dataBlocksBefore(d, row)).isEqualTo(data[d]);
        assertThat(layout.parityBlocksBefore(d, row)).isEqualTo(parity[d]);
        if (memberOf[d] == n + k) {
          assertThat(layout.member(row, d)).isGreaterThanOrEqualTo(n + k);
          continue;
        }
        assertThat(layout.member(row, d)).isEqualTo(memberOf[d]);
        for (int i = 0; i < chunk; i++) {
          long lblk = row * chunk + i;
          if (memberOf[d] < n) {
            assertThat(layout.dataIndex(d, lblk)).isEqualTo(data[d]);
            assertThat(layout.lblkOfDataIndex(d, data[d])).isEqualTo(lblk);
            data[d]++;
          } else {
            assertThat(layout.parityIndex(d, lblk)).isEqualTo(parity[d]);
            assertThat(layout.lblkOfParityIndex(d, parity[d])).isEqualTo(lblk);
            parity[d]++;
          }
        }
        (memberOf[d] < n ? dataRows : parityRows).get(d).add(row);
      }
    }
    for (int d = 0; d < most; d++) {
      for (long row = 0; row < further.getLast().firstRow(); row++) {
        assertThat(layout.nextDataRow(d, row)).isEqualTo(firstFrom(dataRows.get(d), row));
        long nextParity = k == 0 ? Long.MAX_VALUE : firstFrom(parityRows.get(d), row);
        assertThat(layout.nextParityRow(d, row)).isEqualTo(nextParity);
        assertThat(layout.nextRow(d, row))
            .isEqualTo(Math.min(firstFrom(dataRows.get(d), row), nextParity));
      }
    }
  }

  private static long firstFrom(List<Long> rows, long from) {
    return rows.stream().filter(row -> row >= from).findFirst().orElseThrow();
  }

  @Test
  void aDriveThatAnObjectIsNotOnHasNoRow() {
    Layout layout = new Layout(3, 2, 1, 16);
    assertThat(layout.member(7, 3)).isEqualTo(3);
    assertThat(layout.nextRow(3, 0)).isEqualTo(Long.MAX_VALUE);
    assertThat(layout.dataBlocksBefore(3, 1L << 40)).isZero();
  }

  @Test
  void stretchesThatDoNotFollowEachOtherAreABug() {
    assertThat(Layout.inOrder(3, List.of(new Stretch(2, 4), new Stretch(3, 5)))).isTrue();
    for (List<Stretch> wrong :
        List.of(
            List.of(new Stretch(0, 4)),
            List.of(new Stretch(2, 3)),
            List.of(new Stretch(2, 4), new Stretch(2, 5)),
            List.of(new Stretch(2, 4), new Stretch(3, 4)))) {
      assertThatThrownBy(() -> new Layout(3, wrong, 2, 1, 16, Layout.NONE))
          .isInstanceOf(Invariant.Broken.class);
    }
  }

  // ---- stand-ins

  @ParameterizedTest
  @MethodSource("shapes")
  void aVacatedPlaceIsOnStandInsEvenly(int[] shape) {
    int drives = shape[0];
    int width = shape[1] + shape[2];
    for (int vacated = 0; vacated < drives; vacated++) {
      Layout natural = layout(shape);
      Layout layout = new Layout(drives, List.of(), shape[1], shape[2], shape[3], vacated);
      long rows = 3L * drives * Math.max(1, drives - width) + 5;
      boolean can = shape[2] > 0 && drives > width;
      assertThat(layout.canVacate()).isEqualTo(shape[2] == 0 || can);
      long[] chunks = new long[drives];
      for (long row = 0; row < rows; row++) {
        Set<Integer> on = new HashSet<>();
        for (int member = 0; member < width; member++) {
          int drive = layout.drive(row, member);
          on.add(drive);
          assertThat(layout.member(row, drive)).isEqualTo(member);
          boolean own = natural.drive(row, member) == drive;
          assertThat(layout.standsIn(row, drive)).isEqualTo(!own);
          assertThat(layout.isOwn(row, drive)).isEqualTo(own);
          assertThat(own).isEqualTo(!can || natural.drive(row, member) != vacated);
          chunks[drive] += own ? 0 : 1;
        }
        assertThat(on).hasSize(width);
        assertThat(can && on.contains(vacated)).isFalse();
      }
      requireEven(layout, vacated, chunks, rows, can);
    }
  }

  private static void requireEven(
      Layout layout, int vacated, long[] chunks, long rows, boolean can) {
    for (int d = 0; d < chunks.length; d++) {
      long found = 0;
      long row = -1;
      do {
        row = layout.nextStandInRow(d, row + 1, true, true);
        found += row < rows ? 1 : 0;
      } while (row < rows);
      assertThat(found).as("rows that are found one after the other").isEqualTo(chunks[d]);
      long most =
          layout.standInChunksAtMost(d, vacated, rows, false)
              + layout.standInChunksAtMost(d, vacated, rows, true);
      assertThat(chunks[d]).isLessThanOrEqualTo(can && d != vacated ? most : 0);
    }
  }

  /** 4 drives, 2+1, drive 1 is vacated: each row has one drive over, which stands in. */
  @Test
  void standInsWorkedByHand() {
    Layout layout = new Layout(4, List.of(), 2, 1, 16, 1);
    int[][] drives = {{0, 3, 2}, {3, 0, 2}, {2, 3, 0}, {0, 2, 3}, {0, 3, 2}};
    for (int row = 0; row < drives.length; row++) {
      for (int member = 0; member < 3; member++) {
        assertThat(layout.drive(row, member)).as("row %d", row).isEqualTo(drives[row][member]);
      }
    }
    assertThat(layout.nextStandInRow(3, 0, true, false)).isZero();
    assertThat(layout.nextStandInRow(2, 0, false, true)).isEqualTo(1);
    assertThat(layout.nextStandInRow(2, 0, true, false)).isEqualTo(Long.MAX_VALUE);
    assertThat(layout.nextStandInRow(0, 0, true, true)).isEqualTo(3);
  }
}
