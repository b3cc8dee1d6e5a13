package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.SavedStateException;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SequenceIT {

    private static final int[] PROMPT = {3, 1, 4, 1, 5, 9, 2, 6};

    @TempDir
    private Path temp;
    private DeviceArena arena;
    private Model model;
    private Context context;

    @BeforeEach
    void load() {
        arena = DeviceArena.open();
        model = Model.load(TinyModels.llama(), arena);
        context = model.newContext(ContextOptions.builder().contextLength(1024).maxSequences(4).build());
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private static void fill(Context context, int sequence) {
        context.decode(context.newBatch().addAll(PROMPT, 0, PROMPT.length, 0, sequence, true));
    }

    private float[] next(Context in, int sequence) {
        in.decode(in.newBatch().add(7, in.sequence(sequence).length(), sequence, true));
        return in.logits(-1).toArray();
    }

    @Test
    void sequences_areNumberedAndBounded() {
        assertThat(context.sequence(3).id()).isEqualTo(3);
        assertThat(context.sequence(3)).isSameAs(context.sequence(3));
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> context.sequence(4));
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> context.sequence(-1));
    }

    @Test
    void removeFrom_cutsAndTheRestIsAsIfNeverThere() {
        fill(context, 0);
        float[] expected;
        {
            context.decode(context.newBatch().addAll(PROMPT, 0, 4, 0, 1, true));
            expected = next(context, 1);
        }

        context.sequence(0).removeFrom(4);

        assertThat(context.sequence(0).length()).isEqualTo(4);
        assertThat(next(context, 0)).containsExactly(expected);
        assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).removeFrom(-1));
        context.sequence(0).clear();
        assertThat(context.sequence(0).firstPosition()).isEqualTo(-1);
    }

    @Test
    void copyTo_givesTheSameContinuation() {
        fill(context, 0);

        context.sequence(0).copyTo(context.sequence(2));

        assertThat(context.sequence(2).length()).isEqualTo(PROMPT.length);
        assertThat(next(context, 2)).containsExactly(next(context, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).copyTo(context.sequence(0)));
    }

    @Test
    void copyToAnotherContext_isRefused() {
        try (var other = model.newContext(ContextOptions.builder().contextLength(256).build())) {
            assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).copyTo(other.sequence(0)));
        }
    }

    @Test
    void saveAndRestore_inAnotherContext_givesTheSameContinuation() throws IOException {
        fill(context, 0);
        Path file = temp.resolve("sequence.state");
        context.sequence(0).save(file);
        float[] expected = next(context, 0);

        try (var other = model.newContext(ContextOptions.builder().contextLength(1024).maxSequences(4).build())) {
            other.sequence(1).restore(file);
            assertThat(other.sequence(1).length()).isEqualTo(PROMPT.length);
            assertThat(next(other, 1)).containsExactly(expected);
        }
        assertThat(temp).isDirectoryNotContaining("glob:**.part");
    }

    @Test
    void alteredState_isRefusedAndTheSequenceIsAsItWas() {
        fill(context, 0);
        byte[] state = context.sequence(0).save();
        var random = new Random(11);
        for (int round = 0; round < 300; round++) {
            byte[] altered = state.clone();
            altered[random.nextInt(altered.length)] ^= (byte) (1 << random.nextInt(8));
            assertThatExceptionOfType(SavedStateException.class).as("round %d", round)
                    .isThrownBy(() -> context.sequence(0).restore(altered));
        }
        for (int length : new int[] {0, 1, 31, 32, 33, state.length / 2, state.length - 1}) {
            assertThatExceptionOfType(SavedStateException.class).as("length %d", length)
                    .isThrownBy(() -> context.sequence(0).restore(Arrays.copyOf(state, length)));
        }
        assertThat(context.sequence(0).length()).isEqualTo(PROMPT.length);
        context.sequence(0).restore(state);
    }

    @Test
    void restoredSequence_isNotEvaluatedAgain() {
        var greedy = Sampler.greedy(model);
        int[] first = ids(context.sequence(0).generate(PROMPT, greedy, 5));
        byte[] state = context.sequence(0).save();

        context.sequence(1).restore(state);
        try (var again = context.sequence(1).generate(PROMPT, greedy, 5)) {
            assertThat(ids(again)).isEqualTo(first);
            assertThat(again.usage().cachedTokens()).isEqualTo(PROMPT.length - 1);
        }
    }

    private static int[] ids(Generation generation) {
        return IntStream.generate(generation::nextId).takeWhile(id -> id >= 0).toArray();
    }

    @Test
    void stateOfAnotherCacheType_isRefused_andTheRecordStaysTrue() {
        int[] expected = ids(context.sequence(0).generate(PROMPT, Sampler.greedy(model), 5));
        try (var other = model.newContext(ContextOptions.builder().contextLength(1024).keyType(KvType.F32).build())) {
            fill(other, 0);
            byte[] state = other.sequence(0).save();

            assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> context.sequence(0).restore(state)).withMessageContaining("types");
        }
        assertThat(ids(context.sequence(0).generate(PROMPT, Sampler.greedy(model), 5))).isEqualTo(expected);
    }

    @Test
    void stateThatDoesNotFit_leavesTheSequenceEmpty_andTheRecordTrue() {
        int[] expected = ids(context.sequence(0).generate(PROMPT, Sampler.greedy(model), 5));
        try (var large = model.newContext(ContextOptions.builder().contextLength(2048).build())) {
            ids(large.sequence(0).generate(PROMPT, Sampler.greedy(model), 1500));
            byte[] state = large.sequence(0).save();

            assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> context.sequence(0).restore(state));
        }
        assertThat(context.sequence(0).length()).isZero();
        assertThat(ids(context.sequence(0).generate(PROMPT, Sampler.greedy(model), 5))).isEqualTo(expected);
    }

    @Test
    void clearOfAContextThatGenerates_isRefused() {
        try (var tokens = context.sequence(0).generate(PROMPT, Sampler.greedy(model), 5)) {
            tokens.nextId();
            assertThatIllegalStateException().isThrownBy(context::clear);
        }
        context.clear();
    }

    @Test
    void anotherModelsState_isRefused() {
        try (var gemma = Model.load(TinyModels.gemma(), arena);
             var other = gemma.newContext(ContextOptions.builder().contextLength(256).build())) {
            fill(other, 0);
            byte[] state = other.sequence(0).save();

            assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> context.sequence(0).restore(state))
                    .withMessageContaining("another model");
        }
    }

    @Test
    void shift_movesPositions() {
        fill(context, 0);
        context.sequence(0).shift(0, -1, 10);

        assertThat(context.sequence(0).firstPosition()).isEqualTo(10);
        assertThat(context.sequence(0).lastPosition()).isEqualTo(PROMPT.length + 9);
        assertThatIllegalArgumentException().isThrownBy(() -> context.sequence(0).shift(0, -1, -100));
    }

    @Test
    void recurrentState_canOnlyBeClearedWhole() {
        try (var mamba = Model.load(TinyModels.mamba(), arena);
             var own = mamba.newContext(ContextOptions.builder().contextLength(256).build())) {
            fill(own, 0);

            assertThatIllegalStateException().isThrownBy(() -> own.sequence(0).removeFrom(4));
            assertThatIllegalStateException().isThrownBy(() -> own.sequence(0).shift(0, -1, 1));
            assertThat(own.sequence(0).lastPosition()).isEqualTo(PROMPT.length - 1);
            own.sequence(0).clear();
            assertThat(own.sequence(0).lastPosition()).isEqualTo(-1);
        }
    }
}
