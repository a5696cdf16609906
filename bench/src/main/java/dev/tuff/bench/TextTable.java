package dev.tuff.bench;

import java.util.ArrayList;
import java.util.List;

/** Columns as wide as their widest cell; words to the left, figures to the right. */
final class TextTable {
  private final List<String[]> rows = new ArrayList<>();
  private final int columns;

  TextTable(String... head) {
    columns = head.length;
    rows.add(head.clone());
  }

  void row(String... cells) {
    if (cells.length != columns) {
      throw new IllegalArgumentException(
          cells.length + " cells in a table of " + columns + " columns");
    }
    rows.add(cells.clone());
  }

  /** Without the head. */
  int rows() {
    return rows.size() - 1;
  }

  @Override
  public String toString() {
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    StringBuilder out = new StringBuilder();
    for (int r = 0; r < rows.size(); r++) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String cell = rows.get(r)[i];
        String space = " ".repeat(widths[i] - cell.length());
        line.append(i == 0 ? "" : "  ").append(figures(i) ? space + cell : cell + space);
      }
      out.append(line.toString().stripTrailing()).append('\n');
      if (r == 0) {
        for (int i = 0; i < columns; i++) {
          out.append(i == 0 ? "" : "  ").append("-".repeat(widths[i]));
        }
        out.append('\n');
      }
    }
    return out.toString();
  }

  private boolean figures(int column) {
    if (column == 0) {
      return false;
    }
    for (int r = 1; r < rows.size(); r++) {
      String cell = rows.get(r)[column];
      if (!cell.isEmpty() && !cell.equals("-") && !Character.isDigit(cell.charAt(0))) {
        return false;
      }
    }
    return rows.size() > 1;
  }
}
