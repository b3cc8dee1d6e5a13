package io.llatte;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// A JVM of its own for what may end one, or needs its own environment.
public final class ChildJvm {

    private static final long LIMIT_MINUTES = 25;

    private ChildJvm() {
    }

    /// How a child ended, and all that it printed.
    public record Result(int exitCode, String output) {

        public List<String> lines() {
            return output.lines().toList();
        }
    }

    /// Runs a main class with this JVM's class path and native library.
    public static Result run(Class<?> main, Map<String, String> environment, String... arguments) throws IOException, InterruptedException {
        return run(List.of("-Xmx512m"), main, environment, arguments);
    }

    /// The same with options of the JVM.
    public static Result run(List<String> options, Class<?> main, Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path")));
        command.addAll(options);
        for (String property : List.of("llatte.native.path", "llatte.test.build", "llatte.test.model", "llatte.test.llamacpp")) {
            command.add("-D" + property + "=" + System.getProperty(property, ""));
        }
        command.add(main.getName());
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        // Ends the reading below too, where the child hangs.
        var ended = new AtomicBoolean();
        var watchdog = Thread.ofVirtual().start(() -> {
            try {
                ended.set(process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                process.destroyForcibly();
            }
        });
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        watchdog.join();
        if (!ended.get()) {
            throw new IOException("the child did not end within " + LIMIT_MINUTES + " minutes:\n" + output);
        }
        return new Result(process.waitFor(), output);
    }
}
