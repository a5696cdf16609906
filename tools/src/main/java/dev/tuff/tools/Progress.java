package dev.tuff.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * How far a transfer is, in bytes: a bar on the error stream where that is a terminal, nothing
 * elsewhere.
 */
final class Progress implements AutoCloseable {
  private static final int WIDTH = 78;

  private final ProgressBar bar;

  private Progress(ProgressBar bar) {
    this.bar = bar;
  }

  /** Begins a bar that ends at {@code bytes}. */
  static Progress of(String task, long bytes) {
    if (!onTerminal()) {
      return new Progress(null);
    }
    return new Progress(
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(bytes)
            .setUnit(" MiB", 1 << 20)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(200)
            .showSpeed()
            .clearDisplayOnFinish()
            // One of its own looks for the terminal's width through native libraries.
            .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
            .build());
  }

  /** Shows nothing. */
  static Progress none() {
    return new Progress(null);
  }

  private static boolean onTerminal() {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException e) {
      return false;
    }
  }

  void advance(long bytes) {
    if (bar != null) {
      bar.stepBy(bytes);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
