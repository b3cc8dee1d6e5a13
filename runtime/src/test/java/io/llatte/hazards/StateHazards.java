package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.SavedStateException;
import io.llatte.llama.Context;
import io.llatte.llama.KvType;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Saved states that llama.cpp would believe: it allocates by their counts before it checks anything.
final class StateHazards extends Hazards {

    private static final List<String> KINDS = List.of("llama-dense", "gemma3-dense", "mamba-dense", "falcon-h1-dense");

    private static void refusedAsState(Context context, byte[] state) {
        assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> context.sequence(0).restore(state));
    }

    void bitsThatFlipped() {
        var random = new Random(5);
        for (String name : KINDS) {
            Context context = load(name).newContext(small().build());
            context.decode(rows(context, 20));
            byte[] state = context.sequence(0).save();
            for (int round = 0; round < 60; round++) {
                byte[] altered = state.clone();
                int range = random.nextBoolean() ? Math.min(256, altered.length) : altered.length;
                for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
                    altered[random.nextInt(range)] ^= (byte) (1 << random.nextInt(8));
                }
                if (!Arrays.equals(altered, state)) {
                    refusedAsState(context, altered);
                }
            }
            assertThat(context.sequence(0).length()).isEqualTo(20);
            context.sequence(0).restore(state);
            checkUsable(context);
        }
    }

    void statesThatWereCutOrPadded() {
        for (String name : KINDS) {
            Context context = load(name).newContext(small().build());
            context.decode(rows(context, 20));
            byte[] state = context.sequence(0).save();
            for (int length : new int[] {0, 1, 4, 8, 31, 32, 33, 64, state.length / 2, state.length - 1, state.length + 1, state.length + 4096}) {
                refusedAsState(context, Arrays.copyOf(state, length));
            }
            checkUsable(context);
        }
    }

    void bytesThatAreNoState() {
        Context context = llama().newContext(small().build());
        var random = new Random(6);
        for (int round = 0; round < 100; round++) {
            byte[] garbage = new byte[random.nextInt(5000)];
            random.nextBytes(garbage);
            refusedAsState(context, garbage);
        }
        checkUsable(context);
    }

    void statesOfOtherModelsAndCaches() {
        for (String from : KINDS) {
            Context source = load(from).newContext(small().contextLength(1024).build());
            source.decode(rows(source, 20));
            byte[] state = source.sequence(0).save();
            for (String to : KINDS) {
                if (!to.equals(from)) {
                    refusedAsState(load(to).newContext(small().build()), state);
                }
            }
            for (KvType type : List.of(KvType.F32, KvType.Q8_0)) {
                Context other = source.model().newContext(small().keyType(type).valueType(type).build());
                survived(() -> other.sequence(0).restore(state));
                checkUsable(other);
            }
        }
    }

    void stateThatIsLongerThanTheContext() {
        Context large = llama().newContext(small().contextLength(2048).maxSequences(1).batchSize(1024).build());
        large.decode(rows(large, 1000));
        byte[] state = large.sequence(0).save();
        Context context = large.model().newContext(small().maxSequences(1).build());
        refusedAsState(context, state);
        checkUsable(context);
    }

    void stateOfAnEmptySequence() {
        for (String name : KINDS) {
            Context context = load(name).newContext(small().build());
            survived(() -> context.sequence(1).restore(context.sequence(0).save()));
            checkUsable(context);
        }
        Context without = load("llada-dense").newContext(small().build());
        survived(() -> without.sequence(0).restore(without.sequence(0).save()));
    }

    void filesThatCannotBeReadOrWritten() throws IOException {
        Context context = llama().newContext(small().build());
        context.decode(rows(context, 3));
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> context.sequence(0).save(scratch.resolve("missing/file")));
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> context.sequence(0).restore(scratch.resolve("missing")));
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> context.sequence(0).restore(scratch));
        checkUsable(context);
    }
}
