package io.llatte.demo.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/// A program of llama.cpp's while it runs. What it prints goes to files, which are read when it has ended. The caller closes it.
public final class ToolProcess implements AutoCloseable {

    private static final int PATIENCE_SECONDS = 10;

    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        // An interrupt ends this process without closing anything.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
    }

    private final String name;
    private final Path folder;
    private final Process process;

    ToolProcess(List<String> command) {
        name = Path.of(command.getFirst()).getFileName().toString();
        try {
            folder = Files.createTempDirectory("llatte-bench");
            process = new ProcessBuilder(command).redirectOutput(out().toFile()).redirectError(err().toFile()).start();
            process.getOutputStream().close();
        } catch (IOException e) {
            throw new BenchException(name + " cannot be started: " + e.getMessage());
        }
        RUNNING.add(process);
    }

    /// Runs a program to its end, and gives what it printed on standard output and then on standard error.
    ///
    /// @throws BenchException if it cannot be started or fails
    static String run(List<String> command) {
        try (var tool = new ToolProcess(command)) {
            int exitCode = tool.process.waitFor();
            if (exitCode != 0) {
                throw new BenchException("%s failed with exit code %d: %s".formatted(tool.name, exitCode, tool.lastWords()));
            }
            return text(tool.out()) + text(tool.err());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted");
        } catch (IOException e) {
            throw new UncheckedIOException("reading what was printed", e);
        }
    }

    /// What was printed, whatever it is.
    private static String text(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    private Path out() {
        return folder.resolve("out");
    }

    private Path err() {
        return folder.resolve("err");
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /// The last line that it printed on standard error.
    String lastWords() {
        try {
            return text(err()).lines().filter(line -> !line.isBlank()).reduce((_, line) -> line).map(PrintedResult::shortened)
                    .orElse("it said nothing");
        } catch (IOException e) {
            throw new UncheckedIOException("reading what was printed", e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
            RUNNING.remove(process);
            Files.deleteIfExists(out());
            Files.deleteIfExists(err());
            Files.deleteIfExists(folder);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + folder, e);
        }
    }
}
