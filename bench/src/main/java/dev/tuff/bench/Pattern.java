package dev.tuff.bench;

/** In which order blocks are visited. */
public enum Pattern {
  /** Every block equally likely, repetitions included. */
  RANDOM,
  /** Ascending, from the start again at the end. */
  SEQUENTIAL
}
