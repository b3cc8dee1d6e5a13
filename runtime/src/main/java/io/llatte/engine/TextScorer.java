package io.llatte.engine;

import io.llatte.llama.TokenLogprob;
import io.llatte.llama.Vocab;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// Scores texts as an engine's requests. Any thread.
final class TextScorer {

    private final Vocab vocab;
    private final BiConsumer<int[], Scores> engine;

    /// @param engine evaluates tokens and waits for their scores
    TextScorer(Vocab vocab, BiConsumer<int[], Scores> engine) {
        this.vocab = vocab;
        this.engine = engine;
    }

    TextScore score(String context, String text) {
        int[] begin = vocab.addsBos() ? new int[] {vocab.bos()} : new int[0];
        int[] read = context.isEmpty() ? begin : vocab.tokenize(context, true, false);
        int[] tokens = vocab.tokenize(text, false, false);
        int[] all = Arrays.copyOf(read, read.length + tokens.length);
        System.arraycopy(tokens, 0, all, read.length, tokens.length);
        int from = Math.max(1, read.length);
        float[] logprobs = all.length <= from ? new float[0] : logprobs(all, from, true);
        List<TokenLogprob> scored = new ArrayList<>();
        for (int i = 0; i < logprobs.length; i++) {
            scored.add(new TokenLogprob(all[from + i], vocab.pieceBytes(all[from + i], true), logprobs[i]));
        }
        return new TextScore(scored, from);
    }

    /// @param reuses whether they may begin with what was evaluated for others
    float[] logprobs(int[] tokens, int from, boolean reuses) {
        if (from < 1 || from >= tokens.length) {
            throw new IllegalArgumentException("tokens from %d of %d cannot be scored".formatted(from, tokens.length));
        }
        var scores = new Scores(from, tokens.length, reuses);
        engine.accept(tokens, scores);
        return scores.logprobs();
    }

    Perplexity perplexity(String text, int window, Consumer<Perplexity> afterEach) {
        int[] tokens = vocab.tokenize(text, true, false);
        if (window < 4 || tokens.length < 2L * window) {
            throw new IllegalArgumentException("a text of %d tokens has not two windows of %d, which must be at least 4".formatted(tokens.length, window));
        }
        var sum = new Perplexity.Sum();
        Perplexity result = null;
        for (int start = 0; start + window <= tokens.length; start += window) {
            int[] part = Arrays.copyOfRange(tokens, start, start + window);
            part[0] = vocab.addsBos() ? vocab.bos() : part[0];
            result = sum.add(logprobs(part, window / 2 + 1, false));
            afterEach.accept(result);
        }
        return result;
    }
}
