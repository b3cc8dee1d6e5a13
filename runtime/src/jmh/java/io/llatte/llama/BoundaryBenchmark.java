package io.llatte.llama;

import io.llatte.internal.ffi.NativeVocab;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What a token costs on this side of llama.cpp: the way across the boundary, and what is made of a token in Java.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class BoundaryBenchmark {

    private static final int TOKENS = 512;

    private final DeviceArena arena = DeviceArena.open();
    private final Batch batch = new Batch(TOKENS);
    private final int[] tokens = new int[TOKENS];
    private Vocab vocab;
    private NativeVocab nativeVocab;
    private TextDecoder decoder;
    private int next;

    @Setup
    public void load() {
        Path vocabulary = Path.of(System.getProperty("llatte.bench.vocabulary"));
        Model model = Model.load(vocabulary, ModelOptions.builder().vocabularyOnly(true).build(), arena);
        vocab = model.vocab();
        nativeVocab = model.nativeModel().vocab();
        decoder = vocab.newDecoder();
        var random = new SplittableRandom(1);
        for (int i = 0; i < TOKENS; i++) {
            tokens[i] = random.nextInt(vocab.size());
        }
    }

    @TearDown
    public void close() {
        arena.close();
    }

    private int nextToken() {
        next = next + 1 & TOKENS - 1;
        return tokens[next];
    }

    /// One call to llama.cpp and back, with a check of the id before it.
    @Benchmark
    public boolean downcall() {
        return vocab.isEog(nextToken());
    }

    /// The bytes of a token from llama.cpp, as for a token's first time.
    @Benchmark
    public byte[] pieceFirstTime() {
        return nativeVocab.piece(nextToken(), false);
    }

    /// The bytes of a token that came before.
    @Benchmark
    public byte[] pieceAgain() {
        return vocab.piece(nextToken(), false);
    }

    /// A prompt of 512 tokens put into a batch.
    @Benchmark
    public Batch fillBatch() {
        return batch.clear().addAll(tokens, 0, TOKENS, 0, 0, true);
    }

    /// The text that becomes complete with a token.
    @Benchmark
    public String text() {
        return decoder.accept(nextToken());
    }
}
