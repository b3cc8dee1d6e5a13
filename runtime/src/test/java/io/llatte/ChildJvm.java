package io.llatte;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Runs a `main` class of the tests in a JVM of its own, with this one's class path and `llatte.*` properties.
public final class ChildJvm {

    private static final int STILL_RUNNING = -1;

    private ChildJvm() {
    }

    /// How it ended.
    ///
    /// @param exitCode what it exited with; 128 and more where a signal killed it, -1 where it ran past its limit
    /// @param output the lines of its standard output
    /// @param errors its standard error
    public record Result(int exitCode, List<String> output, String errors) {

        public Result {
            output = List.copyOf(output);
        }

        /// The end of both outputs, for a failure's message.
        public String describe() {
            int from = Math.max(0, output.size() - 10);
            return "exit code " + exitCode + (exitCode == STILL_RUNNING ? " (it ran past its limit)" : "") + "\n"
                    + String.join("\n", output.subList(from, output.size())) + "\n" + errors.substring(Math.max(0, errors.length() - 4000));
        }
    }

    public static Result run(Class<?> program, List<String> arguments, Map<String, String> environment, Duration limit)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("llatte-child");
        Path output = folder.resolve("output");
        Path errors = folder.resolve("errors");
        try {
            var builder = new ProcessBuilder(command(program, arguments)).redirectOutput(output.toFile()).redirectError(errors.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            process.getOutputStream().close();
            boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
            if (!ended) {
                process.destroyForcibly().waitFor();
            }
            return new Result(ended ? process.exitValue() : STILL_RUNNING, new String(Files.readAllBytes(output), UTF_8).lines().toList(),
                    new String(Files.readAllBytes(errors), UTF_8));
        } finally {
            for (Path file : List.of(output, errors, folder)) {
                Files.deleteIfExists(file);
            }
        }
    }

    private static List<String> command(Class<?> program, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:-CreateCoredumpOnCrash",
                "-XX:+SuppressFatalErrorMessage", "-Dfile.encoding=UTF-8", "-cp", System.getProperty("java.class.path")));
        System.getProperties().stringPropertyNames().stream().filter(name -> name.startsWith("llatte."))
                .forEach(name -> command.add("-D" + name + "=" + System.getProperty(name)));
        command.add("-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"));
        command.add(program.getName());
        command.addAll(arguments);
        return command;
    }
}
