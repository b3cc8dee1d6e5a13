package io.llatte.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.tuple;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ArenaTraceTest {

    @BeforeEach
    void start() {
        ArenaTrace.start();
    }

    @AfterEach
    void stop() {
        ArenaTrace.stop();
    }

    private static DeviceArena forgotten() {
        return DeviceArena.open();
    }

    @Test
    void openArena_isToldWithItsBytesAndWhereItWasOpened() {
        try (var arena = forgotten()) {
            arena.charge(List.of(new MemoryUsage("GPU0", "GPU0", 700, 40, 2)));
            try (var child = arena.newChild("context 1")) {
                child.charge(List.of(new MemoryUsage("GPU0", "GPU0", 0, 5, 0)));
                assertThat(ArenaTrace.openArenas()).extracting(ArenaTrace.OpenArena::name, ArenaTrace.OpenArena::bytes)
                        .containsExactlyInAnyOrder(tuple("arena", 742L), tuple("context 1", 5L));
            }
            assertThat(ArenaTrace.openArenas()).singleElement().satisfies(open -> {
                assertThat(open.openedAt().getFirst().getMethodName()).isEqualTo("forgotten");
                assertThat(open.openedAt().get(1).getMethodName()).isEqualTo("openArena_isToldWithItsBytesAndWhereItWasOpened");
                assertThat(open.toString()).startsWith("arena, 742 bytes, opened\n\tat ").contains("ArenaTraceTest.forgotten");
            });
        }
        assertThat(ArenaTrace.openArenas()).isEmpty();
    }

    @Test
    void parentThatIsClosed_takesItsChildrenAlong() {
        var arena = DeviceArena.open();
        arena.newChild("model").newChild("context");
        arena.close();
        assertThat(ArenaTrace.openArenas()).isEmpty();
    }

    @Test
    void untracedArenas_areNotRemembered() {
        ArenaTrace.stop();
        try (var _ = DeviceArena.open()) {
            assertThat(ArenaTrace.openArenas()).isEmpty();
        }
    }

    @Test
    void ledgerThatIsNotEmpty_namesWhatIsHeld() {
        try (var arena = DeviceArena.open()) {
            arena.ledger().assertEmpty();
            var model = arena.newChild("model tiny");
            model.charge(List.of(new MemoryUsage("GPU0", "GPU0", 7_000, 0, 0)));
            assertThatIllegalStateException().isThrownBy(arena.ledger()::assertEmpty).withMessage("still held: model tiny: %,d bytes on GPU0", 7_000);
            model.close();
            arena.ledger().assertEmpty();
        }
    }

    /// Opens two arenas, and closes one of them.
    static final class Forgetful {

        public static void main(String[] args) {
            DeviceArena.open();
            DeviceArena.open().close();
        }
    }

    @Test
    void arenaThatIsOpenAtTheEnd_isAWarning() throws Exception {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC",
                "-D" + ArenaTrace.PROPERTY + "=true", "-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Forgetful.class.getName()).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(output).containsOnlyOnce("never closed: arena, 0 bytes, opened").contains("Forgetful.main");
    }
}
