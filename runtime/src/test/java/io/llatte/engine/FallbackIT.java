package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.BackendUnavailableException;
import io.llatte.ChatAnswer;
import io.llatte.ChatOptions;
import io.llatte.ChildJvm;
import io.llatte.DecodeException;
import io.llatte.InsufficientMemoryException;
import io.llatte.LlmEvent;
import io.llatte.LlmState;
import io.llatte.LocalLlm;
import io.llatte.ModelLoadException;
import io.llatte.SpeakingModels;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Llama;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Each step down, provoked: what is reported, said once in the log, and told as an event. Devices are seen or hidden by environment
/// variables that a library reads once, so each set of cases has a JVM of its own.
class FallbackIT {

    private static final Map<String, String> NO_GPU = Map.of("GGML_VK_VISIBLE_DEVICES", "", "CUDA_VISIBLE_DEVICES", "");
    private static final Map<String, String> VULKAN = Map.of("GGML_VK_VISIBLE_DEVICES", "0", "CUDA_VISIBLE_DEVICES", "");
    private static final String SKIPPED = "skipped: ";

    @TempDir
    Path temp;

    @Test
    void withoutAGpu() throws Exception {
        check(ChildJvm.run(WithoutGpu.class, NO_GPU, temp.toString()), 3);
    }

    @Test
    void onAVulkanDevice() throws Exception {
        var result = ChildJvm.run(OnVulkan.class, VULKAN, temp.toString());
        result.lines().stream().filter(line -> line.startsWith(SKIPPED)).findFirst().ifPresent(reason -> assumeTrue(false, reason));
        check(result, 2);
    }

    /// The folder of the native library, without its GPU modules.
    @Test
    void withoutTheBackendModule() throws Exception {
        Path without = Files.createDirectory(temp.resolve("natives"));
        try (Stream<Path> files = Files.list(Llama.nativeDirectory())) {
            for (Path file : files.toList()) {
                if (!file.getFileName().toString().matches("(lib)?ggml-(vulkan|cuda|metal).*")) {
                    Files.createSymbolicLink(without.resolve(file.getFileName()), file);
                }
            }
        }
        String before = System.setProperty("llatte.native.path", without.toString());
        try {
            check(ChildJvm.run(WithoutModule.class, VULKAN, temp.toString()), 1);
        } finally {
            if (before == null) {
                System.clearProperty("llatte.native.path");
            } else {
                System.setProperty("llatte.native.path", before);
            }
        }
    }

