package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import io.llatte.llama.Speculation.DraftModel;
import io.llatte.memory.DeviceArena;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// How probable the model found its tokens, at the low level, against sums in double precision.
@Timeout(60)
class LogprobsIT {

    private static final int[] PROMPT = {3, 1, 4, 1, 5, 9, 2, 6, 3, 1, 4, 1, 5};

    private DeviceArena arena;
    private Model model;
    private Context context;

    @BeforeEach
    void load() {
        arena = DeviceArena.open();
        model = Model.load(TinyModels.llama(), arena);
        context = model.newContext(ContextOptions.builder().contextLength(2048).maxSequences(2).threads(1).batchThreads(1).build());
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private List<Token> generate(Sampler sampler, GenerateOptions.Builder options) {
        try (sampler; var tokens = context.sequence(0).generate(PROMPT, sampler, options.maxTokens(30).ignoreEog(true).build())) {
            return tokens.stream().toList();
        }
    }

    @Test
    void greedy_takesTheFirstAlternative() {
        List<Token> answer = generate(Sampler.greedy(model), GenerateOptions.builder().topLogprobs(5));
        ExactLogprobs.check(model, PROMPT, answer, 5);
        assertThat(answer).hasSize(30).allSatisfy(token ->
                assertThat(token.logprobs().orElseThrow().alternatives().getFirst()).isEqualTo(token.logprobs().orElseThrow().token()));
    }

    @Test
    void samplingChangesNothingOfTheModelsOwnNumbers() {
        Sampler wild = Sampler.builder(model).penalties(16, 1.5f, 0.5f, 0.5f).topK(100).temperature(3).dist(7).build();
        List<Token> answer = generate(wild, GenerateOptions.builder().topLogprobs(Logprobs.MAX_ALTERNATIVES));
        ExactLogprobs.check(model, PROMPT, answer, Logprobs.MAX_ALTERNATIVES);
        assertThat(answer).anySatisfy(token ->
                assertThat(token.logprobs().orElseThrow().alternatives().getFirst().id()).isNotEqualTo(token.id()));
    }

    @Test
    void tokensThatWereGuessedAhead_haveThem() {
        List<Token> answer = generate(Sampler.greedy(model), GenerateOptions.builder().topLogprobs(2).speculation(new DraftModel(model, 4, 0)));
        ExactLogprobs.check(model, PROMPT, answer, 2);
    }

    @Test
    void noAlternatives_leaveTheTokensOwn_andOffLeavesNothing() {
        ExactLogprobs.check(model, PROMPT, generate(Sampler.greedy(model), GenerateOptions.builder().topLogprobs(0)), 0);
        assertThat(generate(Sampler.greedy(model), GenerateOptions.builder())).noneMatch(token -> token.logprobs().isPresent());
    }

    @Test
    void allOfAVocabulary_sumToOne() {
        var round = new SamplingRound(1);
        context.decode(context.newBatch().addAll(PROMPT, 0, PROMPT.length, 0, 0, true));
        var exact = new ExactLogprobs(context, -1);
        double sum = 0;
        for (int id = 0; id < model.vocab().size(); id++) {
            try (Sampler only = Sampler.builder(model).logitBias(Map.of(id, 1e6f)).greedy().build()) {
                round.clear().add(only, -1, OptionalInt.of(0)).sample(context);
                assertThat(round.token(0)).isEqualTo(id);
                exact.check(id, round.logprob(0));
                sum += Math.exp(round.logprob(0));
            }
        }
        assertThat(sum).isCloseTo(1, within(1e-5));
    }

    @Test
    void rowsOfARound_haveThemWhereTheyAskedForThem() {
        var round = new SamplingRound(4);
        context.decode(context.newBatch().add(7, 0, 0, true).add(8, 0, 1, true));
        try (Sampler first = Sampler.greedy(model); Sampler second = Sampler.greedy(model)) {
            round.add(first, 0).add(second, 1, OptionalInt.of(3)).sample(context);
            assertThat(round.token(1)).isEqualTo(round.alternative(1, 0));
            assertThat(round.logprob(1)).isEqualTo(round.alternativeLogprob(1, 0));
            assertThat(round.alternatives(1)).isEqualTo(3);
            assertThatIllegalStateException().isThrownBy(() -> round.logprob(0)).withMessageContaining("without log-probabilities");
            // A row that asked for nothing must not find what was there before.
            round.clear().add(first, 0, OptionalInt.of(0)).add(second, 1).sample(context);
            new ExactLogprobs(context, 0).check(round.token(0), round.logprob(0));
            assertThatIllegalStateException().isThrownBy(() -> round.alternatives(1));
        }
    }

    @Test
    void moreThanTheLimit_isRefused() {
        for (int wrong : new int[] {-1, Logprobs.MAX_ALTERNATIVES + 1}) {
            assertThatIllegalArgumentException().isThrownBy(() -> GenerateOptions.builder().topLogprobs(wrong).build())
                    .withMessageContaining("0 to 20: " + wrong);
        }
    }

    @Test
    void tokenThatTheGraphChose_hasNone() {
        try (Sampler sampler = Sampler.greedy(model)) {
            assertThat(context.sequence(0).attachSampler(sampler)).isTrue();
            var tokens = context.sequence(0).generate(PROMPT, sampler, GenerateOptions.builder().topLogprobs(1).build());
            assertThatIllegalStateException().isThrownBy(tokens::nextId).withMessageContaining("in the graph");
        }
    }

    @Test
    void idsWithLogprobs_allocateNothing() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().threadId();
        long allocated = 0;
        for (int round = 0; round < 20; round++) {
            context.sequence(0).clear();
            try (Sampler sampler = Sampler.greedy(model); var tokens = context.sequence(0).generate(PROMPT, sampler,
                    GenerateOptions.builder().ignoreEog(true).topLogprobs(5).build())) {
                steps(tokens, 10);
                long before = threads.getThreadAllocatedBytes(self);
                steps(tokens, 1_000);
                allocated = threads.getThreadAllocatedBytes(self) - before;
            }
        }
        assertThat(allocated).as("bytes for 1000 tokens").isZero();
    }

    private static void steps(Generation tokens, int count) {
        for (int i = 0; i < count; i++) {
            if (tokens.nextId() < 0) {
                throw new AssertionError("ended: " + tokens.finishReason());
            }
        }
    }
}
