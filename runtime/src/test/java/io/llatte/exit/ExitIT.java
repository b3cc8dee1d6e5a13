package io.llatte.exit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.ChildJvm;
import io.llatte.exit.ExitProgram.End;
import io.llatte.exit.ExitProgram.Work;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A JVM that ends while native code runs: with the exit code that it asked for, soon, and without a crash.
class ExitIT {

    private static final int TIMES = 3;
    private static final int SIGTERM_CODE = 143;

    @TempDir
    Path temp;

    @ParameterizedTest
    @CsvSource({"ENGINE, EXIT", "ENGINE, SIGTERM", "ENGINE, MAIN_RETURNS", "ENGINE_CLOSED_BY_A_HOOK, SIGTERM", "GENERATION, EXIT",
        "GENERATION, SIGTERM", "BATCHES, EXIT", "BATCHES, SIGTERM", "BATCHES, MAIN_RETURNS", "LOADS, EXIT", "LOADS, SIGTERM", "TOKENIZER, EXIT"})
    @Timeout(120)
    void end_whileNativeCodeRuns_isClean(Work work, End end) throws Exception {
        for (int i = 0; i < TIMES; i++) {
            Path folder = Files.createDirectory(temp.resolve(String.valueOf(i)));
            var result = ChildJvm.run(List.of("-Xmx512m", "-XX:ErrorFile=" + folder.resolve("hs_err.log"), "-XX:-CreateCoredumpOnCrash"),
                    ExitProgram.class, Map.of(), work.name(), end.name(), folder.resolve("models").toString(), String.valueOf(i * 13));

            assertThat(folder.resolve("hs_err.log")).as(() -> result.output()).doesNotExist();
            assertThat(result.exitCode()).as(() -> result.output()).isEqualTo(switch (end) {
                case EXIT -> ExitProgram.CODE;
                case SIGTERM -> SIGTERM_CODE;
                case MAIN_RETURNS -> 0;
            });
            assertThat(result.output()).doesNotContain("SIGSEGV", "SIGABRT", "terminate called", "ERROR");
            // A reader of an engine's learns of the end from the engine, or from the vocabulary while it makes a text.
            assertThat(result.output()).containsAnyOf(switch (work) {
                case ENGINE, ENGINE_CLOSED_BY_A_HOOK ->
                        new String[] {ExitProgram.REFUSED + "EngineClosedException", ExitProgram.REFUSED + "CancellationException"};
                case GENERATION, BATCHES, LOADS, TOKENIZER -> new String[] {ExitProgram.REFUSED + "CancellationException"};
            });
            if (work == Work.ENGINE_CLOSED_BY_A_HOOK) {
                assertThat(result.output()).contains(ExitProgram.CLOSED);
            }
        }
    }
}
