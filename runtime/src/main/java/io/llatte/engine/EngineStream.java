package io.llatte.engine;

import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Logprobs;
import io.llatte.llama.Timings;
import io.llatte.llama.Token;
import io.llatte.llama.TokenReader;
import io.llatte.llama.Usage;
import io.llatte.llama.Vocab;
import java.lang.ref.Cleaner;
import java.util.NoSuchElementException;
import java.util.Optional;

/// A request as its reader sees it: ids come from the decode loop, and text, stop strings and waiting are done here, on the reader's thread.
/// A stream that nobody holds any longer is cancelled.
final class EngineStream implements AnswerStream {

    private static final Cleaner ABANDONED = Cleaner.create(Thread.ofPlatform().daemon().name("llatte-abandoned").factory());

    private final Request request;
    private final Vocab vocab;
    private final TokenReader reader;
    private final AnswerText said;
    private final Cleaner.Cleanable cleanable;
    private volatile boolean closed;
    private boolean begun;

    EngineStream(Request request, Vocab vocab, PromptTokens prompt) {
        this.request = request;
        this.vocab = vocab;
        this.said = new AnswerText(prompt.chat());
        this.reader = new TokenReader(vocab, prompt.shown(), prompt.stop(), new Ids());
        this.begun = prompt.chat().isEmpty();
        this.cleanable = ABANDONED.register(this, whenDropped(request, said));
    }

    private static Runnable whenDropped(Request request, AnswerText said) {
        return () -> {
            cancel(request);
            said.close();
        };
    }

    private final class Ids implements TokenReader.Ids {

        @Override
        public int next() {
            return request.take();
        }

        @Override
        public Optional<Logprobs> logprobs() {
            return request.takenLogprobs(vocab);
        }

        @Override
        public void stop() {
            request.endEarly(FinishReason.STOP);
        }
    }

    private static void cancel(Request request) {
        request.endEarly(FinishReason.CANCELLED);
    }

    @Override
    public boolean hasNext() {
        return !closed && reader.hasNext();
    }

    @Override
    public boolean isReady() {
        return closed || request.unread() > 0 || request.end() != null;
    }

    @Override
    public Token next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the generation has ended: " + finishReason());
        }
        Token token = reader.next();
        said.add(token.text());
        if (!begun) {
            // Blanks between the template's last word and the answer's first.
            token = token.withText(token.text().stripLeading());
            begun = !token.text().isEmpty();
        }
        return token;
    }

    @Override
    public ChatMessage message() {
        return said.message(finishReason() == FinishReason.EOG);
    }

    @Override
    public void cancel() {
        cancel(request);
    }

    @Override
    public FinishReason finishReason() {
        GenerationEnd end = request.end();
        if (end == null || !closed && request.unread() > 0 && !reader.isStopped()) {
            return null;
        }
        return reader.isStopped() ? FinishReason.STOP : end.finishReason();
    }

    @Override
    public Usage usage() {
        return request.usage();
    }

    @Override
    public Timings timings() {
        return request.timings();
    }

    @Override
    public void close() {
        closed = true;
        cleanable.clean();
    }
}
