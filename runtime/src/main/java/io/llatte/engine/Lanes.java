package io.llatte.engine;

import io.llatte.llama.Context;
import io.llatte.llama.FinishReason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The sequences of a context and what they hold. Gives a request the one from which it has least to evaluate. The decode loop's own.
///
/// Idle sequences are kept: the next prompt that begins the same way starts from there, by a copy that takes no memory. While one request
/// evaluates what others begin with too, they wait for it instead of evaluating it again.
final class Lanes {

    /// Sharing less than this with a request that still evaluates is not worth waiting for it.
    private static final int LEAST_FOLLOWED = 32;

    /// Where each sequence has a cache of its own, a beginning is copied with all that the cache has room for: no gain for less than this.
    private static final int LEAST_COPIED = 64;

    private final List<Lane> all = new ArrayList<>();
    private final KvCells cells;
    private final boolean unified;
    private final boolean cuttable;
    private final boolean reuses;
    private long uses;
    private volatile long evictions;
    private volatile long cachedTokens;

    /// @param unified whether the sequences share one cache, and cells in it
    /// @param cuttable whether sequences can be cut back to a prefix
    /// @param reuses whether a request may begin with what was evaluated for another
    Lanes(Context context, boolean unified, boolean cuttable, boolean reuses) {
        for (int id = 0; id < context.maxSequences(); id++) {
            all.add(new Lane(context.sequence(id)));
        }
        this.cells = new KvCells(all.size());
        this.unified = unified;
        this.cuttable = cuttable;
        this.reuses = reuses;
    }

    int count() {
        return all.size();
    }

    Lane get(int index) {
        return all.get(index);
    }

    int usedCells() {
        return cells.used();
    }

    long evictions() {
        return evictions;
    }

    long cachedTokens() {
        return cachedTokens;
    }

    int running() {
        int running = 0;
        for (int i = 0; i < all.size(); i++) {
            running += all.get(i).isIdle() ? 0 : 1;
        }
        return running;
    }

    void grew(Lane lane, int tokens) {
        cells.grow(lane.sequence.id(), tokens);
    }

