package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.ContextOverflowException;
import io.llatte.llama.Batch;
import io.llatte.llama.Context;
import io.llatte.llama.GenerateOptions;
import io.llatte.llama.Pooling;
import io.llatte.llama.Sampler;
import java.util.List;
import java.util.Random;

/// Batches that llama_decode and llama_encode abort on.
final class DecodeHazards extends Hazards {

    void moreTokensThanTheBatchSize() {
        Context context = llama().newContext(small().build());
        Batch large = rows(context.model().newContext(small().batchSize(64).build()), 33);
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(large)).withMessageContaining("33").withMessageContaining("32");
        assertThatIllegalStateException().isThrownBy(() -> rows(context, 33)).withMessageContaining("full");
        checkUsable(context);
    }

    void noTokens() {
        Context context = llama().newContext(small().build());
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch()));
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(rows(context, 3).clear()));
        refused(() -> context.encode(context.newBatch()));
        checkUsable(context);
    }

    void tokensThatAreNotInTheVocabulary() {
        Context context = llama().newContext(small().build());
        int size = context.model().vocab().size();
        for (int token : List.of(-1, Integer.MIN_VALUE, size, size + 1, Integer.MAX_VALUE)) {
            assertThatIllegalArgumentException().isThrownBy(() -> context.decode(rows(context, 3).add(token, 3, 0, true)))
                    .withMessageContaining(String.valueOf(token));
            assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).generate(new int[] {1, token}, Sampler.greedy(context.model()), 1));
        }
        checkUsable(context);
    }

    void positionsThatAreNegativeOrLeaveAGapOrGoBack() {
        Context context = llama().newContext(small().build());
        for (int position : List.of(-1, -2, Integer.MIN_VALUE)) {
            assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().add(1, position, 0, true)));
        }
        context.decode(rows(context, 8));
        for (int position : List.of(9, 100, 1_000_000, Integer.MAX_VALUE)) {
            refused(() -> context.decode(context.newBatch().add(1, position, 0, true)));
        }
        for (int position : List.of(0, 3, 7)) {
            survived(() -> context.decode(context.newBatch().add(1, position, 0, true)));
        }
        survived(() -> context.decode(context.newBatch().add(1, 9, 0, true).add(1, 8, 0, true)));
        survived(() -> context.decode(context.newBatch().add(1, 8, 0, true).add(1, 8, 0, true)));
        survived(() -> context.decode(context.newBatch().add(1, Integer.MAX_VALUE - 1, 1, true).add(1, Integer.MAX_VALUE, 1, true)));
        checkUsable(context);
    }

    void sequencesThatAreNotThere() {
        Context context = llama().newContext(small().build());
        for (int sequence : List.of(-1, -2, Integer.MIN_VALUE, 2, 64, 256, Integer.MAX_VALUE)) {
            assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().add(1, 0, sequence, true)));
            assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> context.sequence(sequence));
            refused(() -> context.sequenceEmbeddings(sequence));
        }
        checkUsable(context);
    }

    void everyRowAsksForOutput() {
        for (String name : List.of("llama-dense", "gemma3-dense", "mamba-dense", "falcon-h1-dense", "llama-moe", "gpt2-dense")) {
            Context context = load(name).newContext(small().build());
            Batch batch = context.newBatch();
            for (int i = 0; i < batch.capacity(); i++) {
                batch.add(1 + i, i, 0, true);
            }
            context.decode(batch);
            checkUsable(context);
        }
    }

    void noRowAsksForOutput() {
        Context context = llama().newContext(small().build());
        context.decode(context.newBatch().add(1, 0, 0, false));
        refused(() -> context.logits(-1));
        refused(() -> context.logits(0));
        try (var sampler = Sampler.greedy(context.model())) {
            refused(() -> sampler.sample(context, -1));
        }
        checkUsable(context);
    }

    void contextThatIsFull() {
        Context context = llama().newContext(small().maxSequences(1).build());
        int capacity = context.sequenceLength();
        for (int position = 0; position < capacity; position += 32) {
            context.decode(context.newBatch().addAll(new int[32], 0, 32, position, 0, true));
        }
        assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> context.decode(context.newBatch().add(1, capacity, 0, true)));
        assertThatExceptionOfType(ContextOverflowException.class)
                .isThrownBy(() -> context.sequence(0).generate(new int[capacity], Sampler.greedy(context.model()), 1));
        checkUsable(context);
    }

    void nonCausalAttentionOverAMicroBatch() {
        Context context = load("llada-dense").newContext(small().embeddings(true).pooling(Pooling.MEAN).build());
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(rows(context, 17))).withMessageContaining("17");
        assertThatIllegalArgumentException().isThrownBy(() -> context.encode(rows(context, 17))).withMessageContaining("16");
        context.encode(rows(context, 16));
    }

    void encodeOnADecoderOnlyModel() {
        for (String name : List.of("llama-dense", "gemma3-dense", "mamba-dense", "qwen2-dense")) {
            Context context = load(name).newContext(small().build());
            assertThatIllegalStateException().isThrownBy(() -> context.encode(rows(context, 2))).withMessageContaining("encoder");
            checkUsable(context);
        }
    }

    void embeddingsThatWereNotAskedFor() {
        Context context = llama().newContext(small().build());
        assertThatIllegalStateException().isThrownBy(() -> context.embeddings(-1));
        context.decode(rows(context, 2));
        assertThatIllegalStateException().isThrownBy(() -> context.embeddings(-1));
        assertThatIllegalStateException().isThrownBy(() -> context.sequenceEmbeddings(0));
        checkUsable(context);
    }

    void embeddingsOfRowsThatAreNotThere() {
        for (Pooling pooling : Pooling.values()) {
            for (String name : List.of("llama-dense", "llada-dense", "mamba-dense")) {
                survived(() -> {
                    Context context = load(name).newContext(small().embeddings(true).pooling(pooling).build());
                    survived(() -> context.decode(rows(context, 4)));
                    for (int row : ODD_INTS) {
                        survived(() -> context.embeddings(row));
                        survived(() -> context.sequenceEmbeddings(row));
                        survived(() -> context.logits(row).toArray());
                    }
                });
            }
        }
    }

    void rowsOfLogitsThatAreNotThere() {
        Context context = llama().newContext(small().build());
        refused(() -> context.logits(-1));
        context.decode(rows(context, 4));
        for (int row : ODD_INTS) {
            if (row != -1) {
                refused(() -> context.logits(row));
            }
        }
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> context.logits(-1).get(-1));
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> context.logits(-1).get(Integer.MAX_VALUE));
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> context.logits(-1).segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 1L << 30));
    }

    void absurdThreadCounts() {
        Context context = llama().newContext(small().build());
        for (int threads : List.of(Integer.MIN_VALUE, -1, 0, 513, 1_000_000, Integer.MAX_VALUE)) {
            assertThatIllegalArgumentException().isThrownBy(() -> context.setThreads(threads, 1));
            assertThatIllegalArgumentException().isThrownBy(() -> context.setThreads(1, threads));
        }
        checkUsable(context);
    }

    void sequencesCutShiftedAndCopiedAtOddPlaces() {
        for (String name : List.of("llama-dense", "gemma3-dense", "mamba-dense", "falcon-h1-dense", "qwen2vl-dense", "llada-dense")) {
            for (boolean unified : List.of(true, false)) {
                Context context = load(name).newContext(small().unifiedKv(unified).build());
                for (int from : ODD_INTS) {
                    survived(() -> context.decode(rows(context, 8)));
                    survived(() -> context.sequence(0).copyTo(context.sequence(1)));
                    survived(() -> context.sequence(1).removeFrom(from));
                    for (int to : ODD_INTS) {
                        for (int delta : ODD_INTS) {
                            survived(() -> context.sequence(0).shift(from, to, delta));
                        }
                    }
                    survived(() -> context.decode(context.newBatch().add(1, context.sequence(0).length(), 0, true)));
                    survived(() -> context.sequence(1).clear());
                    survived(context::clear);
                }
            }
        }
    }

    /// Two thousand batches of rows drawn at random, most of them wrong somewhere, on every kind of cache.
    void randomBatches() {
        var random = new Random(17);
        for (String name : List.of("llama-dense", "gemma3-dense", "mamba-dense", "falcon-h1-dense", "gpt2-dense")) {
            Context context = load(name).newContext(small().threads(1).batchThreads(1).build());
            int size = context.model().vocab().size();
            for (int round = 0; round < 400; round++) {
                Batch batch = context.newBatch();
                int length = random.nextInt(12);
                int first = random.nextInt(3) == 0 ? random.nextInt(300) : Math.max(0, context.sequence(0).length());
                for (int i = 0; i < length; i++) {
                    batch.add(random.nextInt(30) == 0 ? random.nextInt() : random.nextInt(size), random.nextInt(20) == 0 ? random.nextInt(400) - 9 : first + i,
                            random.nextInt(10) == 0 ? random.nextInt(4) - 1 : 0, random.nextBoolean());
                }
                survived(() -> context.decode(batch));
                if (random.nextInt(20) == 0) {
                    context.clear();
                }
            }
            checkUsable(context);
        }
    }

    void promptsThatAreEmptyOrTooLong() {
        Context context = llama().newContext(small().build());
        try (var sampler = Sampler.greedy(context.model())) {
            assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).generate(new int[0], sampler, 1));
            assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> context.sequence(0).generate(new int[100_000], sampler, 1));
            assertThatIllegalArgumentException().isThrownBy(() -> GenerateOptions.builder().maxTokens(-1).build());
            assertThatIllegalArgumentException().isThrownBy(() -> GenerateOptions.builder().stop(List.of("")).build());
        }
        checkUsable(context);
    }
}
