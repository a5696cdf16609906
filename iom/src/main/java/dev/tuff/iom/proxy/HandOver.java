package dev.tuff.iom.proxy;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.read.AllocationOp;
import dev.tuff.iom.read.ReadOp;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What clients have asked of an IOM or proxy that has stopped, kept for the one that comes after it
 * on the same shard: nothing that was accepted is dropped, and writes keep the order in which they
 * were accepted, replied to or not. Where another place is vacated now than before, rows have gone
 * from one drive to another, and what was asked of them goes there. Messages between IOMs die with
 * it.
 */
public final class HandOver {
  private record Late(MessageType type, Object subject, Object detail) {}

  /** Takes what a write needs out of the budgets. */
  @FunctionalInterface
  public interface Reserve {
    /** Of the drive that the write is of, and of its parities'. */
    void take(int drive, WriteOp op);
  }

  private final Actor from;
  private final SideRooms rooms;
  private final DataSide data;
  private final ReadSide reads;
  private final List<Late> late = new ArrayList<>();
  private final Map<Long, Layout> layouts = new HashMap<>();

  /** Other drives that something has gone to. */
  private final BitSet others = new BitSet();

  private Reserve reserve;

  /** Of {@code from}, which has stopped just now. */
  public HandOver(Actor from, SideRooms rooms, DataSide data, ReadSide reads) {
    this.from = from;
    this.rooms = rooms;
    this.data = data;
    this.reads = reads;
  }

  /** A message that was on its way when {@code from} stopped. */
  public void onMessage(Message message) {
    switch (message.type) {
      case WRITE, READ, FLUSH -> keep(message.type, message.subject, message.detail);
      // Others may have answered it while this one was there.
      case QUERY_ALLOCATION -> keep(message.type, ((AllocationOp) message.subject).again(), null);
      default -> {
        // Of an update that is begun anew.
      }
    }
  }

  private void keep(MessageType type, Object subject, Object detail) {
    if (reserve == null) {
      late.add(new Late(type, subject, detail));
    } else {
      pass(type, subject, detail);
    }
  }

  /**
   * Passes everything on: to those that act for the drives now, with the budgets as if they were
   * empty.
   *
   * @param reserveFor takes what a write needs out of them
   */
  public void passOn(Reserve reserveFor) {
    reserve = reserveFor;
    data.handOver(
        new DataSide.Unfinished() {
          @Override
          public void onWrite(WriteOp op) {
            pass(MessageType.WRITE, op.again(), null);
          }

          @Override
          public void onFlush(Object subject, Actor client) {
            pass(MessageType.FLUSH, subject, client);
          }
        });
    reads.handOver(op -> pass(MessageType.READ, op.again(), null));
    reads.handOverQueries(op -> pass(MessageType.QUERY_ALLOCATION, op.again(), null));
    late.forEach(message -> pass(message.type(), message.subject(), message.detail()));
    late.clear();
  }

  private void pass(MessageType type, Object subject, Object detail) {
    switch (type) {
      case WRITE -> pass((WriteOp) subject);
      case READ -> {
        ReadOp op = (ReadOp) subject;
        send(drive(op.gfid, op.lblk, op.member), type, op, detail);
      }
      case FLUSH -> flush(subject, (Actor) detail);
      default -> send(rooms.driveIndex, type, subject, detail);
    }
  }

  private void pass(WriteOp op) {
    // Others of its stripe that had arrived before are updates by themselves now.
    op.stripe = 0;
    int drive = drive(op.gfid, op.lblk, op.member);
    Layout layout = layout(op.gfid);
    long row = op.lblk / layout.chunkBlocks();
    for (int p = 0; p < op.parities; p++) {
      op.parityDrive[p] = layout.drive(row, layout.dataMembers() + p);
    }
    reserve.take(drive, op);
    send(drive, MessageType.WRITE, op, null);
  }

  /** Writes from before it may be elsewhere by now. */
  private void flush(Object subject, Actor client) {
    if (others.isEmpty()) {
      send(rooms.driveIndex, MessageType.FLUSH, subject, client);
      return;
    }
    FlushOfSeveral flush = new FlushOfSeveral(from.shard(), subject, client);
    flush.ask(rooms.acting(rooms.driveIndex));
    others.stream().forEach(drive -> flush.ask(rooms.acting(drive)));
  }

  private void send(int drive, MessageType type, Object subject, Object detail) {
    if (drive != rooms.driveIndex) {
      others.set(drive);
    }
    rooms.send(drive, type, subject, detail, 0);
  }

  /** Where a member of a row is now. */
  private int drive(long gfid, long lblk, int member) {
    Layout layout = layout(gfid);
    return layout.drive(lblk / layout.chunkBlocks(), member);
  }

  private Layout layout(long gfid) {
    return layouts.computeIfAbsent(
        gfid, of -> rooms.cnode(of).attributes().layout(rooms.vacated()));
  }
}
