package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README shows works as shown: every block, in order, in one folder. */
class ReadmeIT {
  /**
   * Blocks of "sh" run everywhere; those of "bash" need a kernel module or a virtual machine, and
   * run in one in {@link VirtualMachineIT}.
   */
  private static final Pattern BLOCK =
      Pattern.compile("^```(sh|bash)\\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL);

  @TempDir Path folder;

  @AfterEach
  void stopWhatServes() throws IOException {
    Path pid = folder.resolve("serve.pid");
    if (Files.exists(pid)) {
      ProcessHandle.of(Long.parseLong(Files.readString(pid).strip()))
          .ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  @Test
  void everyCommandBlockSucceeds() throws IOException {
    Files.createSymbolicLink(folder.resolve("tuff"), TuffProcess.ROOT.resolve("tuff"));
    Matcher matcher = BLOCK.matcher(Files.readString(TuffProcess.ROOT.resolve("README.md")));
    List<String> outputs = new ArrayList<>();
    while (matcher.find()) {
      String script = matcher.group(2);
      if (matcher.group(1).equals("sh") || mayRun(script)) {
        TuffProcess finished = TuffProcess.shell(folder, script).succeeds();
        outputs.add(finished.out());
      } else {
        // At least it is what bash understands.
        System.out.println(
            "ReadmeIT: not run here, only parsed: " + script.lines().findFirst().orElse(""));
        TuffProcess.shell(folder, "bash -n <<'END'\n" + script + "END\n").succeeds();
      }
    }
    assertThat(outputs).hasSizeGreaterThan(5);
    assertThat(outputs.getFirst()).containsPattern("All \\d+ comparisons matched");
    assertThat(folder.resolve("var/demo/throughput.png")).isNotEmptyFile();
    assertThat(folder.resolve("var/demo/latency.png")).isNotEmptyFile();
    assertThat(folder.resolve("copy.bin")).hasSameBinaryContentAs(folder.resolve("report.bin"));
    assertThat(outputs).anyMatch(out -> out.contains("first disk of the web server"));
  }

  /** Linux's own NBD client needs the kernel's module and root. */
  private boolean mayRun(String script) {
    return script.startsWith("modprobe nbd")
        && TuffProcess.shell(folder, "[ $EUID = 0 ] && modprobe nbd && [ -b /dev/nbd0 ]").exitCode()
            == 0;
  }
}
