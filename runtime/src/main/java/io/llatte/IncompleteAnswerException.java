package io.llatte;

import io.llatte.llama.FinishReason;
import io.llatte.llama.Usage;

/// An answer ended before it was whole: a limit of tokens or a stop string cut it, or it was cancelled. What is there is the
/// beginning of a valid one.
public final class IncompleteAnswerException extends LlatteException {

    private static final long serialVersionUID = 1L;

    private final String text;
    private final FinishReason finishReason;
    private final transient Usage usage;

    /// @param text as far as it came
    /// @param finishReason why it ended
    /// @param usage its tokens
    public IncompleteAnswerException(String text, FinishReason finishReason, Usage usage) {
        super("the answer is not whole: %s after %d tokens, %d characters".formatted(finishReason, usage.generatedTokens(), text.length()));
        this.text = text;
        this.finishReason = finishReason;
        this.usage = usage;
    }

    /// The answer as far as it came.
    public String text() {
        return text;
    }

    /// Why it ended.
    public FinishReason finishReason() {
        return finishReason;
    }

    /// Its tokens; null where this was sent to another process.
    public Usage usage() {
        return usage;
    }
}
