package io.llatte;

import io.llatte.engine.AnswerStream;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Logprobs;
import io.llatte.llama.ToolCall;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;

/// Tells what an answer says more with each token.
final class AnswerEvents implements ChatStream {

    private static final int READING_PAUSES = 4;

    /// Nobody sees sooner what comes within one: so long, tokens that come together are read together.
    private static final long DISPLAY_FRAME_NANOS = 16_000_000;

    private final AnswerStream stream;
    private final Queue<ChatEvent> events = new ArrayDeque<>();
    private final List<Logprobs> logprobs = new ArrayList<>();
    private String text = "";
    private String reasoning = "";
    private final List<ToolCall> calls = new ArrayList<>();
    private long lastReading = System.nanoTime();
    private long nextReading = lastReading;
    private volatile boolean closed;
    private boolean ended;

    AnswerEvents(AnswerStream stream) {
        this.stream = stream;
    }

    @Override
    public boolean hasNext() {
        while (events.isEmpty() && !ended && !closed) {
            if (stream.hasNext()) {
                var token = stream.next();
                token.logprobs().ifPresent(this::scored);
                if (isReadingDue()) {
                    read();
                }
            } else if (!closed) {
                ended = true;
                ChatAnswer answer = ChatAnswer.of(stream, logprobs);
                tell(answer.message());
                events.add(new ChatEvent.Ended(answer));
            }
        }
        return !events.isEmpty() && !closed;
    }

    @Override
    public ChatEvent next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the answer has ended");
        }
        return events.remove();
    }

    private void scored(Logprobs scores) {
        logprobs.add(scores);
        events.add(new ChatEvent.TokenScored(scores));
    }

    private boolean isReadingDue() {
        long now = System.nanoTime();
        return now - nextReading >= 0 && (now - lastReading >= DISPLAY_FRAME_NANOS || !stream.isReady());
    }

    /// Reading goes over the whole answer each time: of a long one not each token is read by itself, so that no more than a fifth of the time goes there.
    private void read() {
        long from = System.nanoTime();
        ChatMessage said = stream.message();
        lastReading = System.nanoTime();
        nextReading = lastReading + READING_PAUSES * (lastReading - from);
        tell(said);
    }

    private void tell(ChatMessage said) {
        String thought = more(reasoning, said.reasoning());
        if (!thought.isEmpty()) {
            reasoning = said.reasoning();
            events.add(new ChatEvent.ReasoningDelta(thought));
        }
        String spoken = more(text, said.content());
        if (!spoken.isEmpty()) {
            text = said.content();
            events.add(new ChatEvent.TextDelta(spoken));
        }
        for (int i = 0; i < said.toolCalls().size(); i++) {
            tell(i, said.toolCalls().get(i));
        }
    }

    private void tell(int index, ToolCall call) {
        if (index == calls.size()) {
            calls.add(call);
            events.add(new ChatEvent.ToolCallDelta(index, call.id(), call.name(), call.arguments()));
            return;
        }
        String written = more(calls.get(index).arguments(), call.arguments());
        if (!written.isEmpty()) {
            calls.set(index, call);
            events.add(new ChatEvent.ToolCallDelta(index, "", "", written));
        }
    }

    /// What came to a text. Nothing where a parser has just taken a part of it back: it will stand there again, or be something else.
    private static String more(String before, String now) {
        return now.startsWith(before) ? now.substring(before.length()) : "";
    }

    @Override
    public void cancel() {
        stream.cancel();
    }

    @Override
    public void close() {
        closed = true;
        stream.close();
    }
}
