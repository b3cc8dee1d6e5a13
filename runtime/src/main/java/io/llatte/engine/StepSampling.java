package io.llatte.engine;

import io.llatte.llama.Context;
import io.llatte.llama.FinishReason;
import io.llatte.llama.SamplingRound;
import io.llatte.llama.Vocab;

/// Chooses the next token of each sequence that a step has brought to the end of what is known of it, and ends the requests that are done. The decode
/// loop's own.
final class StepSampling {

    private final Context context;
    private final Vocab vocab;
    private final Lanes lanes;
    private final Delivery delivery;
    private final SamplingRound round;
    private final Lane[] sampled;
    private volatile long generatedTokens;

    /// @param generatedTokens how many there were before
    StepSampling(Context context, Vocab vocab, Lanes lanes, Delivery delivery, long generatedTokens) {
        this.context = context;
        this.vocab = vocab;
        this.lanes = lanes;
        this.delivery = delivery;
        this.round = new SamplingRound(lanes.count());
        this.sampled = new Lane[lanes.count()];
        this.generatedTokens = generatedTokens;
    }

    /// Tokens of all answers, on any thread.
    long generatedTokens() {
        return generatedTokens;
    }

    /// @throws IllegalStateException if the context was closed meanwhile
    void sample() {
        // Another time where a guess was right.
        while (addRows()) {
            round.sample(context);
            takeAll(System.nanoTime());
        }
    }

    private boolean addRows() {
        round.clear();
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (lane.row != Lane.NO_ROW && !lane.request.isEnded()) {
                sampled[round.size()] = lane;
                round.add(lane.request.sampler, lane.row, lane.request.topLogprobs);
            }
        }
        return round.size() > 0;
    }

    private void takeAll(long now) {
        for (int i = 0; i < round.size(); i++) {
            RuntimeException failure = round.failure(i);
            if (failure == null) {
                take(sampled[i], i, now);
            } else {
                lanes.end(sampled[i], FinishReason.CANCELLED, failure);
            }
        }
    }

    private void take(Lane lane, int index, long now) {
        Request request = lane.request;
        int id = round.token(index);
        lane.chosen(id);
        if (vocab.isEog(id) && !request.ignoreEog) {
            lanes.end(lane, FinishReason.EOG, null);
            return;
        }
        delivery.came(request.length() == request.promptLength, now);
        request.append(id, round, index, now);
        generatedTokens++;
        if (request.length() >= request.limit) {
            lanes.end(lane, FinishReason.LENGTH, null);
        }
    }
}