    /// @param stepsDown lines that the log must have
    private static void check(ChildJvm.Result result, int stepsDown) {
        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.lines()).filteredOn(line -> line.contains("INFO  " + EngineLoader.class.getName())).hasSize(stepsDown);
        assertThat(result.output()).doesNotContain(ChatServer.KEY);
    }

    private static LocalLlm.Builder builder(Path folder, PlacementPolicy policy) {
        return LocalLlm.builder().store(SpeakingModels.store(folder.resolve("models"))).withoutPreference()
                .options(EngineOptions.builder().policy(policy).threads(1).build());
    }

    private static ChatAnswer hello(LocalLlm llm) {
        return llm.chat(List.of(ChatMessage.user("hello")), ChatOptions.builder().maxTokens(4).build());
    }

    private static void awaitEvent(List<LlmEvent> events, LlmEvent event) throws InterruptedException {
        for (int i = 0; i < 2000 && !events.contains(event); i++) {
            Thread.sleep(5);
        }
        assertThat(events).contains(event);
    }

    static final class WithoutGpu {

        public static void main(String[] arguments) throws Exception {
            Path folder = Path.of(arguments[0]);
            gpuOnly_failsFastAndSaysWhatToDo(folder);
            preferGpu_stepsDownToTheCpu(folder);
            budget_stepsDownToTheServer(folder);
            withoutAServer_theCallerHasTheError(folder);
            System.exit(0);
        }

        private static void gpuOnly_failsFastAndSaysWhatToDo(Path folder) {
            try (var llm = builder(folder, PlacementPolicy.GPU_ONLY).build()) {
                assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(() -> llm.init(SpeakingModels.A))
                        .withMessageContaining("no usable GPU").withMessageMatching("(?s).*(driver|preset).*");
                assertThat(llm.status().state()).isEqualTo(LlmState.ERROR);
                assertThat(llm.status().reason()).contains("no usable GPU");
                assertThat(llm.ledger().totalBytes()).isZero();
            }
        }

        private static void preferGpu_stepsDownToTheCpu(Path folder) throws Exception {
            List<LlmEvent> events = Collections.synchronizedList(new ArrayList<>());
            try (var llm = builder(folder, PlacementPolicy.PREFER_GPU).listener(Runnable::run, events::add).build()) {
                llm.init(SpeakingModels.A);
                PlacementReport report = llm.placement().orElseThrow();
                assertThat(report.target()).isEqualTo(PlacementTarget.CPU);
                assertThat(report.fallbacks()).singleElement().satisfies(step -> {
                    assertThat(step.from()).isEqualTo(PlacementTarget.GPU);
                    assertThat(step.reason()).contains("no usable GPU");
                });
                awaitEvent(events, new LlmEvent.FellBack(SpeakingModels.A, report.fallbacks().getFirst()));
                assertThat(hello(llm).usage().promptTokens()).isPositive();
            }
        }

        private static void budget_stepsDownToTheServer(Path folder) throws Exception {
            List<LlmEvent> events = Collections.synchronizedList(new ArrayList<>());
            try (var server = new ChatServer(); var llm = builder(folder, PlacementPolicy.PREFER_GPU).budget(MemoryBudget.limit("CPU", 1 << 20))
                    .remote(server.endpoint()).listener(Runnable::run, events::add).build()) {
                llm.init(SpeakingModels.A);
                PlacementReport report = llm.placement().orElseThrow();
                assertThat(report.target()).isEqualTo(PlacementTarget.REMOTE);
                assertThat(report.fallbacks()).extracting(Fallback::to).containsExactly(PlacementTarget.CPU, PlacementTarget.REMOTE);
                assertThat(report.fallbacks().getLast().reason()).contains("1,048,576");
                awaitEvent(events, new LlmEvent.FellBack(SpeakingModels.A, report.fallbacks().getLast()));
                ChatAnswer answer = hello(llm);
                assertThat(answer.text()).isEqualTo("Hello there");
                assertThat(answer.usage().generatedTokens()).isEqualTo(3);
                assertThat(llm.status().statistics().count()).isOne();
                assertThat(llm.ledger().totalBytes()).isZero();
            }
        }

        private static void withoutAServer_theCallerHasTheError(Path folder) {
            try (var llm = builder(folder, PlacementPolicy.CPU_ONLY).budget(MemoryBudget.limit("CPU", 1 << 20)).build()) {
                assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> llm.init(SpeakingModels.A))
                        .satisfies(e -> assertThat(e.availableBytes()).isEqualTo(1 << 20))
                        .satisfies(e -> assertThat(e.requestedBytes()).isGreaterThan(1 << 20));
                assertThat(llm.ledger().totalBytes()).isZero();
            }
        }
    }

    static final class OnVulkan {

        public static void main(String[] arguments) throws Exception {
            Path folder = Path.of(arguments[0]);
            var device = Llama.devices().stream().filter(each -> each.backend().equals("Vulkan")).findFirst();
            if (device.isEmpty()) {
                System.out.println(SKIPPED + "no Vulkan device");
                return;
            }
            String gpu = device.get().name();
            everyPolicy_isHeld(folder, gpu);
            budgetOfTheGpu_stepsDownToTheCpu(folder, gpu);
            budgetForSomeLayers_putsThemThere(folder, gpu);
            firstDecodeThatFails_stepsDownToTheCpu(folder);
            firstDecodeThatFails_underGpuOnly_isTheCallersError(folder);
            unknownDevice_isNamed(folder, gpu);
            brokenFile_isNotTriedTwiceForNothing(folder);
            System.exit(0);
        }

        private static void everyPolicy_isHeld(Path folder, String gpu) {
            for (var policy : List.of(PlacementPolicy.GPU_ONLY, PlacementPolicy.PREFER_GPU)) {
                try (var llm = builder(folder, policy).build()) {
                    llm.init(SpeakingModels.A);
                    PlacementReport report = llm.placement().orElseThrow();
                    assertThat(report.target()).isEqualTo(PlacementTarget.GPU);
                    assertThat(report.devices()).contains(gpu);
                    assertThat(report.gpuLayers()).isEqualTo(report.layers());
                    assertThat(report.fallbacks()).isEmpty();
                    assertThat(hello(llm).usage().promptTokens()).isPositive();
                }
            }
            try (var llm = builder(folder, PlacementPolicy.CPU_ONLY).build()) {
                llm.init(SpeakingModels.A);
                assertThat(llm.placement().orElseThrow().target()).isEqualTo(PlacementTarget.CPU);
                assertThat(llm.ledger().bytesByDevice()).containsOnlyKeys("CPU");
            }
        }

        private static void budgetOfTheGpu_stepsDownToTheCpu(Path folder, String gpu) {
            try (var llm = builder(folder, PlacementPolicy.PREFER_GPU).budget(MemoryBudget.limit(gpu, 1000)).build()) {
                llm.init(SpeakingModels.A);
                PlacementReport report = llm.placement().orElseThrow();
                assertThat(report.target()).isEqualTo(PlacementTarget.CPU);
                assertThat(report.fallbacks()).singleElement().satisfies(step -> assertThat(step.reason()).contains(gpu, "1,000"));
                assertThat(llm.ledger().bytesByDevice()).doesNotContainKey(gpu);
            }
        }

        private static void budgetForSomeLayers_putsThemThere(Path folder, String gpu) {
            var options = EngineOptions.builder().policy(PlacementPolicy.GPU_ONLY).threads(1).build();
            long all;
            try (var llm = builder(folder, PlacementPolicy.GPU_ONLY).build()) {
                all = llm.plan(SpeakingModels.A, options).bytesByDevice().get(gpu);
            }
            try (var llm = builder(folder, PlacementPolicy.PREFER_GPU).budget(MemoryBudget.limit(gpu, all - 1)).build()) {
                llm.init(SpeakingModels.A);
                PlacementReport report = llm.placement().orElseThrow();
                assertThat(report.target()).isEqualTo(PlacementTarget.GPU);
                assertThat(report.gpuLayers()).isPositive().isLessThan(report.layers());
                assertThat(llm.ledger().bytesByDevice().get(gpu)).isLessThan(all);
                assertThat(hello(llm).usage().promptTokens()).isPositive();
                llm.unload();
                llm.init(SpeakingModels.A);
                assertThat(llm.placement()).contains(report);
            }
        }

        private static ModelFile file(Path folder) {
            return new ModelFile(SpeakingModels.A, folder.resolve("models").resolve(SpeakingModels.A), Optional.empty());
        }

        private static void firstDecodeThatFails_stepsDownToTheCpu(Path folder) {
            try (var arena = DeviceArena.open()) {
                var steps = new ArrayList<Fallback>();
                var loader = new EngineLoader(arena, Optional.empty(), _ -> {
                    throw new DecodeException("injected by the test");
                });
                try (var engine = loader.load(file(folder), EngineOptions.defaults(), new LoadObserver() {
                    @Override
                    public void fallback(Fallback step) {
                        steps.add(step);
                    }
                })) {
                    assertThat(engine.placement().target()).isEqualTo(PlacementTarget.CPU);
                    assertThat(steps).containsExactly(new Fallback(PlacementTarget.GPU, PlacementTarget.CPU, "injected by the test"));
                    assertThat(engine.placement().fallbacks()).isEqualTo(steps);
                    assertThat(arena.ledger().bytesByDevice()).containsOnlyKeys("CPU");
                }
            }
        }

        private static void firstDecodeThatFails_underGpuOnly_isTheCallersError(Path folder) {
            try (var arena = DeviceArena.open()) {
                var loader = new EngineLoader(arena, Optional.empty(), _ -> {
                    throw new DecodeException("injected by the test");
                });
                assertThatExceptionOfType(DecodeException.class).isThrownBy(() -> loader.load(file(folder),
                        EngineOptions.builder().policy(PlacementPolicy.GPU_ONLY).build(), LoadObserver.NONE));
                assertThat(arena.ledger().totalBytes()).isZero();
            }
        }

        private static void unknownDevice_isNamed(Path folder, String gpu) {
            try (var llm = builder(folder, PlacementPolicy.GPU_ONLY).options(EngineOptions.builder().policy(PlacementPolicy.GPU_ONLY)
                    .devices(List.of("CUDA7")).build()).build()) {
                assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(() -> llm.init(SpeakingModels.A))
                        .withMessageContaining("CUDA7").withMessageContaining(gpu);
            }
        }

        private static void brokenFile_isNotTriedTwiceForNothing(Path folder) throws IOException {
            Path garbage = Files.write(folder.resolve("garbage.gguf"), new byte[4096]);
            try (var llm = builder(folder, PlacementPolicy.PREFER_GPU).build()) {
                assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> llm.init(garbage.toString()));
            }
        }
    }

    static final class WithoutModule {

        public static void main(String[] arguments) {
            Path folder = Path.of(arguments[0]);
            try (var llm = builder(folder, PlacementPolicy.GPU_ONLY).build()) {
                assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(() -> llm.init(SpeakingModels.A))
                        .withMessageContaining("preset vulkan, cuda or metal");
                assertThat(llm.runtimeInfo().absentBackends()).containsKeys("Vulkan", "CUDA");
            }
            try (var llm = builder(folder, PlacementPolicy.PREFER_GPU).build()) {
                llm.init(SpeakingModels.A);
                assertThat(llm.placement().orElseThrow().fallbacks()).singleElement()
                        .satisfies(step -> assertThat(step.reason()).contains("without a GPU backend"));
                assertThat(hello(llm).usage().promptTokens()).isPositive();
            }
            System.exit(0);
        }
    }
}
