package dev.tuff.device;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A loop device of the system over an image file. */
record LoopDrive(Path path) {
  /** Makes one, or skips the test and prints why. */
  static LoopDrive attach(Path image, String... options) throws Exception {
    assumeTrue(
        Files.isWritable(Path.of("/dev/loop-control")), "no right to make loop devices here");
    String[] command = new String[4 + options.length];
    command[0] = "losetup";
    command[1] = "--find";
    command[2] = "--show";
    System.arraycopy(options, 0, command, 3, options.length);
    command[3 + options.length] = image.toString();
    String answer = run(command);
    assumeTrue(answer.startsWith("/dev/loop"), "no loop device to be had: " + answer);
    return new LoopDrive(Path.of(answer));
  }

  void detach() throws Exception {
    run("losetup", "--detach", path.toString());
  }

  static String run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    process.waitFor();
    return output;
  }
}
