package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.greedy;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.engine.SlotStatus.State;
import io.llatte.llama.Llama;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What each sequence does.
@Timeout(60)
class EngineSlotsIT {

    @TempDir
    Path temp;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void closeAll() {
        arena.close();
        assertThat(Llama.openHandles()).isZero();
    }

    private InProcessEngine engine(EngineOptions options) {
        return Engines.load(arena, temp, options);
    }

    private static List<SlotStatus> await(InProcessEngine engine, Predicate<List<SlotStatus>> condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        List<SlotStatus> slots = engine.slots();
        while (!condition.test(slots)) {
            assertThat(System.nanoTime()).as("%s", slots).isLessThan(deadline);
            Thread.sleep(1);
            slots = engine.slots();
        }
        return slots;
    }

    private static long count(List<SlotStatus> slots, State state) {
        return slots.stream().filter(slot -> slot.state() == state).count();
    }

    @Test
    void aSlot_isFree_thenBusy_thenKept() throws Exception {
        var engine = engine(options(8192).sequences(3).queueLimit(17).build());
        assertThat(engine.slots()).containsExactly(new SlotStatus(0, State.FREE, 0), new SlotStatus(1, State.FREE, 0), new SlotStatus(2, State.FREE, 0));
        assertThat(engine.statistics().sequences()).isEqualTo(3);
        assertThat(engine.statistics().queueLimit()).isEqualTo(17);

        int prompt = engine.model().vocab().tokenize(WORDS).length;
        TokenStream stream = start(engine, greedy(WORDS, 6000));
        List<SlotStatus> running = await(engine, slots -> slots.stream().anyMatch(slot -> slot.tokens() > prompt));
        assertThat(count(running, State.BUSY)).isOne();
        assertThat(count(running, State.FREE)).isEqualTo(2);
        assertThat(running.stream().mapToInt(SlotStatus::tokens).sum()).isLessThanOrEqualTo(engine.statistics().usedCells());

        stream.close();
        List<SlotStatus> kept = await(engine, slots -> count(slots, State.BUSY) == 0);
        assertThat(count(kept, State.KEPT)).isOne();
        assertThat(kept.stream().mapToInt(SlotStatus::tokens).sum()).isEqualTo(engine.statistics().usedCells());

        engine.close();
        assertThat(engine.slots()).hasSize(3).allMatch(slot -> slot.state() == State.FREE && slot.tokens() == 0);
    }

    @Test
    void allSlots_areBusy_whereMoreIsAskedThanTheyAre() throws Exception {
        try (var engine = engine(options(8192).sequences(4).build())) {
            List<TokenStream> streams = IntStream.range(0, 6).mapToObj(i -> start(engine, greedy(i + " " + WORDS, 200))).toList();
            assertThat(await(engine, slots -> count(slots, State.BUSY) == 4)).extracting(SlotStatus::id).containsExactly(0, 1, 2, 3);
            streams.forEach(stream -> assertThat(read(stream)).hasSize(200));
            assertThat(await(engine, slots -> count(slots, State.BUSY) == 0)).allMatch(slot -> slot.tokens() > 200);
        }
    }

    @Test
    void aReproducibleEngine_keepsNothing() throws Exception {
        try (var engine = engine(options(4096).sequences(1).reproducible(true).build())) {
            assertThat(read(start(engine, greedy(WORDS, 20)))).hasSize(20);
            assertThat(await(engine, slots -> count(slots, State.BUSY) == 0)).containsExactly(new SlotStatus(0, State.FREE, 0));
        }
    }
}
