package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.endless;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.SpeculationException;
import io.llatte.llama.DraftStatistics;
import io.llatte.llama.Llama;
import io.llatte.llama.Model;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.Speculation;
import io.llatte.llama.Speculation.DraftModel;
import io.llatte.llama.Speculation.Lookup;
import io.llatte.llama.Speculation.Mtp;
import io.llatte.llama.Speculation.NGram;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Requests whose tokens are guessed ahead: the same answers, in fewer decodes.
@Timeout(60)
class SpeculativeEngineIT {

    private static final int TOKENS = 120;

    @TempDir
    Path temp;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void closeAll() {
        arena.close();
        assertThat(Llama.openHandles()).isZero();
    }

    private record Answers(List<List<Integer>> ids, DraftStatistics drafts, long decodes) {
    }

    private static Prompt.Text prompt(int number) {
        return new Prompt.Text("cat " + number + " " + WORDS.repeat(2).substring(number));
    }

    /// Several answers at once.
    private static Answers answers(InProcessEngine engine, int count, Speculation speculation) {
        long before = engine.statistics().decodes();
        List<TokenStream> streams = IntStream.range(0, count)
                .mapToObj(i -> start(engine, endless(prompt(i), TOKENS).speculation(speculation).build())).toList();
        List<List<Integer>> ids = streams.stream().map(Engines::read).toList();
        return new Answers(ids, streams.getFirst().timings().drafts(), engine.statistics().decodes() - before);
    }

    static Stream<Speculation> nGrams() {
        return Stream.of(new NGram(Lookup.SIMPLE, 1, 40), new NGram(Lookup.MAP, 3, 6), new NGram(Lookup.MOD, 4, 8));
    }

    @ParameterizedTest
    @MethodSource("nGrams")
    void nGram_givesTheSameAnswers_ofOneAndOfFourAtATime(Speculation speculation) {
        for (int count : List.of(1, 4)) {
            Answers plain;
            try (var engine = Engines.load(arena, temp, options(4096).sequences(4).build())) {
                plain = answers(engine, count, Speculation.none());
            }
            try (var engine = Engines.load(arena, temp, options(4096).sequences(4).build())) {
                Answers guessed = answers(engine, count, speculation);

                assertThat(guessed.ids()).isEqualTo(plain.ids());
                assertThat(guessed.drafts().draftedTokens()).isPositive();
                assertThat(guessed.decodes()).isLessThan(plain.decodes());
                assertThat(plain.drafts()).isEqualTo(DraftStatistics.NONE);
            }
        }
    }

    @Test
    void equalParts_giveTheSameAnswers() {
        var speculation = new NGram(Lookup.MAP, 3, 6);
        try (var engine = Engines.load(arena, temp, options(4 * 512).sequences(4).unifiedKv(false).build())) {
            Answers plain = answers(engine, 4, Speculation.none());
            assertThat(answers(engine, 4, speculation).ids()).isEqualTo(plain.ids());
        }
    }

    @Test
    void draftModelThatIsTheModel_isAlwaysRight() {
        try (var engine = Engines.load(arena, temp, options(4096).sequences(4).build())) {
            Answers plain = answers(engine, 1, Speculation.none());
            Answers guessed = answers(engine, 1, new DraftModel(engine.model(), 4, 0));

            assertThat(guessed.ids()).isEqualTo(plain.ids());
            assertThat(guessed.drafts().acceptanceRate()).isEqualTo(1);
            // One token of the model's own and four guessed ones each time.
            assertThat(guessed.decodes()).isLessThanOrEqualTo(TOKENS / 5 + 2);
            assertThat(answers(engine, 4, new DraftModel(engine.model(), 4, 0)).ids()).isEqualTo(answers(engine, 4, Speculation.none()).ids());
        }
    }

