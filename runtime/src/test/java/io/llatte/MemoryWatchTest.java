package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.memory.DeviceArena;
import io.llatte.memory.DeviceMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MemoryWatchTest {

    private static final long TOTAL = 1000;

    private final LinkedBlockingQueue<LlmEvent> heard = new LinkedBlockingQueue<>();
    private final EventBus events = new EventBus();
    private MemoryWatch watch;

    @BeforeEach
    void open() {
        events.subscribe(Runnable::run, heard::add);
        try (var arena = DeviceArena.open()) {
            watch = new MemoryWatch(arena.ledger(), 0.5, events);
        }
    }

    /// The warnings since the last call.
    private List<LlmEvent> warnings() throws InterruptedException {
        var last = new LlmEvent.Probing();
        events.publish(last);
        var warnings = new ArrayList<LlmEvent>();
        LlmEvent event;
        while (!last.equals(event = Objects.requireNonNull(heard.poll(10, TimeUnit.SECONDS)))) {
            warnings.add(event);
        }
        return warnings;
    }

    private static DeviceMemory device(String name, long used, long held) {
        return new DeviceMemory(name, TOTAL, TOTAL - used, held, 0, 0);
    }

    private static LlmEvent warning(String name, long used) {
        return new LlmEvent.MemoryWarning(name, used, TOTAL);
    }

    @Test
    void share_warnsOnceWhenItIsPassed_andAgainOnlyAfterItWasBelow() throws InterruptedException {
        for (long used : new long[] {100, 499, 500, 700, 501, 499, 600, 900}) {
            watch.check(List.of(device("GPU0", used, 50)));
        }

        assertThat(warnings()).containsExactly(warning("GPU0", 500), warning("GPU0", 600));
    }

    @Test
    void devices_areWatchedEachByItself() throws InterruptedException {
        watch.check(List.of(device("GPU0", 600, 50), device("GPU1", 400, 50)));
        watch.check(List.of(device("GPU0", 600, 50), device("GPU1", 600, 50)));

        assertThat(warnings()).containsExactly(warning("GPU0", 600), warning("GPU1", 600));
    }

    @Test
    void deviceThatOthersFill_isNotOurs() throws InterruptedException {
        watch.check(List.of(device("GPU0", 950, 0)));
        assertThat(warnings()).isEmpty();

        watch.check(List.of(device("GPU0", 950, 1)));
        assertThat(warnings()).containsExactly(warning("GPU0", 950));
    }

    @Test
    void nothingHeld_forgetsWhatWasSaid() throws InterruptedException {
        watch.check(List.of(device("GPU0", 600, 50)));
        watch.check();
        watch.check(List.of(device("GPU0", 600, 50)));

        assertThat(warnings()).hasSize(2);
    }
}
