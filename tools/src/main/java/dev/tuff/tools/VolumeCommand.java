package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.VolumeInfo;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tuff volume}. */
@Command(
    name = "volume",
    synopsisSubcommandLabel = "COMMAND",
    description = "Create, list, resize and delete volumes.",
    subcommands = {
      VolumeCommand.Create.class,
      VolumeCommand.ListAll.class,
      VolumeCommand.Resize.class,
      VolumeCommand.Delete.class
    })
final class VolumeCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "which command? create, list, resize or delete");
  }

  /** {@code tuff volume create}. */
  @Command(
      name = "create",
      description = {
        "Create a volume, also while a service runs. It takes space on the drives as it is written,",
        "not before."
      })
  static final class Create implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "Its name.")
    private String name;

    @Option(
        names = "--size",
        required = true,
        paramLabel = "SIZE",
        description = "Its size, like 10G.")
    private ByteSize size;

    @Option(
        names = "--protect",
        paramLabel = "N+K",
        description = "Data and parity members (default: the array's).")
    private Protection protection;

    @Option(
        names = "--chunk",
        paramLabel = "SIZE",
        description = "Bytes in a row on one drive (default: 64K).")
    private ByteSize chunk;

    @Option(
        names = "--toughness",
        paramLabel = "LEVEL",
        defaultValue = "2",
        description =
            "What a completed write has survived, unless it says otherwise: 0 nothing, 1 taken in on data and parity side,"
                + " 2 hardened (default).")
    private Toughness toughness;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      VolumeSpec asked =
          new VolumeSpec(
              name,
              size.bytes(),
              protection == null ? 0 : protection.dataMembers(),
              protection == null ? -1 : protection.parityMembers(),
              chunkBytes(),
              toughness);
      JsonNode served = array.askService("volume-create", arguments(asked));
      if (served != null) {
        print(served.path("volume"), served.path("note").asText());
        return 0;
      }
      try (Array assembled = array.assemble()) {
        VolumeInfo created = assembled.createVolume(asked);
        print(Results.volume(created), note(created, assembled.status()));
      }
      return 0;
    }

    private void print(Object created, String note) {
      output.print(
          created,
          () -> "created volume %s of %s%n%s".formatted(name, ByteSize.brief(size.bytes()), note));
    }

    private static Map<String, ?> arguments(VolumeSpec asked) {
      return Map.of(
          "name",
          asked.name(),
          "bytes",
          asked.sizeBytes(),
          "dataMembers",
          asked.dataMembers(),
          "parityMembers",
          asked.parityMembers(),
          "chunkBytes",
          asked.chunkBytes(),
          "toughness",
          asked.toughness().level());
    }

    /** In a service: what {@link #arguments} say. */
    static Object answer(Array array, JsonNode request) {
      VolumeInfo created =
          array.createVolume(
              new VolumeSpec(
                  request.path("name").asText(),
                  request.path("bytes").asLong(),
                  request.path("dataMembers").asInt(),
                  request.path("parityMembers").asInt(),
                  request.path("chunkBytes").asInt(),
                  Toughness.ofLevel(request.path("toughness").asInt())));
      return Map.of("volume", Results.volume(created), "note", note(created, array.status()));
    }

    private static String note(VolumeInfo created, ArrayStatus status) {
      if (created.parityMembers() == 0) {
        return "note: %d+0 has no redundancy; with any drive lost, so is what it holds%n"
            .formatted(created.dataMembers());
      }
      if (created.parityMembers() > status.parityMembers()) {
        return "note: the array was formatted %d+%d and starts with at most %d drives missing; further parity helps against damaged blocks only%n"
            .formatted(status.dataMembers(), status.parityMembers(), status.parityMembers());
      }
      return "";
    }

    private int chunkBytes() {
      if (chunk == null) {
        return 0;
      }
      if (chunk.bytes() < 4096 || chunk.bytes() > 1 << 30) {
        throw new CommandException(
            "a chunk of " + chunk.bytes() + " bytes is not possible; give 4K or more, like 64K");
      }
      return (int) chunk.bytes();
    }
  }

  /** {@code tuff volume resize}. */
  @Command(
      name = "resize",
      description = {
        "Make a volume larger, or smaller, also while a service serves it. What is added reads as",
        "zeros and takes no space. What lies beyond a smaller size is lost, so that takes --shrink.",
        "NBD clients see the new size when they connect the next time."
      })
  static final class Resize implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "NAME", description = "Its name.")
    private String name;

    @Parameters(index = "1", paramLabel = "SIZE", description = "Its new size, like 20G.")
    private ByteSize size;

    @Option(
        names = "--shrink",
        description = "The size may be smaller than it is; what lies beyond it is lost.")
    private boolean shrink;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      JsonNode served =
          array.askService(
              "volume-resize", Map.of("name", name, "bytes", size.bytes(), "shrink", shrink));
      Object result = served;
      if (served == null) {
        try (Array assembled = array.assemble()) {
          result = Results.volume(assembled.resizeVolume(name, size.bytes(), shrink));
        }
      }
      output.print(
          result, () -> "volume %s has %s now%n".formatted(name, ByteSize.brief(size.bytes())));
      return 0;
    }
  }

  /** {@code tuff volume delete}. */
  @Command(
      name = "delete",
      description =
          "Delete a volume and all that it holds. Its space is freed before the command ends; if that is cut short,"
              + " the next command that uses the array goes on with it. A running service deletes a volume that it does not export, and frees"
              + " its space meanwhile.")
  static final class Delete implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "Its name.")
    private String name;

    @Option(names = "--yes", description = "Do not ask.")
    private boolean yes;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() throws InterruptedException {
      JsonNode served = array.askService("volume", Map.of("name", name));
      if (served != null) {
        long used = served.path("usedBytes").asLong();
        ask(used);
        array.askService("volume-delete", Map.of("name", name));
        output.print(
            Map.of("deleted", name, "freedBytes", used),
            () ->
                "deleted volume %s; the service frees the %s that it held%n"
                    .formatted(name, ByteSize.brief(used)));
        return 0;
      }
      try (Array assembled = array.assemble()) {
        long used = usedBytes(assembled);
        ask(used);
        assembled.deleteVolume(name);
        while (assembled.bytesBeingFreed() > 0 && assembled.failure() == null) {
          Thread.sleep(FREEING_POLL_MILLIS);
        }
        if (assembled.failure() != null) {
          throw assembled.failure();
        }
        output.print(
            Map.of("deleted", name, "freedBytes", used),
            () -> "deleted volume %s, which held %s%n".formatted(name, ByteSize.brief(used)));
      }
      return 0;
    }

    private void ask(long used) {
      Consent.ask(
          yes, "Delete volume %s and the %s that it holds?".formatted(name, ByteSize.brief(used)));
    }

    private static final int FREEING_POLL_MILLIS = 5;

    private long usedBytes(Array assembled) {
      assembled.volume(name);
      return assembled.status().volumes().stream()
          .filter(volume -> volume.name().equals(name))
          .mapToLong(VolumeInfo::usedBytes)
          .sum();
    }
  }

  /** {@code tuff volume list}. */
  @Command(name = "list", description = "List the volumes.")
  static final class ListAll implements Callable<Integer> {
    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      JsonNode served = array.askService("volumes", Map.of());
      if (served != null) {
        output.print(served, () -> array.askService("volumes-text", Map.of()).asText());
        return 0;
      }
      List<VolumeInfo> volumes;
      try (Array assembled = array.assembleToLook()) {
        volumes = assembled.status().volumes();
      }
      output.print(
          volumes.stream().map(Results::volume).toList(),
          () -> Results.volumeTable(volumes).toString());
      return 0;
    }
  }
}
