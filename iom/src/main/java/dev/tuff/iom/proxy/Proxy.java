package dev.tuff.iom.proxy;

import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.read.AllocationOp;
import dev.tuff.iom.read.ReadOp;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.rebuild.RebuildGate;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.WriteOp;

/**
 * Acts for the IOM of a drive that is gone, as data member: reads are made from the groups, and
 * writes become updates of the parities alone, against old data that is made from the group first.
 * It accepts them in order and keeps one open a block, as an IOM does; it has no drive and no
 * journal, as what it is to remember is in the parities' journals. As a parity member a drive that
 * is gone has nobody in its place: updates go on without it. Owned by one shard's thread.
 */
public final class Proxy implements Acting {
  private final SideRooms rooms;
  private final DataSide data;
  private final ReadSide reads;
  private final RebuildGate gate;
  private HandOver handOver;

  /**
   * A proxy with the rooms of {@link SideRooms#ofProxy}.
   *
   * @param firstId of its updates: above every mj that the drive can have given out
   * @param openLimit updates open at the same time at most
   */
  public Proxy(SideRooms rooms, long firstId, int openLimit) {
    this.rooms = rooms;
    this.data = new DataSide(rooms, firstId, openLimit);
    this.reads = new ReadSide(rooms, data, null, null);
    this.gate = new RebuildGate(rooms, data);
  }

  @Override
  public Shard shard() {
    return rooms.shard;
  }

  @Override
  public void putObject(ObjectAttributes attributes, Runnable hardened) {
    rooms.cnodes().put(Cnode.ofGone(rooms.driveIndex, rooms.vacated(), attributes));
    hardened.run();
  }

  @Override
  public void onMessage(Message message) {
    if (handOver != null) {
      handOver.onMessage(message);
      return;
    }
    Object subject = message.subject;
    switch (message.type) {
      case WRITE -> data.onWrite((WriteOp) subject);
      case READ -> reads.onRead((ReadOp) subject);
      case UNCHANGED -> data.onUnchanged((WriteOp) subject);
      case QUERY_ALLOCATION -> reads.onQueryAllocation((AllocationOp) subject);
      case FLUSH -> data.onFlush(subject, (Actor) message.detail);
      case REBUILT -> gate.onRebuilt((WriteOp) subject, (int) message.number);
      case ADMITTED -> data.onAdmitted((WriteOp) subject);
      case REQUEST_DELTA -> data.onRequestDelta((WriteOp) subject, (int) message.number);
      case DELTA_TAKEN -> data.onDeltaTaken((WriteOp) subject, message.detail, message.number);
      case PARITY_HARDENED -> data.onParityHardened((WriteOp) subject, (int) message.number);
      case RECONSTRUCTED -> reads.onMessage(message.type, subject, message.number);
      case JOURNAL_FULL -> data.onJournalFull();
      case JOURNAL_TRIMMED -> data.onJournalTrimmed();
      default -> Invariant.check(false, "a proxy has no part in " + message.type);
    }
  }

  @Override
  public void halt(Runnable idle) {
    if (handOver == null) {
      handOver = new HandOver(this, rooms, data, reads);
    }
    idle.run();
  }

  @Override
  public void handOver(HandOver.Reserve reserve) {
    handOver.passOn(reserve);
  }

  @Override
  public boolean quiet() {
    return data.inside() == 0;
  }
}
