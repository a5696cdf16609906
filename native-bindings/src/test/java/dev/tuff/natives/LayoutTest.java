package dev.tuff.natives;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tuff.natives.generated.linux.Linux;
import dev.tuff.natives.generated.net.Net;
import dev.tuff.natives.generated.uring.Uring;
import java.io.IOException;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.UnionLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Compares what Java believes of structures and constants with what the C compiler says: sizes, the
 * offset and size of every field, and the value of every constant that the facades use, written by
 * hand or generated.
 */
class LayoutTest {
  private static final Path GCC = Path.of("/usr/bin/gcc");

  private static final Map<String, String> RING_PREFIXES =
      Map.of(
          "SETUP_", "IORING_SETUP_",
          "REGISTER_", "IORING_REGISTER_",
          "ENTER_", "IORING_ENTER_",
          "OP_", "IORING_OP_",
          "SQ_", "IORING_SQ_",
          "POLL_ADD_", "IORING_POLL_ADD_",
          "FSYNC_", "IORING_FSYNC_",
          "RWF_", "RWF_",
          "E", "E");

  private static final Map<String, String> RING_NAMES =
      Map.of(
          "POLLIN", "POLLIN",
          "SQE_FIXED_FILE", "IOSQE_FIXED_FILE",
          "CQE_MORE", "IORING_CQE_F_MORE",
          "SQE_BYTES", "sizeof(struct io_uring_sqe)",
          "CQE_BYTES", "sizeof(struct io_uring_cqe)",
          "CQE_RESULT", "offsetof(struct io_uring_cqe, res)",
          "CQE_FLAGS", "offsetof(struct io_uring_cqe, flags)",
          "ARG_BYTES", "sizeof(struct io_uring_getevents_arg)",
          "ARG_SIGMASK_BYTES", "offsetof(struct io_uring_getevents_arg, sigmask_sz)",
          "ARG_TIMESPEC", "offsetof(struct io_uring_getevents_arg, ts)");

  @Test
  void ring() throws Exception {
    Map<String, Long> believed = new LinkedHashMap<>();
    addStructures(
        believed,
        Uring.class,
        "io_uring_sqe",
        "io_uring_cqe",
        "io_uring_params",
        "io_sqring_offsets",
        "io_cqring_offsets",
        "io_uring",
        "io_uring_sq",
        "io_uring_cq",
        "io_uring_probe",
        "io_uring_probe_op",
        "io_uring_getevents_arg",
        "io_uring_rsrc_register",
        "io_uring_rsrc_update2",
        "io_uring_buf",
        "io_uring_buf_reg",
        "iovec",
        "__kernel_timespec");
    addConstantsUsed(believed, Uring.class);
    addRingConstants(believed);
    compare("uring.h", believed);
  }

  @Test
  void files() throws Exception {
    Map<String, Long> believed = new LinkedHashMap<>();
    addStructures(
        believed,
        Linux.class,
        "statx",
        "statx_timestamp",
        "stat",
        "timespec",
        "iovec",
        "nvme_passthru_cmd64",
        "nvme_uring_cmd");
    addConstantsUsed(believed, Linux.class);
    for (Field field : Errno.class.getFields()) {
      believed.put(field.getName(), (long) field.getInt(null));
    }
    assertThat(believed).containsKeys("EBUSY", "ENOTTY", "LOCK_EX", "BLKGETSIZE64", "O_DIRECT");
    compare("linux.h", believed);
  }

  @Test
  void network() throws Exception {
    Map<String, Long> believed = new LinkedHashMap<>();
    addStructures(
        believed,
        Net.class,
        "sockaddr_in",
        "sockaddr_in6",
        "sockaddr_un",
        "sockaddr_storage",
        "msghdr",
        "iovec");
    addConstantsUsed(believed, Net.class);
    compare("net.h", believed);
  }

  private static void addStructures(
      Map<String, Long> believed, Class<?> header, String... structures) throws Exception {
    for (String structure : structures) {
      Class<?> binding = Class.forName(header.getPackageName() + "." + structure);
      MemoryLayout layout = (MemoryLayout) binding.getMethod("layout").invoke(null);
      believed.put("sizeof(struct " + structure + ")", layout.byteSize());
      addFields(believed, structure, (GroupLayout) layout, 0);
    }
  }

