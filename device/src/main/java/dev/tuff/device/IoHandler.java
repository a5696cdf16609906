package dev.tuff.device;

/** Receives a finished {@link IoRequest} on the thread that owns the request's {@link IoLoop}. */
@FunctionalInterface
public interface IoHandler {
  /** Called once for every submitted request; the request and its buffer are the caller's again. */
  void onIo(IoRequest request);
}
