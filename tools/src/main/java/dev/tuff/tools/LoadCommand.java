package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tuff load}. */
@Command(
    name = "load",
    description = {
      "Burn-in test of an array: write a volume of its own at random, and check that nothing acknowledged is ever lost.",
      "Every block says which one it is and of which version, with a checksum. What is written and what was acknowledged is"
          + " printed as it happens, a line each. Kill it, cut the power, lose a drive; then run it with --verify: every"
          + " block must hold the newest version that was acknowledged as hardened or flushed, or one written later, whole."
          + " With --acks and a file that is there already it verifies and goes on where it ended.",
      "Takes an empty volume, unless told to --overwrite. Keep the acknowledgements where what is tried cannot reach them: on another"
          + " machine, when the power is cut."
    })
final class LoadCommand implements Callable<Integer> {
  /** 16 GiB: three numbers a block are kept in memory. */
  static final int MAX_BLOCKS = 1 << 22;

  private static final int MAX_DEPTH = 64;

  @Spec private CommandSpec command;

  @Parameters(paramLabel = "VOLUME", description = "The volume to write, or to verify.")
  private String volumeName;

  @Option(
      names = "--verify",
      paramLabel = "ACKFILE",
      description =
          "Write nothing: read the volume and check it against what was acknowledged. Works with drives missing.")
  private Path verify;

  @Option(
      names = "--acks",
      paramLabel = "ACKFILE",
      description = "Where to write what was acknowledged (default: standard output).")
  private Path acks;

