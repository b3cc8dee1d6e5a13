package io.llatte.engine;

import io.llatte.llama.Batch;
import io.llatte.llama.Sequence;
import io.llatte.llama.Speculation;
import io.llatte.llama.Speculator;
import java.util.Arrays;
import java.util.concurrent.CancellationException;

/// What is guessed ahead in a lane, so that one decode checks several tokens. It stays with the lane, for further requests that want the same.
/// The decode loop's own.
final class LaneDrafts implements AutoCloseable {

    private final Speculator speculator;
    private final int[] tokens;
    private final int[] checked;
    private int size;
    private int right;

    /// @throws io.llatte.SpeculationException if the model, its cache or the draft model do not allow it
    /// @throws io.llatte.InsufficientMemoryException if the draft model's cache does not fit
    LaneDrafts(Sequence sequence, Speculation speculation) {
        speculator = sequence.newSpeculator(speculation);
        tokens = new int[speculation.maxTokens()];
        checked = new int[1 + tokens.length];
    }

    boolean isFor(Speculation speculation) {
        return speculator.isOpen() && speculator.speculation().equals(speculation);
    }

    /// Whether it only works for the sequence whose rows come first in a decode: it reads the model's own layers there.
    boolean readsFirstRows() {
        return speculator.speculation() instanceof Speculation.Mtp;
    }

    void begin(Request request) {
        size = 0;
        right = 0;
        speculator.begin(Arrays.copyOf(request.tokens(), request.length()));
    }

    /// Guesses what follows the last token of a request, at most `most` tokens.
    void guess(Request request, int most) {
        size = 0;
        right = 0;
        if (most > 0) {
            long start = System.nanoTime();
            int before = request.length() - 1;
            try {
                size = speculator.draft(request.tokens(), before, request.tokens()[before], tokens, Math.min(most, tokens.length));
            } catch (CancellationException e) {
                // The request was cancelled, which the loop will find; or the one before was, and this one does without a draft.
                size = 0;
            }
            request.guessed(System.nanoTime() - start);
        }
    }

    /// Tokens that are guessed and not checked.
    int open() {
        return size - right;
    }

    void addTo(Batch batch, int position, int sequence) {
        for (int i = 0; i < size; i++) {
            batch.add(tokens[i], position + i, sequence, true);
        }
    }

    /// The rows of the last decode that are a request's, its known tokens from `from` on and then the guess, were the decode's first ones.
    void evaluated(Request request, int from, int to, boolean firstRows) {
        request.checked(size);
        if (!readsFirstRows() || !firstRows) {
            return;
        }
        try {
            if (size == 0) {
                speculator.evaluated(request.tokens(), from, to, from);
            } else {
                checked[0] = request.tokens()[from];
                System.arraycopy(tokens, 0, checked, 1, size);
                speculator.evaluated(checked, 0, 1 + size, from);
            }
        } catch (CancellationException e) {
            // As in guess(): what it did not read makes a worse draft.
        }
    }

    /// Whether a token that was chosen is the next one of the guess, which then is evaluated already.
    boolean isRight(int token) {
        if (right < size && tokens[right] == token) {
            right++;
            return true;
        }
        return false;
    }

    /// Nothing more is chosen from this guess. Returns how many of its tokens were wrong.
    int settle(Request request) {
        int wrong = size - right;
        if (size > 0) {
            request.accepted(right);
            speculator.accepted(right);
        }
        size = 0;
        right = 0;
        return wrong;
    }

    /// Stops a guess that takes long, on any thread.
    void cancel() {
        speculator.cancel();
    }

    @Override
    public void close() {
        speculator.close();
    }
}
