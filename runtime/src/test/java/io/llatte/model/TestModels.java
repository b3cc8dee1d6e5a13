package io.llatte.model;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Catalog models with random bytes, and a program that pulls one in a process of its own.
final class TestModels {

    private TestModels() {
    }

    static byte[] bytes(int size) {
        var bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    static ModelCatalog catalog(byte[] content, ModelSource... sources) {
        return catalog(content.length, sha256(content), sources);
    }

    static ModelCatalog catalog(long size, String sha256, ModelSource... sources) {
        var model = new CatalogModel("tiny", "Tiny", "test", "1K", "F32", "tiny.gguf", size,
                Optional.of(new CatalogModel.Pin(size, sha256)), 128, 0, "MIT", Optional.empty(), List.of(sources));
        return ModelCatalog.of(List.of(model), "tiny");
    }

    static Path work(Path folder) {
        return folder.resolve(".downloads").resolve("tiny.gguf");
    }

    /// A Java process with this one's class path, but for the logger, whose start takes longer than all else. What it prints is in `output`.
    static Process startJava(Path output, Class<?> main, String... arguments) throws IOException {
        return startJava(output, Map.of(), main, arguments);
    }

    static Process startJava(Path output, Map<String, String> environment, Class<?> main, String... arguments) throws IOException {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m",
                "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-cp", Stream.of(System.getProperty("java.class.path").split(File.pathSeparator)).filter(entry -> !entry.contains("logback"))
                        .collect(Collectors.joining(File.pathSeparator)), main.getName()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        return builder.start();
    }

    static void await(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("waited 30 s for " + what);
            }
            Thread.sleep(20);
        }
    }

    static boolean contains(Path file, String text) throws IOException {
        return Files.exists(file) && Files.readString(file).contains(text);
    }
}
