package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.ChildJvm;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What kills a process that calls llama.cpp, walked through the public API: each is a typed exception, and the child JVM that it happens
/// in exits with 0.
class HazardsIT {

    private static final List<Class<? extends Hazards>> GROUPS = List.of(DecodeHazards.class, ContextHazards.class, LifetimeHazards.class,
            SamplerHazards.class, GrammarHazards.class, StateHazards.class, TextHazards.class, TemplateHazards.class, DamagedFileHazards.class,
            EmbeddingHazards.class,
            MediaHazards.class);

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

    // What ends the process whatever the shim does: a worker process, which the engine may be given later, is the only shelter.

    @Test
    @Disabled("Only another process survives this: an exception cannot leave a compute thread of llama.cpp's own, so an assertion there aborts; "
            + "bad input is refused before it gets there")
    void assertionOnAComputeThread_needsProcessIsolation() {
    }

    @Test
    @Disabled("Only another process survives this: a signal inside native code; nesting and sizes are bounded so that no known input gets there")
    void stackOverflowOrDivisionByZeroInsideLlamaCpp_needsProcessIsolation() {
    }

    @Test
    @Disabled("Only another process survives this: a template's macro that calls itself without end overflows the stack of llama-common's interpreter")
    void templateThatCallsItself_needsProcessIsolation() {
    }

    @Test
    @Disabled("Only another process survives this: a template that counts to a trillion takes the machine's memory before it is refused")
    void endlessTemplate_needsProcessIsolation() {
    }

    @Test
    @Disabled("Only another process survives this: ggml-cuda aborts on any CUDA error, and where its pool cannot grow")
    void cudaErrorDuringADecode_needsProcessIsolation() {
    }

    @Test
    @Disabled("Only another process survives this: ggml-rpc aborts on another thread where an endpoint is lost; the API cannot name an endpoint yet")
    void lostRpcPeer_needsProcessIsolation() {
    }

    @Test
    @Disabled("Only another process survives this: a saved state's checksum finds damage, not forgery, and llama.cpp trusts the counts inside")
    void forgedState_needsProcessIsolation() {
    }

    @Test
    @Disabled("Only another process survives this: the kernel ends what uses more memory than there is; a MemoryBudget refuses what was planned")
    void memoryThatTheSystemPromisedAndDoesNotHave_needsProcessIsolation() {
    }
}
