package dev.tuff.iom.runtime;

/**
 * What IOMs and clients say to each other. Requests are imperative, facts past participle (figures
 * 15A and 15B).
 */
public enum MessageType {
  /**
   * Client to the client side that a volume's stripes go through: start this request. Subject: the
   * VolumeRequest.
   */
  START_REQUEST,
  /** Back: it has its result. Subject: the VolumeRequest. */
  REQUEST_REPLIED,
  /** Back: it and its buffer are free. Subject: the VolumeRequest. */
  REQUEST_CLOSED,
  /** Client to data IOM: accept a part of a write. Subject: the WriteOp. */
  WRITE,
  /** Client to data IOM: a part of a read. Subject: the ReadOp. */
  READ,
  /** Data IOM to itself: zeros over zeros, the update is over. Subject: the WriteOp. */
  UNCHANGED,
  /**
   * Client to an IOM: say which blocks of some rows are mapped. Subject: the AllocationOp, number:
   * not used.
   */
  QUERY_ALLOCATION,
  /** IOM to client. Subject: the AllocationOp. */
  ALLOCATION_ANSWERED,
  /**
   * Client to every IOM: answer when all that was accepted before is closed. Subject: the FlushOp.
   */
  FLUSH,
  /**
   * D7, data to parity IOM: an update of a group's data. Subject: the WriteOp, number: parity
   * index.
   */
  UPDATE_PARITY,
  /**
   * Of several parities the first decides the order of a group's updates: this one's turn has come,
   * the others may have it. Subject: the WriteOp.
   */
  ADMITTED,
  /** P4, parity to data IOM: ready for the delta. Subject: the WriteOp, number: parity index. */
  REQUEST_DELTA,
  /**
   * D10, data to parity IOM: the delta, or the data in data mode. Subject: the WriteOp, number:
   * parity index.
   */
  DELTA,
  /**
   * P6, parity to data IOM: merged, buffers released. Subject: the WriteOp, detail: the Generation,
   * number: parity | slot &lt;&lt; 8.
   */
  DELTA_TAKEN,
  /** D13, data to parity IOM: mj and data are hardened. Subject: the Generation, number: slot. */
  DATA_HARDENED,
  /**
   * P9, parity to data IOM: pj, parity and all other members are hardened. Subject: the WriteOp,
   * number: parity index.
   */
  PARITY_HARDENED,
  /**
   * Data to each of several parity IOMs: all parities are hardened, none will have to go back.
   * Subject: the Generation, number: slot.
   */
  UPDATE_CLOSED,
  /** Data IOM to client: the part has reached its toughness. Subject: the WriteOp. */
  WRITE_REPLIED,
  /** Data IOM to client: the part is closed, its buffers are free. Subject: the WriteOp. */
  WRITE_CLOSED,
  /** Data IOM to client: the part of a read is done. Subject: the ReadOp. */
  READ_DONE,
  /** IOM to client: all earlier updates here are closed. Subject: the FlushOp. */
  FLUSHED,
  /**
   * To the parity IOM that coordinates: make a member's blocks from the others. Subject: the
   * ReadOp.
   */
  RECONSTRUCT,
  /**
   * Coordinator to a member's IOM: read your blocks in the version the parity knows. Subject: the
   * Gather part.
   */
  GATHER,
  /** Member's IOM to the coordinator. Subject: the Gather part. */
  GATHERED,
  /**
   * Data IOM to that of a member whose drive is being rebuilt: have your blocks of these groups,
   * before the update starts. Subject: the WriteOp, number: how far it is needed.
   */
  ENSURE_REBUILT,
  /**
   * They are there; or the update goes on without this parity. Subject: the WriteOp, number: a bit
   * for the parity then, else 0.
   */
  REBUILT,
  /**
   * IOM of a drive that is being rebuilt to a data member's: read your blocks in the version that
   * is closed. Subject: the MemberRead.
   */
  READ_VERSIONS,
  /** They are in the buffer. Subject: the MemberRead. */
  VERSIONS_READ,
  /**
   * IOM of a drive that is being rebuilt to any other: from which row on have you anything of an
   * object? Subject: the MappedSearch.
   */
  FIND_MAPPED,
  /** From there on. Subject: the MappedSearch, number: the row, {@link Long#MAX_VALUE}: none. */
  MAPPED_FOUND,
  /** Shard to shard: all that was sent before has been heard. */
  FENCE,
  /** IOM to all IOMs: my journal is nearly full, start no update that may need it. */
  JOURNAL_FULL,
  /** IOM to all IOMs: my journal has room again. */
  JOURNAL_TRIMMED,
  /** A reconstruction is over. Subject: the ReadOp; goes to whoever asked. */
  RECONSTRUCTED
}
