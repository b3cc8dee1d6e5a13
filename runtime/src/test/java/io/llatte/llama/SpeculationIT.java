package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

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
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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
        try (var tokens = context.sequence(0).generate(prompt, sampler, options)) {
            int[] ids = drain(tokens);
            assertThat(context.sequence(0).length()).isEqualTo(prompt.length + Math.max(0, ids.length - 1));
            return new Run(ids, tokens.timings().drafts(), tokens.finishReason());
        }
    }

    static Stream<Speculation> nGrams() {
        return Stream.of(new NGram(Lookup.SIMPLE, 4, 8), new NGram(Lookup.MAP, 3, 6), new NGram(Lookup.MOD, 4, 8),
                new NGram(Lookup.SIMPLE, 1, 40), new NGram(Lookup.MAP), new NGram(Lookup.MOD));
    }

    static Stream<Path> models() {
        return Stream.of(TinyModels.llama(), TinyModels.gemma(), TinyModels.model("qwen2-dense"), TinyModels.model("gpt2-dense"));
    }

    @ParameterizedTest
    @MethodSource("nGrams")
    void nGram_givesTheSameTokens(Speculation speculation) {
        try (var context = model.newContext(small()); var sampler = Sampler.greedy(model)) {
            for (int[] prompt : List.of(PROMPT, REPETITIVE, new int[] {7})) {
                context.clear();
                int[] plain = run(context, sampler, prompt, endless(100).build()).tokens();
                context.clear();
                Run speculative = run(context, sampler, prompt, endless(100).speculation(speculation).build());

                assertThat(speculative.tokens()).containsExactly(plain);
                System.out.println(speculation + " " + speculative.drafts());
            }
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
            System.out.println(gguf.getFileName() + " " + speculative.drafts());
            assertThat(speculative.drafts().acceptanceRate()).isGreaterThan(0.9);
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
            System.out.println(gguf.getFileName() + " by another " + speculative.drafts());
            assertThat(speculative.drafts().draftedTokens()).isPositive();
            assertThat(speculative.drafts().acceptanceRate()).isLessThan(0.9);
        }
    }
}
