package io.llatte.model;

import io.llatte.DownloadException;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The user's own pip: whatever index, mirror, proxy or certificate it is configured with is used.
final class PipClient {

    private static final Logger LOG = LoggerFactory.getLogger(PipClient.class);
    private static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");
    private static final List<List<String>> CANDIDATES = List.of(List.of("pip"), List.of("pip3"), List.of("python3", "-m", "pip"),
            List.of("python", "-m", "pip"), List.of("py", "-3", "-m", "pip"));
    private static final long POLL_MILLIS = 100;

    private final List<String> command;
    private final Map<String, String> environment;

    private PipClient(List<String> command, Map<String, String> environment) {
        this.command = command;
        this.environment = environment;
    }

    /// Finds a pip that runs.
    ///
    /// @throws DownloadException if there is none
    static PipClient find(Map<String, String> environment) {
        for (List<String> candidate : CANDIDATES) {
            Path executable = findExecutable(candidate.getFirst(), environment.getOrDefault("PATH", ""));
            if (executable != null) {
                var command = new ArrayList<>(candidate);
                command.set(0, executable.toString());
                if (isWorking(command, environment)) {
                    return new PipClient(List.copyOf(command), environment);
                }
            }
        }
        throw new DownloadException("downloading needs pip, and none of pip, pip3, python3 -m pip works here;"
                + " install it (on Debian and Ubuntu: apt-get install python3-pip)");
    }

    private static Path findExecutable(String name, String searchPath) {
        for (String folder : searchPath.split(File.pathSeparator)) {
            Path file = Path.of(folder).resolve(WINDOWS ? name + ".exe" : name);
            if (!folder.isBlank() && Files.isExecutable(file) && !Files.isDirectory(file)) {
                return file;
            }
        }
        return null;
    }

    /// One that cannot even be started, such as a script whose interpreter is gone, is passed over.
    private static boolean isWorking(List<String> command, Map<String, String> environment) {
        try {
            return works(command, environment);
        } catch (IOException e) {
            LOG.debug("{} cannot be run", command, e);
            return false;
        }
    }

    private static boolean works(List<String> command, Map<String, String> environment) throws IOException {
        var probe = new ArrayList<>(command);
        probe.add("--version");
        Process process = start(probe, environment, ProcessBuilder.Redirect.PIPE);
        try (var _ = new KillAtExit(process); var output = process.inputReader(Charset.defaultCharset())) {
            String version = String.join(" ", output.readAllLines());
            boolean works = process.waitFor() == 0 && !version.contains("(python 2");
            LOG.debug("{}: {}", command, version);
            return works;
        } catch (InterruptedException e) {
            throw interrupted(command.getFirst(), e);
        }
    }

    private static Process start(List<String> command, Map<String, String> environment, ProcessBuilder.Redirect output)
            throws IOException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output);
        builder.environment().clear();
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        return process;
    }

    /// Downloads a package's wheel.
    ///
    /// @param attempt an empty folder for everything that pip writes
    /// @param progress hears how many bytes there are
    /// @return the wheel, inside `attempt`
    /// @throws DownloadException if pip fails, with its reason
    Path download(String packageName, String version, Path attempt, LongConsumer progress) throws IOException {
        Path temporary = Files.createDirectories(attempt.resolve("tmp"));
        Path output = Files.createDirectories(attempt.resolve("out"));
        Path log = attempt.resolve("pip.log");
        var arguments = new ArrayList<>(command);
        arguments.addAll(List.of("download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-cache-dir", "--no-input",
                "--disable-pip-version-check", "--progress-bar", "off", "-d", output.toString(), packageName + "==" + version));
        var variables = new HashMap<>(environment);
        for (String name : List.of("TMPDIR", "TEMP", "TMP")) {
            variables.put(name, temporary.toString());
        }
        LOG.debug("running {}", arguments);
        Process process = start(arguments, variables, ProcessBuilder.Redirect.to(log.toFile()));
        try (var _ = new KillAtExit(process)) {
            while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                progress.accept(largestFile(attempt));
            }
        } catch (InterruptedException e) {
            throw interrupted(packageName, e);
        }
        String text = new String(Files.readAllBytes(log), Charset.defaultCharset());
        LOG.debug("pip ended with {}: {}", process.exitValue(), text);
        if (process.exitValue() != 0) {
            throw new DownloadException(explain(packageName, version, process.exitValue(), text));
        }
        try (Stream<Path> files = Files.list(output)) {
            return files.filter(file -> file.toString().endsWith(".whl")).findFirst().orElseThrow(() ->
                    new DownloadException("pip downloaded no wheel of " + packageName + " " + version));
        }
    }

    /// pip copies what it has downloaded: the largest of its files is how far it is.
    private static long largestFile(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).max().orElse(0);
        } catch (IOException | UncheckedIOException e) {
            LOG.trace("pip removed a file while its size was read", e);
            return 0;
        }
    }

    private static String explain(String packageName, String version, int exitCode, String output) {
        String wanted = packageName + " " + version;
        String text = output.toLowerCase(Locale.ROOT);
        if (text.contains("no space left on device")) {
            return "no disk space left while downloading " + wanted;
        }
        if (text.contains("connection broken by") || text.contains("max retries exceeded") || text.contains("connectionerror")
                || text.contains("name resolution") || text.contains("timed out")) {
            return "no network: pip cannot reach its package index to download " + wanted;
        }
        if (text.contains("no matching distribution") || text.contains("could not find a version")) {
            return "pip's package index has no " + wanted;
        }
        String reason = output.lines().filter(line -> line.startsWith("ERROR:")).reduce((first, last) -> last)
                .or(() -> output.lines().filter(line -> !line.isBlank()).reduce((first, last) -> last))
                .orElse("it says nothing");
        return "pip failed with exit code %d on %s: %s".formatted(exitCode, wanted, reason.replaceFirst("^ERROR:\\s*", "").strip());
    }

    private static CancellationException interrupted(String what, InterruptedException cause) {
        Thread.currentThread().interrupt();
        return (CancellationException) new CancellationException("the download of " + what + " was interrupted").initCause(cause);
    }

    /// No pip outlives its download, however that ends.
    private static final class KillAtExit implements AutoCloseable {

        private final Process process;
        private final Thread hook;

        KillAtExit(Process process) {
            this.process = process;
            this.hook = new Thread(this::kill, "llatte-stop-pip");
            Runtime.getRuntime().addShutdownHook(hook);
        }

        private void kill() {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }

        @Override
        public void close() {
            if (process.isAlive()) {
                kill();
            }
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                LOG.trace("the virtual machine is shutting down, the hook runs", e);
            }
        }
    }
}
