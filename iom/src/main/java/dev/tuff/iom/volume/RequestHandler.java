package dev.tuff.iom.volume;

/** Hears of a request's end, on the shard it was submitted on. */
@FunctionalInterface
public interface RequestHandler {
  /** The request has its result: a write has reached its toughness. */
  void onDone(VolumeRequest request);

  /**
   * The request and its buffer are the client's again. At once after {@link #onDone}, except for a
   * write of less than {@link Toughness#HARDENED}, whose bytes are still on their way from the
   * buffer to the drives.
   */
  default void onReleased(VolumeRequest request) {}
}
