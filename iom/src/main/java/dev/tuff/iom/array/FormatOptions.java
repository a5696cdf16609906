package dev.tuff.iom.array;

/**
 * How to make an array.
 *
 * @param dataMembers N of its volumes, unless a volume says otherwise
 * @param parityMembers K likewise
 * @param journalBytes size of each drive's journal; 0: by the drive's size
 * @param overwrite whether drives that hold something else already may be used
 */
public record FormatOptions(
    int dataMembers, int parityMembers, long journalBytes, boolean overwrite) {}
