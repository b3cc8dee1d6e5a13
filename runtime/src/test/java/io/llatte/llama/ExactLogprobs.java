package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// Log-probabilities by the definition, in double precision.
public final class ExactLogprobs {

    private static final double TOLERANCE = 1e-4;

    private final double[] logprobs;
    private final List<Integer> best;

    /// Of a row of the context's last decode (-1: its last output).
    public ExactLogprobs(Context context, int row) {
        float[] logits = context.logits(row).toArray();
        double mass = IntStream.range(0, logits.length).mapToDouble(id -> Math.exp(logits[id])).sum();
        logprobs = IntStream.range(0, logits.length).mapToDouble(id -> logits[id] - Math.log(mass)).toArray();
        best = IntStream.range(0, logits.length).boxed().sorted(Comparator.comparing(id -> -logits[id])).toList();
    }

    public void check(int id, float logprob) {
        assertThat((double) logprob).isCloseTo(logprobs[id], within(TOLERANCE));
    }

    /// Checks what a token says of itself.
    public void check(Token token, int alternatives) {
        Logprobs found = token.logprobs().orElseThrow();
        assertThat(found.token().id()).isEqualTo(token.id());
        check(token.id(), found.token().logprob());
        assertThat(found.alternatives()).hasSize(Math.min(alternatives, logprobs.length)).isSortedAccordingTo(
                Comparator.comparing(TokenLogprob::logprob).reversed());
        for (int place = 0; place < found.alternatives().size(); place++) {
            TokenLogprob other = found.alternatives().get(place);
            check(other.id(), other.logprob());
            // Those that are equal in all but the last digits may stand in another order where a batch has another shape.
            assertThat(logprobs[other.id()]).isCloseTo(logprobs[best.get(place)], within(TOLERANCE));
        }
    }

    /// Evaluates a prompt and then each token of an answer, alone in a context of its own, and checks what each one says.
    public static void check(Model model, int[] prompt, List<Token> answer, int alternatives) {
        try (Context context = model.newContext(ContextOptions.builder().contextLength(512).build())) {
            int[] ids = IntStream.concat(Arrays.stream(prompt), answer.stream().mapToInt(Token::id)).toArray();
            context.decode(context.newBatch().addAll(ids, 0, prompt.length, 0, 0, true));
            for (int i = 0; i < answer.size(); i++) {
                new ExactLogprobs(context, -1).check(answer.get(i), alternatives);
                context.decode(context.newBatch().add(answer.get(i).id(), prompt.length + i, 0, true));
            }
        }
    }
}
