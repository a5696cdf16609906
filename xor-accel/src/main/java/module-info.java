/** Parity arithmetic: XOR, Reed-Solomon, deltas, reconstruction, CRC32C. */
module dev.tuff.xor {
  requires dev.tuff.natives;

  exports dev.tuff.xor;
}
