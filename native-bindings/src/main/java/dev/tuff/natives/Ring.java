package dev.tuff.natives;

import dev.tuff.natives.generated.net.Net;
import dev.tuff.natives.generated.uring.Uring;
import dev.tuff.natives.generated.uring.io_uring;
import dev.tuff.natives.generated.uring.io_uring_cq;
import dev.tuff.natives.generated.uring.io_uring_params;
import dev.tuff.natives.generated.uring.io_uring_sq;
import dev.tuff.natives.generated.uring.iovec;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.List;

/**
 * An io_uring(7) of one thread: operations are prepared in the mapped submission queue, one {@link
 * #enter} hands all of them to the kernel and, if asked, sleeps for completions, which are then
 * read from the mapped completion queue. {@link #enter} is the only system call on the data path.
 *
 * <p>Set up disabled: until {@link #enable} any one thread may register files and buffers; the
 * thread that enables it owns it from then on. Nothing here allocates after set-up. The caller
 * keeps the memory of an operation alive until its completion and never has more operations in
 * flight than the completions it asked for, so the completion queue cannot overflow.
 */
public final class Ring implements AutoCloseable {
  private static final int SETUP_CQSIZE = 1 << 3;
  private static final int SETUP_CLAMP = 1 << 4;
  private static final int SETUP_R_DISABLED = 1 << 6;
  private static final int SETUP_SUBMIT_ALL = 1 << 7; // Linux 5.18
  private static final int SETUP_COOP_TASKRUN = 1 << 8; // Linux 5.19
  private static final int SETUP_TASKRUN_FLAG = 1 << 9; // Linux 5.19
  private static final int SETUP_SINGLE_ISSUER = 1 << 12; // Linux 6.0
  private static final int SETUP_DEFER_TASKRUN = 1 << 13; // Linux 6.1

  private static final int BASE = SETUP_CLAMP | SETUP_CQSIZE | SETUP_R_DISABLED;
  private static final int[] FLAVOURS = {
    BASE | SETUP_SUBMIT_ALL | SETUP_TASKRUN_FLAG | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN,
    BASE | SETUP_SUBMIT_ALL | SETUP_TASKRUN_FLAG | SETUP_COOP_TASKRUN,
    BASE
  };

  /** How many sets of features there are to fall back on. */
  static final int FLAVOUR_COUNT = FLAVOURS.length;

  private static final int REGISTER_ENABLE_RINGS = 12;

  private static final int ENTER_GETEVENTS = 1;
  private static final int ENTER_EXT_ARG = 1 << 3;
  private static final int ENTER_REGISTERED_RING = 1 << 4;
  private static final int SQ_CQ_OVERFLOW = 1 << 1;
  private static final int SQ_TASKRUN = 1 << 2;
  private static final int SQE_FIXED_FILE = 1;

  private static final int OP_FSYNC = 3;
  private static final int OP_READ_FIXED = 4;
  private static final int OP_WRITE_FIXED = 5;
  private static final int OP_POLL_ADD = 6;
  private static final int OP_SENDMSG = 9;
  private static final int OP_TIMEOUT = 11;
  private static final int OP_TIMEOUT_REMOVE = 12;
  private static final int OP_ACCEPT = 13;
  private static final int OP_FALLOCATE = 17;
  private static final int OP_READ = 22;
  private static final int OP_WRITE = 23;
  private static final int OP_RECV = 27;
  private static final int POLL_ADD_MULTI = 1; // Linux 5.13
  private static final int POLLIN = 1;
  private static final int FSYNC_DATASYNC = 1;
  private static final int CQE_MORE = 2;
  private static final int RWF_DSYNC = 2;

  private static final int SQE_BYTES = 64;
  private static final int CQE_BYTES = 16;
  private static final int CQE_RESULT = 8;
  private static final int CQE_FLAGS = 12;

  private static final int ARG_BYTES = 24;
  private static final int ARG_SIGMASK_BYTES = 8;
  private static final int ARG_TIMESPEC = 16;
  private static final int TIMESPEC = 24;
  private static final int SCRATCH_BYTES = 40;

