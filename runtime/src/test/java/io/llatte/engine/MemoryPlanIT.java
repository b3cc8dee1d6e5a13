package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.ChatOptions;
import io.llatte.ChildJvm;
import io.llatte.LocalLlm;
import io.llatte.SpeakingModels;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.DeviceType;
import io.llatte.llama.KvType;
import io.llatte.llama.Llama;
import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryLedger;
import io.llatte.memory.MemoryUsage;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a plan says before a load is what the ledger says after it, and that is what llama.cpp says: the KV cache and compute buffers to the
/// byte, and the weights of every copied buffer. A mapped file's weights are less by the padding of the last tensor; or more, where a GPU has
/// tensors from between those of the CPU, since the stretch is mapped as a whole.
class MemoryPlanIT {

    private static final List<String> ARCHITECTURES = List.of("llama", "gemma3", "qwen2", "mamba", "falcon-h1", "gpt2");

    /// ggml's, of tensors in host memory.
    private static final long ALIGNMENT = 32;

    @TempDir
    Path temp;

    @Test
    void onTheCpu() {
        for (String architecture : ARCHITECTURES) {
            compare(temp, architecture, KvType.F16, PlacementPolicy.CPU_ONLY);
            compare(temp, architecture, KvType.Q8_0, PlacementPolicy.CPU_ONLY);
        }
    }

    @Test
    void onAGpu() throws Exception {
        var result = ChildJvm.run(OnAGpu.class, Map.of("GGML_VK_VISIBLE_DEVICES", "0"), temp.toString());
        assumeTrue(!result.output().contains(OnAGpu.NO_GPU), "no GPU");
        assertThat(result.exitCode()).as(result.output()).isZero();
    }

    static final class OnAGpu {

        private static final String NO_GPU = "no GPU to plan for";

        public static void main(String[] arguments) {
            if (Llama.devices().stream().allMatch(device -> device.type() == DeviceType.CPU)) {
                System.out.println(NO_GPU);
            } else {
                // Each architecture and type costs llvmpipe seconds of compiling.
                Path folder = Path.of(arguments[0]);
                compare(folder, "llama", KvType.F16, PlacementPolicy.GPU_ONLY);
                compare(folder, "llama", KvType.Q8_0, PlacementPolicy.GPU_ONLY);
                compare(folder, "mamba", KvType.F16, PlacementPolicy.GPU_ONLY);
            }
            System.exit(0);
        }
    }

    private static void compare(Path folder, String architecture, KvType type, PlacementPolicy policy) {
        String what = architecture + " with a cache of " + type;
        Path file = SpeakingModels.add(folder, architecture + "-dense.gguf");
        var options = EngineOptions.builder().policy(policy).contextSize(ContextSize.of(768)).keyType(type).valueType(type).threads(1).build();
        try (var llm = LocalLlm.builder().withoutPreference().options(options).build()) {
            Map<String, Long> planned = byDeviceAndKind(llm.plan(file.toString(), options).usages());
            llm.init(file.toString());
            List<MemoryUsage> held = llm.ledger().entries().stream().map(MemoryLedger.Entry::usage).toList();

            assertThat(byBufferAndKind(held)).as(what).isEqualTo(byBufferAndKind(breakdown(llm)));
            assertThat(byDeviceAndKind(held)).as(what).containsOnlyKeys(planned.keySet());
            byDeviceAndKind(held).forEach((place, bytes) -> {
                if (!place.equals("CPU " + MemoryKind.WEIGHTS)) {
                    assertThat(bytes).as("%s: %s", what, place).isEqualTo(planned.get(place));
                } else if (policy == PlacementPolicy.CPU_ONLY) {
                    assertThat(bytes).as("%s: mapped weights", what).isBetween(planned.get(place) - ALIGNMENT, planned.get(place));
                } else {
                    assertThat(bytes).as("%s: mapped stretch", what).isBetween(planned.get(place) - ALIGNMENT, file.toFile().length());
                }
            });

            llm.chat(List.of(ChatMessage.user("hello world")), ChatOptions.builder().maxTokens(2).build());
            assertThat(byBufferAndKind(breakdown(llm))).as("%s, after an answer", what).isEqualTo(byBufferAndKind(held));
            llm.unload();
            assertThat(llm.ledger().entries()).as(what).isEmpty();
        }
    }

    /// llama.cpp's own account.
    private static List<MemoryUsage> breakdown(LocalLlm llm) {
        return ((InProcessEngine) llm.engine().orElseThrow()).context().memory();
    }

    private static Map<String, Long> byDeviceAndKind(Collection<MemoryUsage> usages) {
        var bytes = new TreeMap<String, Long>();
        for (MemoryUsage usage : usages) {
            add(bytes, usage.device(), usage);
        }
        return bytes;
    }

    private static Map<String, Long> byBufferAndKind(Collection<MemoryUsage> usages) {
        var bytes = new TreeMap<String, Long>();
        for (MemoryUsage usage : usages) {
            add(bytes, usage.device() + " " + usage.bufferType(), usage);
        }
        return bytes;
    }

    private static void add(Map<String, Long> sums, String place, MemoryUsage usage) {
        for (MemoryKind kind : MemoryKind.values()) {
            if (usage.bytes(kind) > 0) {
                sums.merge(place + " " + kind, usage.bytes(kind), Long::sum);
            }
        }
    }
}
