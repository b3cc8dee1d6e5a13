package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.ContextOverflowException;
import io.llatte.InsufficientMemoryException;
import io.llatte.SpeculationException;
import io.llatte.llama.Speculation.DraftModel;
import io.llatte.llama.Speculation.Lookup;
import io.llatte.llama.Speculation.Mtp;
import io.llatte.llama.Speculation.NGram;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Speculation on tiny random models: the same tokens as without it, and everything else a generation promises.
class SpeculationIT {

    private static final int[] PROMPT = {3, 1, 4, 1, 5, 9, 2, 6};
    private static final int[] REPETITIVE = IntStream.range(0, 120).map(i -> 10 + i % 20).toArray();

    private DeviceArena arena;
    private Model model;

    @BeforeEach
    void load() {
        arena = DeviceArena.open();
        model = Model.load(TinyModels.llama(), arena);
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private static ContextOptions small() {
        return ContextOptions.builder().contextLength(256).batchSize(64).build();
    }

    private static GenerateOptions.Builder endless(int maxTokens) {
        return GenerateOptions.builder().maxTokens(maxTokens).ignoreEog(true);
    }

    private static int[] drain(Generation tokens) {
        return IntStream.generate(tokens::nextId).takeWhile(id -> id >= 0).toArray();
    }

    private record Run(int[] tokens, DraftStatistics drafts, FinishReason reason) {
    }

    private static Run run(Context context, Sampler sampler, int[] prompt, GenerateOptions options) {
        return run(context, sampler, prompt, options, true);
    }

    /// @param evaluates whether there is a token to generate, for which the prompt is evaluated
    private static Run run(Context context, Sampler sampler, int[] prompt, GenerateOptions options, boolean evaluates) {
        try (var tokens = context.sequence(0).generate(prompt, sampler, options)) {
            int[] ids = drain(tokens);
            assertThat(context.sequence(0).length()).isEqualTo(evaluates ? prompt.length + ids.length - 1 : 0);
            return new Run(ids, tokens.timings().drafts(), tokens.finishReason());
        }
    }

    static Stream<Speculation> nGrams() {
        return Stream.of(new NGram(Lookup.SIMPLE, 1, 40), new NGram(Lookup.SIMPLE, 4, 8), new NGram(Lookup.MAP, 3, 6), new NGram(Lookup.MAP),
                new NGram(Lookup.MOD, 4, 8), new NGram(Lookup.MOD));
    }

    /// A transformer, a sliding window, biases and tied weights, learned positions.
    static Stream<Path> models() {
        return Stream.of(TinyModels.llama(), TinyModels.gemma(), TinyModels.model("qwen2-dense"), TinyModels.model("gpt2-dense"));
    }

    /// Layers for multi-token prediction beside a full cache, and beside recurrent layers.
    static Stream<Path> mtpModels() {
        return Stream.of("glm4moe-moe-mtp", "glm4moe-moe-mtp-knowing", "qwen35-dense-mtp", "qwen35-dense-mtp-knowing").map(TinyModels::model);
    }

    @ParameterizedTest
    @MethodSource("nGrams")
    void nGram_givesTheSameTokens(Speculation speculation) {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            int drafted = 0;
            for (int[] prompt : List.of(PROMPT, REPETITIVE, new int[] {7})) {
                context.clear();
                int[] plain = run(context, sampler, prompt, endless(100).build()).tokens();
                context.clear();
                Run speculative = run(context, sampler, prompt, endless(100).speculation(speculation).build());

                assertThat(speculative.tokens()).containsExactly(plain);
                drafted += speculative.drafts().draftedTokens();
            }
            // The tiny model soon repeats one token: the latest place where four stood is too near the end for SIMPLE to go on from.
            assertThat(drafted > 0).isEqualTo(!speculation.equals(new NGram(Lookup.SIMPLE, 4, 8)));
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void draftModel_thatIsTheModel_isAlwaysRight(Path gguf) {
        try (var target = Model.load(gguf, arena); var context = target.newContext(small()); var sampler = Sampler.greedy(target)) {
            int[] plain = run(context, sampler, PROMPT, endless(100).build()).tokens();
            context.clear();
            Run speculative = run(context, sampler, PROMPT, endless(100).speculation(new DraftModel(target, 4, 0)).build());

            assertThat(speculative.tokens()).containsExactly(plain);
            assertThat(speculative.drafts().acceptanceRate()).isGreaterThan(0.9);
            assertThat(speculative.drafts().draftedTokens()).isGreaterThan(70);
            assertThat(speculative.drafts().drafting()).isPositive();
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void draftModel_thatIsAnother_givesTheSameTokens(Path gguf) {
        try (var target = Model.load(gguf, arena); var context = target.newContext(small()); var sampler = Sampler.greedy(target)) {
            Model other = gguf.equals(TinyModels.gemma()) ? model : Model.load(TinyModels.gemma(), arena);
            int[] plain = run(context, sampler, PROMPT, endless(100).build()).tokens();
            context.clear();
            Run speculative = run(context, sampler, PROMPT, endless(100).speculation(new DraftModel(other, 4, 0)).build());

            assertThat(speculative.tokens()).containsExactly(plain);
            assertThat(speculative.drafts().draftedTokens()).isPositive();
            assertThat(speculative.drafts().acceptanceRate()).isLessThan(0.5);
        }
    }

    @ParameterizedTest
    @MethodSource("mtpModels")
    void mtp_givesTheSameTokens(Path gguf) {
        try (var target = Model.load(gguf, ModelOptions.builder().mtpLayers(true).build(), arena);
             var context = target.newContext(small().toBuilder().recurrentRollback(3).build()); var sampler = Sampler.greedy(target)) {
            for (int[] prompt : List.of(PROMPT, REPETITIVE)) {
                context.clear();
                int[] plain = run(context, sampler, prompt, endless(100).build()).tokens();
                context.clear();
                Run speculative = run(context, sampler, prompt, endless(100).speculation(new Mtp(3)).build());

                assertThat(speculative.tokens()).containsExactly(plain);
                assertThat(speculative.drafts().draftedTokens()).isPositive();
                if (gguf.toString().contains("knowing")) {
                    assertThat(speculative.drafts().acceptanceRate()).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void mtp_inASequenceThatWasThereBefore_givesTheSameTokens() {
        try (var target = Model.load(TinyModels.model("glm4moe-moe-mtp"), ModelOptions.builder().mtpLayers(true).build(), arena);
             var context = target.newContext(small()); var sampler = Sampler.greedy(target)) {
            int[] plain = run(context, sampler, PROMPT, endless(40).build()).tokens();

            Run first = run(context, sampler, PROMPT, endless(40).speculation(new Mtp(2)).build());
            Run second = run(context, sampler, PROMPT, endless(40).speculation(new Mtp(2)).build());

            assertThat(first.tokens()).containsExactly(plain);
            assertThat(second.tokens()).containsExactly(plain);
        }
    }

    @Test
    void mtp_withoutItsLayers_isRefused() {
        try (var unloaded = Model.load(TinyModels.model("glm4moe-moe-mtp"), arena); var sampler = Sampler.greedy(unloaded);
             var own = unloaded.newContext(small()); var context = model.newContext(small()); var greedy = Sampler.greedy(model)) {
            assertThatExceptionOfType(SpeculationException.class)
                    .isThrownBy(() -> own.sequence(0).generate(PROMPT, sampler, endless(4).speculation(new Mtp(2)).build()))
                    .withMessageContaining("loaded without");
            assertThatExceptionOfType(SpeculationException.class)
                    .isThrownBy(() -> context.sequence(0).generate(PROMPT, greedy, endless(4).speculation(new Mtp(2)).build()))
                    .withMessageContaining("no layers");
            assertThat(run(context, greedy, PROMPT, endless(4).build()).tokens()).hasSize(4);
        }
    }

    @Test
    void recurrentModel_isRefusedAtTheStart_andGeneratesWithout() {
        for (String name : List.of("mamba-dense", "falcon-h1-dense")) {
            try (var recurrent = Model.load(TinyModels.model(name), arena); var context = recurrent.newContext(small());
                 var sampler = Sampler.greedy(recurrent)) {
                assertThatExceptionOfType(SpeculationException.class)
                        .isThrownBy(() -> context.sequence(0).generate(PROMPT, sampler, endless(4).speculation(new NGram(Lookup.MAP)).build()))
                        .withMessageContaining("recurrent");
                assertThat(run(context, sampler, PROMPT, endless(4).build()).tokens()).hasSize(4);
            }
        }
    }

    @Test
    void recurrentModelThatCanGoBack_givesTheSameTokens() {
        try (var hybrid = Model.load(TinyModels.model("qwen35-dense"), arena); var sampler = Sampler.greedy(hybrid);
             var context = hybrid.newContext(small().toBuilder().recurrentRollback(4).build())) {
            int[] plain = run(context, sampler, REPETITIVE, endless(60).build()).tokens();
            Run speculative = run(context, sampler, REPETITIVE, endless(60).speculation(new NGram(Lookup.MAP, 2, 4)).build());

            assertThat(speculative.tokens()).containsExactly(plain);
            assertThat(speculative.drafts().draftedTokens()).isPositive();
        }
    }

    @Test
    void maxTokens_isExact() {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            int[] plain = run(context, sampler, PROMPT, endless(20).build()).tokens();
            for (int count = 0; count <= 20; count++) {
                context.clear();
                Run speculative = run(context, sampler, PROMPT, endless(count).speculation(new DraftModel(model, 5, 0)).build(), count > 0);

                assertThat(speculative.tokens()).containsExactly(Arrays.copyOf(plain, count));
                assertThat(speculative.reason()).isEqualTo(FinishReason.LENGTH);
            }
        }
    }

    @Test
    void contextsEnd_insideADraft() {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            int[] plain = run(context, sampler, PROMPT, endless(Integer.MAX_VALUE).build()).tokens();
            assertThat(plain).hasSize(context.sequenceLength() - PROMPT.length + 1);
            for (Speculation speculation : List.of(new DraftModel(model, 7, 0), new NGram(Lookup.MAP, 3, 30), new NGram(Lookup.MOD))) {
                context.clear();
                assertThat(run(context, sampler, PROMPT, endless(Integer.MAX_VALUE).speculation(speculation).build()).tokens())
                        .containsExactly(plain);
            }
        }
    }

    @Test
    void cacheThatIsFull_costsTheDraftAndNotTheToken() {
        var options = ContextOptions.builder().contextLength(256).batchSize(64).maxSequences(2).unifiedKv(true).build();
        int[] other = IntStream.range(0, 130).map(i -> i % 50 + 1).toArray();
        var counts = new ArrayList<Integer>();
        for (Speculation speculation : List.of(Speculation.none(), new DraftModel(model, 6, 0))) {
            try (var context = model.newContext(options); var sampler = Sampler.greedy(model)) {
                context.sequence(1).generate(other, sampler, endless(1).build()).nextId();
                try (var tokens = context.sequence(0).generate(PROMPT, sampler, endless(200).speculation(speculation).build())) {
                    var count = new int[1];
                    assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> {
                        while (tokens.nextId() >= 0) {
                            count[0]++;
                        }
                    });
                    counts.add(count[0]);
                }
            }
        }
        assertThat(counts.get(1)).isEqualTo(counts.get(0)).isGreaterThan(90);
    }

    @Test
    void temperature_drawsTheSameTokensForTheSameSeed() {
        try (var context = model.newContext(small());
             var sampler = Sampler.builder(model).topK(40).penalties(64, 1.1f, 0, 0).temperature(0.9f).dist(7).build()) {
            int[] plain = run(context, sampler, REPETITIVE, endless(100).build()).tokens();
            context.clear();
            Run speculative = run(context, sampler, REPETITIVE, endless(100).speculation(new DraftModel(model, 4, 0)).build());

            assertThat(speculative.tokens()).containsExactly(plain);
            assertThat(speculative.drafts().acceptanceRate()).isStrictlyBetween(0.0, 1.0);
        }
    }

    @Test
    void secondTurn_evaluatesOnlyWhatIsNew() {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            GenerateOptions options = endless(9).speculation(new DraftModel(model, 4, 0)).build();
            int[] answer = run(context, sampler, PROMPT, options).tokens();
            int[] second = IntStream.concat(IntStream.concat(Arrays.stream(PROMPT), Arrays.stream(answer)), IntStream.of(7, 8)).toArray();

            try (var tokens = context.sequence(0).generate(second, sampler, options)) {
                int[] warm = drain(tokens);
                assertThat(tokens.usage()).isEqualTo(new Usage(second.length, second.length - 3, 9));
                context.clear();
                assertThat(run(context, sampler, second, endless(9).build()).tokens()).containsExactly(warm);
            }
        }
    }

    @Test
    void close_midWay_leavesASequenceThatIsWhatItsRecordSays() {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            GenerateOptions options = endless(30).speculation(new DraftModel(model, 5, 0)).build();
            int[] expected = run(context, sampler, PROMPT, endless(30).build()).tokens();
            for (int read = 1; read < 12; read++) {
                context.clear();
                try (var tokens = context.sequence(0).generate(PROMPT, sampler, options)) {
                    for (int i = 0; i < read; i++) {
                        tokens.nextId();
                    }
                    tokens.close();
                    assertThat(tokens.nextId()).isEqualTo(-1);
                    assertThat(tokens.finishReason()).isEqualTo(FinishReason.CANCELLED);
                    assertThat(tokens.usage().generatedTokens()).isEqualTo(read);
                }
                // It holds what was read, but the last, and maybe more of what would have been read.
                int held = context.sequence(0).length() - PROMPT.length;
                assertThat(held).isBetween(read - 1, read + 5);
                int[] longer = IntStream.concat(Arrays.stream(PROMPT), Arrays.stream(expected).limit(held + 1)).toArray();
                try (var tokens = context.sequence(0).generate(longer, sampler, endless(5).build())) {
                    int[] rest = drain(tokens);
                    assertThat(tokens.usage().cachedTokens()).isEqualTo(PROMPT.length + held);
                    assertThat(rest).containsExactly(Arrays.copyOfRange(expected, held + 1, held + 6));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void cancelFromAnotherThread_whileTheDraftModelReadsThePrompt_endsIt(boolean ofTheContext) throws Exception {
        var large = ContextOptions.builder().contextLength(8_192).batchSize(8_192).microBatchSize(64).build();
        int[] prompt = IntStream.range(0, 5_000).map(i -> i % 100 + 1).toArray();
        try (var context = model.newContext(large); var sampler = Sampler.greedy(model)) {
            GenerateOptions options = endless(4).speculation(new DraftModel(model, 4, 0)).build();
            Generation tokens = context.sequence(0).generate(prompt, sampler, options);
            assertThat(tokens.nextId()).isNotNegative();
            Thread canceller = Thread.ofVirtual().start(() -> {
                while (tokens.finishReason() == null && !context.isDecoding()) {
                    Thread.onSpinWait();
                }
                // The draft model is many times longer at the prompt than this.
                LockSupport.parkNanos(5_000_000);
                if (ofTheContext) {
                    context.cancel();
                } else {
                    tokens.cancel();
                }
            });
            assertThat(tokens.nextId()).isEqualTo(-1);
            canceller.join();
            assertThat(tokens.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(tokens.timings().drafts().draftedTokens()).isZero();
            assertThat(run(context, sampler, PROMPT, options).tokens()).hasSize(4);
        }
    }

    @RepeatedTest(10)
    void closingTheContextFromAnotherThread_endsTheStream() throws Exception {
        try (var sampler = Sampler.greedy(model)) {
            var context = model.newContext(small());
            Generation tokens = context.sequence(0).generate(PROMPT, sampler, endless(200).speculation(new DraftModel(model, 4, 0)).build());
            tokens.nextId();
            Thread closer = Thread.ofVirtual().start(context::close);
            drain(tokens);
            closer.join();

            assertThat(context.isOpen()).isFalse();
            assertThat(tokens.nextId()).isEqualTo(-1);
            tokens.close();
        }
    }

    @RepeatedTest(10)
    void closingTheDraftModelFromAnotherThread_endsTheDraftsOnly() throws Exception {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            int[] plain = run(context, sampler, PROMPT, endless(100).build()).tokens();
            context.clear();
            var other = Model.load(TinyModels.llama(), arena);
            Speculation speculation = new DraftModel(other, 4, 0);
            try (var tokens = context.sequence(0).generate(PROMPT, sampler, endless(100).speculation(speculation).build())) {
                int first = tokens.nextId();
                Thread closer = Thread.ofVirtual().start(other::close);
                assertThat(IntStream.concat(IntStream.of(first), Arrays.stream(drain(tokens))).toArray()).containsExactly(plain);
                closer.join();
                assertThat(other.isOpen()).isFalse();
            }
            assertThatIllegalStateException()
                    .isThrownBy(() -> context.sequence(0).generate(PROMPT, sampler, endless(4).speculation(speculation).build()));
            assertThat(run(context, sampler, PROMPT, endless(4).build()).tokens()).hasSize(4);
        }
    }

    @Test
    void draftContext_isChargedAndFreed() {
        long before = arena.ledger().bytesByDevice().get("CPU");
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            long plain = arena.ledger().bytesByDevice().get("CPU");
            run(context, sampler, PROMPT, endless(4).speculation(new DraftModel(model, 4, 0)).build());
            long drafting = arena.ledger().bytesByDevice().get("CPU");
            run(context, sampler, PROMPT, endless(4).speculation(new DraftModel(model, 4, 0)).build());

            assertThat(drafting).isGreaterThan(plain);
            assertThat(arena.ledger().bytesByDevice()).containsEntry("CPU", drafting);
            run(context, sampler, PROMPT, endless(4).speculation(new NGram(Lookup.MAP)).build());
            assertThat(arena.ledger().bytesByDevice()).containsEntry("CPU", plain);
        }
        assertThat(arena.ledger().bytesByDevice()).containsEntry("CPU", before);
    }

    @Test
    void draftContext_overTheBudget_isRefused() {
        long needed;
        try (var context = model.newContext(small())) {
            needed = arena.ledger().bytesByDevice().get("CPU");
            assertThat(context.isOpen()).isTrue();
        }
        try (var bounded = DeviceArena.open(MemoryBudget.limit("CPU", needed + 1000)); var target = Model.load(TinyModels.llama(), bounded);
             var context = target.newContext(small()); var sampler = Sampler.greedy(target)) {
            assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() ->
                    context.sequence(0).generate(PROMPT, sampler, endless(4).speculation(new DraftModel(target, 4, 0)).build()));
            assertThat(run(context, sampler, PROMPT, endless(4).build()).tokens()).hasSize(4);
        }
    }

    @Test
    void speculator_inALoopOfOnesOwn() {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            int[] plain = run(context, sampler, PROMPT, endless(30).build()).tokens();
            context.clear();
            sampler.reset();
            var history = new ArrayList<Integer>(Arrays.stream(PROMPT).boxed().toList());
            int[] draft = new int[4];
            Batch batch = context.newBatch().addAll(PROMPT, 0, PROMPT.length, 0, 0, true);
            context.decode(batch);
            try (Speculator speculator = context.sequence(0).newSpeculator(new DraftModel(model, 4, 0))) {
                speculator.begin(PROMPT);
                int last = sampler.sample(context, -1);
                while (history.size() < PROMPT.length + 30) {
                    int[] before = history.stream().mapToInt(Integer::intValue).toArray();
                    int drafted = speculator.draft(before, before.length, last, draft);
                    batch.clear().add(last, before.length, 0, true);
                    for (int i = 0; i < drafted; i++) {
                        batch.add(draft[i], before.length + 1 + i, 0, true);
                    }
                    context.decode(batch);
                    history.add(last);
                    int right = 0;
                    for (last = sampler.sample(context, 0); right < drafted && last == draft[right]; last = sampler.sample(context, right)) {
                        history.add(draft[right++]);
                    }
                    context.sequence(0).removeFrom(history.size());
                    speculator.accepted(right);
                }
                speculator.close();
                speculator.close();
                assertThat(speculator.draft(PROMPT, PROMPT.length, 3, draft)).isZero();
            }
            assertThat(history.stream().mapToInt(Integer::intValue).skip(PROMPT.length).limit(30).toArray()).containsExactly(plain);
        }
    }

    @Test
    void noSpeculation_draftsNothing() {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            assertThat(run(context, sampler, PROMPT, endless(4).build()).drafts()).isEqualTo(DraftStatistics.NONE);
            assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).newSpeculator(Speculation.none()));
        }
    }
}
