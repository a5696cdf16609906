package dev.tuff.iom.rebuild;

/** The longest run of blocks of an object that is rebuilt at once. */
record Segment(long gfid, long lblk) {}
