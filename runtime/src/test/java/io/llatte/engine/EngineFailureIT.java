package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.greedy;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.DecodeException;
import io.llatte.EngineClosedException;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Llama;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What goes wrong inside an engine ends what it must, with a typed error, and nothing waits for ever.
@Timeout(60)
class EngineFailureIT {

    private static final int RUNNING = 2;

    @TempDir
    Path temp;

    private final DeviceArena arena = DeviceArena.open();
    private final List<GenerationEnd> ended = new CopyOnWriteArrayList<>();

    @AfterEach
    void closeAll() {
        arena.close();
        assertThat(Llama.openHandles()).isZero();
    }

    private InProcessEngine engine() {
        return Engines.load(arena, temp, options(8192).sequences(RUNNING).build());
    }

    /// Requests, of which two run and the others wait.
    private List<AnswerStream> startFour(Engine engine) {
        List<AnswerStream> streams = IntStream.range(0, 4).mapToObj(i -> engine.generate(greedy(i + " " + WORDS, 3000), ended::add)).toList();
        streams.subList(0, RUNNING).forEach(TokenStream::next);
        return streams;
    }

    /// Takes the last tokens of each sequence away behind the engine's back: llama.cpp refuses the next decode, whose positions have a gap.
    private static void tearCache(InProcessEngine engine) {
        for (int id = 0; id < RUNNING; id++) {
            engine.context().sequence(id).removeFrom(3);
        }
    }

    @Test
    void decodeThatFails_endsTheRequestsInIt_andTheOthersAreAnswered() {
        try (var engine = engine()) {
            List<AnswerStream> streams = startFour(engine);
            tearCache(engine);

            assertThat(streams.subList(0, RUNNING)).allSatisfy(stream -> {
                assertThatExceptionOfType(DecodeException.class).isThrownBy(() -> read(stream));
                assertThat(stream.finishReason()).isEqualTo(FinishReason.CANCELLED);
            });
            assertThat(ended).hasSizeGreaterThanOrEqualTo(RUNNING);
            assertThat(ended.subList(0, RUNNING)).allSatisfy(end -> assertThat(end.failure()).containsInstanceOf(DecodeException.class));
            assertThat(streams.subList(RUNNING, 4)).allSatisfy(stream -> assertThat(read(stream)).hasSize(3000));
            assertThat(read(start(engine, greedy("1 " + WORDS, 20)))).hasSize(20);
        }
    }

    @RepeatedTest(5)
    void loopThatFails_endsWhatRunsAndWhatWaits_andRefusesWhatComes() {
        try (var engine = engine()) {
            List<AnswerStream> streams = startFour(engine);
            engine.context().close();

            assertThat(streams).allSatisfy(stream -> assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> read(stream)));
            assertThat(ended).hasSize(4).allSatisfy(end -> {
                assertThat(end.finishReason()).isEqualTo(FinishReason.CANCELLED);
                assertThat(end.failure()).containsInstanceOf(EngineClosedException.class);
            });
            assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> start(engine, greedy("cat", 1)));
            engine.close();
            assertThat(arena.ledger().totalBytes()).isZero();
        }
    }

    @Test
    void callbackThatThrows_harmsNobody() {
        try (var engine = engine()) {
            TokenStream other = engine.generate(greedy(WORDS, 200), ended::add);
            TokenStream exception = engine.generate(greedy(WORDS, 5), _ -> {
                throw new IllegalStateException("thrown on purpose");
            });
            assertThat(read(exception)).hasSize(5);
            TokenStream error = engine.generate(greedy(WORDS, 5), _ -> {
                throw new AssertionError("thrown on purpose");
            });
            assertThat(read(error)).hasSize(5);
            assertThat(error.finishReason()).isEqualTo(FinishReason.LENGTH);

            assertThat(read(other)).hasSize(200);
            assertThat(ended).singleElement().satisfies(end -> assertThat(end.failure()).isEmpty());
        }
    }
}
