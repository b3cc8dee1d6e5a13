package io.llatte.engine;

import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.ChatTemplate;
import io.llatte.llama.Constraint;
import io.llatte.llama.Media;
import io.llatte.llama.MediaPrompt;
import io.llatte.llama.Model;
import io.llatte.llama.RenderedChat;
import io.llatte.llama.Sampler;
import io.llatte.llama.Vocab;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// A prompt as ids, and what bounds its answer.
///
/// @param ids the prompt's tokens
/// @param stop texts that end the answer
/// @param chat how a conversation was rendered; empty for a text
/// @param shown special tokens that are part of the answer
/// @param media the same prompt with its pictures and sounds, whose ids are negative; to be closed
record PromptTokens(int[] ids, List<String> stop, Optional<RenderedChat> chat, int[] shown, Optional<MediaPrompt> media) implements AutoCloseable {

    private PromptTokens(int[] ids, List<String> stop) {
        this(ids, stop, Optional.empty(), new int[0], Optional.empty());
    }

    /// @param template the model's chat format
    /// @param formatStop texts that end a turn in that format
    /// @param length tokens that a sequence can hold
    /// @param reader what makes the model see and hear, if anything does
    static PromptTokens of(GenerationRequest request, ChatTemplate template, List<String> formatStop, Vocab vocab, int length,
                           Optional<MediaReader> reader) {
        return switch (request.prompt()) {
            case Prompt.Text(var text) -> new PromptTokens(vocab.tokenize(text), request.stop());
            case Prompt.Infill infill -> new PromptTokens(InfillTokens.of(infill, vocab, roomForPrompt(request, length)), request.stop());
            case Prompt.Chat(var chat) -> {
                ChatRequest bounded = bounded(chat, request);
                PromptTokens prompt = ofChat(bounded, request, template, formatStop, vocab, reader);
                if (request.overflow() == OverflowPolicy.DROP_OLDEST_TURNS) {
                    int most = roomForPrompt(request, length);
                    List<ChatMessage> kept = chat.messages();
                    while (prompt.ids.length > most && (kept = withoutOldestTurn(kept)) != null) {
                        prompt.close();
                        prompt = ofChat(bounded.withMessages(kept), request, template, formatStop, vocab, reader);
                    }
                }
                yield prompt;
            }
        };
    }

    /// What a prompt may have that is shortened to fit: a quarter of the context at most is left for the answer.
    private static int roomForPrompt(GenerationRequest request, int length) {
        return Math.max(1, length - Math.min(request.maxTokens(), length / 4));
    }

    /// A schema is told to the template, which knows what stands around an answer's text. A grammar or a regular expression is of all that the model
    /// writes, so that it cannot think before.
    private static ChatRequest bounded(ChatRequest chat, GenerationRequest request) {
        ChatRequest.Builder bounded = chat.toBuilder().enableThinking(chat.enableThinking() && request.reasoning().enabled());
        return switch (request.constraint()) {
            case Constraint.None() -> bounded.build();
            case Constraint.JsonSchema(var schema) -> bounded.jsonSchema(Optional.of(schema)).build();
            case Constraint.Grammar _, Constraint.Regex _ -> bounded.enableThinking(false).build();
        };
    }

    private static PromptTokens ofChat(ChatRequest chat, GenerationRequest request, ChatTemplate template, List<String> formatStop, Vocab vocab,
                                       Optional<MediaReader> reader) {
        List<Media> media = mediaOf(chat, request, reader);
        RenderedChat rendered = template.render(chat);
        List<String> stop = Stream.of(rendered.stop(), formatStop, request.stop()).flatMap(List::stream).distinct().toList();
        int[] shown = rendered.preservedTokens().stream().map(text -> vocab.tokenize(text, false, true))
                .filter(ids -> ids.length == 1).flatMapToInt(IntStream::of).toArray();
        if (media.isEmpty()) {
            return new PromptTokens(tokenize(rendered.prompt(), vocab), stop, Optional.of(rendered), shown, Optional.empty());
        }
        MediaPrompt prompt = reader.orElseThrow().tokenize(rendered.prompt(), !beginsWithBos(rendered.prompt(), vocab), media);
        return new PromptTokens(prompt.ids(), stop, Optional.of(rendered), shown, Optional.of(prompt));
    }

    private static List<Media> mediaOf(ChatRequest chat, GenerationRequest request, Optional<MediaReader> reader) {
        List<Media> media = chat.messages().stream().flatMap(message -> message.media().stream()).toList();
        if (!media.isEmpty() && reader.isEmpty()) {
            throw new UnsupportedOperationException("the conversation carries %d pictures and sounds, and the model has no projector: put its mmproj file "
                    .formatted(media.size()) + "beside it, or name it in EngineOptions.projector");
        }
        if (!media.isEmpty() && request.overflow() == OverflowPolicy.SHIFT) {
            throw new IllegalArgumentException("an answer about %d pictures and sounds cannot go on in a context that is shifted".formatted(media.size()));
        }
        return media;
    }

    @Override
    public void close() {
        media.ifPresent(MediaPrompt::close);
    }

    /// What chooses the answer's tokens. The caller closes it.
    Sampler newSampler(GenerationRequest request, Model model) {
        Sampler.Builder chain = request.sampling().chain(model);
        boolean byGrammar = request.constraint() instanceof Constraint.Grammar || request.constraint() instanceof Constraint.Regex;
        boolean byFormat = chat.isPresent() && !byGrammar
                && (!chat.get().grammar().isEmpty() || request.reasoning().budget().isPresent());
        if (byFormat) {
            chain.format(chat.get(), request.reasoning());
        }
        boolean bySchema = byFormat && !chat.get().grammar().isEmpty();
        return (bySchema ? chain : chain.constraint(request.constraint())).build();
    }

    /// A template that writes BOS itself must not get a second one from the tokenizer.
    private static int[] tokenize(String prompt, Vocab vocab) {
        return vocab.tokenize(prompt, !beginsWithBos(prompt, vocab), true);
    }

    private static boolean beginsWithBos(String prompt, Vocab vocab) {
        return vocab.bos() >= 0 && prompt.startsWith(vocab.text(vocab.bos()));
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
