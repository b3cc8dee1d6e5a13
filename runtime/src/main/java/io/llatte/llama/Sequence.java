package io.llatte.llama;

import io.llatte.SavedStateException;
import io.llatte.internal.WholeFile;
import io.llatte.internal.ffi.NativeContext;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/// One lane of a context's KV cache: the tokens of one conversation. It locks with its context.
///
/// It remembers the ids that were evaluated in it, so that the next prompt evaluates only what it does not share with them.
public final class Sequence {

    private static final int[] NOTHING = {};

    private final Context context;
    private final int id;
    private int[] tokens = NOTHING;
    private int tokenCount;
    private boolean known = true;
    private Generation active;
    private Sampler attached;
    private Speculator speculator;

    Sequence(Context context, int id) {
        this.context = context;
        this.id = id;
    }

    /// Its number, 0 to `maxSequences() - 1`.
    public int id() {
        return id;
    }

    public Context context() {
        return context;
    }

    /// The first cached position, or -1 where it is empty; above 0 where a sliding window moved on.
    public int firstPosition() {
        return context.locked(() -> cache().firstPosition(id));
    }

    /// The last cached position, or -1 where it is empty.
    public int lastPosition() {
        return context.locked(() -> cache().lastPosition(id));
    }

    /// The next token's position: how long the sequence is.
    public int length() {
        return lastPosition() + 1;
    }

    /// Generates up to `maxTokens` tokens after a prompt. See [#generate(int\[\], Sampler, GenerateOptions)].
    public Generation generate(int[] prompt, Sampler sampler, int maxTokens) {
        return generate(prompt, sampler, GenerateOptions.builder().maxTokens(maxTokens).build());
    }

    /// Generates tokens after a prompt. Nothing is evaluated until the first token is asked for.
    ///
    /// The sequence becomes the prompt and then what is generated: what it holds already of the prompt is kept where the cache allows that,
    /// the rest is removed. The stream must be closed, or read to its end, before the sequence is used again.
    ///
    /// @param prompt token ids of the whole prompt, from the sequence's first position; copied
    /// @param sampler chooses the tokens; it is reset, and borrowed until the stream ends
    /// @throws IllegalArgumentException if the prompt is empty or has an id that is not in the vocabulary
    /// @throws io.llatte.ContextOverflowException if the prompt leaves no room for a token
    /// @throws io.llatte.SpeculationException if the options ask for a speculation that this model, its cache or the draft model do not allow
    /// @throws IllegalStateException if a stream of this sequence is still running, or the context is closed
    public Generation generate(int[] prompt, Sampler sampler, GenerateOptions options) {
        Objects.requireNonNull(sampler, "sampler");
        return context.locked(() -> {
            checkIdle();
            active = new Generation(this, prompt.clone(), sampler, options);
            return active;
        });
    }

    void checkIdle() {
        if (active != null && active.finishReason() == null) {
            throw new IllegalStateException("sequence " + id + " is generating: close its stream first");
        }
    }

    /// What guesses ahead for this sequence; null for nothing. It stays for the next generation, until that wants another.
    Speculator speculator(Speculation speculation) {
        if (speculation instanceof Speculation.None) {
            return null;
        }
        if (speculator == null || !speculator.isOpen() || !speculator.speculation().equals(speculation)) {
            if (speculator != null) {
                speculator.close();
                speculator = null;
            }
            speculator = newSpeculator(speculation);
        }
        return speculator;
    }

    /// Makes what guesses ahead, for a decode loop of one's own. The caller closes it; so does closing the context.
    ///
    /// @throws io.llatte.SpeculationException if this model, its cache or the draft model do not allow it
    /// @throws IllegalArgumentException if `speculation` is [Speculation#none()]
    public Speculator newSpeculator(Speculation speculation) {
        return context.locked(() -> Speculator.create(context, speculation));
    }

    /// Runs a call that changes the sequence, if no stream is using it.
    private void change(Runnable call) {
        context.locked(() -> {
            checkIdle();
            call.run();
            return null;
        });
    }

