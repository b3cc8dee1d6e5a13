package io.llatte.demo.openai;

import io.llatte.ChatOptions;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.JsonInput;
import io.llatte.demo.llm.ServedModels;
import java.util.List;
import java.util.Optional;

/// What a completion asks for.
///
/// @param suffix what stands behind the gap that is to be filled; empty to go on
/// @param choices answers to each prompt
record CompletionInput(List<String> prompts, Optional<String> suffix, ChatOptions options, int choices, boolean streams, boolean includesUsage) {

    private static final int MOST_LOGPROBS = 5;

    /// The protocol's own; chat completions have none.
    private static final int DEFAULT_TOKENS = 16;

    static CompletionInput of(JsonInput body, ServedModels served) {
        List<String> prompts = body.strings("prompt");
        int choices = (int) body.integer("n", 1, ChatCompletionInput.MOST_CHOICES).orElse(1);
        if (prompts.isEmpty() || prompts.size() * choices > ChatCompletionInput.MOST_CHOICES) {
            throw body.bad("prompt", "must have 1 to %d texts".formatted(ChatCompletionInput.MOST_CHOICES / choices));
        }
        if (body.bool("echo", false)) {
            throw HttpFailure.unsupported("echo", "'echo' is not supported");
        }
        if (body.integer("best_of", 1, ChatCompletionInput.MOST_CHOICES).orElse(choices) != choices) {
            throw HttpFailure.unsupported("best_of", "'best_of' is not supported");
        }
        ChatOptions.Builder options = SamplingInput.options(body, "max_tokens");
        if (!body.has("max_tokens")) {
            options.maxTokens(DEFAULT_TOKENS);
        }
        body.integer("logprobs", 0, MOST_LOGPROBS).ifPresent(count -> options.topLogprobs((int) count));
        served.forRequest(body.string("model")).ifPresent(options::model);
        return new CompletionInput(prompts, body.string("suffix"), options.build(), choices, body.bool("stream", false),
                body.object("stream_options").map(each -> each.bool("include_usage", false)).orElse(false));
    }
}
