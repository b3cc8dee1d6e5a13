package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.endless;
import static io.llatte.engine.Engines.greedy;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.ContextOverflowException;
import io.llatte.llama.Llama;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A context of which each sequence has an equal part.
@Timeout(60)
class EqualPartsIT {

    private static final int PART = 512;

    @TempDir
    Path temp;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void closeAll() {
        arena.close();
        assertThat(Llama.openHandles()).isZero();
    }

    private InProcessEngine engine(int sequences) {
        return Engines.load(arena, temp, options(sequences * PART).sequences(sequences).unifiedKv(false).build());
    }

    private static List<List<Integer>> answers(Engine engine) {
        return IntStream.range(0, 8).mapToObj(i -> start(engine, greedy("cat " + i + " " + WORDS.substring(i), 60))).toList().stream()
                .map(Engines::read).toList();
    }

    @Test
    void answers_areThoseOfASharedContext() {
        try (var parts = engine(8); var shared = Engines.load(arena, temp, options(8 * PART).sequences(8).build())) {
            assertThat(answers(parts)).isEqualTo(answers(shared));
            assertThat(parts.statistics().decodes()).isLessThan(2 * 60);
        }
    }

    @Test
    void aSequence_holdsItsPartAndNoMore() {
        try (var engine = engine(4)) {
            int prompt = engine.model().vocab().tokenize("cat").length;
            assertThat(read(start(engine, greedy("cat", Integer.MAX_VALUE)))).hasSize(PART - prompt + 1);

            assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> start(engine, greedy(WORDS.repeat(PART / 8), 1)))
                    .withMessageContaining("in a context of " + PART);
        }
    }

    @Test
    void allParts_canBeFull_andNobodyIsSetBack() {
        try (var engine = engine(4)) {
            List<TokenStream> streams = IntStream.range(0, 4).mapToObj(i -> start(engine, greedy(i + " cat", Integer.MAX_VALUE))).toList();
            assertThat(streams).allSatisfy(stream -> assertThat(read(stream)).hasSizeGreaterThan(PART - 20));

            assertThat(engine.statistics().preemptions()).isZero();
            assertThat(engine.statistics().evictions()).isZero();
            assertThat(engine.statistics().usedCells()).isBetween(4 * (PART - 1), 4 * PART);
        }
    }

    @Test
    void sharedBeginning_isEvaluatedOnce_byAllAtATime() {
        try (var engine = engine(8)) {
            String shared = WORDS.repeat(4);
            int sharedTokens = engine.model().vocab().tokenize(shared).length;
            List<TokenStream> streams = IntStream.range(0, 8).mapToObj(i -> start(engine, greedy(shared + "question " + i, 3))).toList();
            int own = 0;
            for (TokenStream stream : streams) {
                assertThat(read(stream)).hasSize(3);
                own += stream.usage().promptTokens() - sharedTokens + 4;
            }
            assertThat(engine.statistics().evaluatedTokens()).isLessThan(sharedTokens + own + 8L * 3);
        }
    }

    @Test
    void copiedBeginning_givesTheSameAnswer() {
        String prompt = WORDS.repeat(4) + "and then";
        try (var engine = engine(2)) {
            List<Integer> evaluated = read(start(engine, greedy(prompt, 40)));
            read(start(engine, greedy(WORDS.repeat(4) + "or not", 40)));

            TokenStream copied = start(engine, greedy(prompt, 40));
            assertThat(read(copied)).isEqualTo(evaluated);
            assertThat(copied.usage().cachedTokens()).isGreaterThan(100);
        }
    }

    @Test
    void shortBeginning_isNotWorthACopy() {
        try (var engine = engine(4)) {
            read(start(engine, greedy("cat one", 3)));
            TokenStream second = start(engine, greedy("cat two", 3));
            read(second);
            assertThat(second.usage().cachedTokens()).isZero();
        }
    }

    @Test
    void shift_goesOnBeyondItsPart() {
        try (var engine = engine(2)) {
            var request = endless(new Prompt.Text(WORDS), 3 * PART).overflow(OverflowPolicy.SHIFT).build();
            assertThat(read(start(engine, request))).hasSize(3 * PART);
        }
    }
}
