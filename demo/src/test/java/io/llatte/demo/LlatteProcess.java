package io.llatte.demo;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// The command in a process of its own, as a shell would run it.
final class LlatteProcess {

    /// What a command did.
    record Result(int exitCode, String out, String err) {
    }

    private final Path folder;
    private final Map<String, String> environment = new HashMap<>();
    private String nativePath = System.getProperty("llatte.native.path", "");
    private byte[] input = new byte[0];
    private Path output;

    /// @param folder a folder for the model store, the user's state, and what is written meanwhile
    LlatteProcess(Path folder) {
        this.folder = folder;
        environment.put("LLATTE_MODELS", folder.resolve("models").toString());
        environment.put("XDG_STATE_HOME", folder.resolve("state").toString());
        environment.put("LOCALAPPDATA", folder.resolve("state").toString());
    }

    LlatteProcess environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    LlatteProcess nativePath(String value) {
        nativePath = value;
        return this;
    }

    /// Where standard output goes instead of into the result.
    LlatteProcess output(Path value) {
        output = value;
        return this;
    }

    LlatteProcess input(String text) {
        input = text.getBytes(StandardCharsets.UTF_8);
        return this;
    }

    /// The file that keeps the model that was chosen last.
    Path preference() {
        Path state = System.getProperty("os.name").startsWith("Mac") ? folder.resolve("Library").resolve("Application Support")
                : folder.resolve("state");
        return state.resolve("llatte").resolve("model");
    }

    Result run(String... arguments) throws IOException, InterruptedException {
        Path out = output == null ? folder.resolve("stdout") : output;
        Path err = folder.resolve("stderr");
        Process process = start(command(arguments), out, err);
        try (OutputStream in = process.getOutputStream()) {
            in.write(input);
        } catch (IOException e) {
            // The command ended without reading all of it, as it may.
        }
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("did not end: " + List.of(arguments));
        }
        return new Result(process.exitValue(), output == null ? Files.readString(out) : "", Files.readString(err));
    }

    /// Starts it, and returns while it runs; what it says is in [#errors()].
    Process begin(String... arguments) throws IOException {
        return start(command(arguments), folder.resolve("stdout"), folder.resolve("stderr"));
    }

    /// What was written to standard error so far.
    String errors() throws IOException {
        return Files.readString(folder.resolve("stderr"));
    }

    /// Runs it with `| head -n 1` behind it; the result is that of the command, with what `head` let through.
    Result runIntoHead(String... arguments) throws IOException, InterruptedException {
        Path out = folder.resolve("stdout");
        Path err = folder.resolve("stderr");
        var shell = new ArrayList<>(List.of("bash", "-c", "\"$@\" < /dev/null | head -n 1; exit ${PIPESTATUS[0]}", "bash"));
        shell.addAll(command(arguments));
        Process process = start(shell, out, err);
        return new Result(process.waitFor(), Files.readString(out), Files.readString(err));
    }

    private Process start(List<String> command, Path out, Path err) throws IOException {
        var builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().remove("LLATTE_DEBUG");
        builder.environment().putAll(environment);
        return builder.start();
    }

    private List<String> command(String... arguments) {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED", "-Dllatte.native.path=" + nativePath, "-Duser.home=" + folder,
                "-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")), Llatte.class.getName()));
        command.addAll(List.of(arguments));
        return command;
    }
}