    @Test
    void mtp_givesTheSameAnswers() {
        for (String model : List.of("glm4moe-moe-mtp.gguf", "glm4moe-moe-mtp-knowing.gguf")) {
            try (var engine = Engines.load(arena, temp, model, options(4096).sequences(4).mtpLayers(true).build())) {
                Answers plain = answers(engine, 1, Speculation.none());
                Answers guessed = answers(engine, 1, new Mtp(3));

                assertThat(guessed.ids()).isEqualTo(plain.ids());
                assertThat(guessed.drafts().draftedTokens()).isPositive();
                // Not at once: one sequence's rows can come first, and the others do without.
                assertThat(answers(engine, 4, new Mtp(3)).ids()).isEqualTo(answers(engine, 4, Speculation.none()).ids());
            }
        }
    }

    @Test
    void temperature_drawsTheSameTokensForTheSameSeed() {
        try (var engine = Engines.load(arena, temp, options(1024).build())) {
            var request = endless(prompt(1), TOKENS).sampling(SamplingOptions.builder().temperature(0.7f).seed(7).build());
            List<Integer> plain = read(start(engine, request.build()));
            assertThat(read(start(engine, request.speculation(new NGram(Lookup.SIMPLE, 1, 40)).build()))).isEqualTo(plain);
        }
    }

    @Test
    void theContextsEnd_insideADraft() {
        try (var engine = Engines.load(arena, temp, options(256).sequences(1).build())) {
            List<Integer> plain = read(start(engine, endless(prompt(0), Integer.MAX_VALUE).build()));
            List<Integer> guessed = read(start(engine, endless(prompt(0), Integer.MAX_VALUE).speculation(new NGram(Lookup.SIMPLE, 1, 40)).build()));
            assertThat(guessed).isEqualTo(plain);
        }
    }

    @Test
    void fullCache_costsTheDraft_notAnAnswer() {
        try (var engine = Engines.load(arena, temp, options(768).sequences(4).build())) {
            Answers guessed = answers(engine, 4, new NGram(Lookup.SIMPLE, 1, 64));
            assertThat(guessed.ids()).allSatisfy(ids -> assertThat(ids).hasSize(TOKENS));
        }
    }

    @Test
    void shift_goesOnWithoutDrafts() {
        try (var engine = Engines.load(arena, temp, options(256).sequences(1).build())) {
            var request = endless(prompt(0), 700).overflow(OverflowPolicy.SHIFT);
            List<Integer> plain = read(start(engine, request.build()));
            assertThat(plain).hasSize(700);
            assertThat(read(start(engine, request.speculation(new NGram(Lookup.SIMPLE, 1, 40)).build()))).hasSize(700);
        }
    }

    @Test
    void whatIsNotPossible_endsTheRequestOnly() {
        try (var engine = Engines.load(arena, temp, options(1024).build());
             var other = Model.load(io.llatte.SpeakingModels.add(temp.resolve("other"), "mamba-dense.gguf"), arena)) {
            TokenStream mtp = start(engine, endless(prompt(0), 5).speculation(new Mtp(2)).build());
            assertThatExceptionOfType(SpeculationException.class).isThrownBy(() -> read(mtp)).withMessageContaining("no layers");
            TokenStream recurrent = start(engine, endless(prompt(0), 5).speculation(new DraftModel(other)).build());
            assertThatExceptionOfType(SpeculationException.class).isThrownBy(() -> read(recurrent));
            assertThat(read(start(engine, endless(prompt(0), 5).build()))).hasSize(5);
        }
    }

    @Test
    void closedDraftModel_endsTheDraftsOnly() {
        try (var engine = Engines.load(arena, temp, options(1024).build())) {
            var draft = Model.load(io.llatte.SpeakingModels.add(temp.resolve("draft"), io.llatte.SpeakingModels.A), arena);
            TokenStream stream = start(engine, endless(prompt(0), 600).speculation(new DraftModel(draft)).build());
            stream.next();
            draft.close();
            stream.next();
            assertThat(read(stream)).hasSize(598);
        }
    }
}
