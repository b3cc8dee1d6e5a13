package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.ContextOverflowException;
import io.llatte.memory.DeviceArena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ContextIT {

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

    private Context context(ContextOptions.Builder options) {
        return model.newContext(options.build());
    }

    @Test
    void synchronize_changesNothing() {
        var context = context(ContextOptions.builder().contextLength(256));
        context.synchronize();
        context.decode(context.newBatch().add(1, 0, 0, true));
        context.synchronize();
        assertThat(context.logits(-1).toArray()).hasSize(model.vocab().size());
        context.close();
        assertThatIllegalStateException().isThrownBy(context::synchronize);
    }

    @Test
    void logits_areOneScoreForEachToken() {
        var context = context(ContextOptions.builder().contextLength(256));
        context.decode(context.newBatch().add(1, 0, 0, false).add(2, 1, 0, true));

        Logits logits = context.logits(-1);

        assertThat(logits.size()).isEqualTo(model.vocab().size());
        float[] scores = logits.toArray();
        assertThat(scores[logits.argmax()]).isEqualTo(logits.get(logits.argmax()));
        for (float score : scores) {
            assertThat(score).isFinite().isLessThanOrEqualTo(scores[logits.argmax()]);
        }
        assertThat(context.logits(1).toArray()).containsExactly(scores);
    }

    @Test
    void logitsOfARowWithoutOutput_areRefused() {
        var context = context(ContextOptions.builder().contextLength(256));
        assertThatIllegalStateException().isThrownBy(() -> context.logits(-1));

        context.decode(context.newBatch().add(1, 0, 0, false).add(2, 1, 0, true));

        assertThatIllegalArgumentException().isThrownBy(() -> context.logits(0)).withMessageContaining("row 0");
        assertThatIllegalArgumentException().isThrownBy(() -> context.logits(99));
    }

    @Test
    void logitsAfterTheNextDecode_areRefusedRatherThanGarbage() {
        var context = context(ContextOptions.builder().contextLength(256));
        context.decode(context.newBatch().add(1, 0, 0, true));
        Logits first = context.logits(-1);

        context.decode(context.newBatch().add(2, 1, 0, true));

        assertThatIllegalStateException().isThrownBy(() -> first.get(0)).withMessageContaining("decoded again");
    }

    @Test
    void logitsOfAClosedContext_areRefused() {
        var context = context(ContextOptions.builder().contextLength(256));
        context.decode(context.newBatch().add(1, 0, 0, true));
        Logits logits = context.logits(-1);

        context.close();
        context.close();

        assertThatIllegalStateException().isThrownBy(() -> logits.get(0));
        assertThatIllegalStateException().isThrownBy(() -> context.decode(new Batch(1)));
        assertThatIllegalStateException().isThrownBy(context::handle);
    }

    @Test
    void wrongRows_areRefusedAndTheContextGoesOn() {
        var context = context(ContextOptions.builder().contextLength(256).maxSequences(2));
        int vocabSize = model.vocab().size();

        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch()));
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().add(vocabSize, 0, 0, true)));
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().add(-1, 0, 0, true)));
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().add(1, -1, 0, true)));
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().add(1, 0, 2, true)));
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().add(1, 0, -1, true)));

        context.decode(context.newBatch().add(1, 0, 0, true).add(1, 0, 1, true));
        assertThat(context.logits(0).toArray()).containsExactly(context.logits(1).toArray());
    }

    @Test
    void batch_isBoundedAndReused() {
        var context = context(ContextOptions.builder().contextLength(256).batchSize(4));
        Batch batch = context.newBatch();
        batch.addAll(new int[] {1, 2, 3}, 0, 3, 0, 0, true);

        assertThatIllegalStateException().isThrownBy(() -> batch.addAll(new int[] {4, 5}, 0, 2, 3, 0, true)).withMessageContaining("3 of 4");
        assertThat(batch.size()).isEqualTo(3);
        batch.add(4, 3, 0, true);
        assertThatIllegalStateException().isThrownBy(() -> batch.add(5, 4, 0, true)).withMessageContaining("full");
        context.decode(batch);
        context.decode(batch.clear().add(5, 4, 0, true));
        assertThat(context.sequence(0).length()).isEqualTo(5);
    }

    @Test
    void anotherContextsLargerBatch_isRefused() {
        var small = context(ContextOptions.builder().contextLength(256).batchSize(8));
        Batch large = context(ContextOptions.builder().contextLength(256).batchSize(64)).newBatch();
        for (int i = 0; i < 9; i++) {
            large.add(1, i, 0, i == 8);
        }

        assertThatIllegalArgumentException().isThrownBy(() -> small.decode(large)).withMessageContaining("9").withMessageContaining("8");
    }

    @Test
    void fullCache_saysHowMuchAndStaysUsable() {
        var context = context(ContextOptions.builder().contextLength(256));
        int capacity = context.contextLength();
        Batch batch = context.newBatch();
        for (int position = 0; position < capacity; position++) {
            batch.add(1, position, 0, position == capacity - 1);
        }
        context.decode(batch);

        assertThatExceptionOfType(ContextOverflowException.class)
                .isThrownBy(() -> context.decode(context.newBatch().add(1, capacity, 0, true)))
                .satisfies(e -> assertThat(e.availableTokens()).isEqualTo(capacity))
                .satisfies(e -> assertThat(e.requestedTokens()).isEqualTo(1));

        context.clear();
        context.decode(context.newBatch().add(1, 0, 0, true));
    }

    @Test
    void absurdOptions_areRefusedWithNumbers() {
        assertThatIllegalArgumentException().isThrownBy(() -> ContextOptions.builder().batchSize(0).build());
        assertThatIllegalArgumentException().isThrownBy(() -> ContextOptions.builder().maxSequences(64).batchSize(8).build())
                .withMessageContaining("64").withMessageContaining("8");
        assertThatIllegalArgumentException().isThrownBy(() -> ContextOptions.builder().threads(100_000).build()).withMessageContaining("512");
        assertThatIllegalArgumentException().isThrownBy(() -> context(ContextOptions.builder().contextLength(Integer.MAX_VALUE)));
        assertThatIllegalArgumentException().isThrownBy(() -> context(ContextOptions.builder().maxSequences(2000)));
        assertThatIllegalArgumentException().isThrownBy(() -> context(
                ContextOptions.builder().contextLength(256).valueType(KvType.Q8_0).flashAttention(FlashAttention.DISABLED)));
    }

    @Test
    void eightThreads_takeTurnsAndGetWhatOneGets() throws Exception {
        var context = context(ContextOptions.builder().contextLength(512).maxSequences(8));
        float[] expected = decodeOne(context, 0);
        try (var pool = Executors.newFixedThreadPool(8)) {
            List<Callable<float[]>> calls = new ArrayList<>();
            for (int thread = 0; thread < 8; thread++) {
                int sequence = thread;
                calls.add(() -> decodeOne(context, sequence));
            }
            for (int round = 0; round < 20; round++) {
                for (var result : pool.invokeAll(calls)) {
                    assertThat(result.get()).containsExactly(expected);
                }
            }
        }
    }

    /// One token in an emptied sequence; the logits are read in the same turn.
    private static float[] decodeOne(Context context, int sequence) {
        context.lock();
        try {
            context.sequence(sequence).clear();
            context.decode(context.newBatch().add(7, 0, sequence, true));
            return context.logits(-1).toArray();
        } finally {
            context.unlock();
        }
    }

    @Test
    void encodeWithoutAnEncoder_isRefused() {
        var context = context(ContextOptions.builder().contextLength(256));

        assertThatIllegalStateException().isThrownBy(() -> context.encode(context.newBatch().add(1, 0, 0, true))).withMessageContaining("encoder");
    }

    @Test
    void modelWithoutACache_givesAnEmbeddingAndRefusesMoreThanAMicroBatch() {
        try (var llada = Model.load(TinyModels.llada(), arena);
             var context = llada.newContext(ContextOptions.builder().contextLength(256).batchSize(64).microBatchSize(16).embeddings(true)
                     .pooling(Pooling.MEAN).build())) {
            Batch batch = context.newBatch();
            for (int i = 0; i < 8; i++) {
                batch.add(i + 1, i, 0, true);
            }
            context.encode(batch);
            assertThat(context.sequenceEmbeddings(0)).hasSize(llada.info().embeddingLength());

            Batch tooMany = context.newBatch();
            for (int i = 0; i < 17; i++) {
                tooMany.add(1, i, 0, true);
            }
            assertThatIllegalArgumentException().isThrownBy(() -> context.encode(tooMany)).withMessageContaining("17").withMessageContaining("16");
            assertThatIllegalArgumentException().isThrownBy(() -> context.decode(tooMany)).withMessageContaining("17");
        }
    }

    @Test
    void embeddingsThatWereNotAskedFor_areRefused() {
        var context = context(ContextOptions.builder().contextLength(256));
        context.decode(context.newBatch().add(1, 0, 0, true));

        assertThatIllegalStateException().isThrownBy(() -> context.embeddings(-1));
        assertThatIllegalStateException().isThrownBy(() -> context.sequenceEmbeddings(0));
    }
}
