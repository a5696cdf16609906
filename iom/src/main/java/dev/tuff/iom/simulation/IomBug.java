package dev.tuff.iom.simulation;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoRequest;
import dev.tuff.iom.proxy.Acting;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.runtime.Shard;

/**
 * An exception that comes once out of the code of an IOM, as if that had a bug: between two
 * messages of it, or in the middle of what it does when it asks for I/O, be that for a message, at
 * a round's end or at the end of another transfer. From outside the production classes.
 */
final class IomBug {
  /** What is thrown. Every other exception is a real bug, and fails the simulation. */
  static final class Thrown extends RuntimeException {
    private static final long serialVersionUID = 1;

    Thrown() {
      super("planted by the simulator");
    }
  }

  /** Where it comes out. */
  enum Place {
    /** Before what a message asks for is done; not those of clients, which are noted first. */
    BEFORE_MESSAGE,
    /** After that. */
    AFTER_MESSAGE,
    /** In the middle, where a request goes to the drive. */
    REQUEST
  }

  private int drive = -1;
  private Place place;
  private int before;
  private boolean thrown;
  private boolean wentOn;

  /** From now on, after so many chances that are let pass. */
  void arm(int ofDrive, Place where, int chances) {
    drive = ofDrive;
    place = where;
    before = chances;
    thrown = false;
    wentOn = false;
  }

  /** No more; true when it has come out since it was armed. */
  boolean disarm() {
    drive = -1;
    return thrown;
  }

  /** The drive whose IOM it is to hit, below 0 if none. */
  int drive() {
    return drive;
  }

  /** True when the IOM has asked for I/O after its bug: nothing of it is to run any more. */
  boolean wentOn() {
    return wentOn;
  }

  /** What hears the messages of a drive's IOM instead of it. */
  Actor actor(int ofDrive, Acting acting) {
    return new Actor() {
      @Override
      public Shard shard() {
        return acting.shard();
      }

      @Override
      public void onMessage(Message message) {
        if (!ofClient(message.type)) {
          throwIfDue(ofDrive, Place.BEFORE_MESSAGE);
        }
        acting.onMessage(message);
        throwIfDue(ofDrive, Place.AFTER_MESSAGE);
      }
    };
  }

  private static boolean ofClient(MessageType type) {
    return switch (type) {
      case WRITE, READ, QUERY_ALLOCATION, FLUSH -> true;
      default -> false;
    };
  }

  private void throwIfDue(int ofDrive, Place where) {
    if (ofDrive == drive && where == place && !thrown && before-- <= 0) {
      thrown = true;
      throw new Thrown();
    }
  }

  /** What the IOM of a drive gets instead of it. */
  BlockDevice device(int ofDrive, BlockDevice device) {
    return new DeviceBefore(device) {
      @Override
      public void submit(IoRequest request) {
        throwIfDue(ofDrive, Place.REQUEST);
        wentOn |= thrown && ofDrive == drive;
        device.submit(request);
      }
    };
  }
}
