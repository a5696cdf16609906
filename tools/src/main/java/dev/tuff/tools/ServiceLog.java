package dev.tuff.tools;

import java.io.PrintWriter;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A service's log: one line per event, with its time. Whoever logs never waits: lines that the
 * output does not take fast enough are counted instead, and the count is a line itself.
 */
final class ServiceLog implements AutoCloseable {
  private static final int WAITING_LINES = 4096;
  private static final String END = "";

  private final ArrayBlockingQueue<String> lines = new ArrayBlockingQueue<>(WAITING_LINES);
  private final AtomicLong dropped = new AtomicLong();
  private final PrintWriter out;
  private final Thread writer;

  ServiceLog(PrintWriter out) {
    this.out = out;
    this.writer = Thread.ofPlatform().name("tuff-log").daemon(true).start(this::writeAll);
  }

  /** Logs a line. Any thread; never blocks. */
  void line(String text) {
    String time =
        OffsetDateTime.now(ZoneId.systemDefault())
            .truncatedTo(ChronoUnit.MILLIS)
            .format(DateTimeFormatter.ISO_OFFSET_DATE_TIME);
    if (!lines.offer(time + " " + text)) {
      dropped.incrementAndGet();
    }
  }

  private void writeAll() {
    try {
      for (String line = lines.take(); !line.equals(END); line = lines.take()) {
        out.println(line);
        long missing = dropped.getAndSet(0);
        if (missing > 0) {
          out.println(missing + " lines were left out here");
        }
        if (lines.isEmpty()) {
          out.flush();
        }
      }
      out.flush();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Writes what waits, for at most two seconds. */
  @Override
  public void close() {
    try {
      if (lines.offer(END, 1, java.util.concurrent.TimeUnit.SECONDS)) {
        writer.join(2000);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
