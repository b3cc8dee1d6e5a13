package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.sun.management.ThreadMXBean;
import io.llatte.GrammarException;
import io.llatte.memory.DeviceArena;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SamplingRoundIT {

    private static final int ROWS = 6;

    private DeviceArena arena;
    private Model model;
    private Context context;
    private final SamplingRound round = new SamplingRound(8);

    @BeforeEach
    void load() {
        arena = DeviceArena.open();
        model = Model.load(TinyModels.llama(), arena);
        context = newContext();
    }

    @AfterEach
    void close() {
        arena.close();
    }

    /// With output for six rows of six sequences.
    private Context newContext() {
        Context made = model.newContext(ContextOptions.builder().contextLength(64 * ROWS).maxSequences(ROWS).threads(2).batchThreads(2).build());
        Batch batch = made.newBatch();
        for (int sequence = 0; sequence < ROWS; sequence++) {
            batch.add(10 + sequence, 0, sequence, true);
        }
        made.decode(batch);
        return made;
    }

    private List<Sampler> samplers(IntFunction<Sampler> made) {
        var all = new ArrayList<Sampler>();
        for (int row = 0; row < ROWS; row++) {
            all.add(made.apply(row));
        }
        return all;
    }

    private void sample(List<Sampler> samplers) {
        round.clear();
        for (int row = 0; row < samplers.size(); row++) {
            round.add(samplers.get(row), row);
        }
        round.sample(context);
    }

    @Test
    void greedyRows_areWhatTheSamplersTake() {
        List<Sampler> samplers = samplers(row -> Sampler.greedy(model));
        sample(samplers);
        assertThat(round.size()).isEqualTo(ROWS);
        for (int row = 0; row < ROWS; row++) {
            assertThat(round.failure(row)).isNull();
            assertThat(round.token(row)).isEqualTo(samplers.get(row).sample(context, row)).isEqualTo(context.logits(row).argmax());
        }
    }

    @Test
    void randomRows_continueAsTheyWouldOneByOne() {
        IntFunction<Sampler> chain = row -> Sampler.builder(model).penalties(16, 1.1f, 0.1f, 0).topK(30).temperature(1.2f).dist(row).build();
        List<Sampler> together = samplers(chain);
        List<Sampler> alone = samplers(chain);
        for (int step = 0; step < 20; step++) {
            sample(together);
            for (int row = 0; row < ROWS; row++) {
                assertThat(round.token(row)).isEqualTo(alone.get(row).sample(context, row));
            }
        }
    }

    @Test
    void oneFailingRow_leavesTheOthersTheirTokens() {
        List<Sampler> samplers = samplers(row -> switch (row) {
            case 1 -> Sampler.builder(model).grammar("root ::= \"\u20ac\"").greedy().build(); // no token begins so
            case 3 -> Sampler.builder(model).topK(5).build();
            default -> Sampler.greedy(model);
        });
        samplers.get(4).close();
        sample(samplers);
        assertThat(round.failure(1)).isInstanceOf(GrammarException.class).hasMessageContaining("row 1");
        assertThat(round.failure(3)).isInstanceOf(IllegalStateException.class).hasMessageContaining("selects");
        assertThat(round.failure(4)).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
        assertThatIllegalStateException().isThrownBy(() -> round.token(4)).withMessageContaining("closed");
        for (int row : new int[] {0, 2, 5}) {
            assertThat(round.failure(row)).isNull();
            assertThat(round.token(row)).isEqualTo(context.logits(row).argmax());
        }
    }

    @Test
    void aChainTwiceInARound_failsTheSecondTime() {
        Sampler sampler = Sampler.greedy(model);
        round.add(sampler, 0).add(sampler, 1).sample(context);
        assertThat(round.failure(0)).isNull();
        assertThat(round.failure(1)).isInstanceOf(IllegalArgumentException.class);
        round.sample(context);
        assertThat(round.failure(0)).isNull();
    }

    @Test
    void wrongRowsAndVocabularies_areRefused() {
        try (var other = Model.load(TinyModels.gemma(), arena); var foreign = Sampler.greedy(other)) {
            round.add(foreign, 0).add(Sampler.greedy(model), 17).add(Sampler.greedy(model), -1).sample(context);
            if (other.vocab().size() != model.vocab().size()) {
                assertThat(round.failure(0)).isInstanceOf(IllegalStateException.class).hasMessageContaining("vocabulary");
            }
            assertThat(round.failure(1)).isInstanceOf(IllegalArgumentException.class);
            assertThat(round.token(2)).isEqualTo(context.logits(-1).argmax());
        }
    }

    @Test
    void misuse_isRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new SamplingRound(0));
        Sampler sampler = Sampler.greedy(model);
        for (int i = 0; i < round.capacity(); i++) {
            round.add(sampler, 0);
        }
        assertThatIllegalStateException().isThrownBy(() -> round.add(sampler, 0)).withMessageContaining("full");
        assertThatIllegalStateException().isThrownBy(() -> round.token(0)).withMessageContaining("not been sampled");
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> round.failure(8));
        round.clear().sample(context);
        context.close();
        assertThatIllegalStateException().isThrownBy(() -> round.sample(context)).withMessageContaining("closed");
    }

    @Test
    void rounds_allocateNothing() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        List<Sampler> samplers = samplers(row -> Sampler.builder(model).penalties(16, 1.1f, 0, 0).topK(30).dist(row).build());
        long self = Thread.currentThread().threadId();
        int sum = steps(samplers, 30_000);
        threads.getThreadAllocatedBytes(self);

        long before = threads.getThreadAllocatedBytes(self);
        sum += steps(samplers, 1_000);
        long after = threads.getThreadAllocatedBytes(self);

        assertThat(after - before).as("bytes allocated for 1000 rounds").isZero();
        assertThat(sum).isNotZero();
    }

    private int steps(List<Sampler> samplers, int count) {
        int sum = 0;
        for (int step = 0; step < count; step++) {
            sample(samplers);
            for (int row = 0; row < ROWS; row++) {
                sum += round.token(row);
            }
        }
        return sum;
    }

    @Test
    void closingASamplerOfARunningRound_waits() {
        for (int attempt = 0; attempt < 50; attempt++) {
            List<Sampler> samplers = samplers(row -> Sampler.greedy(model));
            var closer = CompletableFuture.runAsync(() -> samplers.forEach(Sampler::close));
            for (int step = 0; step < 20; step++) {
                sample(samplers);
            }
            closer.join();
            sample(samplers);
            for (int row = 0; row < ROWS; row++) {
                assertThat(round.failure(row)).hasMessageContaining("closed");
            }
        }
    }

    @Test
    void roundsOfTwoContexts_shareSamplersInAnyOrder() {
        List<Sampler> samplers = samplers(row -> Sampler.greedy(model));
        try (Context second = newContext()) {
            var other = CompletableFuture.runAsync(() -> {
                var reversed = new SamplingRound(ROWS);
                for (int row = 0; row < ROWS; row++) {
                    reversed.add(samplers.get(ROWS - 1 - row), row);
                }
                for (int step = 0; step < 2_000; step++) {
                    reversed.sample(second);
                }
            });
            steps(samplers, 2_000);
            other.join();
        }
    }
}
