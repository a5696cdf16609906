package dev.tuff.natives;

import dev.tuff.natives.generated.linux.Linux;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/**
 * A region of zeroed memory outside the Java heap, aligned to its pages, for buffers that drives
 * read and write. Any thread may use and close it. After {@link #close} its segment throws; the
 * kernel knows nothing of that, so I/O into it must have completed before.
 *
 * <p>Memory that lives as long as the process comes from {@link #forever} and is the fastest to
 * access: its segment has nothing to check but bounds.
 */
public final class NativeMemory implements AutoCloseable {
  /** Alignment in bytes of every region. */
  public static final int PAGE_BYTES = 4096;

  /** Size and alignment in bytes of huge pages. */
  public static final int HUGE_PAGE_BYTES = 2 << 20;

  private static final int HUGE_PAGE_SHIFT = 21;

  /** What a region should have. */
  public enum Option {
    /** Huge pages where there are any; the size is rounded up to them. */
    HUGE_PAGES,
    /** Pages are there before the first access, which then never waits for or lacks one. */
    PREFAULT
  }

  /** What kind of pages a region got. */
  public enum Pages {
    /** Pages of 4 KiB. */
    BASE,
    /** Aligned for transparent huge pages, which the kernel hands out as it has them. */
    TRANSPARENT_HUGE,
    /** Huge pages set aside by the administrator ({@code vm.nr_hugepages}). */
    RESERVED_HUGE
  }

  private final Arena arena;
  private final MemorySegment segment;
  private final Pages pages;

  private NativeMemory(Arena arena, MemorySegment segment, Pages pages) {
    this.arena = arena;
    this.segment = segment;
    this.pages = pages;
  }

  /**
   * Maps a region that is given back by {@link #close}.
   *
   * @param sizeBytes at least 1; rounded up to whole pages
   * @throws PosixException with {@link Errno#ENOMEM} when there is not so much
   */
  @SuppressWarnings("MustBeClosedChecker") // The region owns the arena and closes it.
  public static NativeMemory map(long sizeBytes, Option... options) {
    Mapping mapping = Mapping.make(sizeBytes, options);
    Arena arena = Arena.ofShared();
    MemorySegment segment =
        MemorySegment.ofAddress(mapping.address)
            .reinterpret(
                mapping.sizeBytes, arena, s -> Posix.munmap(mapping.address, mapping.sizeBytes));
    return new NativeMemory(arena, segment, mapping.pages);
  }

  /** Maps a region that is never given back; otherwise like {@link #map}. */
  public static MemorySegment forever(long sizeBytes, Option... options) {
    Mapping mapping = Mapping.make(sizeBytes, options);
    return MemorySegment.ofAddress(mapping.address).reinterpret(mapping.sizeBytes);
  }

  /** The whole region. */
  public MemorySegment segment() {
    return segment;
  }

  /** What kind of pages it got. */
  public Pages pages() {
    return pages;
  }

  /**
   * Gives a part of the region other pages, zeroed. A transfer that the kernel has in flight keeps
   * the pages that it was begun with, which nobody sees any more: whatever it still writes lands
   * there. Registered buffers of rings keep the former pages, too ({@link Ring#registerBuffer}).
   *
   * @param part of this region, in whole pages; not of one with {@link Pages#RESERVED_HUGE}, whose
   *     pages can't be replaced one by one
   */
  public void replacePages(MemorySegment part) {
    if (pages == Pages.RESERVED_HUGE) {
      throw new IllegalStateException("reserved huge pages can't be replaced one by one");
    }
    if (part.address() % PAGE_BYTES != 0 || part.byteSize() % PAGE_BYTES != 0) {
      throw new IllegalArgumentException("pages are replaced as a whole: " + part);
    }
    Posix.madvise(part, Linux.MADV_DONTNEED());
  }

  /** Gives the memory back. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private record Mapping(long address, long sizeBytes, Pages pages) {

    static Mapping make(long sizeBytes, Option... options) {
      if (sizeBytes < 1 || sizeBytes > Long.MAX_VALUE / 2) {
        throw new IllegalArgumentException("a region of " + sizeBytes + " bytes");
      }
      Set<Option> asked = EnumSet.noneOf(Option.class);
      asked.addAll(Set.of(options));
      Mapping mapping = asked.contains(Option.HUGE_PAGES) ? huge(sizeBytes) : base(sizeBytes);
      if (asked.contains(Option.PREFAULT)) {
        mapping.prefault();
      }
      return mapping;
    }

    private static Mapping base(long sizeBytes) {
      long size = roundUp(sizeBytes, PAGE_BYTES);
      return new Mapping(map(size, 0), size, Pages.BASE);
    }

    private static Mapping huge(long sizeBytes) {
      long size = roundUp(sizeBytes, HUGE_PAGE_BYTES);
      int reserved = Linux.MAP_HUGETLB() | (HUGE_PAGE_SHIFT << Linux.MAP_HUGE_SHIFT());
      long address = Posix.mmap(size, reserved);
      if (address > 0) {
        return new Mapping(address, size, Pages.RESERVED_HUGE);
      }
      long start = map(size + HUGE_PAGE_BYTES, 0);
      long aligned = roundUp(start, HUGE_PAGE_BYTES);
      if (aligned > start) {
        Posix.munmap(start, aligned - start);
      }
      long tail = start + HUGE_PAGE_BYTES - aligned;
      if (tail > 0) {
        Posix.munmap(aligned + size, tail);
      }
      try {
        Posix.madvise(MemorySegment.ofAddress(aligned).reinterpret(size), Linux.MADV_HUGEPAGE());
        return new Mapping(aligned, size, Pages.TRANSPARENT_HUGE);
      } catch (PosixException e) {
        if (e.errno() != Errno.EINVAL) {
          throw e;
        }
        // A kernel built without transparent huge pages.
        return new Mapping(aligned, size, Pages.BASE);
      }
    }

    private void prefault() {
      MemorySegment memory = MemorySegment.ofAddress(address).reinterpret(sizeBytes);
      try {
        Posix.madvise(memory, Linux.MADV_POPULATE_WRITE());
      } catch (PosixException e) {
        Posix.munmap(address, sizeBytes);
        throw e;
      }
    }

    private static long map(long size, int flags) {
      long address = Posix.mmap(size, flags);
      if (address < 0) {
        throw new PosixException("mmap", size + " bytes", (int) -address);
      }
      return address;
    }

    private static long roundUp(long value, long unit) {
      return (value + unit - 1) & -unit;
    }
  }
}
