package dev.tuff.tools;

import java.util.ArrayList;
import java.util.List;

/**
 * Text in columns: a heading, rows, two blanks between columns. A column whose every cell starts
 * with a digit stands right.
 */
final class Table {
  private final List<List<String>> rows = new ArrayList<>();

  Table(String... headings) {
    rows.add(List.of(headings));
  }

  /** Adds a row with a cell per heading. */
  Table row(Object... cells) {
    List<String> row = new ArrayList<>();
    for (Object cell : cells) {
      row.add(String.valueOf(cell));
    }
    if (row.size() != rows.getFirst().size()) {
      throw new IllegalArgumentException(row + " does not fit " + rows.getFirst());
    }
    rows.add(row);
    return this;
  }

  /** The lines, each ended. */
  @Override
  public String toString() {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    boolean[] right = new boolean[columns];
    for (int column = 0; column < columns; column++) {
      right[column] = rows.size() > 1;
      for (int i = 0; i < rows.size(); i++) {
        String cell = rows.get(i).get(column);
        widths[column] = Math.max(widths[column], cell.length());
        right[column] &=
            i == 0 || cell.equals("-") || (!cell.isEmpty() && Character.isDigit(cell.charAt(0)));
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < columns; column++) {
        String cell = row.get(column);
        String blanks = " ".repeat(widths[column] - cell.length());
        line.append(column == 0 ? "" : "  ").append(right[column] ? blanks + cell : cell + blanks);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
