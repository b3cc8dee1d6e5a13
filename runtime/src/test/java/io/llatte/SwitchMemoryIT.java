package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Device;
import io.llatte.llama.Llama;
import io.llatte.llama.Model;
import io.llatte.llama.Quantization;
import io.llatte.llama.QuantizeOptions;
import io.llatte.llama.SamplingOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Switching never holds two models. A child JVM goes to and fro between two, and its memory and the device's are looked at every 5 ms: the
/// peak is that of the larger one, and nothing is left behind.
class SwitchMemoryIT {

    private static final long MIB = 1 << 20;
    private static final long PEAK_ALLOWANCE = 64 * MIB;

    /// A switch takes a second or two, with the default model and on a GPU that compiles its shaders on the CPU: the suite makes fewer, and
    /// `-Dllatte.soak=true` all of them.
    private static final boolean SOAK = Boolean.getBoolean("llatte.test.soak");

    /// After a few switches the JVM has not settled yet; a model that stayed would still show.
    private static final String DRIFT_MIB = SOAK ? "8" : "32";

    /// The JVM's own memory stays what it is: the heap is resident from the start, and no optimising compiler takes and returns megabytes.
    private static final List<String> STEADY_JVM = List.of("-Xms192m", "-Xmx192m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1");

    @TempDir
    Path temp;

    @Test
    void tinyModels_onAVulkanDevice() throws Exception {
        Path a = SpeakingModels.add(temp, SpeakingModels.A);
        Path b = SpeakingModels.add(temp, SpeakingModels.B);
        var result = ChildJvm.run(STEADY_JVM, Switching.class, Map.of("GGML_VK_VISIBLE_DEVICES", "0"), a.toString(), b.toString(),
                "GPU_ONLY", SOAK ? "100" : "10", SOAK ? "200" : "10", DRIFT_MIB);
        assumeTrue(!result.output().contains("no usable GPU"), "no Vulkan device");
        check(result);
    }

    @Test
    void defaultModel_andARequantisedCopy_onTheCpu() throws Exception {
        Path model = Path.of(System.getProperty("llatte.test.model", ""));
        assumeTrue(Files.isRegularFile(model), "no default model: run ./llatte test, or set llatte.model");
        Path copy = temp.resolve("copy-q8_0.gguf");
        Model.quantize(model, copy, QuantizeOptions.to(Quantization.Q8_0).allowingRequantize());
        var result = ChildJvm.run(STEADY_JVM, Switching.class, Map.of(), model.toString(), copy.toString(),
                "CPU_ONLY", SOAK ? "100" : "10", SOAK ? "200" : "10", DRIFT_MIB);
        check(result);
    }

