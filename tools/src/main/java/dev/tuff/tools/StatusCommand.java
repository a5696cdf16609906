package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayStatus;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tuff status}. */
@Command(
    name = "status",
    description = {
      "Show the array: its drives, its volumes, whether anything is missing.",
      "After a crash also what this start recovered, in numbers."
    })
final class StatusCommand implements Callable<Integer> {
  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    JsonNode served = array.askService("status", Map.of());
    if (served != null) {
      output.print(served, () -> array.askService("status-text", Map.of()).asText());
      return 0;
    }
    ArrayStatus status;
    try (Array assembled = array.assembleToLook()) {
      status = assembled.status();
    }
    ScrubInfo scrub = scrub(status);
    output.print(Results.status(status, scrub), () -> Results.statusText(status, scrub));
    return 0;
  }

  /** As a service would find it. */
  private ScrubInfo scrub(ArrayStatus status) {
    Path file = array.fileOrNull();
    ScrubState state = new ScrubState(ScrubState.beside(file), status.uuid());
    return ScrubInfo.of(
        state.read(status.driveCount()),
        file == null ? ScrubSchedule.NONE : ArrayFile.read(file).scrub(),
        Instant.now());
  }
}
