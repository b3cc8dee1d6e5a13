package io.llatte.llama;

import java.time.Duration;

/// What speculation did in a generation.
///
/// @param draftedTokens tokens that were guessed and evaluated
/// @param acceptedTokens how many of these the model chose too
/// @param drafting the time that guessing took, without the evaluation by the model
public record DraftStatistics(int draftedTokens, int acceptedTokens, Duration drafting) {

    /// Of a generation without speculation.
    public static final DraftStatistics NONE = new DraftStatistics(0, 0, Duration.ZERO);

    /// The share of the drafted tokens that were accepted, 0 to 1; 0 where nothing was drafted.
    public double acceptanceRate() {
        return draftedTokens == 0 ? 0 : (double) acceptedTokens / draftedTokens;
    }
}
