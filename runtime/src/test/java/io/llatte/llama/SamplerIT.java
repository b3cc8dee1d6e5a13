package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.GrammarException;
import io.llatte.memory.DeviceArena;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SamplerIT {

    private DeviceArena arena;
    private Model model;
    private Context context;

    @BeforeEach
    void load() {
        arena = DeviceArena.open();
        model = Model.load(TinyModels.llama(), arena);
        context = model.newContext(ContextOptions.builder().contextLength(256).build());
        context.decode(context.newBatch().add(1, 0, 0, false).add(2, 1, 0, true));
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private Sampler sampler(UnaryOperator<Sampler.Builder> stages) {
        return stages.apply(Sampler.builder(model)).build();
    }

    @Test
    void greedy_takesTheHighestLogit() {
        try (var sampler = Sampler.greedy(model)) {
            assertThat(sampler.sample(context, -1)).isEqualTo(context.logits(-1).argmax());
        }
    }

    @Test
    void everyStage_canBeUsedTogether() {
        try (var sampler = sampler(chain -> chain
                .logitBias(Map.of(5, -1.5f, 6, Float.NEGATIVE_INFINITY))
                .penalties(64, 1.1f, 0.1f, 0.1f)
                .topK(40).typical(0.99f).topP(0.95f).minP(0.01f)
                .xtc(0.1f, 0.2f, 3)
                .dynamicTemperature(0.8f, 0.2f, 1)
                .dist(42))) {
            assertThat(sampler.stages()).hasSize(9).last().isEqualTo("dist");
            for (int i = 0; i < 50; i++) {
                assertThat(sampler.sample(context, -1)).isBetween(0, model.vocab().size() - 1).isNotEqualTo(6);
            }
        }
        for (UnaryOperator<Sampler.Builder> stages : List.<UnaryOperator<Sampler.Builder>>of(
                chain -> chain.mirostat(1, 5, 0.1f, 100), chain -> chain.mirostatV2(1, 5, 0.1f), chain -> chain.temperature(0).dist(1),
                chain -> chain.dry(0.8f, 1.75f, 2, 64, List.of("\n")).dist(1))) {
            try (var sampler = sampler(stages)) {
                assertThat(sampler.sample(context, -1)).isBetween(0, model.vocab().size() - 1);
            }
        }
    }

    @Test
    void sameSeed_givesTheSameTokens_andResetStartsAgain() {
        try (var one = sampler(chain -> chain.temperature(1.5f).dist(7)); var two = sampler(chain -> chain.temperature(1.5f).dist(7));
             var other = sampler(chain -> chain.temperature(1.5f).dist(8))) {
            int[] first = draw(one, 30);
            assertThat(draw(two, 30)).containsExactly(first);
            assertThat(draw(other, 30)).isNotEqualTo(first);
            one.reset();
            assertThat(draw(one, 30)).containsExactly(first);
        }
    }

    private int[] draw(Sampler sampler, int count) {
        return IntStream.range(0, count).map(i -> sampler.sample(context, -1)).toArray();
    }

    @Test
    void copy_continuesLikeTheOriginal() {
        try (var sampler = sampler(chain -> chain.temperature(1.5f).dist(7))) {
            draw(sampler, 5);
            try (var copy = sampler.copy()) {
                assertThat(draw(copy, 20)).containsExactly(draw(sampler, 20));
            }
        }
    }

    @Test
    void topKOfOne_isGreedy() {
        try (var sampler = sampler(chain -> chain.topK(1).dist(99))) {
            assertThat(draw(sampler, 5)).containsOnly(context.logits(-1).argmax());
        }
    }

    @Test
    void wrongNumbers_areRefusedByName() {
        assertThatIllegalArgumentException().isThrownBy(() -> sampler(chain -> chain.topK(-1).greedy())).withMessageContaining("k is -1");
        assertThatIllegalArgumentException().isThrownBy(() -> sampler(chain -> chain.topP(1.5f).greedy())).withMessageContaining("top-p");
        assertThatIllegalArgumentException().isThrownBy(() -> sampler(chain -> chain.topP(Float.NaN).greedy()));
        assertThatIllegalArgumentException().isThrownBy(() -> sampler(chain -> chain.temperature(-1).greedy()));
        assertThatIllegalArgumentException().isThrownBy(() -> sampler(chain -> chain.temperature(Float.POSITIVE_INFINITY).greedy()));
        assertThatIllegalArgumentException().isThrownBy(() -> sampler(chain -> chain.penalties(64, 0, 0, 0).greedy()));
        assertThatIllegalArgumentException().isThrownBy(() -> sampler(chain -> chain.logitBias(Map.of(1 << 20, 1f)).greedy()));
        assertThatIllegalArgumentException().isThrownBy(() -> sampler(chain -> chain.logitBias(Map.of(1, Float.NaN)).greedy()));
    }

    @Test
    void chainWithoutASelectingStage_isRefusedWhenUsed() {
        try (var sampler = sampler(chain -> chain.topK(5))) {
            assertThatIllegalStateException().isThrownBy(() -> sampler.sample(context, -1)).withMessageContaining("selects");
        }
        assertThatIllegalStateException().isThrownBy(() -> sampler(chain -> chain.greedy().topK(5)));
    }

    @Test
    void closedOrForeign_isRefused() {
        var sampler = Sampler.greedy(model);
        sampler.close();
        sampler.close();
        assertThatIllegalStateException().isThrownBy(() -> sampler.sample(context, -1)).withMessageContaining("closed");
        assertThatIllegalStateException().isThrownBy(() -> sampler.accept(1));
        assertThatIllegalStateException().isThrownBy(sampler::stages);

        var orphan = Sampler.greedy(model);
        model.close();
        assertThatIllegalStateException().isThrownBy(() -> orphan.sample(context, -1));
        orphan.close();
    }

    @Test
    void grammarsThatCannotBeParsed_areRefused() {
        for (String grammar : List.of("", "root ::= ", "root ::= undefined", "other ::= \"a\"", "root ::= root \"a\"",
                "root ::= " + "(".repeat(200_000) + "\"a\"" + ")".repeat(200_000), "root ::= \"a\"{99999999}")) {
            if (grammar.equals("root ::= ")) {
                continue; // an empty rule is valid: it allows the end alone
            }
            assertThatExceptionOfType(GrammarException.class).as(grammar.substring(0, Math.min(40, grammar.length())))
                    .isThrownBy(() -> sampler(chain -> chain.grammar(grammar).greedy()));
        }
    }

    @Test
    void schema_becomesAGrammar_andABrokenOneIsRefused() {
        assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> sampler(chain -> chain.jsonSchema("{not json").greedy()));
        try (var sampler = sampler(chain -> chain.jsonSchema("{\"type\": \"boolean\"}").greedy())) {
            assertThat(sampler.stages()).hasSize(2);
        }
    }
}
