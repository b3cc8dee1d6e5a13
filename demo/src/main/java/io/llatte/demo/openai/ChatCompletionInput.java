package io.llatte.demo.openai;

import io.llatte.ChatOptions;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.JsonInput;
import io.llatte.demo.llm.ServedModels;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Constraint;
import io.llatte.llama.Logprobs;
import io.llatte.llama.ReasoningOptions;
import io.llatte.llama.ToolChoice;
import java.util.List;

/// What a chat completion asks for.
///
/// @param choices so many answers
/// @param streams whether they come as they are made
/// @param includesUsage whether a stream ends with how many tokens it took
record ChatCompletionInput(List<ChatMessage> messages, ChatOptions options, int choices, boolean streams, boolean includesUsage) {

    static final int MOST_CHOICES = 16;

    static ChatCompletionInput of(JsonInput body, ServedModels served) {
        List<ChatMessage> messages = MessageInput.messages(body);
        ChatOptions.Builder options = SamplingInput.options(body, "max_completion_tokens", "max_tokens");
        ToolInput.into(options, body, tool -> tool.requiredObject("function"));
        body.object("response_format").ifPresent(format -> options.constraint(FormatInput.constraint(format,
                format.object("json_schema").orElse(format))));
        logprobs(body, options);
        body.string("reasoning_effort").ifPresent(effort -> options.reasoning(reasoning(body, effort)));
        if (body.strings("modalities").stream().anyMatch(modality -> !modality.equals("text"))) {
            throw HttpFailure.unsupported("modalities", "'modalities' must be ['text']");
        }
        served.forRequest(body.string("model")).ifPresent(options::model);
        int choices = (int) body.integer("n", 1, MOST_CHOICES).orElse(1);
        return new ChatCompletionInput(messages, checked(options.build()), choices, body.bool("stream", false),
                body.object("stream_options").map(each -> each.bool("include_usage", false)).orElse(false));
    }

    static ChatOptions checked(ChatOptions options) {
        if (!(options.constraint() instanceof Constraint.None) && !options.tools().isEmpty() && options.toolChoice() != ToolChoice.NONE) {
            throw HttpFailure.unsupported("response_format", "an answer cannot be bound to JSON and call tools: leave one of 'response_format' and 'tools'");
        }
        return options;
    }

    private static void logprobs(JsonInput body, ChatOptions.Builder options) {
        boolean wanted = body.bool("logprobs", false);
        int alternatives = (int) body.integer("top_logprobs", 0, Logprobs.MAX_ALTERNATIVES).orElse(0);
        if (alternatives > 0 && !wanted) {
            throw body.bad("top_logprobs", "needs 'logprobs': true");
        }
        if (wanted) {
            options.topLogprobs(alternatives);
        }
    }

    static ReasoningOptions reasoning(JsonInput body, String effort) {
        return switch (effort) {
            case "none" -> ReasoningOptions.off();
            case "minimal", "low", "medium", "high", "xhigh" -> ReasoningOptions.on();
            default -> throw body.bad("reasoning_effort", "must be 'none', 'minimal', 'low', 'medium', 'high' or 'xhigh'");
        };
    }
}
