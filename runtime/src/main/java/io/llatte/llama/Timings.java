package io.llatte.llama;

import java.time.Duration;

/// How long the parts of a generation took.
///
/// @param load the model's load, which was before
/// @param prefill evaluating the prompt's uncached tokens
/// @param timeToFirstToken from the first request for a token to that token, sampling included
/// @param decode from the first token to the last
/// @param prefillTokensPerSecond evaluated prompt tokens per second; 0 before there is one
/// @param tokensPerSecond generated tokens after the first, per second of `decode`; 0 before there are two
/// @param drafts what speculation did; [DraftStatistics#NONE] without it
public record Timings(Duration load, Duration prefill, Duration timeToFirstToken, Duration decode, double prefillTokensPerSecond,
                      double tokensPerSecond, DraftStatistics drafts) {
}
