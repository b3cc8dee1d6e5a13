package io.llatte.llama;

import io.llatte.internal.ffi.NativeLogprobs;
import io.llatte.internal.ffi.NativeRound;
import java.util.Arrays;
import java.util.Objects;
import java.util.OptionalInt;

/// One token for each of several rows of a decode, chosen at once on the threads that decoded: what continuous batching samples with. Fixed
/// capacity, reused from decode to decode, and nothing is allocated by a round. One thread.
///
/// ```java
/// round.clear();
/// round.add(first, 3);
/// round.add(second, 7);
/// round.sample(context);
/// int token = round.failure(0) == null ? round.token(0) : stop(round.failure(0));
/// ```
public final class SamplingRound {

    private final NativeRound round;
    private final Sampler[] samplers;
    private final Sampler[] lockOrder;
    private boolean sampled;

    /// @throws IllegalArgumentException if `capacity` is not positive
    public SamplingRound(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity must be 1 or more: " + capacity);
        }
        round = new NativeRound(capacity);
        samplers = new Sampler[capacity];
        lockOrder = new Sampler[capacity];
    }

    /// How many rows it can hold.
    public int capacity() {
        return samplers.length;
    }

    public int size() {
        return round.size();
    }

    /// Empties it. Nothing is freed.
    public SamplingRound clear() {
        Arrays.fill(samplers, 0, round.size(), null);
        Arrays.fill(lockOrder, 0, round.size(), null);
        round.clear();
        sampled = false;
        return this;
    }

    /// Adds a row of the context's last decode that asked for output (-1: its last output), with the chain that chooses from it. A chain can be in
    /// a round once; the row after that fails.
    ///
    /// @throws IllegalStateException if the round is full
    public SamplingRound add(Sampler sampler, int row) {
        return add(sampler, row, OptionalInt.empty());
    }

    /// The same, and computes how probable the model found the token that is chosen, and so many alternatives. A row whose token the graph
    /// chooses has no such numbers, and fails.
    ///
    /// @param topLogprobs how many alternatives, 0 to [Logprobs#MAX_ALTERNATIVES]; empty for no log-probabilities at all, which costs nothing
    /// @throws IllegalStateException if the round is full
    public SamplingRound add(Sampler sampler, int row, OptionalInt topLogprobs) {
        Objects.requireNonNull(sampler, "sampler");
        Logprobs.check(topLogprobs);
        int size = round.size();
        if (size == samplers.length) {
            throw new IllegalStateException("the round is full: " + size + " rows");
        }
        samplers[size] = sampler;
        // All rounds lock in one order: two that share samplers, on two contexts, would otherwise wait for one another.
        int place = size;
        for (; place > 0 && lockOrder[place - 1].number() > sampler.number(); place--) {
            lockOrder[place] = lockOrder[place - 1];
        }
        lockOrder[place] = sampler;
        if (topLogprobs.isPresent()) {
            round.add(row, topLogprobs.getAsInt());
        } else {
            round.add(row);
        }
        sampled = false;
        return this;
    }

    /// Chooses a token for each row, and tells its chain. What fails is one row's, see [#failure(int)]; the others have their tokens. Call it on the
    /// thread that decoded: the context's threads are awake for that one.
    ///
    /// @throws IllegalStateException if the context is closed
    /// @throws IllegalArgumentException if there are more rows than the context's batch size
    public void sample(Context context) {
        // The context's lock first, always: a token stream holds it when it samples.
        context.lock();
        int size = round.size();
        int locked = 0;
        try {
            for (; locked < size; locked++) {
                lockOrder[locked].lock();
            }
            for (int i = 0; i < size; i++) {
                round.set(i, samplers[i].isOpen() ? samplers[i].nativeSampler() : null);
            }
            round.sample(context.nativeContext());
            sampled = true;
        } finally {
            while (locked > 0) {
                lockOrder[--locked].unlock();
            }
            context.unlock();
        }
    }

    /// The token of the row that was added as the `index`-th, from 0.
    ///
    /// @throws IllegalStateException if the round has not been sampled, or the row failed
    public int token(int index) {
        RuntimeException failure = failure(index);
        if (failure != null) {
            throw new IllegalStateException("row " + index + " of the round has no token: " + failure.getMessage(), failure);
        }
        return round.token(index);
    }

    /// The natural logarithm of the probability that the model gave the row's token, see [Logprobs].
    ///
    /// @throws IllegalStateException if the round has not been sampled, the row failed, or was added without log-probabilities
    public float logprob(int index) {
        return logprobs(index).chosen(index);
    }

    /// How many alternatives the row has, as [#logprob(int)].
    public int alternatives(int index) {
        return logprobs(index).count(index);
    }

    /// The id of the row's `place`-th alternative, from 0, the most probable one.
    public int alternative(int index, int place) {
        return logprobs(index).id(index, Objects.checkIndex(place, alternatives(index)));
    }

    /// The logarithm of its probability.
    public float alternativeLogprob(int index, int place) {
        return logprobs(index).logprob(index, Objects.checkIndex(place, alternatives(index)));
    }

    private NativeLogprobs logprobs(int index) {
        token(index);
        if (!round.logprobs().isWanted(index)) {
            throw new IllegalStateException("row " + index + " of the round was added without log-probabilities");
        }
        return round.logprobs();
    }

    /// Why a row has no token, or null where it has one: what [Sampler#sample(Context, int)] would have thrown. Made anew at each call.
    ///
    /// @throws IllegalStateException if the round has not been sampled
    public RuntimeException failure(int index) {
        Objects.checkIndex(index, round.size());
        if (!sampled) {
            throw new IllegalStateException("the round has not been sampled");
        }
        if (!round.failed(index)) {
            return null;
        }
        return round.isClosed(index) ? new IllegalStateException("the sampler is closed") : round.failure(index);
    }
}
