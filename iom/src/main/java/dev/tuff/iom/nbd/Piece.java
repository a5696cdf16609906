package dev.tuff.iom.nbd;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.volume.AllocationMap;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.VolumeRequest;

/**
 * A part of an operation that is one request to the volume, with its buffer. The buffer is given
 * back when the appliance and the kernel have both let go of it. Pooled; its shard's thread only.
 */
final class Piece implements RequestHandler {
  final VolumeRequest request;
  IoBuffer buffer;
  Operation operation;
  Connection connection;
  long offset;
  int bytes;

  /** Payload bytes that have arrived. */
  int filled;

  boolean inAppliance;
  boolean inOutput;
  boolean answered;

  /** Room for the answer to a query, or null. */
  AllocationMap allocation;

  Piece nextOfOperation;
  Piece next;

  Piece(int shard) {
    request = new VolumeRequest(shard, this, this);
  }

  /** Where the piece's first byte lies in the buffer. */
  int start() {
    return (int) (offset & 4095);
  }

  @Override
  public void onDone(VolumeRequest done) {
    connection.onAnswered(this);
  }

  @Override
  public void onReleased(VolumeRequest done) {
    inAppliance = false;
    connection.onReleased(this);
  }
}
