package io.llatte.engine;

import io.llatte.llama.Batch;
import io.llatte.llama.Context;
import io.llatte.llama.Sequence;
import io.llatte.llama.Speculation;

/// A sequence of the context: what it holds, and the request that it works for, if any. The decode loop's own.
final class Lane {

    static final int NO_ROW = -1;

    final Sequence sequence;

    /// Null where the lane is idle; it then keeps what it held for a prompt that begins the same way.
    Request request;

    /// What changed the model when it evaluated what the lane holds.
    AdapterSet adapters = AdapterSet.NONE;

    /// Tokens that are evaluated and known to be right.
    int position;

    /// The row of the batch whose logits choose the next token.
    int row = NO_ROW;

    /// Rises with each use: which idle lane was used last.
    long lastUse;

    /// Another lane is evaluating what this one will begin with, up to `followLength`.
    Lane leader;
    Request leaderRequest;
    int followLength;

    /// Where a copy of the sequence is to be kept, because it cannot be cut back to there later; 0 for nowhere.
    int snapshotAt;

    /// After the first `kept` tokens, so many were forgotten to make room.
    int kept;
    int forgotten;

    /// Whether the next batch may take some of its prompt.
    boolean isPromptNext;

    /// Up to which position the next batch takes its tokens.
    private int plannedEnd;

    /// Known tokens of it in the batch.
    private int rows;

    /// The first row of the batch whose logits score a text.
    private int scoredRow;

    /// What guesses ahead here; null until a request asks for it.
    private volatile LaneDrafts drafts;
    private boolean guesses;

    Lane(Sequence sequence) {
        this.sequence = sequence;
    }

    boolean isIdle() {
        return request == null;
    }

    boolean isFollowing() {
        return leader != null;
    }

    /// Whether others may wait for what it evaluates: it goes on by itself, and forgets nothing.
    boolean canLead() {
        return !isIdle() && forgotten == 0 && !isFollowing() && !request.isPausing();
    }

    /// Whether its request wants its tokens guessed.
    boolean guesses() {
        return guesses;
    }

    /// Tokens that are known and not evaluated.
    int remaining() {
        return request.length() - forgotten - position;
    }

    boolean isInBatch() {
        return rows > 0;
    }

    /// The next batch takes its tokens up to this position.
    void planUpTo(int end) {
        plannedEnd = end;
        isPromptNext = false;
    }

    boolean isPlanned() {
        return plannedEnd > position;
    }

    /// Adds what was planned to a batch; the last token that is known asks for logits, and what is guessed behind it.
    void addTo(Batch batch) {
        if (!isPlanned()) {
            return;
        }
        int end = plannedEnd;
        int[] tokens = request.tokens();
        if (request.scores != null) {
            scoredRow = batch.size() + Math.max(0, request.scores.from - 1 - position);
            batch.addAll(tokens, position, end, position, sequence.id(), request.scores.from - 1);
            rows = end - position;
            return;
        }
        boolean last = end == request.length() - forgotten;
        if (last) {
            row = batch.size() + end - position - 1;
        }
        if (forgotten == 0) {
            batch.addAll(tokens, position, end, position, sequence.id(), last);
        } else {
            for (int at = position; at < end; at++) {
                batch.add(tokens[at < kept ? at : at + forgotten], at, sequence.id(), last && at == end - 1);
            }
        }
        rows = end - position;
        if (guesses) {
            drafts.addTo(batch, end, sequence.id());
        }
    }

    /// Whether a picture or a sound is evaluated next.
    boolean isAtMedia() {
        return request.media.at(position) != null;
    }

    /// The next batch takes what comes next of a picture or sound, and no more than it has room for.
    void planMedia(int capacity) {
        planUpTo(Math.min(request.media.at(position).to(), position + capacity));
    }

    /// Adds what was planned of a picture or sound to an empty batch.
    void addMediaTo(Batch batch) {
        PromptMedia.Part part = request.media.at(position);
        boolean last = plannedEnd == request.length();
        rows = plannedEnd - position;
        if (last) {
            row = rows - 1;
        }
        batch.addAll(part.embeddings(), position - part.from(), plannedEnd - part.from(), position, sequence.id(), last);
    }

    /// The logits that a batch of these positions asks for.
    int outputsUpTo(int end) {
        return request.scores == null ? 0 : Math.max(0, end - Math.max(position, request.scores.from - 1));
    }

    /// The batch was evaluated: takes what it says of a text that is scored, before the position moves on.
    void score(Context context) {
        int first = Math.max(position, request.scores.from - 1) + 1;
        int end = Math.min(position + rows + 1, request.length());
        if (first < end) {
            request.scores.put(first, context.logprobs(scoredRow, request.tokens(), first, end));
        }
    }

    /// The batch was evaluated. Returns how many of its rows were this lane's.
    ///
    /// @param firstRows whether they were the first ones
    int evaluated(boolean firstRows) {
        int from = position;
        int count = rows;
        position += count;
        rows = 0;
        if (guesses) {
            drafts.evaluated(request, from, position, firstRows);
            count += drafts.open();
        }
        return count;
    }

    /// The batch was not evaluated.
    void notEvaluated() {
        row = NO_ROW;
        rows = 0;
        settle();
    }

    // ---- guessing ahead

    /// The lane's request wants its tokens guessed.
    ///
    /// @throws io.llatte.SpeculationException if the model, its cache or the draft model do not allow it
    /// @throws io.llatte.InsufficientMemoryException if the draft model's cache does not fit
    void prepareDrafts() {
        guesses = false;
        if (request.speculation instanceof Speculation.None) {
            return;
        }
        if (drafts == null || !drafts.isFor(request.speculation)) {
            closeDrafts();
            drafts = new LaneDrafts(sequence, request.speculation);
        }
        request.guessedBy(drafts);
        drafts.begin(request);
        guesses = true;
    }

    private void closeDrafts() {
        if (drafts != null) {
            drafts.close();
            drafts = null;
        }
    }

    boolean wantsFirstRows() {
        return guesses && drafts.readsFirstRows();
    }

    /// Guesses at most so many tokens; returns how many.
    int guess(int most) {
        if (!guesses || forgotten > 0 || request.length() == request.promptLength) {
            return 0;
        }
        drafts.guess(request, most);
        return drafts.open();
    }

    /// Rows of the batch that are only guessed.
    int guessed() {
        return guesses ? drafts.open() : 0;
    }

    /// A token was chosen. If it is the one that was guessed, it is evaluated already, and the next one is chosen from the row behind it.
    void chosen(int token) {
        if (guesses && drafts.isRight(token)) {
            position++;
            row++;
        } else {
            row = NO_ROW;
        }
    }

    /// Nothing more is chosen from what was guessed. Returns how many rows beyond the position are wrong.
    int settle() {
        return guesses ? drafts.settle(request) : 0;
    }

    /// Stops a guess that takes long, on any thread.
    void cancelGuess() {
        LaneDrafts running = drafts;
        if (running != null) {
            running.cancel();
        }
    }

    void stopFollowing() {
        leader = null;
        leaderRequest = null;
    }

    void release() {
        notEvaluated();
        request = null;
        guesses = false;
        stopFollowing();
        snapshotAt = 0;
        kept = 0;
        forgotten = 0;
    }
}
