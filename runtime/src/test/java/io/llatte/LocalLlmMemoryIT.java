package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Device;
import io.llatte.llama.DeviceType;
import io.llatte.llama.Llama;
import io.llatte.memory.DeviceMemory;
import io.llatte.memory.MemoryBudget;
import io.llatte.memory.MemoryKind;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Budgets, the longest context that fits, warnings, and what is used beyond what is held.
@Timeout(120)
class LocalLlmMemoryIT {

    private static final long MIB = 1 << 20;
    private static final int CONTEXT_STEP = 256;
    private static final int TRAINING_LENGTH = 16_384;
    private static final ChatOptions SHORT = ChatOptions.builder().maxTokens(2).build();

    @TempDir
    Path temp;

    private String model;

    @BeforeEach
    void writeModel() throws IOException {
        model = longModel(temp);
    }

    /// A tiny model that claims a long training.
    private static String longModel(Path folder) throws IOException {
        Path file = SpeakingModels.add(folder, SpeakingModels.A);
        return GgufFile.read(file).set("llama.context_length", GgufFile.uint32(TRAINING_LENGTH)).write(file).toString();
    }

    private static EngineOptions options(PlacementPolicy policy, ContextSize size) {
        return EngineOptions.builder().policy(policy).contextSize(size).threads(1).build();
    }

    private static LocalLlm.Builder builder(PlacementPolicy policy, ContextSize size) {
        return LocalLlm.builder().withoutPreference().options(options(policy, size));
    }

    private static long planned(String model, PlacementPolicy policy, int length, String device) {
        try (var llm = builder(policy, ContextSize.standard()).build()) {
            return llm.plan(model, options(policy, ContextSize.of(length))).bytesByDevice().get(device);
        }
    }

