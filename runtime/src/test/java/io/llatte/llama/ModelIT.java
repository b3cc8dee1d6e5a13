package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.InsufficientMemoryException;
import io.llatte.ModelLoadException;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryUsage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelIT {

    @TempDir
    private Path temp;

    @Test
    void info_saysWhatTheFileSays() {
        try (var arena = DeviceArena.open(); var model = Model.load(TinyModels.llama(), arena)) {
            ModelInfo info = model.info();

            assertThat(info.architecture()).isEqualTo("llama");
            assertThat(info.vocabSize()).isEqualTo(model.vocab().size()).isPositive();
            assertThat(info.layerCount()).isPositive();
            assertThat(info.parameterCount()).isPositive();
            assertThat(info.sizeBytes()).isPositive();
            assertThat(info.quantization()).isNotBlank();
            assertThat(info.decoder()).isTrue();
            assertThat(info.recurrent()).isFalse();
            assertThat(info.metadata()).containsEntry("general.architecture", "llama");
            assertThat(model.loadTime()).isPositive();
        }
    }

    @Test
    void close_isIdempotent_andUseAfterItIsRefused() {
        try (var arena = DeviceArena.open()) {
            var model = Model.load(TinyModels.llama(), arena);
            var context = model.newContext(ContextOptions.defaults());
            model.close();
            model.close();

            assertThat(model.isOpen()).isFalse();
            assertThat(context.isOpen()).isFalse();
            assertThat(arena.ledger().totalBytes()).isZero();
            assertThatIllegalStateException().isThrownBy(() -> model.newContext(ContextOptions.defaults())).withMessageContaining("closed");
            assertThatIllegalStateException().isThrownBy(() -> model.vocab().tokenize("x"));
            assertThatIllegalStateException().isThrownBy(model::handle);
            assertThatIllegalStateException().isThrownBy(() -> Sampler.greedy(model));
        }
    }

    @Test
    void closingTheArena_closesModelAndContexts() {
        var arena = DeviceArena.open();
        var model = Model.load(TinyModels.llama(), arena);
        var context = model.newContext(ContextOptions.defaults());

        arena.close();

        assertThat(model.isOpen()).isFalse();
        assertThat(context.isOpen()).isFalse();
        assertThatIllegalStateException().isThrownBy(() -> Model.load(TinyModels.llama(), arena));
    }

    @Test
    void listener_hearsRisingFractionsThatEndAtOne() {
        List<Double> heard = Collections.synchronizedList(new ArrayList<>());
        try (var arena = DeviceArena.open();
             var model = Model.load(TinyModels.llama(), ModelOptions.defaults(), heard::add, arena)) {
            assertThat(model.isOpen()).isTrue();
            assertThat(heard).isSorted().last().isEqualTo(1.0);
            assertThat(heard).allMatch(fraction -> fraction >= 0 && fraction <= 1);
        }
    }

    @Test
    void listenerThatSaysNo_cancelsAndNothingStaysLoaded() {
        try (var arena = DeviceArena.open()) {
            assertThatExceptionOfType(CancellationException.class)
                    .isThrownBy(() -> Model.load(TinyModels.llama(), ModelOptions.defaults(), fraction -> false, arena));
            assertThat(arena.ledger().totalBytes()).isZero();
        }
    }

    @Test
    void listenerThatThrows_isHeardAndNothingStaysLoaded() {
        try (var arena = DeviceArena.open()) {
            assertThatExceptionOfType(UnsupportedOperationException.class)
                    .isThrownBy(() -> Model.load(TinyModels.llama(), ModelOptions.defaults(), fraction -> {
                        throw new UnsupportedOperationException("provoked by a test");
                    }, arena));
            assertThat(arena.ledger().totalBytes()).isZero();
        }
    }

    @Test
    void interrupt_cancelsTheLoadAndStays() throws Exception {
        try (var arena = DeviceArena.open()) {
            Thread.currentThread().interrupt();
            try {
                Model.load(TinyModels.llama(), ModelOptions.defaults(), fraction -> true, arena);
            } catch (CancellationException expectedWhereItWasStillLoading) {
                assertThat(arena.ledger().totalBytes()).isZero();
            }
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void missingFolderOrGarbage_isRefusedWithItsPath() throws IOException {
        Path garbage = Files.write(temp.resolve("garbage.gguf"), new byte[1000]);
        Path empty = Files.createFile(temp.resolve("empty.gguf"));
        try (var arena = DeviceArena.open()) {
            for (Path file : List.of(temp.resolve("missing.gguf"), temp, garbage, empty)) {
                assertThatExceptionOfType(ModelLoadException.class)
                        .isThrownBy(() -> Model.load(file, arena)).withMessageContaining(file.toString());
            }
            assertThat(arena.ledger().totalBytes()).isZero();
        }
    }

    @Test
    void plan_equalsTheLedgerToTheByte() {
        var copied = ModelOptions.builder().loadMode(LoadMode.COPY).build();
        for (Path file : everyKind()) {
            for (KvType type : List.of(KvType.F16, KvType.F32, KvType.Q8_0)) {
                var options = ContextOptions.builder().contextLength(512).keyType(type).valueType(type).build();
                var plan = Model.plan(file, copied, options);
                try (var arena = DeviceArena.open(); var model = Model.load(file, copied, arena); var context = model.newContext(options)) {
                    assertThat(arena.ledger().bytesByDevice()).as("%s %s", file.getFileName(), type).isEqualTo(plan.bytesByDevice());
                    assertThat(context.isOpen()).isTrue();
                }
            }
        }
    }

    @Test
    void ledger_equalsLlamaCppsOwnBreakdown_alsoWhereTheFileIsMapped() {
        for (Path file : everyKind()) {
            var options = ContextOptions.builder().contextLength(512).build();
            var plan = Model.plan(file, ModelOptions.defaults(), options);
            try (var arena = DeviceArena.open(); var model = Model.load(file, arena); var context = model.newContext(options)) {
                long breakdown = context.memory().stream().mapToLong(MemoryUsage::totalBytes).sum();
                assertThat(arena.ledger().totalBytes()).as(file.toString()).isEqualTo(breakdown);
                // The last mapped tensor is not padded.
                assertThat(plan.totalBytes() - breakdown).isBetween(0L, 32L);
            }
        }
    }

    private static List<Path> everyKind() {
        return List.of(TinyModels.llama(), TinyModels.gemma(), TinyModels.mamba(), TinyModels.model("falcon-h1-dense"),
                TinyModels.model("llama-moe"), TinyModels.model("qwen2-dense"), TinyModels.model("gpt2-dense"));
    }

    @Test
    void budgetTooSmall_refusesBeforeAnythingIsLoaded() {
        try (var arena = DeviceArena.open(MemoryBudget.limit("CPU", 1000))) {
            assertThatExceptionOfType(InsufficientMemoryException.class)
                    .isThrownBy(() -> Model.load(TinyModels.llama(), arena))
                    .satisfies(e -> assertThat(e.requestedBytes()).isGreaterThan(1000))
                    .satisfies(e -> assertThat(e.availableBytes()).isEqualTo(1000))
                    .withMessageContaining("CPU");
            assertThat(arena.ledger().totalBytes()).isZero();
        }
    }

    @Test
    void budgetForTheModelAlone_refusesTheContextAndKeepsTheModel() {
        long weights = Gguf.read(TinyModels.llama()).tensors().stream().mapToLong(Gguf.Tensor::sizeBytes).sum();
        try (var arena = DeviceArena.open(MemoryBudget.limit("CPU", weights + 4096));
             var model = Model.load(TinyModels.llama(), arena)) {
            assertThatExceptionOfType(InsufficientMemoryException.class)
                    .isThrownBy(() -> model.newContext(ContextOptions.defaults()));
            assertThat(model.isOpen()).isTrue();
            assertThat(arena.ledger().bytes("CPU", MemoryKind.KV_CACHE)).isZero();
        }
    }

    @Test
    void unknownDevice_isRefusedByName() {
        try (var arena = DeviceArena.open()) {
            var options = ModelOptions.builder().devices(List.of("CUDA77")).build();
            assertThatIllegalArgumentException().isThrownBy(() -> Model.load(TinyModels.llama(), options, arena))
                    .withMessageContaining("CUDA77");
        }
    }

    @Test
    void vocabularyOnly_makesNoContext() {
        try (var arena = DeviceArena.open();
             var model = Model.load(TinyModels.llama(), ModelOptions.builder().vocabularyOnly(true).build(), arena)) {
            assertThat(model.vocab().size()).isPositive();
            assertThatIllegalStateException().isThrownBy(() -> model.newContext(ContextOptions.defaults()));
        }
    }

    @Test
    void quantize_writesASmallerModelThatLoads() {
        Path output = temp.resolve("q8.gguf");

        Model.quantize(TinyModels.llama(), output, QuantizeOptions.to(Quantization.Q8_0));

        try (var arena = DeviceArena.open(); var model = Model.load(output, arena); var original = Model.load(TinyModels.llama(), arena)) {
            assertThat(model.info().quantization()).isEqualTo("Q8_0");
            assertThat(model.info().sizeBytes()).isLessThan(original.info().sizeBytes());
        }
        assertThat(temp).isDirectoryContaining("glob:**q8.gguf").isDirectoryNotContaining("glob:**.part");
    }

    @Test
    void quantizeAgain_isRefusedUnlessAllowed() {
        Path once = temp.resolve("q8.gguf");
        Path twice = temp.resolve("q4.gguf");
        Model.quantize(TinyModels.llama(), once, QuantizeOptions.to(Quantization.Q8_0));

        assertThatIllegalArgumentException().isThrownBy(() -> Model.quantize(once, twice, QuantizeOptions.to(Quantization.Q4_0)));
        assertThat(twice).doesNotExist();

        Model.quantize(once, twice, QuantizeOptions.to(Quantization.Q4_0).allowingRequantize());
        assertThat(twice).exists();
    }
}
