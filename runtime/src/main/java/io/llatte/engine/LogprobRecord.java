package io.llatte.engine;

import io.llatte.llama.Logprobs;
import io.llatte.llama.SamplingRound;
import io.llatte.llama.TokenLogprob;
import io.llatte.llama.Vocab;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The log-probabilities of an answer's tokens as plain numbers. The loop writes a token's before it publishes the token; who reads makes texts of them.
final class LogprobRecord {

    /// Room for an answer from the start. A longer one allocates when it gets there.
    private static final int READY_TOKENS = 1 << 12;

    private static final int NONE = -1;

    private final int alternatives;

    /// Of each token its own number, then each alternative's id and number; floats by their bits.
    private final int width;
    private volatile int[] numbers;

    /// @param alternatives of each token
    /// @param tokens of the answer, at most
    LogprobRecord(int alternatives, int tokens) {
        this.alternatives = alternatives;
        this.width = 1 + 2 * alternatives;
        this.numbers = new int[width * Math.min(tokens, READY_TOKENS)];
    }

    /// Writes those of the answer's `token`-th token, from 0: row `row` of a round.
    void put(int token, SamplingRound round, int row) {
        int at = token * width;
        if (at == numbers.length) {
            numbers = Arrays.copyOf(numbers, 2 * at);
        }
        int[] to = numbers;
        to[at++] = Float.floatToRawIntBits(round.logprob(row));
        int count = round.alternatives(row);
        for (int place = 0; place < alternatives; place++) {
            to[at++] = place < count ? round.alternative(row, place) : NONE;
            to[at++] = place < count ? Float.floatToRawIntBits(round.alternativeLogprob(row, place)) : 0;
        }
    }

    /// Those of a token, which has this id.
    Logprobs get(int token, int id, Vocab vocab) {
        int[] from = numbers;
        int at = token * width;
        var chosen = new TokenLogprob(id, vocab.pieceBytes(id, true), Float.intBitsToFloat(from[at++]));
        List<TokenLogprob> others = new ArrayList<>(alternatives);
        for (int place = 0; place < alternatives && from[at] != NONE; place++, at += 2) {
            others.add(new TokenLogprob(from[at], vocab.pieceBytes(from[at], true), Float.intBitsToFloat(from[at + 1])));
        }
        return new Logprobs(chosen, others);
    }
}
