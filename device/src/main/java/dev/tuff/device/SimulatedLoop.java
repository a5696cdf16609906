package dev.tuff.device;

import java.util.Arrays;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/**
 * The simulator's loop: virtual time, which only {@link #await} moves, and completions in an order
 * that one seed decides. The same calls with the same seed give the same order every time. Drives
 * any number of {@link SimulatedDevice}s.
 *
 * <p>Its thread is the one that uses it; only {@link #wakeUp} may come from others. An {@link
 * #await} without limit while nothing is in flight really sleeps until then.
 */
public final class SimulatedLoop implements IoLoop {
  private static final int COMPLETIONS_PER_CALL = 256;

  private final SplittableRandom random;
  private final Object wakeUpLock = new Object();

  // A binary heap by time, then by order of submission.
  private IoRequest[] events = new IoRequest[64];
  private int count;
  private final PriorityQueue<Timer> timers =
      new PriorityQueue<>(
          Comparator.comparingLong(Timer::dueNanos).thenComparingLong(Timer::order));
  private long submissions;
  private long nowNanos;
  private int openDevices;
  private boolean closed;
  private boolean woken;

  private record Timer(long dueNanos, long order, Runnable task) {}

  public SimulatedLoop(long seed) {
    random = new SplittableRandom(seed);
  }

  @Override
  public int poll() {
    requireOpen();
    int handlers = 0;
    while (handlers < COMPLETIONS_PER_CALL && count > 0 && events[0].dueNanos <= nowNanos) {
      IoRequest request = removeFirst();
      request.simulated.onDue(request);
      handlers++;
    }
    while (!timers.isEmpty() && timers.peek().dueNanos() <= nowNanos) {
      timers.poll().task().run();
      handlers++;
    }
    return handlers;
  }

  @Override
  public int await(long timeoutNanos) {
    requireOpen();
    long next = nextDueNanos();
    boolean nothing = next == Long.MAX_VALUE;
    if (timeoutNanos == 0 || next <= nowNanos || takeWakeUp(timeoutNanos < 0 && nothing)) {
      return poll();
    }
    long limit = timeoutNanos < 0 ? Long.MAX_VALUE : saturatedAdd(nowNanos, timeoutNanos);
    nowNanos = Math.min(next, limit);
    return poll();
  }

  private boolean takeWakeUp(boolean sleepForIt) {
    synchronized (wakeUpLock) {
      boolean interrupted = false;
      while (sleepForIt && !woken) {
        try {
          wakeUpLock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      boolean taken = woken;
      woken = false;
      return taken;
    }
  }

  private static long saturatedAdd(long a, long b) {
    return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
  }

  @Override
  public void wakeUp() {
    synchronized (wakeUpLock) {
      woken = true;
      wakeUpLock.notifyAll();
    }
  }

  /** Virtual nanoseconds since the loop was made. */
  @Override
  public long nanoTime() {
    return nowNanos;
  }

  /** Requests that will complete if time moves on. */
  public int inFlight() {
    return count;
  }

  /**
   * When the next request completes or the next timer ends if nothing else comes; {@link
   * Long#MAX_VALUE}: never.
   */
  public long nextDueNanos() {
    long timer = timers.isEmpty() ? Long.MAX_VALUE : timers.peek().dueNanos();
    return count == 0 ? timer : Math.min(timer, events[0].dueNanos);
  }

  @Override
  public void timer(long nanos, Runnable task) {
    timers.add(new Timer(nowNanos + nanos, submissions++, task));
  }

  /** Nothing is registered with it. */
  @Override
  public boolean renew() {
    return true;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the loop is closed");
    }
  }

  // ------------------------------------------------------------------ for the devices

  void attach() {
    requireOpen();
    openDevices++;
  }

  void detach() {
    openDevices--;
  }

  /** Lets the request complete after a time that its kind and the seed decide. */
  void schedule(IoRequest request) {
    request.dueNanos = nowNanos + latencyNanos(request) * request.simulated.slowness();
    request.order = submissions++;
    if (count == events.length) {
      events = Arrays.copyOf(events, 2 * count);
    }
    insert(request);
  }

  /** A request whose time had come takes so much longer. */
  void postpone(IoRequest request, long nanos) {
    request.dueNanos = nowNanos + nanos;
    if (count == events.length) {
      events = Arrays.copyOf(events, 2 * count);
    }
    insert(request);
  }

  private void insert(IoRequest request) {
    int at = count++;
    while (at > 0 && before(request, events[(at - 1) >>> 1])) {
      events[at] = events[(at - 1) >>> 1];
      at = (at - 1) >>> 1;
    }
    events[at] = request;
  }

  private long latencyNanos(IoRequest request) {
    long base =
        switch (request.operation) {
          case READ -> random.nextLong(20_000, 200_000);
          case WRITE -> random.nextLong(10_000, 100_000);
          case WRITE_DURABLE -> random.nextLong(50_000, 500_000);
          case FLUSH -> random.nextLong(100_000, 2_000_000);
          case DISCARD -> random.nextLong(10_000, 1_000_000);
        };
    // Now and then a drive is busy with itself.
    return random.nextInt(64) == 0 ? 10 * base : base + request.lengthBytes;
  }

  private static boolean before(IoRequest a, IoRequest b) {
    return a.dueNanos != b.dueNanos ? a.dueNanos < b.dueNanos : a.order < b.order;
  }

  private IoRequest removeFirst() {
    IoRequest first = events[0];
    IoRequest last = events[--count];
    events[count] = null;
    if (count > 0) {
      sink(last, 0);
    }
    return first;
  }

  private void sink(IoRequest request, int from) {
    int at = from;
    while (true) {
      int child = 2 * at + 1;
      if (child >= count) {
        break;
      }
      if (child + 1 < count && before(events[child + 1], events[child])) {
        child++;
      }
      if (!before(events[child], request)) {
        break;
      }
      events[at] = events[child];
      at = child;
    }
    events[at] = request;
  }

  /** The device's requests, in order of submission. */
  IoRequest[] inFlight(SimulatedDevice device) {
    return Arrays.stream(events, 0, count)
        .filter(request -> request.simulated == device)
        .sorted((a, b) -> Long.compare(a.order, b.order))
        .toArray(IoRequest[]::new);
  }

  /** Takes out the device's requests, which will never complete. */
  void withdraw(SimulatedDevice device) {
    withdraw(request -> request.simulated == device);
  }

  /** Takes a request out. */
  void withdraw(IoRequest request) {
    withdraw(other -> other == request);
  }

  private void withdraw(Predicate<IoRequest> which) {
    IoRequest[] all = Arrays.copyOf(events, count);
    Arrays.sort(all, (a, b) -> Long.compare(a.order, b.order));
    Arrays.fill(events, 0, count, null);
    count = 0;
    for (IoRequest request : all) {
      if (!which.test(request)) {
        insert(request);
      }
    }
  }

  @Override
  public void close() {
    if (openDevices > 0) {
      throw new IllegalStateException(openDevices + " devices are still open on the loop");
    }
    closed = true;
  }
}
