package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.memory.DeviceArena;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AttachedSamplerIT {

    private static final int[] PROMPT = {3, 1, 4, 1, 5};

    private DeviceArena arena;
    private Model model;
    private Context context;

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

    private Context newContext() {
        return model.newContext(ContextOptions.builder().contextLength(512).maxSequences(2).build());
    }

    private void decode(int sequence, int position) {
        context.decode(context.newBatch().add(7, position, sequence, true));
    }

    @Test
    void generation_isTheSameInTheGraph() {
        try (var sampler = Sampler.builder(model).penalties(16, 1.2f, 0.1f, 0).greedy().build()) {
            var ids = new ArrayList<Integer>();
            for (boolean attached : new boolean[] {false, true}) {
                if (attached) {
                    assertThat(context.sequence(0).attachSampler(sampler)).isTrue();
                }
                var options = GenerateOptions.builder().maxTokens(40).ignoreEog(true).build();
                try (var tokens = context.sequence(0).generate(PROMPT, sampler, options)) {
                    for (int id = tokens.nextId(), i = 0; id >= 0; id = tokens.nextId(), i++) {
                        if (attached) {
                            assertThat(id).isEqualTo(ids.get(i));
                        } else {
                            ids.add(id);
                        }
                    }
                }
                context.sequence(0).clear();
            }
            assertThat(ids).hasSize(40);
        }
    }

    @Test
    void roundsTakeWhatTheGraphChose_andItsLogitsStayThere() {
        Sampler inGraph = Sampler.greedy(model);
        Sampler outside = Sampler.greedy(model);
        assertThat(context.sequence(1).attachSampler(inGraph)).isTrue();
        var round = new SamplingRound(2);
        for (int position = 0; position < 10; position++) {
            context.decode(context.newBatch().add(7, position, 0, true).add(7, position, 1, true));
            round.clear().add(outside, 0).add(inGraph, 1).sample(context);
            assertThat(round.token(1)).isEqualTo(round.token(0)).isEqualTo(context.logits(0).argmax());
            assertThatIllegalStateException().isThrownBy(() -> context.logits(1)).withMessageContaining("graph");
            assertThatIllegalStateException().isThrownBy(() -> outside.sample(context, 1)).withMessageContaining("graph");
        }
        assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().add(7, 10, 1, true).add(7, 11, 1, true)))
                .withMessageContaining("one row");
        context.sequence(1).detachSampler();
        context.sequence(1).detachSampler();
        context.decode(context.newBatch().add(7, 10, 1, true));
        assertThat(inGraph.sample(context, -1)).isEqualTo(context.logits(-1).argmax());
    }

    @Test
    void chainsThatNoGraphRuns_sayNoAndWorkAsBefore() {
        try (var sampler = Sampler.builder(model).grammar("root ::= [a-z]+").greedy().build();
             var tooMany = Sampler.builder(model).topK(1 << 20).dist(1).build()) {
            assertThat(context.sequence(0).attachSampler(sampler)).isFalse();
            assertThat(context.sequence(0).attachSampler(tooMany)).isFalse();
            decode(0, 0);
            assertThat(tooMany.sample(context, -1)).isNotNegative();
            assertThat(tooMany.stages()).containsExactly("top-k", "dist");
        }
    }

    @Test
    void misuse_isRefused() {
        Sampler sampler = Sampler.greedy(model);
        assertThat(context.sequence(0).attachSampler(sampler)).isTrue();
        assertThat(context.sequence(0).attachSampler(sampler)).isTrue();
        assertThatIllegalStateException().isThrownBy(() -> context.sequence(1).attachSampler(sampler)).withMessageContaining("attached");
        assertThatIllegalStateException().isThrownBy(() -> context.sequence(0).attachSampler(Sampler.greedy(model)))
                .withMessageContaining("detach");
        assertThatIllegalStateException().isThrownBy(() -> context.sequence(1).attachSampler(Sampler.builder(model).topK(3).build()))
                .withMessageContaining("selects");
        Sampler closed = Sampler.greedy(model);
        closed.close();
        assertThatIllegalStateException().isThrownBy(() -> context.sequence(1).attachSampler(closed)).withMessageContaining("closed");
        context.close();
        assertThatIllegalStateException().isThrownBy(() -> context.sequence(1).attachSampler(sampler)).withMessageContaining("closed");
    }

    @Test
    void closingEitherFirst_isSafe() {
        Sampler sampler = Sampler.greedy(model);
        assertThat(context.sequence(0).attachSampler(sampler)).isTrue();
        decode(0, 0);
        sampler.close();
        decode(0, 1);
        assertThat(context.logits(-1).argmax()).isNotNegative();

        Sampler survivor = Sampler.greedy(model);
        assertThat(context.sequence(0).attachSampler(survivor)).isTrue();
        context.close();
        context = newContext();
        decode(0, 0);
        assertThat(survivor.sample(context, -1)).isEqualTo(context.logits(-1).argmax());
        assertThat(context.sequence(0).attachSampler(survivor)).isTrue();
        decode(0, 1);
        survivor.sample(context, -1);
        model.close();
        assertThat(survivor.isOpen()).isFalse();
    }

    @Test
    void otherThreadsMayUseAndCloseASamplerWhileItsContextDecodes() {
        for (int attempt = 0; attempt < 20; attempt++) {
            Sampler sampler = Sampler.builder(model).penalties(16, 1.2f, 0.1f, 0).greedy().build();
            assertThat(context.sequence(0).attachSampler(sampler)).isTrue();
            var other = CompletableFuture.runAsync(() -> {
                for (int i = 0; i < 50; i++) {
                    sampler.accept(i);
                    sampler.stages();
                }
                sampler.reset();
                sampler.copy().close();
                sampler.close();
            });
            for (int position = 0; position < 30; position++) {
                decode(0, position);
            }
            other.join();
            context.clear();
        }
    }
}
