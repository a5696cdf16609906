package dev.tuff.iom.journal;

/**
 * A place in the journal.
 *
 * @param position journal blocks since format
 * @param sequence number of the commit record that starts there
 */
public record JournalPosition(long position, long sequence) {}
