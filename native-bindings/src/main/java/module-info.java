/** Native facades: io_uring, ISA-L, POSIX calls, aligned memory, start-up checks. */
module dev.tuff.natives {
  exports dev.tuff.natives;
}
