package dev.tuff.iom.array;

import java.nio.file.Path;

/**
 * A drive that is to take another's place.
 *
 * @param index of the place
 * @param drive a block device or image file; everything on it is lost, unless it had the place
 *     before: then what has not changed since is kept
 * @param fail also while the drive that has the place is there: it never comes back
 * @param force also when the new one holds something or belongs to another array
 * @param fromNothing keep nothing of what is on it, whatever that is
 */
public record Replacement(
    int index, Path drive, boolean fail, boolean force, boolean fromNothing) {}
