package dev.tuff.iom.volume;

/**
 * A blocking read, write or flush could not be done; the message is the one sentence for the user.
 */
public final class VolumeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient RequestResult result;

  public VolumeException(RequestResult result, String sentence) {
    super(sentence);
    this.result = result;
  }

  /** How the request ended; null when the array has stopped. */
  public RequestResult result() {
    return result;
  }

  /** The sentence for a result of a request to a volume. */
  public static VolumeException of(RequestResult result, Volume volume) {
    return new VolumeException(
        result,
        switch (result) {
          case OK -> "Volume " + volume.name() + " has no problem.";
          case IO_ERROR ->
              "Volume "
                  + volume.name()
                  + " could not be read: more of a group is lost than its parity makes up for; bring"
                  + " back missing drives.";
          case NO_SPACE ->
              "Volume " + volume.name() + " could not be written: the drives have no space left.";
          case OUT_OF_RANGE ->
              "The range does not lie within volume "
                  + volume.name()
                  + " of "
                  + volume.sizeBytes()
                  + " bytes.";
          case DELETED -> "Volume " + volume.name() + " was deleted.";
          case READ_ONLY ->
              "Volume "
                  + volume.name()
                  + " can't be written: the array is read-only (degraded, or started so).";
        });
  }
}
