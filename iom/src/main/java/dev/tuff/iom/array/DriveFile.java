package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.JournalReader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Reads a drive's blocks one after the other, for what is done before the array runs or without it.
 */
final class DriveFile implements JournalReader.BlockSource, AutoCloseable {
  private final Path path;
  private final FileChannel channel;

  DriveFile(Path path) {
    this.path = path;
    try {
      this.channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw new ArrayException(path + " could not be opened: " + e.getMessage(), e);
    }
  }

  @Override
  public void read(long address, int blocks, MemorySegment target) {
    if (address < 0 || address > Long.MAX_VALUE / Drive.BLOCK_BYTES - blocks) {
      throw new ArrayException(path + " is damaged: it points to block " + address + ".");
    }
    long bytes = (long) blocks * Drive.BLOCK_BYTES;
    long done = 0;
    try {
      while (done < bytes) {
        int now =
            channel.read(
                target.asSlice(done, bytes - done).asByteBuffer(),
                address * Drive.BLOCK_BYTES + done);
        if (now < 0) {
          throw new ArrayException(path + " ends before block " + (address + blocks) + ".");
        }
        done += now;
      }
    } catch (IOException e) {
      throw new ArrayException(
          path + " could not be read at block " + address + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new ArrayException(path + " could not be closed: " + e.getMessage(), e);
    }
  }
}