    private static long residentBytes() throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * 4096;
    }

    // ---- budget

    /// A cache of half a GiB would show: llama.cpp clears it when it is made.
    @Test
    void budgetThatIsTooSmall_refusesAndNothingWasTouched() throws IOException {
        int length = 256 * 1024;
        long bytes = planned(model, PlacementPolicy.CPU_ONLY, length, "CPU");
        assertThat(bytes).isGreaterThan(512 * MIB);
        long before = residentBytes();

        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.of(length)).budget(MemoryBudget.limit("CPU", bytes - 1)).build()) {
            assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> llm.init(model))
                    .satisfies(e -> assertThat(e.requestedBytes()).isEqualTo(bytes))
                    .satisfies(e -> assertThat(e.availableBytes()).isEqualTo(bytes - 1));
            assertThat(llm.ledger().totalBytes()).isZero();
            assertThat(residentBytes() - before).isLessThan(64 * MIB);
        }
    }

    @Test
    void budgetOfWhatIsPlanned_isEnough() {
        long bytes = planned(model, PlacementPolicy.CPU_ONLY, 2048, "CPU");

        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.of(2048)).budget(MemoryBudget.limit("CPU", bytes)).build()) {
            llm.init(model);
            assertThat(llm.ledger().bytesByDevice().get("CPU")).isLessThanOrEqualTo(bytes);
        }
    }

    @Test
    void moreThanTheMachineHas_isRefusedWithTheNumbers() {
        long bytesPerToken = (planned(model, PlacementPolicy.CPU_ONLY, 2048, "CPU") - planned(model, PlacementPolicy.CPU_ONLY, 1024, "CPU")) / 1024;
        long total = Llama.devices().stream().filter(device -> device.type() == DeviceType.CPU).mapToLong(Device::totalBytes).sum();
        long length = total / bytesPerToken;
        assumeTrue(length < 1 << 27, "a machine with more memory than the longest context takes");

        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.of((int) length)).build()) {
            assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> llm.init(model))
                    .satisfies(e -> assertThat(e.device()).isEqualTo("CPU"))
                    .satisfies(e -> assertThat(e.availableBytes()).isBetween(1L, e.requestedBytes() - 1));
        }
    }

    @Test
    void budgetOfAGpu_refusesBeforeItsMemoryIsTouched() throws Exception {
        var result = ChildJvm.run(OnAGpu.class, Map.of("GGML_VK_VISIBLE_DEVICES", "0"), temp.toString());
        assumeTrue(!result.output().contains(OnAGpu.NO_GPU), "no GPU");
        assertThat(result.exitCode()).as(result.output()).isZero();
    }

    static final class OnAGpu {

        private static final String NO_GPU = "no GPU with a budget";

        public static void main(String[] arguments) throws IOException {
            var gpu = Llama.devices().stream().filter(device -> device.type() != DeviceType.CPU).findFirst();
            if (gpu.isEmpty()) {
                System.out.println(NO_GPU);
            } else {
                String model = longModel(Path.of(arguments[0]));
                refuses(model, gpu.get().name());
                fits(model, PlacementPolicy.GPU_ONLY, gpu.get().name(), 3 * MIB);
            }
            System.exit(0);
        }

        private static void refuses(String model, String gpu) throws IOException {
            int length = 256 * 1024;
            long bytes = planned(model, PlacementPolicy.GPU_ONLY, length, gpu);
            assertThat(bytes).isGreaterThan(512 * MIB);
            // With so many layers and no fewer.
            var options = EngineOptions.builder().policy(PlacementPolicy.GPU_ONLY).contextSize(ContextSize.of(length)).gpuLayers(99).build();
            long freeBefore = freeBytes(gpu);
            long before = residentBytes();
            try (var llm = LocalLlm.builder().withoutPreference().options(options).budget(MemoryBudget.limit(gpu, bytes - 1)).build()) {
                assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> llm.init(model))
                        .satisfies(e -> assertThat(e.device()).isEqualTo(gpu))
                        .satisfies(e -> assertThat(e.requestedBytes()).isEqualTo(bytes));
                assertThat(llm.ledger().totalBytes()).isZero();
            }
            assertThat(freeBytes(gpu)).isEqualTo(freeBefore);
            assertThat(residentBytes() - before).isLessThan(64 * MIB);
        }

        private static long freeBytes(String gpu) {
            return Llama.devices().stream().filter(device -> device.name().equals(gpu)).mapToLong(Device::freeBytes).findFirst().orElseThrow();
        }
    }

    // ---- fit

    @Test
    void fit_isTheLongestContextThatTheBudgetHolds() {
        for (long beyondTheLeast : new long[] {0, 1, MIB, 5 * MIB + 12_345, 12 * MIB}) {
            fits(model, PlacementPolicy.CPU_ONLY, "CPU", beyondTheLeast);
        }
    }

    private static void fits(String model, PlacementPolicy policy, String device, long beyondTheLeast) {
        long limit = planned(model, policy, ContextSize.LEAST, device) + beyondTheLeast;
        try (var llm = builder(policy, ContextSize.fit()).budget(MemoryBudget.limit(device, limit)).build()) {
            llm.init(model);
            int length = llm.placement().orElseThrow().contextLength();

            assertThat(length).isBetween(ContextSize.LEAST, TRAINING_LENGTH - CONTEXT_STEP);
            assertThat(planned(model, policy, length, device)).isLessThanOrEqualTo(limit);
            assertThat(planned(model, policy, length + CONTEXT_STEP, device)).isGreaterThan(limit);
            assertThat(llm.ledger().bytesByDevice().get(device)).isLessThanOrEqualTo(limit);
            assertThat(llm.chat(List.of(ChatMessage.user("hello")), SHORT).usage().promptTokens()).isPositive();
        }
    }

    @Test
    void fitWithoutABudget_isTheTrainingLength() {
        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.fit()).build()) {
            llm.init(model);
            assertThat(llm.placement().orElseThrow().contextLength()).isEqualTo(TRAINING_LENGTH);
        }
    }

    /// A file may claim anything, and a plan for that would take more memory than the model.
    @Test
    void fitOfAnAbsurdTrainingLength_looksFromBelow() throws IOException {
        GgufFile.read(Path.of(model)).set("llama.context_length", GgufFile.uint32(Integer.MAX_VALUE)).write(Path.of(model));
        long limit = planned(model, PlacementPolicy.CPU_ONLY, 4096, "CPU");
        long before = residentBytes();

        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.fit()).budget(MemoryBudget.limit("CPU", limit)).build()) {
            llm.init(model);
            assertThat(llm.placement().orElseThrow().contextLength()).isEqualTo(4096);
            assertThat(residentBytes() - before).isLessThan(64 * MIB);
        }
    }

    @Test
    void fitThatNotEvenTheLeastFits_isRefused() {
        long least = planned(model, PlacementPolicy.CPU_ONLY, ContextSize.LEAST, "CPU");

        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.fit()).budget(MemoryBudget.limit("CPU", least - 1)).build()) {
            assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> llm.init(model))
                    .satisfies(e -> assertThat(e.requestedBytes()).isEqualTo(least));
        }
    }

    // ---- warning

    /// Every machine uses a millionth of its memory.
    @Test
    void warning_comesOnceForALoad_andAgainForTheNext() throws InterruptedException {
        List<LlmEvent> events = Collections.synchronizedList(new ArrayList<>());
        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.of(512)).memoryWarningShare(1e-6).listener(Runnable::run, events::add).build()) {
            llm.init(model);
            awaitWarnings(events, 1);
            for (int i = 0; i < 3; i++) {
                llm.chat(List.of(ChatMessage.user("hello")), SHORT);
            }
            Thread.sleep(200);
            awaitWarnings(events, 1);

            llm.unload();
            llm.init(model);
            awaitWarnings(events, 2);
        }
        assertThat(events).filteredOn(LlmEvent.MemoryWarning.class::isInstance).allSatisfy(event -> {
            var warning = (LlmEvent.MemoryWarning) event;
            assertThat(warning.device()).isEqualTo("CPU");
            assertThat(warning.usedBytes()).isBetween(1L, warning.totalBytes());
        });
    }

    @Test
    void shareOfAll_isNeverPassed() throws InterruptedException {
        List<LlmEvent> events = Collections.synchronizedList(new ArrayList<>());
        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.of(512)).memoryWarningShare(1).listener(Runnable::run, events::add).build()) {
            llm.init(model);
            llm.chat(List.of(ChatMessage.user("hello")), SHORT);
            Thread.sleep(200);
        }
        assertThat(events).noneMatch(LlmEvent.MemoryWarning.class::isInstance);
    }

    private static void awaitWarnings(List<LlmEvent> events, int count) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (warnings(events) < count && System.nanoTime() < deadline) {
            Thread.sleep(5);
        }
        assertThat(warnings(events)).isEqualTo(count);
    }

    private static long warnings(List<LlmEvent> events) {
        return List.copyOf(events).stream().filter(LlmEvent.MemoryWarning.class::isInstance).count();
    }

    // ---- unaccounted

    @Test
    void memory_showsWhatIsHeldAndWhatElseIsUsed() {
        try (var llm = builder(PlacementPolicy.CPU_ONLY, ContextSize.of(2048)).build(); var arena = Arena.ofConfined()) {
            llm.init(model);
            DeviceMemory before = cpu(llm);
            assertThat(before.accountedBytes()).isEqualTo(llm.ledger().totalBytes()).isPositive();
            assertThat(before.weightsBytes()).isEqualTo(llm.ledger().bytes("CPU", MemoryKind.WEIGHTS)).isPositive();
            assertThat(before.kvCacheBytes()).isEqualTo(llm.ledger().bytes("CPU", MemoryKind.KV_CACHE)).isPositive();
            assertThat(before.computeBytes()).isEqualTo(llm.ledger().bytes("CPU", MemoryKind.COMPUTE)).isPositive();
            assertThat(before.unaccountedBytes()).isEqualTo(before.totalBytes() - before.freeBytes() - llm.ledger().totalBytes());

            // Half a GiB that llama.cpp knows nothing of; other processes may take and give some meanwhile.
            MemorySegment other = arena.allocate(512 * MIB);
            other.fill((byte) 1);
            DeviceMemory after = cpu(llm);
            assertThat(after.accountedBytes()).isEqualTo(before.accountedBytes());
            assertThat(after.unaccountedBytes() - before.unaccountedBytes()).isGreaterThan(256 * MIB);
        }
    }

    private static DeviceMemory cpu(LocalLlm llm) {
        return llm.memory().stream().filter(memory -> memory.device().equals("CPU")).findFirst().orElseThrow();
    }
}