  private static final int EPERM = 1;
  private static final int EINTR = 4;
  private static final int EAGAIN = 11;
  private static final int ENOMEM = 12;
  private static final int EEXIST = 17;
  private static final int EBUSY = 16;
  private static final int EINVAL = 22;
  private static final int EMFILE = 24;
  private static final int ENOSYS = 38;
  private static final int ETIME = 62;

  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
  private static final ValueLayout.OfInt JAVA_INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong JAVA_LONG = ValueLayout.JAVA_LONG;

  private static final MethodHandle ENTER =
      bind(
          "io_uring_enter2",
          FunctionDescriptor.of(
              JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ValueLayout.ADDRESS, JAVA_LONG));
  private static final MethodHandle REGISTER =
      bind(
          "io_uring_register",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ValueLayout.ADDRESS, JAVA_INT));

  private final MemorySegment struct;
  private final MemorySegment rings;
  private final MemorySegment entries;
  private final MemorySegment scratch;
  private final int descriptor;
  private final int flags;

  private final long sqHead;
  private final long sqTail;
  private final long sqFlags;
  private final int sqMask;
  private final int sqEntries;
  private final long cqHead;
  private final long cqTail;
  private final long cqEntriesOffset;
  private final int cqMask;
  private final int cqEntries;

  private int enterDescriptor;
  private int enterFlags;
  private int tail;
  private int head;
  private long userData;
  private int result;
  private int completionFlags;
  private Thread owner;
  private boolean closed;
  private long enters;

  private Ring(MemorySegment struct, int flags) {
    this.struct = struct;
    this.flags = flags;
    MemorySegment sq = io_uring.sq(struct);
    MemorySegment cq = io_uring.cq(struct);
    MemorySegment base = io_uring_sq.ring_ptr(sq);
    long baseAddress = base.address();
    if (io_uring_cq.ring_ptr(cq).address() != baseAddress) {
      throw new RingException(
          "io_uring: this kernel maps its two rings apart; Tuff needs Linux 5.19 or newer", 0);
    }
    rings = base.reinterpret(Math.max(io_uring_sq.ring_sz(sq), io_uring_cq.ring_sz(cq)));
    sqHead = io_uring_sq.khead(sq).address() - baseAddress;
    sqTail = io_uring_sq.ktail(sq).address() - baseAddress;
    sqFlags = io_uring_sq.kflags(sq).address() - baseAddress;
    sqEntries = rings.get(JAVA_INT, io_uring_sq.kring_entries(sq).address() - baseAddress);
    sqMask = sqEntries - 1;
    entries = io_uring_sq.sqes(sq).reinterpret((long) sqEntries * SQE_BYTES);
    cqHead = io_uring_cq.khead(cq).address() - baseAddress;
    cqTail = io_uring_cq.ktail(cq).address() - baseAddress;
    cqEntries = rings.get(JAVA_INT, io_uring_cq.kring_entries(cq).address() - baseAddress);
    cqMask = cqEntries - 1;
    cqEntriesOffset = io_uring_cq.cqes(cq).address() - baseAddress;
    descriptor = io_uring.ring_fd(struct);
    enterDescriptor = descriptor;

    // Slot i of the submission ring always names entry i, so that only the tail moves later on.
    long array = io_uring_sq.array(sq).address() - baseAddress;
    for (int i = 0; i < sqEntries; i++) {
      rings.set(JAVA_INT, array + 4L * i, i);
    }
    scratch = Arena.ofAuto().allocate(SCRATCH_BYTES, 64);
    scratch.set(JAVA_INT, ARG_SIGMASK_BYTES, 8);
    scratch.set(JAVA_LONG, ARG_TIMESPEC, scratch.address() + TIMESPEC);
  }

  /**
   * Sets a ring up, disabled. Fails with {@link RingException} and a sentence that says what mends
   * it.
   *
   * @param submissions operations prepared between two enters at most, 1 to 32768
   * @param completions operations in flight at most, 1 to 65536
   */
  public static Ring open(int submissions, int completions) {
    return open(submissions, completions, 0);
  }

  /** As on a kernel that lacks the features of the flavours before {@code firstFlavour}. */
  static Ring open(int submissions, int completions, int firstFlavour) {
    requireLibrary();
    // Not closed by hand: a few hundred bytes, and closing a shared arena stops every thread.
    Arena arena = Arena.ofAuto();
    MemorySegment struct = arena.allocate(io_uring.layout());
    MemorySegment params = arena.allocate(io_uring_params.layout());
    int error = -EINVAL;
    for (int i = firstFlavour; i < FLAVOURS.length && error == -EINVAL; i++) {
      struct.fill((byte) 0);
      params.fill((byte) 0);
      io_uring_params.flags(params, FLAVOURS[i]);
      io_uring_params.cq_entries(params, Math.max(completions, submissions));
      error = Uring.io_uring_queue_init_params(submissions, struct, params);
      if (error >= 0) {
        return new Ring(struct, FLAVOURS[i]);
      }
    }
    throw new RingException(setUpFailure(-error), -error);
  }

  private static String setUpFailure(int errno) {
    return switch (errno) {
      case ENOSYS ->
          "io_uring is not in this kernel (or its sandbox forbids it); Tuff needs Linux 5.19 or newer with io_uring";
      case EPERM ->
          "io_uring is not allowed to this process; allow it with: sysctl -w kernel.io_uring_disabled=0"
              + " (in a container also by its seccomp profile)";
      case ENOMEM ->
          "io_uring got no locked memory; raise the limit (ulimit -l, LimitMEMLOCK= of the service)";
      case EMFILE ->
          "io_uring got no file descriptor; raise the limit (ulimit -n, LimitNOFILE= of the service)";
      default -> "io_uring could not be set up: error " + errno;
    };
  }

  /** Makes the calling thread the ring's owner and lets operations run. Called once. */
  public void enable() {
    if (owner != null) {
      throw new IllegalStateException("ring is enabled already");
    }
    int error = register(REGISTER_ENABLE_RINGS);
    if (error < 0) {
      throw new RingException("io_uring could not be enabled: error " + -error, -error);
    }
    owner = Thread.currentThread();
    // Saves the kernel the descriptor look-up in every enter. Not having it (before 5.18) only
    // costs time.
    if (Uring.io_uring_register_ring_fd(struct) == 1) {
      enterDescriptor = io_uring.enter_ring_fd(struct);
      enterFlags = ENTER_REGISTERED_RING;
    }
  }

  private int register(int operation) {
    try {
      return (int) REGISTER.invokeExact(descriptor, operation, MemorySegment.NULL, 0);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** The thread that enabled it, null before. */
  public Thread owner() {
    return owner;
  }

  /** Operations that fit between two enters. */
  public int submissionEntries() {
    return sqEntries;
  }

  /** Operations that may be in flight. */
  public int completionEntries() {
    return cqEntries;
  }

  /** System calls made by {@link #enter} since the ring was opened. */
  public long enters() {
    return enters;
  }

  /**
   * Whether completions are worked off only within {@link #enter}, on the owner's thread (Linux
   * 6.1).
   */
  public boolean defersWork() {
    return (flags & SETUP_DEFER_TASKRUN) != 0;
  }

  // ------------------------------------------------------------------ registration

  /**
   * Makes a table of {@code count} empty file slots. Before {@link #enable} any thread, then the
   * owner.
   */
  public void registerFiles(int count) {
    check("register files", Uring.io_uring_register_files_sparse(struct, count));
  }

  /**
   * Puts an open file into a slot, or empties the slot with descriptor -1. The ring then holds the
   * file open.
   */
  public void setFile(int slot, int fileDescriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment file = arena.allocateFrom(JAVA_INT, fileDescriptor);
      check(
          "update a registered file", Uring.io_uring_register_files_update(struct, slot, file, 1));
    }
  }

  /** Pins each segment, at most 1 GiB, as the fixed buffer of its place in the list. Once. */
  public void registerBuffers(List<MemorySegment> buffers) {
    registerBuffers(buffers, 0);
  }

  /** Likewise, and leaves so many places behind them for {@link #registerBuffer}. */
  public void registerBuffers(List<MemorySegment> buffers, int more) {
    try (Arena arena = Arena.ofConfined()) {
      long bytes = 0;
      // Those that are left as they are, without address and length, are places that are empty.
      MemorySegment vectors = arena.allocate(iovec.layout(), buffers.size() + more);
      for (int i = 0; i < buffers.size(); i++) {
        put(vectors, i, buffers.get(i));
        bytes += buffers.get(i).byteSize();
      }
      checkLocked(Uring.io_uring_register_buffers(struct, vectors, buffers.size() + more), bytes);
    }
  }

  /**
   * Pins a segment, at most 1 GiB, as the fixed buffer of a place that is empty; or of one that has
   * it already, with the pages that it has now instead of those that it had. Operations that the
   * kernel has taken go on with the former ones. Before {@link #enable} any thread, then the owner.
   *
   * @param place as in the list of {@link #registerBuffers}
   * @throws RingException when the kernel does not; then everything is as before
   */
  public void registerBuffer(int place, MemorySegment buffer) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment vector = arena.allocate(iovec.layout());
      put(vector, 0, buffer);
      int done =
          Uring.io_uring_register_buffers_update_tag(struct, place, vector, MemorySegment.NULL, 1);
      checkLocked(Math.min(done, 0), buffer.byteSize());
    }
  }

  private static void put(MemorySegment vectors, int index, MemorySegment buffer) {
    MemorySegment vector = iovec.asSlice(vectors, index);
    iovec.iov_base(vector, buffer);
    iovec.iov_len(vector, buffer.byteSize());
  }

  private static void checkLocked(int result, long bytes) {
    if (result == -ENOMEM) {
      throw new RingException(
          "io_uring may not lock another "
              + (bytes >> 20)
              + " MiB of buffers; raise the limit above the sum of what all rings of this user"
              + " lock (ulimit -l, LimitMEMLOCK= of the service)",
          ENOMEM);
    }
    check("register buffers", result);
  }

  private static void check(String what, int result) {
    if (result == -EEXIST) {
      throw new IllegalStateException("the ring belongs to another thread: cannot " + what);
    }
    if (result < 0) {
      throw new RingException("io_uring could not " + what + ": error " + -result, -result);
    }
  }

  // ------------------------------------------------------------------ submission

  /** Operations prepared and not yet taken by the kernel. */
  public int prepared() {
    return tail - (int) INT.getAcquire(rings, sqHead);
  }

  /** Whether an {@link #enter} must come before the next operation can be prepared. */
  public boolean full() {
    return prepared() == sqEntries;
  }

  /**
   * Prepares a read of a registered file into a registered buffer.
   *
   * @param file registered file slot
   * @param buffer index of the registered buffer that {@code memory} lies in
   * @param userData comes back with the completion
   */
  public void prepareReadFixed(
      int file,
      long offset,
      MemorySegment memory,
      long memoryOffset,
      int bytes,
      int buffer,
      long userData) {
    long address = address(memory, memoryOffset, bytes);
    prepare(OP_READ_FIXED, SQE_FIXED_FILE, file, offset, address, bytes, 0, buffer, userData);
  }

  /**
   * Prepares a write; {@code durable}: hardened on completion (RWF_DSYNC). Otherwise as {@link
   * #prepareReadFixed}.
   */
  public void prepareWriteFixed(
      int file,
      long offset,
      MemorySegment memory,
      long memoryOffset,
      int bytes,
      int buffer,
      boolean durable,
      long userData) {
    long address = address(memory, memoryOffset, bytes);
    prepare(
        OP_WRITE_FIXED,
        SQE_FIXED_FILE,
        file,
        offset,
        address,
        bytes,
        durable ? RWF_DSYNC : 0,
        buffer,
        userData);
  }

  /**
   * Prepares a read of a registered file into memory that need not be registered; otherwise as
   * {@link #prepareReadFixed}, and slower.
   */
  public void prepareRead(
      int file, long offset, MemorySegment memory, long memoryOffset, int bytes, long userData) {
    long address = address(memory, memoryOffset, bytes);
    prepare(OP_READ, SQE_FIXED_FILE, file, offset, address, bytes, 0, 0, userData);
  }

  /** Prepares a write likewise; otherwise as {@link #prepareWriteFixed}. */
  public void prepareWrite(
      int file,
      long offset,
      MemorySegment memory,
      long memoryOffset,
      int bytes,
      boolean durable,
      long userData) {
    long address = address(memory, memoryOffset, bytes);
    int writeFlags = durable ? RWF_DSYNC : 0;
    prepare(OP_WRITE, SQE_FIXED_FILE, file, offset, address, bytes, writeFlags, 0, userData);
  }

  /**
   * Prepares an fdatasync of a registered file: hardens every write that has completed, flushing
   * the drive's cache.
   */
  public void prepareDataSync(int file, long userData) {
    prepare(OP_FSYNC, SQE_FIXED_FILE, file, 0, 0, 0, FSYNC_DATASYNC, 0, userData);
  }

  /** Prepares a fallocate(2) of a registered file. */
  public void prepareFallocate(int file, int mode, long offset, long bytes, long userData) {
    // The kernel takes the length in the address field and the mode in the length field.
    prepare(OP_FALLOCATE, SQE_FIXED_FILE, file, offset, bytes, mode, 0, 0, userData);
  }

  /**
   * Prepares a standing poll of an event counter: each signal gives one completion, for as long as
   * {@link #more} says so. Nothing needs to read the counter.
   */
  public void prepareEventPoll(int eventDescriptor, long newUserData) {
    prepare(OP_POLL_ADD, 0, eventDescriptor, 0, 0, POLL_ADD_MULTI, POLLIN, 0, newUserData);
  }

  /**
   * Prepares the acceptance of one connection of a listening socket; completes with its descriptor,
   * which is not inherited by child processes.
   */
  public void prepareAccept(int socket, long newUserData) {
    prepare(OP_ACCEPT, 0, socket, 0, 0, 0, Net.SOCK_CLOEXEC(), 0, newUserData);
  }

  /**
   * Prepares a receive; completes with the bytes received, 0 at the end of the stream.
   *
   * @param whole wait until all bytes are there, or the stream has ended
   */
  public void prepareReceive(
      int socket,
      MemorySegment memory,
      long memoryOffset,
      int bytes,
      boolean whole,
      long newUserData) {
    long address = address(memory, memoryOffset, bytes);
    int messageFlags = whole ? Net.MSG_WAITALL() : 0;
    prepare(OP_RECV, 0, socket, 0, address, bytes, messageFlags, 0, newUserData);
  }

  /**
   * Prepares a send of all pieces of a list; completes with the bytes sent, fewer only when the
   * connection broke. No signal is raised.
   */
  public void prepareSend(int socket, SendList pieces, long newUserData) {
    int messageFlags = Net.MSG_NOSIGNAL() | Net.MSG_WAITALL();
    prepare(OP_SENDMSG, 0, socket, 0, pieces.message().address(), 1, messageFlags, 0, newUserData);
  }

  /**
   * Prepares a timer; completes with -ETIME when the time is over, with -ECANCELED when removed.
   *
   * @param time a {@code struct __kernel_timespec}, kept until the completion
   */
  public void prepareTimer(MemorySegment time, long newUserData) {
    prepare(OP_TIMEOUT, 0, -1, 0, time.address(), 1, 0, 0, newUserData);
  }

  /** Prepares the removal of a timer by its user data. */
  public void prepareTimerRemoval(long timerUserData, long newUserData) {
    prepare(OP_TIMEOUT_REMOVE, 0, -1, 0, timerUserData, 0, 0, 0, newUserData);
  }

  private static long address(MemorySegment memory, long offset, int bytes) {
    if (offset < 0 || bytes < 0 || offset > memory.byteSize() - bytes) {
      throw new IndexOutOfBoundsException(offset + "+" + bytes + " of " + memory.byteSize());
    }
    return memory.address() + offset;
  }

  private void prepare(
      int opcode,
      int entryFlags,
      int file,
      long offset,
      long address,
      int length,
      int operationFlags,
      int buffer,
      long newUserData) {
    if (full()) {
      throw new IllegalStateException("submission queue is full");
    }
    long at = (long) (tail & sqMask) * SQE_BYTES;
    entries.set(JAVA_LONG, at, opcode | (entryFlags << 8) | ((long) file << 32));
    entries.set(JAVA_LONG, at + 8, offset);
    entries.set(JAVA_LONG, at + 16, address);
    entries.set(JAVA_LONG, at + 24, (length & 0xFFFF_FFFFL) | ((long) operationFlags << 32));
    entries.set(JAVA_LONG, at + 32, newUserData);
    entries.set(JAVA_LONG, at + 40, buffer);
    entries.set(JAVA_LONG, at + 48, 0L);
    entries.set(JAVA_LONG, at + 56, 0L);
    tail++;
  }

  /**
   * Hands everything prepared to the kernel and lets it post completions; with {@code waitFor}
   * above 0 sleeps until that many are there, a signal interrupts, or {@code timeoutNanos} have
   * passed (negative: no limit). Returns early when the kernel took only a part: look at {@link
   * #prepared}. Owner only.
   */
  public void enter(int waitFor, long timeoutNanos) {
    // Another thread's registered ring may have the same number, so the kernel does not find every
    // mistake.
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException("the ring belongs to another thread: " + owner);
    }
    int publishedTail = tail;
    INT.setRelease(rings, sqTail, publishedTail);
    int count = publishedTail - (int) INT.getAcquire(rings, sqHead);
    int callFlags = ENTER_GETEVENTS | enterFlags;
    MemorySegment argument = MemorySegment.NULL;
    long argumentBytes = 8;
    if (waitFor > 0 && timeoutNanos >= 0) {
      long seconds = timeoutNanos / 1_000_000_000L;
      scratch.set(JAVA_LONG, TIMESPEC, seconds);
      scratch.set(JAVA_LONG, TIMESPEC + 8, timeoutNanos - seconds * 1_000_000_000L);
      callFlags |= ENTER_EXT_ARG;
      argument = scratch;
      argumentBytes = ARG_BYTES;
    }
    enters++;
    int answer;
    try {
      answer =
          (int)
              ENTER.invokeExact(
                  enterDescriptor, count, waitFor, callFlags, argument, argumentBytes);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    if (answer < 0) {
      onEnterError(-answer);
    }
  }

  private void onEnterError(int errno) {
    switch (errno) {
      // Nothing went wrong that the next enter does not continue: a signal, the time limit, or a
      // kernel short of memory.
      case EINTR, ETIME, EAGAIN, EBUSY -> {}
      case EEXIST ->
          throw new IllegalStateException("the ring belongs to another thread: " + owner);
      default -> throw new RingException("io_uring_enter failed: error " + errno, errno);
    }
  }

  /** Whether the kernel has completions that only an {@link #enter} brings into the queue. */
  public boolean workPending() {
    return ((int) INT.getVolatile(rings, sqFlags) & (SQ_TASKRUN | SQ_CQ_OVERFLOW)) != 0;
  }

  // ------------------------------------------------------------------ completion

  /** Completions that can be taken without a system call. */
  public int completions() {
    return (int) INT.getAcquire(rings, cqTail) - head;
  }

  /** Takes the next completion, if there is one, for {@link #userData} and {@link #result}. */
  public boolean next() {
    if (completions() == 0) {
      return false;
    }
    long at = cqEntriesOffset + (long) (head & cqMask) * CQE_BYTES;
    userData = rings.get(JAVA_LONG, at);
    result = rings.get(JAVA_INT, at + CQE_RESULT);
    completionFlags = rings.get(JAVA_INT, at + CQE_FLAGS);
    head++;
    INT.setRelease(rings, cqHead, head);
    return true;
  }

  /** Of the completion taken last: what its operation was prepared with. */
  public long userData() {
    return userData;
  }

  /** Of the completion taken last: bytes done, or a negative error number. */
  public int result() {
    return result;
  }

  /** Of the completion taken last: whether its operation stands and will complete again. */
  public boolean more() {
    return (completionFlags & CQE_MORE) != 0;
  }

  /**
   * Unmaps and closes it. The owner, or any thread once the owner has ended. Operations in flight
   * are cancelled later.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Uring.io_uring_queue_exit(struct);
    }
  }

  // ------------------------------------------------------------------ binding

  private static void requireLibrary() {
    if (ENTER == null) {
      throw new RingException(
          "liburing.so.2 of version 2.3 or newer is missing; install the package liburing2", 0);
    }
  }

  // Both return -errno themselves. Never critical: the enter sleeps, and would hold back every
  // safepoint meanwhile.
  private static MethodHandle bind(String symbol, FunctionDescriptor descriptor) {
    SymbolLookup library;
    try {
      library = SymbolLookup.libraryLookup("liburing.so.2", Arena.global());
    } catch (IllegalArgumentException e) {
      return null;
    }
    return library
        .find(symbol)
        .map(address -> Linker.nativeLinker().downcallHandle(address, descriptor))
        .orElse(null);
  }
}