    /// Lets each decode choose this sequence's token itself, by a sampler's chain in the model's graph: on a GPU the logits then stay there. The
    /// sampler is used as before, by [Sampler#sample], a [SamplingRound] or [#generate], which hand out what the graph chose. Until it is
    /// detached, or closed, one row of the sequence may ask for output in a batch, and the row's logits cannot be read.
    ///
    /// The next decode plans its graph anew, which takes milliseconds, and memory that is not in the ledger: attach for many tokens.
    ///
    /// @return whether the graph runs the whole chain. Where it cannot, nothing changes: grammars, DRY, XTC, typical, Mirostat, a temperature that is
    ///         dynamic or 0, a least number to keep, greedy or biases after top-k or top-p, some devices, models without a KV cache
    /// @throws IllegalStateException if the sampler is closed, selects nothing, or is attached elsewhere, if this sequence has another one or is
    ///         generating, or the context is closed
    public boolean attachSampler(Sampler sampler) {
        return context.locked(() -> {
            checkIdle();
            if (attached != null && attached != sampler) {
                throw new IllegalStateException("sequence " + id + " has a sampler: detach it first");
            }
            sampler.lock();
            try {
                if (!sampler.isOpen()) {
                    throw new IllegalStateException("the sampler is closed");
                }
                boolean accepted = cache().setSampler(id, sampler.nativeSampler());
                if (accepted) {
                    attached = sampler;
                    sampler.attachedTo(this);
                }
                return accepted;
            } finally {
                sampler.unlock();
            }
        });
    }

    /// Takes the sampler out of the graph, if there is one. Sample the last decode's row before.
    ///
    /// @throws IllegalStateException if this sequence is generating
    public void detachSampler() {
        change(this::detachLocked);
    }

    /// The same for a sampler that closes, whatever the sequence does.
    void detachSampler(Sampler closing) {
        context.lock();
        try {
            if (attached == closing) {
                detachLocked();
            }
        } finally {
            context.unlock();
        }
    }

    void detachLocked() {
        Sampler before = attached;
        if (before == null) {
            return;
        }
        before.lock();
        try {
            if (context.nativeContext().isOpen()) {
                cache().setSampler(id, null);
            }
            before.attachedTo(null);
            attached = null;
        } finally {
            before.unlock();
        }
    }

    /// Empties it.
    public void clear() {
        change(this::clearLocked);
    }

    void clearLocked() {
        cache().removeSequence(id, -1, -1);
        rememberNothing();
    }

    /// Removes everything from a position on.
    ///
    /// @throws IllegalArgumentException if the position is negative
    /// @throws IllegalStateException if the cache cannot be cut there (recurrent layers, a sliding window); it is then as it was
    public void removeFrom(int position) {
        if (position < 0) {
            throw new IllegalArgumentException("position must not be negative: " + position);
        }
        change(() -> removeFromLocked(position));
    }

    void removeFromLocked(int position) {
        cache().removeSequence(id, position, -1);
        tokenCount = Math.min(tokenCount, position);
    }

    /// Removes what a failed decode may have left beyond a position. Returns whether the sequence is now what its record says.
    boolean dropBeyond(int position) {
        try {
            removeFromLocked(position);
            return true;
        } catch (RuntimeException cannotBeCutOrUsed) {
            forgetTokens();
            return false;
        }
    }

    /// Makes another sequence of the same context a copy of this one. Where both share a cache this copies no data.
    ///
    /// @throws IllegalArgumentException if the other sequence is this one or another context's
    public void copyTo(Sequence other) {
        if (other == this || other.context != context) {
            throw new IllegalArgumentException("the target must be another sequence of the same context");
        }
        change(() -> {
            other.checkIdle();
            other.clearLocked();
            cache().copySequence(id, other.id, -1, -1);
            other.tokens = Arrays.copyOf(tokens, tokenCount);
            other.tokenCount = tokenCount;
            other.known = known;
        });
    }

    /// Makes another sequence of the same context a copy of this one's first `length` tokens. Where both share a cache this copies no data.
    ///
    /// @return whether it could be done; a cache that cannot be cut there (recurrent layers, a sliding window) leaves the other one empty
    /// @throws IllegalArgumentException if the other sequence is this one or another context's
    public boolean copyPrefixTo(Sequence other, int length) {
        return context.locked(() -> {
            copyTo(other);
            try {
                other.removeFrom(length);
                return true;
            } catch (IllegalStateException cannotBeCut) {
                other.clear();
                return false;
            }
        });
    }

