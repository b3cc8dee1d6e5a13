package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.llama.Context;
import io.llatte.llama.Sampler;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/// Chains that llama_sampler_sample aborts on, and numbers that make a stage divide, allocate or loop without end.
final class SamplerHazards extends Hazards {

    private final Context context = llama().newContext(small().build());

    SamplerHazards() {
        context.decode(rows(context, 4));
    }

    private void use(UnaryOperator<Sampler.Builder> stages) {
        try (var sampler = stages.apply(Sampler.builder(context.model())).build()) {
            for (int i = 0; i < 3; i++) {
                sampler.sample(context, -1);
            }
            sampler.copy().close();
            sampler.reset();
            sampler.sample(context, -1);
        }
    }

    void samplingBeforeAnyDecode() {
        Context fresh = context.model().newContext(small().build());
        try (var sampler = Sampler.greedy(context.model())) {
            assertThatIllegalStateException().isThrownBy(() -> sampler.sample(fresh, -1));
            for (int row : ODD_INTS) {
                refused(() -> sampler.sample(fresh, row));
                if (row != -1) {
                    refused(() -> sampler.sample(context, row));
                }
            }
        }
    }

    void chainsThatSelectNothing() {
        assertThatIllegalStateException().isThrownBy(() -> use(chain -> chain));
        assertThatIllegalStateException().isThrownBy(() -> use(chain -> chain.topK(5).temperature(1)));
        assertThatIllegalStateException().isThrownBy(() -> use(chain -> chain.greedy().topK(5)));
        assertThatIllegalStateException().isThrownBy(() -> use(chain -> chain.dist(1).dist(1)));
    }

    void probabilitiesThatAreNone() {
        for (float value : ODD_FLOATS) {
            if (!(value >= 0 && value <= 1)) {
                assertThatIllegalArgumentException().isThrownBy(() -> use(chain -> chain.topP(value).dist(1))).withMessageContaining("top-p");
                assertThatIllegalArgumentException().isThrownBy(() -> use(chain -> chain.minP(value).dist(1)));
                assertThatIllegalArgumentException().isThrownBy(() -> use(chain -> chain.typical(value).dist(1)));
                assertThatIllegalArgumentException().isThrownBy(() -> use(chain -> chain.xtc(value, 0.1f, 1).dist(1)));
            }
        }
    }

    /// Each parameter with each odd number, alone and before each way to select.
    void oddNumbers() {
        List<BiFunction<Sampler.Builder, Float, Sampler.Builder>> floats = List.of(
                Sampler.Builder::topP, Sampler.Builder::minP, Sampler.Builder::typical, Sampler.Builder::temperature,
                (chain, x) -> chain.dynamicTemperature(x, 0.1f, 1), (chain, x) -> chain.dynamicTemperature(1, x, 1),
                (chain, x) -> chain.dynamicTemperature(1, 0.5f, x), (chain, x) -> chain.penalties(8, x, 0, 0),
                (chain, x) -> chain.penalties(8, 1, x, 0), (chain, x) -> chain.penalties(8, 1, 0, x),
                (chain, x) -> chain.dry(x, 1.75f, 2, 8, List.of("\n")), (chain, x) -> chain.dry(1, x, 2, 8, List.of("\n")),
                (chain, x) -> chain.xtc(x, 0.1f, 1), (chain, x) -> chain.xtc(0.5f, x, 1), (chain, x) -> chain.logitBias(Map.of(1, x)));
        List<BiFunction<Sampler.Builder, Integer, Sampler.Builder>> ints = List.of(
                Sampler.Builder::topK, (chain, n) -> chain.topP(0.5f, n), (chain, n) -> chain.minP(0.5f, n),
                (chain, n) -> chain.penalties(n, 1.1f, 0, 0), (chain, n) -> chain.dry(1, 1.75f, n, 8, List.of("\n")),
                (chain, n) -> chain.dry(1, 1.75f, 2, n, List.of("\n")), (chain, n) -> chain.logitBias(Map.of(n, 1f)));
        List<UnaryOperator<Sampler.Builder>> selecting = List.of(Sampler.Builder::greedy, chain -> chain.dist(-1), chain -> chain.mirostatV2(1, 5, 0.1f));
        for (var select : selecting) {
            for (var stage : floats) {
                ODD_FLOATS.forEach(x -> survived(() -> use(chain -> select.apply(stage.apply(chain, x)))));
            }
            for (var stage : ints) {
                ODD_INTS.forEach(n -> survived(() -> use(chain -> select.apply(stage.apply(chain, n)))));
            }
        }
        for (float x : ODD_FLOATS) {
            survived(() -> use(chain -> chain.mirostat(1, x, 0.1f, 100)));
            survived(() -> use(chain -> chain.mirostat(1, 5, x, 100)));
            survived(() -> use(chain -> chain.mirostatV2(1, x, 0.1f)));
            survived(() -> use(chain -> chain.mirostatV2(1, 5, x)));
        }
        ODD_INTS.forEach(n -> survived(() -> use(chain -> chain.mirostat(n, 5, 0.1f, n))));
        checkUsable(context);
    }

    void everyTokenForbidden() {
        Map<Integer, Float> all = new java.util.HashMap<>();
        for (int id = 0; id < context.model().vocab().size(); id++) {
            all.put(id, Float.NEGATIVE_INFINITY);
        }
        for (UnaryOperator<Sampler.Builder> select : List.<UnaryOperator<Sampler.Builder>>of(Sampler.Builder::greedy, chain -> chain.dist(1),
                chain -> chain.topK(3).topP(0.5f).minP(0.5f).dist(1), chain -> chain.mirostat(1, 5, 0.1f, 100), chain -> chain.mirostatV2(1, 5, 0.1f),
                chain -> chain.typical(0.5f).xtc(1, 0, 1).dist(1), chain -> chain.dynamicTemperature(1, 1, 1).dist(1))) {
            survived(() -> use(chain -> select.apply(chain.logitBias(all))));
        }
    }

    void acceptingTokensThatAreNotThere() {
        int size = context.model().vocab().size();
        for (UnaryOperator<Sampler.Builder> stages : List.<UnaryOperator<Sampler.Builder>>of(Sampler.Builder::greedy,
                chain -> chain.penalties(8, 1.1f, 0, 0).greedy(), chain -> chain.dry(1, 1.75f, 2, 8, List.of("\n")).greedy())) {
            try (var sampler = stages.apply(Sampler.builder(context.model())).build()) {
                for (int token : List.of(-1, Integer.MIN_VALUE, size, Integer.MAX_VALUE)) {
                    assertThatIllegalArgumentException().isThrownBy(() -> sampler.accept(token));
                }
                sampler.sample(context, -1);
            }
        }
    }

    void dryBreakersThatAreHuge() {
        survived(() -> use(chain -> chain.dry(1, 1.75f, 2, 64, List.of("")).greedy()));
        survived(() -> use(chain -> chain.dry(1, 1.75f, 2, 64, List.of("x".repeat(1_000_000))).greedy()));
        survived(() -> use(chain -> chain.dry(1, 1.75f, 2, 64, Collections.nCopies(100_000, "\n")).greedy()));
        survived(() -> use(chain -> chain.dry(1, 1.75f, 2, 64, List.of("a\0b", "\ud800")).greedy()));
    }

    void tenThousandStages() {
        survived(() -> use(chain -> {
            for (int i = 0; i < 10_000; i++) {
                chain.temperature(1);
            }
            return chain.greedy();
        }));
    }
}
