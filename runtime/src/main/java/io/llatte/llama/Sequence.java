package io.llatte.llama;

import io.llatte.SavedStateException;
import io.llatte.internal.ffi.NativeContext;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Objects;

/// One lane of a context's KV cache: the tokens of one conversation. It locks with its context.
///
/// It remembers the ids that [#generate] put into it, so that the next prompt evaluates only what it does not share with them.
public final class Sequence {

    private static final int[] NOTHING = {};

    private final Context context;
    private final int id;
    private int[] tokens = NOTHING;
    private int tokenCount;
    private boolean known = true;
    private Generation active;
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
        byte[] state = save();
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            try (var channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                for (ByteBuffer bytes = ByteBuffer.wrap(state); bytes.hasRemaining(); ) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
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
                rememberNothing();
                remember(saved.tokens(), 0, saved.tokens().length);
            }
        });
    }

    /// The same from a file.
    public void restore(Path file) throws IOException {
        restore(Files.readAllBytes(file));
    }

    /// How many tokens of a prompt the cache holds already, by its record.
    int commonPrefix(int[] prompt) {
        if (!known) {
            return 0;
        }
        int mismatch = Arrays.mismatch(tokens, 0, tokenCount, prompt, 0, prompt.length);
        return mismatch < 0 ? prompt.length : mismatch;
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
