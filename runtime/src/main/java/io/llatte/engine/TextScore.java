package io.llatte.engine;

import io.llatte.llama.TokenLogprob;
import java.util.List;

/// How probable a model finds a given text.
///
/// @param tokens the text's tokens, each with the natural logarithm of its probability after all that stands before it
/// @param readTokens tokens that stand before them and were only read: the beginning-of-sequence token and a given context
public record TextScore(List<TokenLogprob> tokens, int readTokens) {

    public TextScore {
        tokens = List.copyOf(tokens);
    }

    /// The natural logarithm of the whole text's probability: the sum of its tokens'.
    public double logprob() {
        return tokens.stream().mapToDouble(TokenLogprob::logprob).sum();
    }

    /// The exponential of the mean negative log-probability: among how many equally probable tokens the model would choose as uncertainly. 1 for
    /// no token.
    public double perplexity() {
        return tokens.isEmpty() ? 1 : Math.exp(-logprob() / tokens.size());
    }
}
