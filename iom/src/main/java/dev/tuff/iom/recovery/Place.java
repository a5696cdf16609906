package dev.tuff.iom.recovery;

/** A group: an object and a logical block. */
record Place(long gfid, long lblk) {}