  private static void addFields(
      Map<String, Long> believed, String structure, GroupLayout group, long offset) {
    long at = offset;
    for (MemoryLayout member : group.memberLayouts()) {
      String name = member.name().orElse("");
      if (name.startsWith("$anon$")) {
        addFields(believed, structure, (GroupLayout) member, at);
      } else if (!name.matches("|__.*|_?pad.*|resv.*|reserved.*")) {
        // Padding has other names in other versions of the headers; nothing uses it.
        believed.put("offsetof(struct " + structure + ", " + name + ")", at);
        if (member.byteSize() > 0) {
          believed.put("sizeof(((struct " + structure + " *)0)->" + name + ")", member.byteSize());
        }
      }
      at += group instanceof UnionLayout ? 0 : member.byteSize();
    }
  }

  /** Every constant of a generated class that a facade names. */
  private static void addConstantsUsed(Map<String, Long> believed, Class<?> header)
      throws Exception {
    Pattern use = Pattern.compile("\\b" + header.getSimpleName() + "\\.([A-Z][A-Z0-9_]+)\\(\\)");
    for (String source : facadeSources()) {
      Matcher matcher = use.matcher(source);
      while (matcher.find()) {
        String name = matcher.group(1);
        believed.put(name, ((Number) header.getMethod(name).invoke(null)).longValue());
      }
    }
  }

  private static List<String> facadeSources() throws IOException {
    try (var files = Files.list(Path.of("src/main/java/dev/tuff/natives"))) {
      return files.map(LayoutTest::text).toList();
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void addRingConstants(Map<String, Long> believed) throws Exception {
    for (Field field : Ring.class.getDeclaredFields()) {
      if (field.getType() == int.class && Modifier.isStatic(field.getModifiers())) {
        field.setAccessible(true);
        String expression = ringExpression(field.getName());
        if (expression != null) {
          believed.put(expression, (long) field.getInt(null));
        }
      }
    }
    assertThat(believed)
        .containsKeys("IORING_SETUP_DEFER_TASKRUN", "IORING_OP_READ_FIXED", "EBUSY");
  }

  private static String ringExpression(String name) {
    if (RING_NAMES.containsKey(name)) {
      return RING_NAMES.get(name);
    }
    return RING_PREFIXES.entrySet().stream()
        .filter(prefix -> name.startsWith(prefix.getKey()))
        .max((a, b) -> a.getKey().length() - b.getKey().length())
        .map(prefix -> prefix.getValue() + name.substring(prefix.getKey().length()))
        .orElse(null);
  }

  private static void compare(String header, Map<String, Long> believed) throws Exception {
    Map<String, Long> answers = askCompiler(header, List.copyOf(believed.keySet()));
    List<String> differences =
        believed.entrySet().stream()
            .filter(entry -> !entry.getValue().equals(answers.get(entry.getKey())))
            .map(e -> e.getKey() + ": Java " + e.getValue() + ", C " + answers.get(e.getKey()))
            .toList();
    assertThat(differences).isEmpty();
  }

  private static Map<String, Long> askCompiler(String header, List<String> expressions)
      throws Exception {
    assumeTrue(Files.isExecutable(GCC), "no C compiler here to compare layouts with");
    StringBuilder program =
        new StringBuilder()
            .append("#include \"")
            .append(header)
            .append("\"\n")
            .append("#include <errno.h>\n#include <poll.h>\n#include <stddef.h>\n")
            .append("#include <stdio.h>\nint main(void) {\n");
    for (String expression : expressions) {
      program.append("  printf(\"%lld\\n\", (long long)(").append(expression).append("));\n");
    }
    program.append("}\n");
    Path directory = Files.createDirectories(Path.of("target/layout"));
    Path source = Files.writeString(directory.resolve(header + ".c"), program.append("\n"));
    Path binary = directory.resolve(header + ".exe");
    String errors =
        run(GCC.toString(), "-Ijextract", source.toString(), "-o", binary.toString(), "-w");
    if (errors.contains("No such file or directory")) {
      abort("no headers here to compare layouts with: " + errors.lines().findFirst().orElse(""));
    }
    assertThat(errors).as("gcc on %s", source).isEmpty();
    List<Long> values = run(binary.toString()).lines().map(Long::valueOf).toList();
    assertThat(values).hasSameSizeAs(expressions);
    Map<String, Long> answers = new LinkedHashMap<>();
    for (int i = 0; i < values.size(); i++) {
      answers.put(expressions.get(i), values.get(i));
    }
    return answers;
  }

  private static String run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    process.waitFor();
    return output;
  }
}
