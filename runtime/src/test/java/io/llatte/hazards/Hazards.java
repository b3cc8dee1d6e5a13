package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llatte.GgufFile;
import io.llatte.LlatteException;
import io.llatte.llama.Batch;
import io.llatte.llama.Context;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// A group of cases. Each method without parameters is one: it runs on a fresh object in a child JVM, and may only use the public API.
abstract class Hazards implements AutoCloseable {

    final DeviceArena arena = DeviceArena.open();
    final Path scratch;

    Hazards() {
        try {
            scratch = Files.createTempDirectory("llatte-hazards");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        arena.close();
        try (var files = Files.list(scratch)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(scratch);
    }

    static Path tiny(String name) {
        return Path.of(System.getProperty("llatte.test.build"), "tiny-models", name + ".gguf");
    }

    /// A vocabulary of llama.cpp's source.
    static Path vocabulary(String name) {
        return Path.of(System.getProperty("llatte.test.llamacpp"), "models", "ggml-vocab-" + name + ".gguf");
    }

    Model load(String name) {
        return Model.load(tiny(name), ModelOptions.cpuOnly(), arena);
    }

    Model llama() {
        return load("llama-dense");
    }

    /// A tiny transformer that has a vocabulary.
    Model speaking() throws IOException {
        return Model.load(GgufFile.read(tiny("llama-dense")).speaking().write(scratch.resolve("speaking.gguf")), ModelOptions.cpuOnly(), arena);
    }

    static ContextOptions.Builder small() {
        return ContextOptions.builder().contextLength(256).batchSize(32).microBatchSize(16).maxSequences(2).threads(2).batchThreads(2);
    }

    static Batch rows(Context context, int count) {
        Batch batch = context.newBatch();
        for (int i = 0; i < count; i++) {
            batch.add(1 + i % 100, i, 0, i == count - 1);
        }
        return batch;
    }

    /// The context goes on after a refusal.
    static void checkUsable(Context context) {
        context.clear();
        context.decode(rows(context, 4));
        assertThat(context.logits(-1).get(0)).isFinite();
    }

    static void checkTyped(Throwable thrown) {
        assertThat(thrown).isInstanceOfAny(LlatteException.class, IllegalArgumentException.class, IllegalStateException.class,
                UnsupportedOperationException.class, CancellationException.class);
        assertThat(thrown.getMessage()).isNotBlank();
    }

    /// The call must be refused.
    static void refused(ThrowingCallable call) {
        assertThatThrownBy(call).satisfies(Hazards::checkTyped);
    }

    /// The call may be refused or be done.
    static void survived(ThrowingCallable call) {
        try {
            call.call();
        } catch (Throwable thrown) {
            checkTyped(thrown);
        }
    }

    static final List<Integer> ODD_INTS = List.of(Integer.MIN_VALUE, -1_000_000, -2, -1, 0, 1, 255, 256, 65_536, 1_000_000, Integer.MAX_VALUE);
    static final List<Float> ODD_FLOATS = List.of(Float.NaN, Float.NEGATIVE_INFINITY, -Float.MAX_VALUE, -1f, -0f, 0f, Float.MIN_VALUE, 0.5f, 1f,
            1.5f, 1e9f, Float.MAX_VALUE, Float.POSITIVE_INFINITY);
}
