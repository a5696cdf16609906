package dev.tuff.iom.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.runtime.Invariant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
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
}
