package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.ContextOverflowException;
import io.llatte.memory.DeviceArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class GenerationIT {

    private static final int[] PROMPT = {3, 1, 4, 1, 5, 9, 2, 6};

    private DeviceArena arena;
    private Model model;
    private Context context;
    private Sampler greedy;

    @BeforeEach
    void load() {
        arena = DeviceArena.open();
        model = Model.load(TinyModels.llama(), arena);
        context = model.newContext(ContextOptions.builder().contextLength(256).batchSize(32).build());
        greedy = Sampler.greedy(model);
    }

    @AfterEach
    void close() {
        greedy.close();
        arena.close();
    }

    private static GenerateOptions endless(int maxTokens) {
        return GenerateOptions.builder().maxTokens(maxTokens).ignoreEog(true).build();
    }

    private static int[] drain(Generation tokens) {
        return IntStream.generate(tokens::nextId).takeWhile(id -> id >= 0).toArray();
    }

    private int[] generate(int[] prompt, int maxTokens) {
        try (var tokens = context.sequence(0).generate(prompt, greedy, endless(maxTokens))) {
            return drain(tokens);
        }
    }

    @Test
    void hasNext_isIdempotent() {
        try (var tokens = context.sequence(0).generate(PROMPT, greedy, endless(3))) {
            assertThat(tokens.hasNext()).isTrue();
            assertThat(tokens.hasNext()).isTrue();
            assertThat(tokens.usage().generatedTokens()).isEqualTo(1);
            tokens.next();
            tokens.next();
            tokens.next();
            assertThat(tokens.hasNext()).isFalse();
            assertThat(tokens.hasNext()).isFalse();
            assertThatExceptionOfType(NoSuchElementException.class).isThrownBy(tokens::next);
        }
    }

    @Test
    void end_saysWhyAndHowMuch() {
        try (var tokens = context.sequence(0).generate(PROMPT, greedy, endless(5))) {
            assertThat(tokens.finishReason()).isNull();
            assertThat(drain(tokens)).hasSize(5);
            assertThat(tokens.finishReason()).isEqualTo(FinishReason.LENGTH);
            assertThat(tokens.usage()).isEqualTo(new Usage(PROMPT.length, 0, 5));
            Timings timings = tokens.timings();
            assertThat(timings.load()).isEqualTo(model.loadTime());
            assertThat(timings.prefill()).isPositive();
            assertThat(timings.timeToFirstToken()).isGreaterThanOrEqualTo(timings.prefill());
            assertThat(timings.decode()).isPositive();
            assertThat(timings.tokensPerSecond()).isPositive();
            assertThat(timings.prefillTokensPerSecond()).isPositive();
        }
    }

    @Test
    void zeroTokens_evaluatesNothing() {
        try (var tokens = context.sequence(0).generate(PROMPT, greedy, 0)) {
            assertThat(tokens.hasNext()).isFalse();
            assertThat(tokens.finishReason()).isEqualTo(FinishReason.LENGTH);
            assertThat(context.sequence(0).length()).isZero();
        }
    }

    @Test
    void promptLongerThanABatch_isEvaluatedInSeveral() {
        int[] prompt = IntStream.range(0, 100).map(i -> i % 50 + 1).toArray();

        int[] first = generate(prompt, 8);

        assertThat(first).hasSize(8);
        assertThat(context.sequence(0).length()).isEqualTo(107);
    }

    @Test
    void secondTurn_evaluatesOnlyWhatIsNew() {
        int[] answer = generate(PROMPT, 4);
        int[] second = IntStream.concat(IntStream.concat(Arrays.stream(PROMPT), Arrays.stream(answer)), IntStream.of(7, 8)).toArray();

        try (var tokens = context.sequence(0).generate(second, greedy, endless(2))) {
            int[] warm = drain(tokens);
            // The last token of the answer was never evaluated, and neither were the two new ones.
            assertThat(tokens.usage()).isEqualTo(new Usage(second.length, second.length - 3, 2));
            context.clear();
            assertThat(generate(second, 2)).containsExactly(warm);
        }
    }

    @Test
    void samePromptAgain_evaluatesItsLastTokenOnly() {
        int[] first = generate(PROMPT, 6);

        try (var tokens = context.sequence(0).generate(PROMPT, greedy, endless(6))) {
            assertThat(drain(tokens)).containsExactly(first);
            assertThat(tokens.usage().cachedTokens()).isEqualTo(PROMPT.length - 1);
        }
    }

    @Test
    void batchMadeByHand_isPartOfTheRecordOfTheSequence() {
        int[] first = generate(PROMPT, 6);
        context.sequence(0).clear();
        context.decode(context.newBatch().addAll(PROMPT, 0, PROMPT.length, 0, 0, true));

        try (var tokens = context.sequence(0).generate(PROMPT, greedy, endless(6))) {
            assertThat(drain(tokens)).containsExactly(first);
            assertThat(tokens.usage().cachedTokens()).isEqualTo(PROMPT.length - 1);
        }
    }

    @Test
    void batchMadeByHand_thatLeavesAGap_endsTheRecordOfTheSequence() {
        int[] first = generate(PROMPT, 6);
        context.sequence(0).shift(0, -1, 1);
        context.decode(context.newBatch().add(1, context.sequence(0).length(), 0, true));

        try (var tokens = context.sequence(0).generate(PROMPT, greedy, endless(6))) {
            assertThat(drain(tokens)).containsExactly(first);
            assertThat(tokens.usage().cachedTokens()).isZero();
        }
    }

    @Test
    void recurrentModel_evaluatesThePromptAgainRatherThanWrongly() {
        try (var mamba = Model.load(TinyModels.mamba(), arena);
             var own = mamba.newContext(ContextOptions.builder().contextLength(256).build());
             var sampler = Sampler.greedy(mamba)) {
            int[] cold;
            try (var tokens = own.sequence(0).generate(PROMPT, sampler, endless(6))) {
                cold = drain(tokens);
            }
            try (var tokens = own.sequence(0).generate(PROMPT, sampler, endless(6))) {
                assertThat(drain(tokens)).containsExactly(cold);
                assertThat(tokens.usage().cachedTokens()).isZero();
            }
        }
    }

    @Test
    void contextsEnd_isALimit() {
        assertThat(generate(PROMPT, Integer.MAX_VALUE)).hasSize(context.sequenceLength() - PROMPT.length + 1);
    }

    @Test
    void promptThatFillsTheContext_isRefusedWithBothNumbers() {
        int[] prompt = new int[context.sequenceLength()];

        assertThatExceptionOfType(ContextOverflowException.class)
                .isThrownBy(() -> context.sequence(0).generate(prompt, greedy, 1))
                .withMessageContaining("256")
                .satisfies(e -> assertThat(e.availableTokens()).isEqualTo(256));
    }

    @Test
    void wrongPrompts_areRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).generate(new int[0], greedy, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).generate(new int[] {-1}, greedy, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).generate(new int[] {1_000_000}, greedy, 1));
    }

    @Test
    void twoStreamsOfOneSequence_areRefused() {
        try (var first = context.sequence(0).generate(PROMPT, greedy, endless(5))) {
            first.nextId();
            assertThatIllegalStateException().isThrownBy(() -> context.sequence(0).generate(PROMPT, greedy, 1)).withMessageContaining("close");
            assertThatIllegalStateException().isThrownBy(() -> context.sequence(0).clear());
        }
        context.sequence(0).clear();
    }

    @Test
    void close_midWay_cancelsAndTheSequenceGoesOn() {
        int[] expected = generate(PROMPT, 10);
        context.clear();
        try (var tokens = context.sequence(0).generate(PROMPT, greedy, endless(10))) {
            tokens.nextId();
            tokens.nextId();
            tokens.close();
            tokens.close();
            assertThat(tokens.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(tokens.hasNext()).isFalse();
            assertThat(tokens.usage().generatedTokens()).isEqualTo(2);
        }
        assertThat(generate(PROMPT, 10)).containsExactly(expected);
    }

    @Test
    void cancelOfTheContext_endsTheStreamWhoseDecodeItIs() throws Exception {
        try (var large = model.newContext(ContextOptions.builder().contextLength(65_536).batchSize(16_384).microBatchSize(64).build());
             Generation tokens = large.sequence(0).generate(IntStream.range(0, 60_000).map(i -> i % 100 + 1).toArray(), greedy, endless(4))) {
            Thread canceller = Thread.ofVirtual().start(() -> {
                while (tokens.finishReason() == null && !large.isDecoding()) {
                    Thread.onSpinWait();
                }
                large.cancel();
            });
            assertThat(tokens.hasNext()).isFalse();
            canceller.join();
            assertThat(tokens.finishReason()).isEqualTo(FinishReason.CANCELLED);
        }
    }

    @Test
    void cancelFromAnotherThread_duringThePrompt_endsIt() throws Exception {
        try (var large = model.newContext(ContextOptions.builder().contextLength(65_536).batchSize(16_384).microBatchSize(64).build())) {
            int[] prompt = IntStream.range(0, 60_000).map(i -> i % 100 + 1).toArray();
            Generation tokens = large.sequence(0).generate(prompt, greedy, endless(4));
            Thread canceller = Thread.ofVirtual().start(() -> {
                // Until the first micro-batches are in, the decode has surely begun.
                while (tokens.finishReason() == null && !large.isDecoding()) {
                    Thread.onSpinWait();
                }
                tokens.cancel();
            });
            assertThat(tokens.hasNext()).isFalse();
            canceller.join();
            assertThat(tokens.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(tokens.usage().generatedTokens()).isZero();
            assertThat(large.sequence(0).length()).isLessThan(prompt.length);

            try (var again = large.sequence(0).generate(PROMPT, greedy, endless(4))) {
                assertThat(drain(again)).containsExactly(generate(PROMPT, 4));
            }
        }
    }

    @RepeatedTest(20)
    void closingTheContextFromAnotherThread_endsTheStream() throws Exception {
        Generation tokens = context.sequence(0).generate(PROMPT, greedy, endless(200));
        tokens.nextId();
        Thread closer = Thread.ofVirtual().start(context::close);
        drain(tokens);
        closer.join();

        assertThat(context.isOpen()).isFalse();
        assertThat(tokens.nextId()).isEqualTo(-1);
        tokens.close();
    }

    @Test
    void iteratorAndIds_giveTheSameTokens() {
        int[] ids = generate(PROMPT, 12);
        List<Integer> iterated = new ArrayList<>();
        try (var tokens = context.sequence(0).generate(PROMPT, greedy, endless(12))) {
            tokens.forEachRemaining(token -> iterated.add(token.id()));
        }
        assertThat(iterated).containsExactlyElementsOf(Arrays.stream(ids).boxed().toList());
        try (var stream = context.sequence(0).generate(PROMPT, greedy, endless(12)).stream()) {
            assertThat(stream.map(Token::id)).containsExactlyElementsOf(iterated);
        }
    }

    @Test
    void stopString_endsTheTextBeforeIt() {
        String whole = text(endless(12));
        String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 3);

        try (var tokens = context.sequence(0).generate(PROMPT, greedy,
                GenerateOptions.builder().maxTokens(12).ignoreEog(true).stop(List.of(stop)).build())) {
            var text = new StringBuilder();
            tokens.forEachRemaining(token -> text.append(token.text()));
            assertThat(tokens.finishReason()).isEqualTo(FinishReason.STOP);
            assertThat(text).hasToString(whole.substring(0, whole.indexOf(stop)));
        }
    }

    @Test
    void stopStringThatNeverCompletes_losesNoText() {
        String whole = text(endless(12));
        String almost = whole.substring(whole.length() - 2) + "\0";

        assertThat(text(GenerateOptions.builder().maxTokens(12).ignoreEog(true).stop(List.of(almost)).build())).isEqualTo(whole);
    }

    private String text(GenerateOptions options) {
        try (var tokens = context.sequence(0).generate(PROMPT, greedy, options)) {
            var text = new StringBuilder();
            tokens.forEachRemaining(token -> text.append(token.text()));
            return text.toString();
        }
    }
}
