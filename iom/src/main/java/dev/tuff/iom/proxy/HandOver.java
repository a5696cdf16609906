package dev.tuff.iom.proxy;

import dev.tuff.iom.read.AllocationOp;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * What clients have asked of an IOM or proxy that has stopped, kept for the one that comes after it
 * on the same shard: nothing that was accepted is dropped, and writes keep the order in which they
 * were accepted, replied to or not. Messages between IOMs die with it.
 */
public final class HandOver {
  private record Late(MessageType type, Object subject, Object detail) {}

  private final Actor from;
  private final DataSide data;
  private final ReadSide reads;
  private final List<Late> late = new ArrayList<>();
  private Actor successor;
  private Consumer<WriteOp> reserve;

  /** Of {@code from}, which has stopped just now. */
  public HandOver(Actor from, DataSide data, ReadSide reads) {
    this.from = from;
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
    if (successor == null) {
      late.add(new Late(type, subject, detail));
    } else {
      pass(type, subject, detail);
    }
  }

  /**
   * Passes everything on.
   *
   * @param to on the same shard, with its budget and those of the others as if it were empty
   * @param reserveFor takes what a write needs out of them
   */
  public void passTo(Actor to, Consumer<WriteOp> reserveFor) {
    successor = to;
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
    if (type == MessageType.WRITE) {
      WriteOp op = (WriteOp) subject;
      // Others of its stripe that had arrived before are updates by themselves now.
      op.stripe = 0;
      reserve.accept(op);
    }
    from.shard().send(successor, type, subject, detail, 0);
  }
}
