package dev.tuff.iom.check;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.CnodePage;
import dev.tuff.iom.object.MapShape;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.xor.ErasureCode;
import dev.tuff.xor.Kernel;
import java.util.NavigableSet;
import java.util.TreeSet;

/** An object under check: what it is, and where its maps begin on each drive. */
final class CheckedObject {
  final long gfid;
  final ObjectAttributes attributes;
  final Layout layout;
  final MapShape shape;
  final ErasureCode code;

  /** On each drive; null where there is none. */
  final CnodePage[] cnodes;

  /** Where a drive's journal tells of the object's creation. */
  final boolean[] created;

  /** Blocks that some drive's journal is about. */
  final NavigableSet<Long> journaled = new TreeSet<>();

  CheckedObject(ObjectAttributes attributes, CnodePage[] cnodes, boolean[] created, int vacated) {
    this.gfid = attributes.gfid();
    this.attributes = attributes;
    this.cnodes = cnodes;
    this.created = created;
    this.layout = attributes.layout(vacated);
    this.shape = MapShape.of(attributes);
    this.code = ErasureCode.of(attributes.dataMembers(), attributes.parityMembers(), Kernel.isal());
  }

  /** False where a drive's maps are not known: what it holds of the object can't be told. */
  boolean known(int drive) {
    return cnodes[drive] != null || created[drive];
  }

  /** The block of the volume that a data member is. */
  long volumeBlock(long lblk, int member) {
    int chunk = layout.chunkBlocks();
    return (lblk / chunk * layout.dataMembers() + member) * chunk + lblk % chunk;
  }

  /** True when nothing of the block is the volume's any more: it has been made smaller. */
  boolean beyondEnd(long lblk, int member) {
    return volumeBlock(lblk, member) * Drive.BLOCK_BYTES >= attributes.sizeBytes();
  }

  /** A group's member for people. */
  String name(long lblk, int member) {
    return member < layout.dataMembers()
        ? "volume %s block %d".formatted(attributes.name(), volumeBlock(lblk, member))
        : "volume %s parity %d of lblk %d"
            .formatted(attributes.name(), member - layout.dataMembers(), lblk);
  }
}