    boolean anyGuesses() {
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).guesses()) {
                return true;
            }
        }
        return false;
    }

    /// Stops what runs of guessing, on any thread.
    void cancelGuesses() {
        all.forEach(Lane::cancelGuess);
    }

    // ---- giving a request a lane

    /// The lane that a request gets, with what it can begin with; or null where all are busy.
    Lane place(Request request) {
        int[] tokens = request.tokens();
        int most = request.reusable();
        Lane source = null;
        Lane leader = null;
        int shared = 0;
        int followed = 0;
        int learned = 0;
        for (Lane lane : reuses ? all : List.<Lane>of()) {
            if (!lane.adapters.equals(request.adapters)) {
                continue;
            }
            int common = request.media.whole(Math.min(most, lane.sequence.commonPrefix(tokens, request.length())));
            if (common > shared && (cuttable || common == lane.position)) {
                shared = common;
                source = lane;
            } else if (!cuttable) {
                learned = Math.max(learned, common);
            }
            int coming = !lane.canLead() ? 0 : request.media.whole(Math.min(most, commonPrefix(lane.request, request)));
            if (coming > followed) {
                followed = coming;
                leader = lane;
            }
        }
        Lane lane = targetFor(source, shared);
        if (lane == null) {
            return null;
        }
        lane.request = request;
        lane.lastUse = ++uses;
        if (leader != null && leader != lane && followed >= shared + (unified ? LEAST_FOLLOWED : LEAST_COPIED) && leader.position < followed) {
            lane.leader = leader;
            lane.leaderRequest = leader.request;
            lane.followLength = followed;
            empty(lane);
        } else {
            begin(lane, source, shared);
        }
        lane.adapters = request.adapters;
        lane.snapshotAt = cuttable || !reuses ? 0 : learned > lane.position ? learned : most;
        return lane;
    }

    private static int commonPrefix(Request one, Request other) {
        int mismatch = Arrays.mismatch(one.tokens(), 0, one.length(), other.tokens(), 0, other.length());
        return mismatch < 0 ? Math.min(one.length(), other.length()) : mismatch;
    }

    /// An idle lane that the prompt goes on from, else an empty one, else the one that was not used for longest; or null.
    private Lane targetFor(Lane source, int shared) {
        if (source != null && source.isIdle() && source.position == shared) {
            return source;
        }
        Lane best = null;
        for (Lane lane : all) {
            if (lane.isIdle() && (best == null || older(lane, best, source))) {
                best = lane;
            }
        }
        return best;
    }

    private static boolean older(Lane lane, Lane best, Lane source) {
        if ((lane.position == 0) != (best.position == 0)) {
            return lane.position == 0;
        }
        if (lane == source || best == source) {
            return best == source;
        }
        return lane.lastUse < best.lastUse;
    }

    /// Makes a lane hold what its request shares with another one, or with what it holds itself.
    private void begin(Lane lane, Lane source, int shared) {
        if (source == lane) {
            cut(lane, shared);
        } else {
            empty(lane);
            if (source != null && (unified || shared >= LEAST_COPIED)) {
                copy(source, lane, shared);
            }
        }
        if (lane.request.admitted(lane.position)) {
            cachedTokens += lane.position;
        }
    }

    // ---- sessions

    /// The lane that holds the longest usable beginning of some tokens; null for none.
    Lane holding(int[] tokens) {
        Lane best = null;
        int longest = 0;
        for (Lane lane : all) {
            int length = usable(lane, tokens, tokens.length);
            if (length > longest) {
                longest = length;
                best = lane;
            }
        }
        return best;
    }

    /// How many of the first `length` tokens a lane holds, as far as it could be cut back to there. Sessions are of the model as it is.
    int usable(Lane lane, int[] tokens, int length) {
        if (!lane.adapters.equals(AdapterSet.NONE)) {
            return 0;
        }
        int common = Math.min(lane.position, lane.sequence.commonPrefix(tokens, length));
        return cuttable || common == lane.position ? common : 0;
    }

    /// A lane without a request; null where all are busy.
    Lane free() {
        return targetFor(null, 0);
    }

    /// Another lane that holds the same beginning, or the same one cut back where no other is idle; null where all are busy.
    Lane copyOf(Lane source, int length) {
        Lane target = targetFor(source, length);
        if (target == source && source != null) {
            cut(source, length);
        } else if (target != null) {
            empty(target);
            copy(source, target, length);
            target.adapters = source.adapters;
        }
        return target;
    }

    /// An empty lane was made to hold so many tokens.
    void holds(Lane lane, int length) {
        cells.grow(lane.sequence.id(), length);
        lane.position = length;
        lane.adapters = AdapterSet.NONE;
        lane.lastUse = ++uses;
    }

    // ---- following

    /// Whether a lane can begin now: it follows none, or its leader has come far enough or gone.
    boolean isReady(Lane lane) {
        if (!lane.isFollowing()) {
            return true;
        }
        Lane leader = lane.leader;
        if (leader.request == lane.leaderRequest && leader.position < lane.followLength && leader.canLead()) {
            return false;
        }
        int shared = lane.request.media.whole(Math.min(lane.followLength,
                leader.sequence.commonPrefix(lane.request.tokens(), lane.request.length())));
        boolean usable = cuttable || shared == leader.position;
        lane.stopFollowing();
        begin(lane, shared > 0 && usable ? leader : null, shared);
        return true;
    }

    /// The position before `end` at which others want a copy of a lane that cannot be cut back to there later, or `end`.
    int chunkEnd(Lane lane, int end) {
        int stop = lane.snapshotAt > lane.position ? Math.min(end, lane.snapshotAt) : end;
        if (!cuttable) {
            for (int i = 0; i < all.size(); i++) {
                Lane other = all.get(i);
                if (other.leader == lane && other.followLength > lane.position) {
                    stop = Math.min(stop, other.followLength);
                }
            }
        }
        return stop;
    }

    /// Keeps a copy of a lane that has come to where one is wanted, if there is a lane free for it.
    void takeSnapshot(Lane lane) {
        if (lane.snapshotAt > 0 && lane.position == lane.snapshotAt) {
            lane.snapshotAt = 0;
            Lane target = targetFor(null, 0);
            if (target != null) {
                empty(target);
                copy(lane, target, lane.position);
                target.adapters = lane.adapters;
                target.lastUse = ++uses;
            }
        }
    }

    // ---- what lanes hold

    private void copy(Lane source, Lane target, int length) {
        if (source.sequence.copyPrefixTo(target.sequence, length)) {
            if (unified) {
                cells.share(source.sequence.id(), target.sequence.id(), length);
            } else {
                cells.grow(target.sequence.id(), length);
            }
            target.position = length;
        }
    }

    /// Makes a lane hold its first tokens only, or nothing where that cannot be done.
    void cut(Lane lane, int length) {
        try {
            lane.sequence.removeFrom(length);
            cells.cut(lane.sequence.id(), length);
            lane.position = length;
        } catch (IllegalStateException cannotBeCut) {
            empty(lane);
        }
    }

    /// Empties a lane's sequence.
    void empty(Lane lane) {
        lane.sequence.clear();
        cells.cut(lane.sequence.id(), 0);
        lane.position = 0;
    }

    /// A decode failed: lanes hold what they held, or nothing.
    void restore(Lane lane) {
        int length = Math.min(lane.position, lane.sequence.length());
        cells.cut(lane.sequence.id(), length);
        lane.position = length;
        lane.notEvaluated();
    }

    /// Forgets the older half of what follows the first tokens. Where positions cannot be moved (cells that another lane shares, recurrent
    /// layers), what is left is evaluated again.
    void shift(Lane lane, int keep) {
        int half = (lane.position - keep) / 2;
        lane.kept = keep;
        lane.forgotten += half;
        lane.notEvaluated();
        if (cells.isShared(lane.sequence.id(), keep) || !removeRange(lane, keep, keep + half)) {
            empty(lane);
        }
    }

    private boolean removeRange(Lane lane, int from, int to) {
        try {
            lane.sequence.removeRange(from, to);
        } catch (IllegalStateException cannotBeMoved) {
            return false;
        }
        lane.position -= to - from;
        cells.cut(lane.sequence.id(), lane.position);
        return true;
    }

    /// Gives up the idle sequence that was used last, for its cells. Returns whether there was one.
    boolean evict() {
        Lane youngest = null;
        for (Lane lane : all) {
            if (lane.isIdle() && lane.position > 0 && (youngest == null || lane.lastUse > youngest.lastUse)) {
                youngest = lane;
            }
        }
        if (youngest == null) {
            return false;
        }
        empty(youngest);
        evictions++;
        return true;
    }

    /// What was guessed beyond a lane's tokens, and is wrong, goes.
    void settle(Lane lane) {
        if (lane.settle() > 0) {
            cut(lane, lane.position);
        }
    }

    /// Ends a lane's request, unless it has ended, and frees the lane.
    ///
    /// @param failure why it failed, or null
    void end(Lane lane, FinishReason reason, RuntimeException failure) {
        settle(lane);
        lane.request.finish(reason, failure);
        release(lane);
    }

    /// The request is done with its lane, which keeps what it holds where that may be used again.
    void release(Lane lane) {
        settle(lane);
        lane.request.sampler.close();
        lane.release();
        lane.lastUse = ++uses;
        if (!reuses) {
            empty(lane);
        }
    }
}
