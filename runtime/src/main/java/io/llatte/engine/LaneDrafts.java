package io.llatte.engine;

import io.llatte.llama.Batch;
import io.llatte.llama.Sequence;
import io.llatte.llama.Speculation;
import io.llatte.llama.Speculator;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What is guessed ahead in a lane, so that one decode checks several tokens. It stays with the lane, for further requests that want the same.
/// The decode loop's own.
final class LaneDrafts implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LaneDrafts.class);

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
        if (most > 0 && speculator.isOpen()) {
            long start = System.nanoTime();
            int before = request.length() - 1;
            try {
                size = speculator.draft(request.tokens(), before, request.tokens()[before], tokens, Math.min(most, tokens.length));
            } catch (CancellationException e) {
                // The request was cancelled, which the loop will find; or the one before was, and this one does without a draft.
                size = 0;
            } catch (RuntimeException e) {
                failed(e);
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
        if (!readsFirstRows() || !firstRows || !speculator.isOpen()) {
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
        } catch (RuntimeException e) {
            stopGuessing(e);
        }
    }

    /// Guessing is an extra: its failure costs speed, and nobody's answer. The next request makes anew what guesses.
    private void failed(RuntimeException e) {
        stopGuessing(e);
        size = 0;
    }

    private void stopGuessing(RuntimeException e) {
        LOG.warn("guessing ahead failed; the request goes on without", e);
        speculator.close();
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
            accept(right);
        }
        size = 0;
        right = 0;
        return wrong;
    }

    private void accept(int count) {
        if (speculator.isOpen()) {
            try {
                speculator.accepted(count);
            } catch (RuntimeException e) {
                stopGuessing(e);
            }
        }
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
