package io.llatte.demo.openai;

import io.llatte.ChatOptions;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.JsonInput;
import io.llatte.llama.SamplingOptions;
import java.util.List;

/// How a request wants its tokens chosen, and when its answer ends. What it does not say is as everywhere in Llatte.
final class SamplingInput {

    private static final int MOST_STOPS = 16;
    private static final float LEAST_TOP_P = 1e-6f;

    private SamplingInput() {
    }

    /// @param maxTokens the names under which the limit of tokens may stand, the one that counts first
    static ChatOptions.Builder options(JsonInput body, String... maxTokens) {
        ChatOptions.Builder options = ChatOptions.builder().sampling(sampling(body)).stop(stops(body))
                .ignoreEog(body.bool("ignore_eos", false));
        for (String name : maxTokens) {
            if (body.has(name)) {
                options.maxTokens((int) body.integer(name, 1, Integer.MAX_VALUE).orElseThrow());
                break;
            }
        }
        if (body.raw("logit_bias").filter(bias -> !bias.isEmpty()).isPresent()) {
            throw HttpFailure.unsupported("logit_bias", "'logit_bias' is not supported");
        }
        return options;
    }

    private static SamplingOptions sampling(JsonInput body) {
        SamplingOptions.Builder sampling = SamplingOptions.builder();
        body.number("temperature", 0, 2).ifPresent(value -> sampling.temperature((float) value));
        body.number("top_p", 0, 1).ifPresent(value -> sampling.topP(Math.max(LEAST_TOP_P, (float) value)));
        body.number("presence_penalty", -2, 2).ifPresent(value -> sampling.presencePenalty((float) value));
        body.number("frequency_penalty", -2, 2).ifPresent(value -> sampling.frequencyPenalty((float) value));
        body.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE).ifPresent(value -> sampling.seed(Long.hashCode(value)));
        // llama-server's words for what OpenAI has none for.
        body.integer("top_k", 0, Integer.MAX_VALUE).ifPresent(value -> sampling.topK((int) value));
        body.number("min_p", 0, 1).ifPresent(value -> sampling.minP((float) value));
        body.number("repeat_penalty", 0.01, 10).ifPresent(value -> sampling.repeatPenalty((float) value));
        return sampling.build();
    }

    private static List<String> stops(JsonInput body) {
        List<String> stops = body.strings("stop");
        if (stops.size() > MOST_STOPS) {
            throw body.bad("stop", "must have at most %d texts, and has %d".formatted(MOST_STOPS, stops.size()));
        }
        if (stops.stream().anyMatch(String::isEmpty)) {
            throw body.bad("stop", "must not have an empty text");
        }
        return stops;
    }
}
