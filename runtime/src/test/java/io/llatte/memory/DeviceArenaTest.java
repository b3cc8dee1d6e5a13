package io.llatte.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.InsufficientMemoryException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class DeviceArenaTest {

    private static MemoryUsage weights(String device, long bytes) {
        return new MemoryUsage(device, device, bytes, 0, 0);
    }

    @Test
    void close_freesChildrenFirstAndTheYoungestFirst() {
        List<String> freed = Collections.synchronizedList(new ArrayList<>());
        var arena = DeviceArena.open();
        arena.own(() -> freed.add("model"));
        var context = arena.newChild("context");
        context.own(() -> freed.add("cache"));
        context.own(() -> freed.add("stop"));

        arena.close();

        assertThat(freed).containsExactly("stop", "cache", "model");
        assertThat(context.isOpen()).isFalse();
    }

    @Test
    void close_twice_freesOnce() {
        List<String> freed = new ArrayList<>();
        var arena = DeviceArena.open();
        arena.own(() -> freed.add("once"));

        arena.close();
        arena.close();

        assertThat(freed).containsExactly("once");
    }

    @Test
    void ownAfterClose_isRefused() {
        var arena = DeviceArena.open();
        arena.close();

        assertThatIllegalStateException().isThrownBy(() -> arena.own(() -> { })).withMessageContaining("closed");
        assertThatIllegalStateException().isThrownBy(() -> arena.newChild("late"));
    }

    @Test
    void resourceThatFailsToClose_doesNotKeepTheOthers() {
        List<String> freed = new ArrayList<>();
        var arena = DeviceArena.open();
        arena.own(() -> freed.add("first"));
        arena.own(() -> {
            throw new IllegalStateException("provoked by a test");
        });

        arena.close();

        assertThat(freed).containsExactly("first");
    }

    @Test
    void ledger_holdsChargesUntilTheirArenaCloses() {
        try (var arena = DeviceArena.open()) {
            arena.charge(List.of(weights("CPU", 100)));
            var context = arena.newChild("context 1");
            context.charge(List.of(new MemoryUsage("CPU", "CPU", 0, 30, 7)));

            assertThat(arena.ledger().totalBytes()).isEqualTo(137);
            assertThat(arena.ledger().bytes("CPU", MemoryKind.KV_CACHE)).isEqualTo(30);
            assertThat(arena.ledger().entries()).extracting(MemoryLedger.Entry::owner).containsExactly("arena", "context 1");

            context.close();

            assertThat(arena.ledger().totalBytes()).isEqualTo(100);
        }
    }

    @Test
    void admit_overBudget_namesTheDeviceAndTheBytes() {
        try (var arena = DeviceArena.open(MemoryBudget.limit("GPU0", 1000))) {
            arena.charge(List.of(weights("GPU0", 600)));

            assertThatExceptionOfType(InsufficientMemoryException.class)
                    .isThrownBy(() -> arena.admit("model b", new MemoryPlan(List.of(weights("GPU0", 500), weights("CPU", 1L << 40)))))
                    .withMessage("model b needs 500 bytes on GPU0, and 400 of the budget of 1,000 bytes are left")
                    .satisfies(e -> {
                        assertThat(e.device()).isEqualTo("GPU0");
                        assertThat(e.requestedBytes()).isEqualTo(500);
                        assertThat(e.availableBytes()).isEqualTo(400);
                    });
            arena.admit("model c", new MemoryPlan(List.of(weights("GPU0", 400))));
        }
    }

    @Test
    void closingParentAndChildAtOnce_neverDeadlocks() throws Exception {
        for (int round = 0; round < 500; round++) {
            var arena = DeviceArena.open();
            var child = arena.newChild("child");
            child.own(Thread::yield);
            var start = new CountDownLatch(1);
            var done = new CountDownLatch(2);
            for (AutoCloseable closing : List.<AutoCloseable>of(arena::close, child::close)) {
                Thread.ofVirtual().start(() -> {
                    try {
                        start.await();
                        closing.close();
                        done.countDown();
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                });
            }
            start.countDown();
            assertThat(done.await(10, TimeUnit.SECONDS)).as("round %d", round).isTrue();
        }
    }
}
