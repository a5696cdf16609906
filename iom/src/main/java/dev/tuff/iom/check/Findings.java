package dev.tuff.iom.check;

import java.util.ArrayList;
import java.util.List;

/** What does not hold, in sentences: all counted, the first ones kept. */
final class Findings {
  /** Sentences kept; who has more than that to mend starts with these. */
  static final int KEPT = 100;

  private final List<String> sentences = new ArrayList<>();
  private long count;

  void add(String sentence) {
    count++;
    if (sentences.size() < KEPT) {
      sentences.add(sentence);
    }
  }

  long count() {
    return count;
  }

  List<String> sentences() {
    return List.copyOf(sentences);
  }
}