    private static void check(ChildJvm.Result result) {
        // The figures of docs/memory.md.
        result.lines().stream().filter(line -> line.matches("(peak|before|after) .*MiB.*")).forEach(System.out::println);
        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.lines()).as(result.output()).anyMatch(line -> line.startsWith("peak of A"));
    }

    /// Bytes in use, of the process and of the device.
    private record Memory(long anonymous, long mapped, long device) {

        static Memory read(String gpu) {
            try {
                long anonymous = 0;
                long mapped = 0;
                for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                    if (line.startsWith("RssAnon:")) {
                        anonymous = kilobytes(line);
                    } else if (line.startsWith("RssFile:") || line.startsWith("RssShmem:")) {
                        mapped += kilobytes(line);
                    }
                }
                long used = gpu.isEmpty() ? 0 : Llama.devices().stream().filter(device -> device.name().equals(gpu))
                        .mapToLong(device -> device.totalBytes() - device.freeBytes()).sum();
                return new Memory(anonymous, mapped, used);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static long kilobytes(String line) {
            return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }

        long total() {
            return anonymous + mapped;
        }

        String inMib() {
            return "%.1f MiB (anonymous %.1f, mapped %.1f), device %.1f MiB".formatted(total() / (double) MIB, anonymous / (double) MIB,
                    mapped / (double) MIB, device / (double) MIB);
        }
    }

    /// `A B POLICY PEAK_SWITCHES DRIFT_SWITCHES DRIFT_MIB`.
    static final class Switching {

        private static final ChatOptions SHORT = ChatOptions.builder().maxTokens(4).sampling(SamplingOptions.greedy()).build();

        /// Gives a tiny model a cache of 128 MiB, so that two at once would show.
        private static final ContextSize LARGE = ContextSize.of(64 * 1024);

        private final List<String> models;
        private final LocalLlm llm;
        private final String gpu;

        private Switching(String[] arguments) {
            models = List.of(arguments[0], arguments[1]);
            PlacementPolicy policy = PlacementPolicy.valueOf(arguments[2]);
            gpu = policy == PlacementPolicy.CPU_ONLY ? ""
                    : Llama.devices().stream().map(Device::name).filter(name -> !name.equals("CPU")).findFirst().orElse("");
            var options = EngineOptions.builder().policy(policy);
            if (!gpu.isEmpty()) {
                options.contextSize(LARGE);
            }
            llm = LocalLlm.builder().withoutPreference().options(options.build()).build();
        }

        public static void main(String[] arguments) throws Exception {
            var switching = new Switching(arguments);
            switching.run(Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]), Long.parseLong(arguments[5]) * MIB);
            System.exit(0);
        }

        private void run(int peakSwitches, int driftSwitches, long driftAllowance) throws Exception {
            // Until the JVM's own memory (code, classes) and the driver's pools are what they stay.
            switchTo(Math.min(peakSwitches, 40));
            // As often as in the switches: a look every few milliseconds misses some of what a load takes for a moment.
            Peak a = peakOf(() -> loadAlone(0, peakSwitches / 2));
            Peak b = peakOf(() -> loadAlone(1, peakSwitches / 2));
            Peak both = peakOf(() -> switchTo(peakSwitches));
            llm.unload();
            System.gc();
            assertThat(Math.min(a.process(), b.process()) - Memory.read(gpu).total()).as("the second of two would show").isGreaterThan(PEAK_ALLOWANCE);
            System.out.printf("peak of A alone %s, of B alone %s, over %d switches %s%n", a, b, peakSwitches, both);
            assertThat(both.process()).isLessThanOrEqualTo(Math.max(a.process(), b.process()) + PEAK_ALLOWANCE);
            assertThat(both.device()).isLessThanOrEqualTo(Math.max(a.device(), b.device()) + PEAK_ALLOWANCE);

            Memory before = settled(0);
            switchTo(driftSwitches);
            Memory after = settled(0);
            System.out.printf("before %s%nafter %d switches %s%n", before.inMib(), driftSwitches, after.inMib());
            assertThat(after.total() - before.total()).isLessThanOrEqualTo(driftAllowance);
            assertThat(after.device() - before.device()).isLessThanOrEqualTo(driftAllowance);
            llm.close();
            assertThat(Llama.openHandles()).isZero();
            assertThat(llm.ledger().totalBytes()).isZero();
        }

        /// The most that was in use at once, looked at every 5 ms.
        private record Peak(long process, long device) {

            @Override
            public String toString() {
                return "%.1f MiB (device %.1f)".formatted(process / (double) MIB, device / (double) MIB);
            }
        }

        private Peak peakOf(Runnable part) throws InterruptedException {
            var process = new AtomicLong();
            var device = new AtomicLong();
            Thread sampler = Thread.ofPlatform().daemon().start(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    Memory memory = Memory.read(gpu);
                    process.accumulateAndGet(memory.total(), Math::max);
                    device.accumulateAndGet(memory.device(), Math::max);
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                }
            });
            part.run();
            sampler.interrupt();
            sampler.join();
            return new Peak(process.get(), device.get());
        }

        /// Ends with the model that it began with where `count` is even.
        private void switchTo(int count) {
            for (int i = 0; i < count; i++) {
                llm.switchModel(models.get((i + 1) % 2));
                llm.chat(List.of(ChatMessage.user("hello world")), SHORT);
            }
        }

        private void loadAlone(int index, int count) {
            for (int i = 0; i < count; i++) {
                llm.unload();
                llm.init(models.get(index));
                llm.chat(List.of(ChatMessage.user("hello world")), SHORT);
            }
        }

        /// One model, loaded anew and used, the heap collected.
        private Memory settled(int index) {
            loadAlone(index, 1);
            System.gc();
            return Memory.read(gpu);
        }
    }
}
