package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.RebuildPolicy;
import dev.tuff.iom.array.Replacement;
import dev.tuff.iom.nbd.ConnectionInfo;
import dev.tuff.iom.nbd.Export;
import dev.tuff.iom.nbd.Exports;
import dev.tuff.iom.nbd.NbdServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a running service answers to other commands. To teach it another one: a function of the
 * request, and a line in {@link #answers}.
 */
final class Service {
  private final Array array;
  private final NbdServer server;
  private final Exports exports;
  private final Path exportsFile;
  private final Path arrayFile;

  private final ServiceScrub scrub;

  Service(
      Array array,
      NbdServer server,
      Exports exports,
      Path exportsFile,
      Path arrayFile,
      ServiceScrub scrub) {
    this.scrub = scrub;
    this.arrayFile = arrayFile;
    this.array = array;
    this.server = server;
    this.exports = exports;
    this.exportsFile = exportsFile;
  }

  /** By name, as {@link ControlServer} wants them. */
  Map<String, ControlServer.Answer> answers() {
    Map<String, ControlServer.Answer> answers = new LinkedHashMap<>();
    answers.put(
        "connections", request -> server.connections().stream().map(Service::json).toList());
    answers.put("exports", request -> exports.all().stream().map(Service::json).toList());
    answers.put("export-add", this::addExport);
    answers.put("export-remove", this::removeExport);
    answers.put("status", request -> Results.status(array.status(), scrub.info()));
    answers.put("status-text", request -> Results.statusText(array.status(), scrub.info()));
    answers.put("scrub", this::scrub);
    answers.put("scrub-state", request -> scrubState());
    answers.put("scrub-report", request -> ScrubCommand.json(scrub.report()));
    answers.put("scrub-report-text", request -> ScrubCommand.text(scrub.report()));
    answers.put("drives-text", request -> Results.driveTable(array.status()).toString());
    answers.put("drive-fail", this::failDrive);
    answers.put("drive-replace", this::replaceDrive);
    answers.put("drive-add", this::addDrives);
    answers.put("rebuild-policy", this::setRebuildPolicy);
    answers.put(
        "volumes", request -> array.status().volumes().stream().map(Results::volume).toList());
    answers.put(
        "volumes-text", request -> Results.volumeTable(array.status().volumes()).toString());
    answers.put("volume", this::volume);
    answers.put("volume-create", request -> VolumeCommand.Create.answer(array, request));
    answers.put("volume-delete", this::deleteVolume);
    answers.put("volume-resize", this::resizeVolume);
    return answers;
  }

  private Object scrub(JsonNode request) {
    Object before = scrubState();
    scrub.ask();
    return before;
  }

  private Object scrubState() {
    long used = array.status().drives().stream().mapToLong(d -> Math.max(0, d.usedBytes())).sum();
    return Map.of(
        "ended",
        scrub.ended(),
        "busy",
        scrub.busy(),
        "readBytes",
        scrub.info().readBytes(),
        "usedBytes",
        used);
  }

  private Object failDrive(JsonNode request) {
    int index = request.path("index").asInt(-1);
    array.failDrive(index);
    return List.of(index);
  }

  private Object replaceDrive(JsonNode request) {
    int index = request.path("index").asInt(-1);
    Path drive = Path.of(request.path("drive").asText());
    boolean returns =
        array.replaceInService(
            new Replacement(
                index,
                drive,
                request.path("fail").asBoolean(),
                request.path("force").asBoolean(),
                request.path("fromNothing").asBoolean()));
    try {
      DriveLog.note(arrayFile, index, drive);
    } catch (IOException e) {
      throw new CommandException(
          "drive "
              + index
              + " is "
              + drive
              + " now, but the array file can't be brought up to date: "
              + Failures.sentence(e),
          e);
    }
    return Map.of("drive", index, "returns", returns);
  }

  private Object addDrives(JsonNode request) {
    List<Path> added = new ArrayList<>();
    request.path("drives").forEach(drive -> added.add(Path.of(drive.asText())));
    int first = array.addInService(added, request.path("force").asBoolean());
    // The file was written meanwhile, before anything could depend on it.
    if (arrayFile != null && !ArrayFile.read(arrayFile).drives().containsAll(added)) {
      throw new CommandException(
          "the array has the new drives from %d on now, but %s could not be brought up to date: name them there"
              .formatted(first, arrayFile));
    }
    return first;
  }

  private Object volume(JsonNode request) {
    String name = array.volume(request.path("name").asText()).name();
    return array.status().volumes().stream()
        .filter(volume -> volume.name().equals(name))
        .findFirst()
        .map(Results::volume)
        .orElseThrow(() -> new CommandException("volume " + name + " was deleted just now"));
  }

  private synchronized Object deleteVolume(JsonNode request) {
    String name = request.path("name").asText();
    for (Export export : exports.all()) {
      if (export.volume().name().equals(name)) {
        throw new CommandException(
            "volume %s is exported as %s; remove that first: tuff export remove %s"
                .formatted(name, export.name(), export.name()));
      }
    }
    array.deleteVolume(name);
    return List.of(name);
  }

  private Object resizeVolume(JsonNode request) {
    return Results.volume(
        array.resizeVolume(
            request.path("name").asText(),
            request.path("bytes").asLong(-1),
            request.path("shrink").asBoolean()));
  }

  /** Without a policy all stays as it is. */
  private Object setRebuildPolicy(JsonNode request) {
    if (request.hasNonNull("policy")) {
      array.setRebuildPolicy(RebuildPolicy.valueOf(request.path("policy").asText()));
    }
    return List.of();
  }

  private static Map<String, Object> json(ConnectionInfo info) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("number", info.number());
    result.put("peer", info.peer());
    result.put("export", info.export());
    result.put("tls", info.tls());
    result.put("state", info.state());
    result.put("shard", info.shard());
    result.put("seconds", info.seconds());
    result.put("requests", info.requests());
    result.put("underWay", info.underWay());
    result.put("readBytes", info.readBytes());
    result.put("writtenBytes", info.writtenBytes());
    return result;
  }

  private static Map<String, Object> json(Export export) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("name", export.name());
    result.put("volume", export.volume().name());
    result.put("description", export.description());
    result.put("readOnly", export.readOnly());
    result.put("maxClients", export.maxClients());
    result.put("sizeBytes", export.volume().sizeBytes());
    result.put("clients", export.clients());
    return result;
  }

  private synchronized Object addExport(JsonNode request) {
    ExportsFile.Entry entry =
        new ExportsFile.Entry(
            request.path("name").asText(),
            request.path("volume").asText(),
            request.path("description").asText(),
            request.path("readOnly").asBoolean(),
            request.path("maxClients").asInt());
    Export export = entry.export(array.volume(entry.volume()));
    ExportsFile more = ExportsFile.read(exportsFile).with(entry);
    if (!exports.add(export)) {
      throw new CommandException(
          "export "
              + entry.name()
              + " can't be added: the name is in use, or there are "
              + Exports.MAX_EXPORTS
              + " exports already");
    }
    more.write(exportsFile);
    return json(export);
  }

  private synchronized Object removeExport(JsonNode request) {
    String name = request.path("name").asText();
    boolean force = request.path("force").asBoolean();
    Export export = exports.get(name);
    ExportsFile file = ExportsFile.read(exportsFile);
    if (export != null && export.clients() > 0 && !force) {
      throw new CommandException(
          "export "
              + name
              + " is in use by "
              + export.clients()
              + " connections; disconnect them first, or break them off with --force");
    }
    // One that came from --all stands in no file.
    if (export == null || file.find(name) != null) {
      file.without(name).write(exportsFile);
    }
    exports.remove(name);
    if (export != null) {
      server.disconnect(export);
    }
    return List.of(name);
  }
}
