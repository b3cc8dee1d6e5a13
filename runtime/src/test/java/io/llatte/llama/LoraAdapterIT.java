package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.InsufficientMemoryException;
import io.llatte.ModelLoadException;
import io.llatte.SpeakingModels;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import io.llatte.memory.MemoryUsage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Adapters in a context of one's own. That they change it as in llama.cpp, bit by bit, the shim's tests show.
class LoraAdapterIT {

    @TempDir
    Path folder;

    private final DeviceArena arena = DeviceArena.open();
    private Model model;
    private Context context;
    private Path file;
    private float[] plain;

    @BeforeEach
    void load() throws IOException {
        model = Model.load(SpeakingModels.add(folder, SpeakingModels.A), ModelOptions.builder().gpuLayers(0).build(), arena);
        context = model.newContext(ContextOptions.builder().contextLength(256).threads(1).batchThreads(1).build());
        file = AdapterFiles.lora(folder.resolve("lora.gguf"), model, 1);
        plain = logits();
    }

    @AfterEach
    void nothingIsLeft() {
        model.close();
        assertThat(arena.ledger().totalBytes()).isZero();
        arena.close();
    }

    private float[] logits() {
        context.clear();
        Batch batch = context.newBatch();
        batch.addAll(new int[] {1, 20, 30, 40}, 0, 4, 0, 0, true);
        context.decode(batch);
        return context.logits(-1).toArray();
    }

    private long weights() {
        return arena.ledger().entries().stream().mapToLong(entry -> entry.usage().weightsBytes()).sum();
    }

    @Test
    void scale_saysHowMuch() {
        long before = weights();
        try (LoraAdapter adapter = model.loadAdapter(file)) {
            assertThat(weights() - before).isEqualTo(adapter.memory().stream().mapToLong(MemoryUsage::totalBytes).sum())
                    .isEqualTo(model.planAdapter(file).bytesByDevice().values().stream().mapToLong(Long::longValue).sum()).isPositive();
            assertThat(logits()).isEqualTo(plain);
            context.setAdapters(List.of(new AdapterUse(adapter, 0)));
            assertThat(logits()).isEqualTo(plain);
            context.setAdapters(List.of(new AdapterUse(adapter, 0.5f)));
            float[] half = logits();
            context.setAdapters(List.of(new AdapterUse(adapter, 1)));
            float[] whole = logits();
            assertThat(distance(half, plain)).isPositive().isLessThan(distance(whole, plain));
            context.setAdapters(List.of());
            assertThat(logits()).isEqualTo(plain);
        }
        assertThat(weights()).isEqualTo(before);
    }

    private static double distance(float[] one, float[] other) {
        double sum = 0;
        for (int i = 0; i < one.length; i++) {
            sum += Math.abs(one[i] - other[i]);
        }
        return sum;
    }

    @Test
    void closedAdapter_leavesItsContexts() {
        LoraAdapter adapter = model.loadAdapter(file);
        context.setAdapters(List.of(new AdapterUse(adapter, 1)));
        assertThat(logits()).isNotEqualTo(plain);
        adapter.close();
        assertThat(context.adapters()).isEmpty();
        assertThat(logits()).isEqualTo(plain);
        assertThatIllegalStateException().isThrownBy(() -> context.setAdapters(List.of(new AdapterUse(adapter, 1)))).withMessageContaining("closed");
        assertThat(logits()).isEqualTo(plain);
    }

    @Test
    void contextThatClosesFirst_isForgotten() {
        LoraAdapter adapter = model.loadAdapter(file);
        context.setAdapters(List.of(new AdapterUse(adapter, 1)));
        context.close();
        adapter.close();
        assertThat(adapter.isOpen()).isFalse();
    }

    @Test
    void hundredSwaps_leaveNothing() throws IOException {
        Path other = AdapterFiles.lora(folder.resolve("other.gguf"), model, 2);
        long before = arena.ledger().totalBytes();
        float[] first = null;
        for (int swap = 0; swap < 100; swap++) {
            try (LoraAdapter adapter = model.loadAdapter(swap % 2 == 0 ? file : other)) {
                context.setAdapters(List.of(new AdapterUse(adapter, 1)));
                float[] now = logits();
                first = first == null ? now : first;
                assertThat(Arrays.equals(now, first)).isEqualTo(swap % 2 == 0);
            }
        }
        assertThat(logits()).isEqualTo(plain);
        assertThat(arena.ledger().totalBytes()).isEqualTo(before);
    }

    @Test
    void adapterThatClosesWhileOthersDecode() throws InterruptedException {
        var stop = new AtomicBoolean();
        Thread decoding = Thread.ofPlatform().start(() -> {
            while (!stop.get()) {
                logits();
            }
        });
        for (int i = 0; i < 50; i++) {
            LoraAdapter adapter = model.loadAdapter(file);
            context.setAdapters(List.of(new AdapterUse(adapter, 1)));
            adapter.close();
        }
        stop.set(true);
        decoding.join();
        assertThat(logits()).isEqualTo(plain);
    }

    @Test
    void whatIsNoAdapter_isRefused() throws IOException {
        Path wide = AdapterFiles.lora(folder.resolve("wide.gguf"), model, 1, 2 * model.info().embeddingLength());
        Path cut = Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(Files.readAllBytes(file), 2000));
        for (Path bad : List.of(wide, cut, model.path(), folder.resolve("missing.gguf"), folder)) {
            assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> model.loadAdapter(bad))
                    .withMessageContaining(bad.getFileName().toString());
        }
        assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> Model.load(file, arena));
        assertThat(logits()).isEqualTo(plain);
    }


    @Test
    void adapterOverTheBudget_isRefusedUntouched() {
        long used = arena.ledger().bytesByDevice().get("CPU");
        try (var tight = DeviceArena.open(new MemoryBudget(Map.of("CPU", used + 100)));
             Model own = Model.load(model.path(), ModelOptions.builder().gpuLayers(0).build(), tight)) {
            long held = tight.ledger().totalBytes();
            own.newContext(ContextOptions.builder().contextLength(256).threads(1).batchThreads(1).build());
            assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> own.loadAdapter(file))
                    .satisfies(e -> assertThat(e.requestedBytes()).isPositive());
            assertThat(tight.ledger().totalBytes()).isGreaterThanOrEqualTo(held);
        }
    }

    @Test
    void controlVector_steers() throws IOException {
        Path vectorFile = AdapterFiles.controlVector(folder.resolve("vector.gguf"), model, 3);
        ControlVector vector = ControlVector.read(model, vectorFile);
        long before = weights();
        context.setControlVector(Optional.of(vector));
        assertThat(weights() - before).isGreaterThanOrEqualTo(4L * vector.length());
        float[] steered = logits();
        assertThat(steered).isNotEqualTo(plain);
        context.setControlVector(Optional.of(vector.times(2).plus(vector.times(-1))));
        assertThat(logits()).usingComparatorWithPrecision(1e-5f).containsExactly(steered);
        context.setControlVector(Optional.empty());
        assertThat(logits()).isEqualTo(plain);
        assertThatIllegalArgumentException().isThrownBy(() -> context.setControlVector(Optional.of(ControlVector.of(new float[3]))));
        assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> ControlVector.read(model, file));
    }
}
