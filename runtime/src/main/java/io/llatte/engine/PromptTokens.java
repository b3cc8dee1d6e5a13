package io.llatte.engine;

import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.ChatTemplate;
import io.llatte.llama.RenderedChat;
import io.llatte.llama.Vocab;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// A prompt as ids, and the texts that end its answer.
///
/// @param ids the prompt's tokens
/// @param stop texts that end the answer
/// @param chat whether the answer is a turn of a conversation
record PromptTokens(int[] ids, List<String> stop, boolean chat) {

    /// @param template the model's chat format
    /// @param formatStop texts that end a turn in that format
    /// @param length tokens that a sequence can hold
    static PromptTokens of(GenerationRequest request, ChatTemplate template, List<String> formatStop, Vocab vocab, int length) {
        return switch (request.prompt()) {
            case Prompt.Text(var text) -> new PromptTokens(vocab.tokenize(text), request.stop(), false);
            case Prompt.Chat(var messages) -> {
                PromptTokens prompt = ofChat(messages, request, template, formatStop, vocab);
                if (request.overflow() == OverflowPolicy.DROP_OLDEST_TURNS) {
                    int most = Math.max(1, length - Math.min(request.maxTokens(), length / 4));
                    List<ChatMessage> kept = messages;
                    while (prompt.ids.length > most && (kept = withoutOldestTurn(kept)) != null) {
                        prompt = ofChat(kept, request, template, formatStop, vocab);
                    }
                }
                yield prompt;
            }
        };
    }

    private static PromptTokens ofChat(List<ChatMessage> messages, GenerationRequest request, ChatTemplate template, List<String> formatStop,
                                       Vocab vocab) {
        RenderedChat rendered = template.render(ChatRequest.of(messages));
        List<String> stop = Stream.of(rendered.stop(), formatStop, request.stop()).flatMap(List::stream).distinct().toList();
        return new PromptTokens(tokenize(rendered.prompt(), vocab), stop, true);
    }

    /// A template that writes BOS itself must not get a second one from the tokenizer.
    private static int[] tokenize(String prompt, Vocab vocab) {
        boolean hasBos = vocab.bos() >= 0 && prompt.startsWith(vocab.text(vocab.bos()));
        return vocab.tokenize(prompt, !hasBos, true);
    }

    /// The conversation without its first turn after the system's: a user's message and what answers it. Null where only the last is left.
    private static List<ChatMessage> withoutOldestTurn(List<ChatMessage> messages) {
        int first = 0;
        while (first < messages.size() && messages.get(first).role().equals("system")) {
            first++;
        }
        int next = first + 1;
        while (next < messages.size() && !messages.get(next).role().equals("user")) {
            next++;
        }
        if (next >= messages.size()) {
            return null;
        }
        List<ChatMessage> kept = new ArrayList<>(messages.subList(0, first));
        kept.addAll(messages.subList(next, messages.size()));
        return kept;
    }
}
