package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.ChildJvm;
import io.llatte.memory.DeviceArena;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// A real Vulkan device gives the CPU's tokens, with the weights in its memory. Mesa's llvmpipe is such a device on any machine; ggml takes it
/// only where `GGML_VK_VISIBLE_DEVICES` names it, before the library is loaded: hence a JVM of its own.
class VulkanIT {

    private static final int TOKENS = 32;
    private static final String NO_DEVICE = "no Vulkan device: ";

    @Test
    void tinyModel_generatesTheSameTokensAsOnTheCpu() throws Exception {
        TinyModels.llama();
        var result = ChildJvm.run(Generation.class, Map.of("GGML_VK_VISIBLE_DEVICES", "0"));
        String reason = result.lines().stream().filter(line -> line.startsWith(NO_DEVICE)).findFirst().orElse("");
        assumeTrue(reason.isEmpty(), reason);

        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.lines()).anyMatch(line -> line.startsWith("weights on Vulkan"));
        List<String> tokens = result.lines().stream().filter(line -> line.startsWith("tokens ")).toList();
        assertThat(tokens).hasSize(2);
        assertThat(tokens.get(0)).isEqualTo(tokens.get(1)).contains(" ");
    }

    /// Prints the devices of the weights, and the greedy tokens on the Vulkan device and on the CPU.
    static final class Generation {

        public static void main(String[] args) {
            Device vulkan = Llama.devices().stream().filter(device -> device.backend().equals("Vulkan")).findFirst().orElse(null);
            if (vulkan == null) {
                System.out.println(NO_DEVICE + Llama.backends().stream().filter(backend -> backend.name().equalsIgnoreCase("vulkan"))
                        .map(Backend::reason).findFirst().orElse("the module is not built"));
                return;
            }
            print(ModelOptions.builder().devices(List.of(vulkan.name())).build(), vulkan.name());
            print(ModelOptions.cpuOnly(), "CPU");
        }

        private static void print(ModelOptions options, String device) {
            try (var arena = DeviceArena.open();
                 var model = Model.load(TinyModels.llama(), options, arena);
                 var context = model.newContext(ContextOptions.builder().contextLength(256).build());
                 var sampler = Sampler.greedy(model);
                 var tokens = context.sequence(0).generate(new int[] {3, 1, 4, 1, 5}, sampler,
                         GenerateOptions.builder().maxTokens(TOKENS).ignoreEog(true).build())) {
                long weights = context.memory().stream().filter(usage -> usage.device().equals(device)).mapToLong(usage -> usage.weightsBytes()).sum();
                if (weights < model.info().sizeBytes() / 2) {
                    throw new AssertionError("only " + weights + " bytes of weights are on " + device + ": " + context.memory());
                }
                System.out.println("weights on " + device + ": " + weights);
                System.out.println("tokens " + IntStream.generate(tokens::nextId).takeWhile(id -> id >= 0).mapToObj(String::valueOf)
                        .collect(Collectors.joining(" ")));
            }
        }
    }
}