  @Option(
      names = "--seconds",
      paramLabel = "NUMBER",
      description = "How long to write (default: 60).")
  private Double seconds;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      description =
          "How much of the volume to use, from its start (default: all of it, at most 16G).")
  private ByteSize size;

  @Option(
      names = "--depth",
      paramLabel = "NUMBER",
      description = "Requests in flight, 1 to 64 (default: 16).")
  private Integer depth;

  @Option(
      names = "--seed",
      paramLabel = "NUMBER",
      description = "Repeats the random offsets and sizes of another run.")
  private Long seed;

  @Option(
      names = "--fail",
      paramLabel = "DRIVE",
      description = {
        "Take the drive with this index out of service while the load runs: after a third of the",
        "time, the next after half of the rest, and so on. The array goes on without it."
      })
  private List<Integer> fail = List.of();

  @Option(names = "--overwrite", description = "Also a volume that holds something, which is lost.")
  private boolean overwrite;

  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws IOException {
    if (verify != null) {
      if (acks != null || seconds != null || size != null || depth != null || seed != null) {
        throw wrongCall("--verify only reads; it takes no option about writing");
      }
      if (overwrite || !fail.isEmpty()) {
        throw wrongCall("--verify only reads; it takes no --overwrite and no --fail");
      }
      verify();
      return 0;
    }
    if (depth != null && (depth < 1 || depth > MAX_DEPTH)) {
      throw wrongCall("a depth of " + depth + " is not possible; give 1 to " + MAX_DEPTH);
    }
    if (seconds != null && !(seconds > 0)) {
      throw wrongCall(seconds + " seconds are not possible; give more than 0");
    }
    write();
    return 0;
  }

  private ParameterException wrongCall(String sentence) {
    return new ParameterException(command.commandLine(), sentence);
  }

  // ---- verify

  private void verify() throws IOException {
    AckFile known = AckFile.read(verify);
    if (known.header() == null) {
      throw new CommandException(
          verify + " is empty: the load had not begun to write; there is nothing to verify");
    }
    try (Array assembled = array.assembleReadOnly()) {
      Volume volume = assembled.volume(volumeName);
      requireSame(verify, known.header(), assembled, volume);
      LoadCheck check = new LoadCheck(assembled, volume, known.header(), known.promises());
      check.require();
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("volume", volumeName);
      result.put("blocks", known.header().blocks());
      result.put("writes", known.promises().writes());
      result.put("promisedBlocks", known.promises().promisedBlocks());
      result.put("newerBlocks", check.newerBlocks());
      output.print(
          result,
          () ->
              "verified %d blocks of volume %s after %d writes: all sound, %d hold what was acknowledged as hardened, %d of the blocks something newer%n"
                  .formatted(
                      known.header().blocks(),
                      volumeName,
                      known.promises().writes(),
                      known.promises().promisedBlocks(),
                      check.newerBlocks()));
    }
  }

  private void requireSame(Path file, AckFile.Header header, Array assembled, Volume volume) {
    if (!header.array().equals(assembled.status().uuid().toString())
        || header.gfid() != info(assembled).gfid()
        || (long) header.blocks() * LoadBlock.BYTES > volume.sizeBytes()) {
      throw new CommandException(
          file + " tells of a load of another volume than " + volumeName + " of this array");
    }
  }

  // ---- write

  private void write() throws IOException {
    AckFile known =
        acks != null && Files.exists(acks) ? AckFile.read(acks) : new AckFile(null, null, 0);
    try (Array assembled = array.assemble()) {
      Volume volume = assembled.volume(volumeName);
      if (assembled.status().readOnly()) {
        throw new CommandException("volume " + volumeName + " can't be written: it is read-only");
      }
      if (known.header() == null) {
        begin(assembled, volume);
      } else {
        goOn(assembled, volume, known);
      }
    }
  }

  private void begin(Array assembled, Volume volume) throws IOException {
    int blocks = blocks(volume);
    long used = seed != null ? seed : ThreadLocalRandom.current().nextLong(1L << 32);
    if (info(assembled).usedBytes() != 0) {
      if (!overwrite) {
        throw new CommandException(
            "volume "
                + volumeName
                + " holds something already; make a volume for the load, or lose what it holds with"
                + " --overwrite");
      }
      Load.clear(assembled, volume, blocks);
    }
    AckFile.Header header =
        new AckFile.Header(
            assembled.status().uuid().toString(), info(assembled).gfid(), blocks, used);
    try (AckWriter writer = writer(new LoadPromises(blocks), 0)) {
      writer.begun(header);
      run(assembled, volume, header, writer);
    }
  }

  private void goOn(Array assembled, Volume volume, AckFile known) throws IOException {
    AckFile.Header header = known.header();
    requireSame(acks, header, assembled, volume);
    if (size != null || seed != null || overwrite) {
      throw new CommandException(
          acks
              + " is there, so the load goes on with its size and seed; leave --size, --seed and"
              + " --overwrite out, or give another file");
    }
    LoadCheck check = new LoadCheck(assembled, volume, header, known.promises());
    check.require();
    try (AckWriter writer = writer(known.promises(), known.soundBytes())) {
      for (int block = 0; block < header.blocks(); block++) {
        if (known.promises().unsettled(block)) {
          writer.settled(block, check.version(block));
        }
      }
      writer.runBegins();
      run(assembled, volume, header, writer);
    }
  }

  private AckWriter writer(LoadPromises promises, long soundBytes) throws IOException {
    return acks == null
        ? AckWriter.toStandardOutput(promises)
        : AckWriter.to(acks, soundBytes, promises);
  }

  private int blocks(Volume volume) {
    long bytes =
        size == null
            ? Math.min(volume.sizeBytes(), (long) MAX_BLOCKS * LoadBlock.BYTES)
            : size.bytes();
    if (bytes > volume.sizeBytes()) {
      throw new CommandException(
          "volume " + volumeName + " has " + volume.sizeBytes() + " bytes, fewer than " + bytes);
    }
    if (bytes / LoadBlock.BYTES < 1 || bytes / LoadBlock.BYTES > MAX_BLOCKS) {
      throw new CommandException("a load uses 4K to 16G of a volume, not " + bytes + " bytes");
    }
    return (int) (bytes / LoadBlock.BYTES);
  }

  private VolumeInfo info(Array assembled) {
    return assembled.status().volumes().stream()
        .filter(volume -> volume.name().equals(volumeName))
        .findFirst()
        .orElseThrow();
  }

  private void run(Array assembled, Volume volume, AckFile.Header header, AckWriter writer)
      throws IOException {
    // Every run of a load goes elsewhere, and all of them are repeated by the seed.
    SplittableRandom random = new SplittableRandom(header.seed() + writer.promises().nextVersion());
    Load load =
        new Load(assembled, volume, writer, header.seed(), random, depth == null ? 16 : depth);
    long began = System.nanoTime();
    double length = seconds == null ? 60 : seconds;
    try (DriveFailures failures = new DriveFailures(assembled, fail, length)) {
      load.run(length);
      failures.await();
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("volume", volumeName);
    result.put("seed", header.seed());
    result.put("seconds", (System.nanoTime() - began) / 1e9);
    result.put("writtenBytes", load.writtenBlocks() * LoadBlock.BYTES);
    result.put("readBytes", load.readBlocks() * LoadBlock.BYTES);
    result.put("flushes", load.flushes());
    String text =
        "wrote %s and read %s of volume %s, %d flushes, seed %d%n"
            .formatted(
                ByteSize.brief(load.writtenBlocks() * LoadBlock.BYTES),
                ByteSize.brief(load.readBlocks() * LoadBlock.BYTES),
                volumeName,
                load.flushes(),
                header.seed());
    if (acks == null) {
      // Standard output has the acknowledgements.
      command.commandLine().getErr().print(text);
      command.commandLine().getErr().flush();
    } else {
      output.print(result, () -> text);
    }
  }
}
