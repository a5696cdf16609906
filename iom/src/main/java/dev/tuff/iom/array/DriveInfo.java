package dev.tuff.iom.array;

/**
 * A drive as people see it.
 *
 * @param state "online", "missing" (only the index is known), "stale": it was left out of what was
 *     decided since, "failed": in this run, "taken over": it is missing, and the others have all
 *     that it had; "rebuilding", or "taking over" its part of what another had
 * @param failure why it has failed in this run of the array; null when it has not
 * @param rebuild how far it is; null when it has everything
 */
public record DriveInfo(
    int index,
    String path,
    String state,
    long sizeBytes,
    long usedBytes,
    long journalBytes,
    long epoch,
    long checksumErrors,
    long mediaErrors,
    long reconstructedBlocks,
    String failure,
    RebuildInfo rebuild) {
  DriveInfo inState(String other) {
    return new DriveInfo(
        index,
        path,
        other,
        sizeBytes,
        usedBytes,
        journalBytes,
        epoch,
        checksumErrors,
        mediaErrors,
        reconstructedBlocks,
        failure,
        rebuild);
  }
}