    /// Removes the positions from `from` to `to - 1` and moves what follows up to there. What it holds is no longer known by its ids.
    ///
    /// @throws IllegalStateException if the cache cannot do that; it is then as it was
    public void removeRange(int from, int to) {
        Objects.checkFromToIndex(from, to, Integer.MAX_VALUE);
        change(() -> {
            // Refuses what cannot be moved, before anything is removed.
            cache().shiftSequence(id, to, -1, 0);
            cache().removeSequence(id, from, to);
            cache().shiftSequence(id, to, -1, from - to);
            forgetTokens();
        });
    }

    /// Adds `delta` to the positions from `from` to `to - 1`, as after removing a part; -1 for `to` means the end.
    ///
    /// @throws IllegalStateException if the model's positions cannot be shifted
    public void shift(int from, int to, int delta) {
        change(() -> {
            cache().shiftSequence(id, from, to, delta);
            forgetTokens();
        });
    }

    /// The sequence's state with a header of its own: length, checksum, and which model and cache it fits. The ids are part of it, where they
    /// are known, so that a prompt that begins the same way is not evaluated again after [#restore].
    public byte[] save() {
        return context.locked(() -> SavedTokens.append(cache().saveSequence(id), known ? Arrays.copyOf(tokens, tokenCount) : null));
    }

    /// Writes the state to a file, which appears under its name when it is whole.
    public void save(Path file) throws IOException {
        WholeFile.write(file, ByteBuffer.wrap(save()));
    }

    /// Makes the sequence what it was when the state was saved.
    ///
    /// @throws io.llatte.SavedStateException if the bytes are truncated, altered, or another model's or cache's, and the sequence is as it was;
    ///         or if they do not fit this context, and the sequence is empty
    public void restore(byte[] state) {
        change(() -> {
            SavedTokens saved = SavedTokens.of(state);
            try {
                cache().restoreSequence(id, saved.nativeState());
            } catch (SavedStateException e) {
                if (cache().lastPosition(id) < 0) {
                    rememberNothing();
                }
                throw e;
            }
            forgetTokens();
            if (saved.tokens() != null) {
                int length = cache().lastPosition(id) + 1;
                if (length != saved.tokens().length) {
                    clearLocked();
                    throw new SavedStateException("the saved sequence names %d tokens and holds %d".formatted(saved.tokens().length, length));
                }
                rememberNothing();
                remember(saved.tokens(), 0, saved.tokens().length);
            }
        });
    }

    /// The same from a file.
    public void restore(Path file) throws IOException {
        restore(Files.readAllBytes(file));
    }

    /// How many tokens of a prompt the cache holds already, by the record of what was evaluated; 0 where that is not known.
    public int commonPrefix(int[] prompt) {
        return commonPrefix(prompt, prompt.length);
    }

    /// The same for the first `length` tokens of an array.
    public int commonPrefix(int[] prompt, int length) {
        if (!known) {
            return 0;
        }
        int mismatch = Arrays.mismatch(tokens, 0, tokenCount, prompt, 0, length);
        return mismatch < 0 ? length : mismatch;
    }

    /// A token at the next position is recorded; at another one the record is lost.
    void remember(int position, int token) {
        if (known && position == tokenCount) {
            remember(token);
        } else {
            forgetTokens();
        }
    }

    /// What the cache has beyond the record goes; where it cannot be cut, or there is no record, everything.
    void dropBeyondRecord() {
        if (!known || !dropBeyond(tokenCount)) {
            clearQuietly();
        }
    }

    private void clearQuietly() {
        try {
            clearLocked();
        } catch (RuntimeException closedOrPoisoned) {
            forgetTokens();
        }
    }

    /// What the cache holds, by its record: the first [#historyLength()] ids. To be read only.
    int[] history() {
        return tokens;
    }

    int historyLength() {
        return tokenCount;
    }

    void remember(int[] source, int from, int to) {
        reserve(to - from);
        System.arraycopy(source, from, tokens, tokenCount, to - from);
        tokenCount += to - from;
    }

    void remember(int token) {
        reserve(1);
        tokens[tokenCount++] = token;
    }

    private void reserve(int more) {
        if (tokenCount + more > tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(tokenCount + more, context.sequenceLength()));
        }
    }

    /// The cache is empty, and that is known.
    void rememberNothing() {
        tokenCount = 0;
        known = true;
    }

    /// The cache holds something that there is no record of.
    void forgetTokens() {
        tokenCount = 0;
        known = false;
    }

    private NativeContext cache() {
        return context.nativeContext();
    }
}
