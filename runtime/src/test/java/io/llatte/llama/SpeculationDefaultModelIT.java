package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.SpeculationException;
import io.llatte.llama.Speculation.DraftModel;
import io.llatte.llama.Speculation.Lookup;
import io.llatte.llama.Speculation.NGram;
import io.llatte.memory.DeviceArena;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Speculation with real text: the texts are the same, and the acceptance rates are what they are there for.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpeculationDefaultModelIT {

    private static final String LIST = """
            Repeat this list of members exactly.

            - Name: Alice Johnson, Age: 34, City: Amsterdam, Role: Engineer
            - Name: Robert Miller, Age: 41, City: Barcelona, Role: Designer
            - Name: Caroline Smith, Age: 29, City: Copenhagen, Role: Manager
            - Name: Daniel Williams, Age: 52, City: Dublin, Role: Accountant

            The list again:

            - Name: Alice Johnson, Age: 34, City: Amsterdam, Role: Engineer
            - Name: Robert Miller,""";

    private static final List<String> PROMPTS = List.of(LIST, "The capital of France is", "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n");

    private DeviceArena arena;
    private Model model;

    @BeforeAll
    void load() {
        arena = DeviceArena.open();
        // Rearranged weights round differently in a decode of several tokens than in one of a single token, and a near tie then falls otherwise.
        var options = ModelOptions.builder().gpuLayers(0).devices(List.of("CPU")).repack(false).build();
        model = Model.load(DefaultModel.path(), options, arena);
    }

    @AfterAll
    void close() {
        if (arena != null) {
            arena.close();
        }
    }

    private record Run(String text, List<Integer> ids, Timings timings, FinishReason reason) {
    }

    private Run run(Context context, Sampler sampler, String prompt, GenerateOptions options) {
        var text = new StringBuilder();
        try (var tokens = context.sequence(0).generate(model.vocab().tokenize(prompt, true, true), sampler, options)) {
            List<Integer> ids = tokens.stream().peek(token -> text.append(token.text())).map(Token::id).toList();
            return new Run(text.toString(), ids, tokens.timings(), tokens.finishReason());
        }
    }

    private static GenerateOptions.Builder tokens(int maxTokens) {
        return GenerateOptions.builder().maxTokens(maxTokens);
    }

    private List<Speculation> kinds() {
        return List.of(new NGram(Lookup.SIMPLE, 6, 16), new NGram(Lookup.MAP, 4, 8), new NGram(Lookup.MOD, 6, 16), new DraftModel(model, 4, 0.5f),
                new DraftModel(model));
    }

    private List<Speculation> oneOfEach() {
        return List.of(new NGram(Lookup.MAP, 4, 8), new DraftModel(model, 4, 0.5f));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void greedyText_isTheSame(Speculation speculation) {
        try (var context = model.newContext(ContextOptions.builder().contextLength(512).build()); var sampler = Sampler.greedy(model)) {
            for (String prompt : PROMPTS) {
                context.clear();
                Run plain = run(context, sampler, prompt, tokens(48).build());
                context.clear();
                Run speculative = run(context, sampler, prompt, tokens(48).speculation(speculation).build());

                assertThat(speculative.text()).isEqualTo(plain.text());
                assertThat(speculative.ids()).isEqualTo(plain.ids());
                assertThat(speculative.reason()).isEqualTo(plain.reason());
                DraftStatistics drafts = speculative.timings().drafts();
                if (speculation instanceof DraftModel) {
                    assertThat(drafts.acceptanceRate()).isGreaterThan(0.9);
                } else if (prompt.equals(LIST)) {
                    assertThat(drafts.acceptedTokens()).isGreaterThan(20);
                    assertThat(drafts.acceptanceRate()).isGreaterThan(0.5);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("oneOfEach")
    void slidingWindowThatMovesOn_givesTheSameText(Speculation speculation) {
        var options = ContextOptions.builder().contextLength(1024).batchSize(128).fullSlidingWindow(false).build();
        String prompt = "Some numbers follow.\n" + "one two three four five six seven eight nine ten\n".repeat(60) + "one two three";
        try (var context = model.newContext(options); var sampler = Sampler.greedy(model)) {
            assertThat(model.vocab().tokenize(prompt)).hasSizeGreaterThan(600);
            Run plain = run(context, sampler, prompt, tokens(48).build());
            context.clear();
            Run speculative = run(context, sampler, prompt, tokens(48).speculation(speculation).build());

            assertThat(speculative.ids()).isEqualTo(plain.ids());
            assertThat(speculative.timings().drafts().acceptedTokens()).isGreaterThan(20);
        }
    }

    @Test
    void eogInsideADraft_endsTheText() {
        String prompt = "A: one two three four five<end_of_turn>\n".repeat(6) + "A: one";
        try (var context = model.newContext(ContextOptions.builder().contextLength(512).build());
             var sampler = Sampler.builder(model).grammar("root ::= \" two three four five\"").greedy().build()) {
            Run plain = run(context, sampler, prompt, tokens(50).build());
            assertThat(plain.reason()).isEqualTo(FinishReason.EOG);
            int length = context.sequence(0).length();
            context.clear();
            Run speculative = run(context, sampler, prompt, tokens(50).speculation(new NGram(Lookup.MAP, 2, 16)).build());

            assertThat(speculative.ids()).isEqualTo(plain.ids());
            assertThat(speculative.reason()).isEqualTo(FinishReason.EOG);
            assertThat(context.sequence(0).length()).isEqualTo(length);
            DraftStatistics drafts = speculative.timings().drafts();
            assertThat(drafts.acceptedTokens()).isPositive().isLessThan(drafts.draftedTokens());
        }
    }

    @Test
    void stopStringInsideADraft_endsTheTextBeforeIt() {
        try (var context = model.newContext(ContextOptions.builder().contextLength(512).build()); var sampler = Sampler.greedy(model)) {
            GenerateOptions.Builder stopping = tokens(60).stop(List.of("Role"));
            Run plain = run(context, sampler, LIST, stopping.build());
            context.clear();
            Run speculative = run(context, sampler, LIST, stopping.speculation(new NGram(Lookup.MAP, 4, 16)).build());

            assertThat(plain.reason()).isEqualTo(FinishReason.STOP);
            assertThat(speculative.text()).isEqualTo(plain.text());
            assertThat(speculative.reason()).isEqualTo(FinishReason.STOP);
        }
    }

    @Test
    void grammar_allowsOnlyWhatItSays() {
        try (var context = model.newContext(ContextOptions.builder().contextLength(512).build());
             var sampler = Sampler.builder(model).grammar("root ::= (\"yes\" | \"no\") \".\"").temperature(2).dist(5).build()) {
            Run speculative = run(context, sampler, "Is water wet? Answer:", tokens(32).speculation(new DraftModel(model, 4, 0)).build());

            assertThat(speculative.text()).isIn("yes.", "no.");
            assertThat(speculative.reason()).isEqualTo(FinishReason.EOG);
        }
    }

    @Test
    void temperature_respectsTheLimit() {
        try (var context = model.newContext(ContextOptions.builder().contextLength(512).build());
             var sampler = SamplingOptions.defaults().newSampler(model)) {
            for (int limit : new int[] {1, 2, 5, 33}) {
                Run speculative = run(context, sampler, LIST, tokens(limit).ignoreEog(true).speculation(new DraftModel(model, 6, 0)).build());
                assertThat(speculative.ids()).hasSize(limit);
                assertThat(speculative.reason()).isEqualTo(FinishReason.LENGTH);
            }
        }
    }

    @Test
    void draftModelOfAnotherVocabulary_isRefusedWithTheReason() {
        try (var tiny = Model.load(TinyModels.llama(), arena); var context = model.newContext(ContextOptions.builder().contextLength(512).build());
             var sampler = Sampler.greedy(model)) {
            assertThatExceptionOfType(SpeculationException.class)
                    .isThrownBy(() -> run(context, sampler, LIST, tokens(4).speculation(new DraftModel(tiny)).build()))
                    .withMessageContaining("vocabulary");
            assertThat(run(context, sampler, LIST, tokens(4).build()).ids()).hasSize(4);
        }
    }
}
