package io.llatte.engine;

import io.llatte.llama.Batch;

/// What the next decode evaluates, a micro-batch at most: the last token of every sequence that generates, and prompts, in turns, in the room that
/// is left; and what is guessed to follow, where a request wants that. The decode loop's own.
///
/// Rows stand in the order of their sequences: where each has a cache of its own, llama.cpp computes neighbours at once.
final class StepBatch {

    private final Lanes lanes;
    private final AdapterTurns turns;
    private final Batch batch;
    private final int capacity;
    private final int sequenceLength;
    private final int mostOutputs;
    private int planned;
    private int nextPrompt;
    private Lane first;
    private int guessed;
    private int prompts;
    private AdapterSet adapters = AdapterSet.NONE;
    private boolean saw;
    private int nextSeeing;

    /// @param capacity tokens of a micro-batch
    /// @param sequenceLength tokens that a sequence can hold
    /// @param mostOutputs rows whose logits texts that are scored may ask for
    StepBatch(Lanes lanes, Batch batch, int capacity, int sequenceLength, int mostOutputs) {
        this.lanes = lanes;
        this.turns = new AdapterTurns(lanes);
        this.batch = batch;
        this.capacity = capacity;
        this.sequenceLength = sequenceLength;
        this.mostOutputs = mostOutputs;
    }

    Batch batch() {
        return batch;
    }

    int size() {
        return batch.size();
    }

    boolean isEmpty() {
        return batch.isEmpty();
    }

    /// What changes the model in this step.
    AdapterSet adapters() {
        return adapters;
    }

    /// Whether prompts are evaluated, which takes longer.
    boolean hasPrompts() {
        return prompts > 0;
    }

    /// @param waitsForReaders whether sequences pause whose readers fall behind
    /// @param guesses whether there is room for guesses
    void fill(boolean waitsForReaders, boolean guesses) {
        planned = 0;
        guessed = 0;
        first = null;
        prompts = 0;
        adapters = turns.next(waitsForReaders);
        Lane seeing = nextSeeing(waitsForReaders);
        if (seeing != null && !saw) {
            fillWithMedia(seeing);
            return;
        }
        saw = false;
        fillWithTokens(waitsForReaders, guesses);
        if (seeing != null && batch.isEmpty()) {
            fillWithMedia(seeing);
        }
    }

    /// A lane that comes to a picture or a sound now; they take turns. Null for none.
    private Lane nextSeeing(boolean waitsForReaders) {
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get((nextSeeing + i) % lanes.count());
            if (!lane.isIdle() && lane.isAtMedia() && takesPart(lane, waitsForReaders)) {
                return lane;
            }
        }
        return null;
    }

    private boolean takesPart(Lane lane, boolean waitsForReaders) {
        return !lane.isIdle() && lane.request.adapters.equals(adapters) && lanes.isReady(lane) && !lane.request.isPaused(waitsForReaders);
    }

    /// Embeddings and tokens are not evaluated together: a picture has a step of its own, every other one while something else runs.
    private void fillWithMedia(Lane seeing) {
        for (int i = 0; i < lanes.count(); i++) {
            lanes.get(i).planUpTo(lanes.get(i).position);
        }
        saw = true;
        prompts = 1;
        nextSeeing = (seeing.sequence.id() + 1) % lanes.count();
        seeing.planMedia(capacity);
        batch.clear();
        seeing.addMediaTo(batch);
    }

    private void fillWithTokens(boolean waitsForReaders, boolean guesses) {
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            lane.planUpTo(lane.position);
            if (!takesPart(lane, waitsForReaders) || lane.isAtMedia()) {
                continue;
            }
            if (lane.position >= sequenceLength) {
                // Only requests that shift come so far: others have their limit there.
                lanes.shift(lane, Math.min(lane.request.promptLength, sequenceLength / 4));
            }
            if (lane.remaining() == 1 && lane.request.scores == null) {
                plan(lane, lane.position + 1);
                if (guesses) {
                    guess(lane, capacity - planned - lanes.count() + 1 + i);
                }
            } else if (lane.remaining() > 0) {
                lane.isPromptNext = true;
                prompts++;
            }
        }
        if (prompts > 0) {
            planPrompts();
        }
        addRows();
    }

    private void plan(Lane lane, int end) {
        lane.planUpTo(end);
        planned += end - lane.position;
    }

    /// @param room rows that the lanes behind it leave
    private void guess(Lane lane, int room) {
        int wanted = Math.min(lane.request.limit - lane.request.length(), sequenceLength - lane.position) - 1;
        int count = lane.guess(Math.min(wanted, room));
        guessed += count;
        planned += count;
    }

    /// Whether some of it is only guessed.
    boolean hasGuesses() {
        return guessed > 0;
    }

    /// Whether a lane's rows are the first ones.
    boolean isFirst(Lane lane) {
        return lane == first;
    }

    /// Prompts take turns; those of the highest priority come before all others.
    private void planPrompts() {
        int highest = Integer.MIN_VALUE;
        for (int i = 0; i < lanes.count(); i++) {
            if (lanes.get(i).isPromptNext) {
                highest = Math.max(highest, lanes.get(i).request.priority);
            }
        }
        int first = nextPrompt;
        int outputs = mostOutputs;
        for (int turn = 0; turn < lanes.count(); turn++) {
            int index = (first + turn) % lanes.count();
            Lane lane = lanes.get(index);
            int room = capacity - planned;
            if (lane.isPromptNext && lane.request.priority == highest && room > 0) {
                int end = lanes.chunkEnd(lane, lane.request.media.textEnd(lane.position, lane.position + Math.min(room, lane.remaining())));
                end -= Math.max(0, lane.outputsUpTo(end) - outputs);
                outputs -= lane.outputsUpTo(end);
                plan(lane, end);
                nextPrompt = (index + 1) % lanes.count();
            }
        }
    }

    private void addRows() {
        batch.clear();
        for (int i = 0; i < lanes.count() && first == null; i++) {
            if (lanes.get(i).isPlanned() && lanes.get(i).wantsFirstRows()) {
                first = lanes.get(i);
                first.addTo(batch);
            }
        }
        for (int i = 0; i < lanes.count(); i++) {
            if (lanes.get(i) != first) {
                lanes.get(i).addTo(batch);
            }
        }
    }

    /// The only request that the batch is for, or null.
    Request soleRequest() {
        Request sole = null;
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (lane.isInBatch()) {
                if (sole != null) {
                    return null;
                }
                sole = lane.request;
            }
        }
        return sole;
    }
}
