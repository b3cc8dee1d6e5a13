package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.ModelLoadException;
import io.llatte.SavedStateException;
import io.llatte.llama.AdapterFiles;
import io.llatte.llama.SamplingOptions;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
        return Engines.endless(new Prompt.Text(Engines.WORDS), TOKENS).sampling(SamplingOptions.builder().seed(5).build()).adapters(List.of(adapters)).build();
    }

    private List<Integer> answer(Adapter... adapters) {
        return Engines.read(Engines.start(engine, request(adapters)));
    }

    @Test
    void manyAtOnce_eachGetsTheAnswerThatItGetsAlone() {
        List<List<Adapter>> sets = List.of(List.of(), List.of(Adapter.of(first)), List.of(Adapter.of(second, 0.5f)),
                List.of(Adapter.of(first), Adapter.of(vector)));
        Map<List<Adapter>, List<Integer>> alone = new HashMap<>();
        for (List<Adapter> set : sets) {
            alone.put(set, answer(set.toArray(Adapter[]::new)));
        }
        assertThat(alone.values()).doesNotHaveDuplicates();
        for (int round = 0; round < 3; round++) {
            List<AnswerStream> streams = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                streams.add(engine.generate(request(sets.get(i % sets.size()).toArray(Adapter[]::new)), _ -> { }));
            }
            for (int i = 0; i < 16; i++) {
                assertThat(Engines.read(streams.get(i))).as("request %d", i).isEqualTo(alone.get(sets.get(i % sets.size())));
            }
        }
        assertThat(engine.adapters()).containsExactly(first, second, vector);
    }

    @Test
    void whatWasEvaluatedWithOthers_isNotUsedAgain() {
        List<Integer> plain = answer();
        List<Integer> adapted = answer(Adapter.of(first));
        assertThat(adapted).isNotEqualTo(plain);
        long cached = engine.statistics().cachedTokens();
        assertThat(answer(Adapter.of(second))).isNotEqualTo(adapted);
        assertThat(engine.statistics().cachedTokens()).isEqualTo(cached);
        assertThat(answer(Adapter.of(first))).isEqualTo(adapted);
        assertThat(engine.statistics().cachedTokens()).isGreaterThan(cached);
        assertThat(answer(Adapter.of(first, 0))).isEqualTo(plain);
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
        List<Integer> plain = answer();
        for (Path bad : List.of(folder.resolve("missing.gguf"), engine.model().path())) {
            assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> engine.generate(request(Adapter.of(bad)), _ -> { }));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> engine.generate(request(Adapter.of(first), Adapter.of(first, 2)), _ -> { }));
        assertThatIllegalArgumentException().isThrownBy(() -> Adapter.of(first, Float.POSITIVE_INFINITY));
        assertThat(answer()).isEqualTo(plain);
    }
}
