package io.llatte.llama;

import java.time.Duration;
import java.util.concurrent.CancellationException;

/// What one generation drafts: the guess that is being evaluated, and how much of all guesses was right. Without a speculator it guesses nothing.
final class Drafts {

    private final Generation generation;
    private final Speculator speculator;
    private final int[] tokens;
    private final int[] rows;
    private int size;
    private int draftedTokens;
    private int acceptedTokens;
    private long guessingNanos;

    /// @param speculator may be null
    Drafts(Generation generation, Speculator speculator) {
        this.generation = generation;
        this.speculator = speculator;
        this.tokens = new int[speculator == null ? 0 : speculator.speculation().maxTokens()];
        this.rows = new int[1 + tokens.length];
    }

    /// The longest guess.
    int longest() {
        return tokens.length;
    }

    /// A token of the guess.
    int token(int index) {
        return tokens[index];
    }

    void begin(int[] prompt) {
        if (speculator != null) {
            speculator.serve(generation);
            speculator.begin(prompt);
        }
    }

    /// The last decode evaluated a part of the prompt.
    void evaluated(int[] prompt, int from, int to, int position) {
        if (speculator != null) {
            show(prompt, from, to, position);
        }
    }

    /// The last decode evaluated a token and the guess behind it.
    void evaluated(int token, int position) {
        if (speculator != null) {
            rows[0] = token;
            System.arraycopy(tokens, 0, rows, 1, size);
            draftedTokens += size;
            show(rows, 0, 1 + size, position);
        }
    }

    private void show(int[] evaluated, int from, int to, int position) {
        try {
            speculator.evaluated(evaluated, from, to, position);
        } catch (CancellationException e) {
            throwIfMeant(e);
        }
    }

    /// A cancel that was meant for the stream before this one may come late: then there is no draft, and the stream goes on.
    private void throwIfMeant(CancellationException e) {
        if (generation.isCancelled()) {
            throw e;
        }
    }

    /// Guesses what follows a token that was sampled. Returns how many tokens, at most `most`.
    int guess(Sequence sequence, int last, int most) {
        size = 0;
        if (speculator != null && most > 0) {
            long start = System.nanoTime();
            try {
                size = speculator.draft(sequence.history(), sequence.historyLength(), last, tokens, Math.min(most, tokens.length));
            } catch (CancellationException e) {
                throwIfMeant(e);
            } finally {
                guessingNanos += System.nanoTime() - start;
            }
        }
        return size;
    }

    /// The guess is not evaluated. Returns its length from now on, 0.
    int withdraw() {
        accepted(0);
        return size;
    }

    /// So much of the guess, from its start, is what the model chose; it is in the sequence's cache.
    void accepted(int right, Sequence sequence) {
        sequence.remember(tokens, 0, right);
        acceptedTokens += right;
        accepted(right);
    }

    private void accepted(int right) {
        if (size > 0) {
            size = 0;
            speculator.accepted(right);
        }
    }

    void cancel() {
        if (speculator != null) {
            speculator.cancel(generation);
        }
    }

    DraftStatistics statistics() {
        return speculator == null ? DraftStatistics.NONE
                : new DraftStatistics(draftedTokens, acceptedTokens, Duration.ofNanos(guessingNanos));
    }
}
