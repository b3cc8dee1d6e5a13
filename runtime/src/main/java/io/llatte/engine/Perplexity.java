package io.llatte.engine;

/// How well a model predicts a text, window by window.
///
/// @param value the exponential of the mean negative log-probability of the tokens that were scored
/// @param standardError of the value, by the spread of the tokens' log-probabilities; 0 where it cannot be told
/// @param windows how many windows are in it
/// @param scoredTokens how many tokens are in it
public record Perplexity(double value, double standardError, int windows, int scoredTokens) {

    /// Adds up windows.
    static final class Sum {

        private double negative;
        private double squares;
        private int tokens;
        private int windows;

        Perplexity add(float[] logprobs) {
            for (float logprob : logprobs) {
                negative -= logprob;
                squares += (double) logprob * logprob;
            }
            tokens += logprobs.length;
            windows++;
            double mean = negative / tokens;
            double value = Math.exp(mean);
            double variance = squares / tokens - mean * mean;
            double error = variance > 0 && tokens > 1 ? Math.sqrt(variance / (tokens - 1)) * value : 0;
            return new Perplexity(value, error, windows, tokens);
        }
    }
}
