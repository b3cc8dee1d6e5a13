package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.ModelLoadException;
import io.llatte.SavedStateException;
import io.llatte.llama.AdapterFiles;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Requests with adapters beside requests with others and with none.
class EngineAdaptersIT {

    private static final int TOKENS = 60;

    @TempDir
    Path folder;

    private final DeviceArena arena = DeviceArena.open();
    private InProcessEngine engine;
    private Path first;
    private Path second;
    private Path vector;

    @BeforeEach
    void load() throws IOException {
        engine = Engines.load(arena, folder, Engines.options(2048).sequences(8).build());
        first = AdapterFiles.lora(folder.resolve("first.gguf"), engine.model(), 1);
        second = AdapterFiles.lora(folder.resolve("second.gguf"), engine.model(), 2);
        vector = AdapterFiles.controlVector(folder.resolve("vector.gguf"), engine.model(), 3);
    }

    @AfterEach
    void nothingIsLeft() {
        engine.close();
        assertThat(arena.ledger().totalBytes()).isZero();
        arena.close();
    }

    private GenerationRequest request(Adapter... adapters) {
        return Engines.endless(new Prompt.Text(Engines.WORDS), TOKENS).topLogprobs(OptionalInt.of(0)).adapters(List.of(adapters)).build();
    }

    /// How probable the model found each token that it chose: what changes the model changes that, where the tokens may be the same.
    private static double[] read(TokenStream stream) {
        try (stream) {
            return stream.stream().mapToDouble(token -> token.logprobs().orElseThrow().token().logprob()).toArray();
        }
    }

    private double[] answer(Adapter... adapters) {
        return read(engine.generate(request(adapters), _ -> { }));
    }

    /// Rows that are computed beside others are rounded otherwise, by less than adapters change them.
    private static boolean same(double[] one, double[] other) {
        return one.length == other.length && IntStream.range(0, one.length).allMatch(i -> Math.abs(one[i] - other[i]) < 0.01);
    }

    @Test
    void manyAtOnce_eachGetsTheAnswerThatItGetsAlone() {
        List<List<Adapter>> sets = List.of(List.of(), List.of(Adapter.of(first)), List.of(Adapter.of(second, 0.5f)),
                List.of(Adapter.of(first), Adapter.of(vector)));
        Map<List<Adapter>, double[]> alone = new HashMap<>();
        for (List<Adapter> set : sets) {
            alone.put(set, answer(set.toArray(Adapter[]::new)));
        }
        for (List<Adapter> set : sets) {
            assertThat(sets).filteredOn(other -> same(alone.get(set), alone.get(other))).containsExactly(set);
        }
        for (int round = 0; round < 3; round++) {
            List<AnswerStream> streams = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                streams.add(engine.generate(request(sets.get(i % sets.size()).toArray(Adapter[]::new)), _ -> { }));
            }
            for (int i = 0; i < 16; i++) {
                assertThat(same(read(streams.get(i)), alone.get(sets.get(i % sets.size())))).as("request %d", i).isTrue();
            }
        }
        assertThat(engine.adapters()).containsExactly(first, second, vector);
    }

    @Test
    void whatWasEvaluatedWithOthers_isNotUsedAgain() {
        double[] plain = answer();
        double[] adapted = answer(Adapter.of(first));
        assertThat(same(adapted, plain)).isFalse();
        long cached = engine.statistics().cachedTokens();
        assertThat(same(answer(Adapter.of(second)), adapted)).isFalse();
        assertThat(engine.statistics().cachedTokens()).isEqualTo(cached);
        assertThat(same(answer(Adapter.of(first)), adapted)).isTrue();
        assertThat(engine.statistics().cachedTokens()).isGreaterThan(cached);
        assertThat(same(answer(Adapter.of(first, 0)), plain)).isTrue();
    }

    @Test
    void sessions_areOfTheModelAsItIs() {
        answer(Adapter.of(first));
        assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> engine.saveSession(new Prompt.Text(Engines.WORDS), folder.resolve("s")));
    }

    @Test
    void files_areLoadedOnce_andGivenBack() {
        long before = arena.ledger().totalBytes();
        answer(Adapter.of(first));
        long held = arena.ledger().bytesByDevice().get("CPU");
        answer(Adapter.of(first, 2));
        assertThat(arena.ledger().bytesByDevice().get("CPU")).isEqualTo(held);
        try (var running = engine.generate(request(Adapter.of(first)), _ -> { })) {
            assertThat(running.hasNext()).isTrue();
            assertThatIllegalStateException().isThrownBy(() -> engine.unloadAdapter(first)).withMessageContaining("1 requests");
        }
        answer();
        assertThat(engine.unloadAdapter(first)).isTrue();
        assertThat(engine.unloadAdapter(first)).isFalse();
        assertThat(engine.adapters()).isEmpty();
        assertThat(arena.ledger().totalBytes()).isEqualTo(before);
    }

    @Test
    void whatIsNoAdapter_isRefused_andNothingIsLost() {
        double[] plain = answer();
        for (Path bad : List.of(folder.resolve("missing.gguf"), engine.model().path())) {
            assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> engine.generate(request(Adapter.of(bad)), _ -> { }));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> engine.generate(request(Adapter.of(first), Adapter.of(first, 2)), _ -> { }));
        assertThatIllegalArgumentException().isThrownBy(() -> Adapter.of(first, Float.POSITIVE_INFINITY));
        assertThat(same(answer(), plain)).isTrue();
    }
}
