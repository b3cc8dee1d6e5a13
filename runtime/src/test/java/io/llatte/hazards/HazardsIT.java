package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.ChildJvm;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What kills a process that calls llama.cpp, walked through the public API: each is a typed exception, and the child JVM that it happens
/// in exits with 0.
class HazardsIT {

    private static final List<Class<? extends Hazards>> GROUPS = List.of(DecodeHazards.class, ContextHazards.class, LifetimeHazards.class,
            SamplerHazards.class, GrammarHazards.class, StateHazards.class, TextHazards.class, TemplateHazards.class, DamagedFileHazards.class);

    static List<Class<? extends Hazards>> groups() {
        return GROUPS;
    }

    @ParameterizedTest
    @MethodSource("groups")
    void everyCase_isATypedException_andTheJvmExitsWithZero(Class<? extends Hazards> group) throws Exception {
        assumeTrue(Files.isRegularFile(Hazards.tiny("llama-dense")), "no tiny models: build with -DLLATTE_TESTS=ON");
        var result = ChildJvm.run(HazardProgram.class, Map.of(), group.getName());

        assertThat(result.lines()).filteredOn(line -> line.startsWith(HazardProgram.FAILED)).isEmpty();
        assertThat(result.exitCode()).as(() -> tail(result)).isZero();
        assertThat(result.lines()).filteredOn(line -> line.startsWith(HazardProgram.PASSED)).hasSameSizeAs(HazardProgram.cases(group)).isNotEmpty();
    }

    private static String tail(ChildJvm.Result result) {
        return "exit code " + result.exitCode() + ", ends with " + result.output().substring(Math.max(0, result.output().length() - 3000));
    }

    /// What ends the process whatever the shim does. A worker process, which the engine may be given later, is the only shelter.
    @Nested
    class OnlyAnotherProcessSurvives {

        @Test
        @Disabled("an assertion on a thread of llama.cpp's own cannot be left by an exception; bad input is refused before it gets there")
        void assertionOnAComputeThread() {
        }

        @Test
        @Disabled("a signal on a thread inside native code ends the JVM; nesting and sizes are bounded so that no known input gets there")
        void stackOverflowOrDivisionByZeroInsideLlamaCpp() {
        }

        @Test
        @Disabled("a template's macro that calls itself without end overflows the stack inside llama-common's interpreter")
        void templateThatCallsItself() {
        }

        @Test
        @Disabled("ggml-cuda aborts on any CUDA error, and where its pool cannot grow; needs a CUDA device")
        void cudaErrorDuringADecode() {
        }

        @Test
        @Disabled("ggml-rpc aborts on another thread where an endpoint is bad or lost; the API has no way to name an endpoint")
        void lostRpcPeer() {
        }

        @Test
        @Disabled("a saved state's checksum finds damage, not forgery: llama.cpp trusts the counts of one that was made to fit")
        void forgedState() {
        }

        @Test
        @Disabled("the kernel ends a process that takes more memory than there is; a MemoryBudget refuses what was planned")
        void memoryThatTheSystemPromisedAndDoesNotHave() {
        }
    }
}
