package io.llatte.llama;

import java.util.Objects;

/// How tokens are guessed ahead of the model, which checks several in one decode ("speculative decoding"). What is generated stays the model's and
/// its sampler's own choice: a wrong guess costs time, never changes a token.
///
/// See [GenerateOptions#speculation()]. What guesses stays with the sequence, for its next generation: the context of a draft model takes
/// memory until the sequence's context is closed, or another kind is used.
public sealed interface Speculation {

    /// The longest draft.
    int maxTokens();

    /// No speculation.
    static Speculation none() {
        return None.INSTANCE;
    }

    /// A smaller model guesses. It must have the vocabulary of the model, and be open as long as it shall guess.
    ///
    /// @param model the smaller model, loaded by the caller
    /// @param maxTokens 1 to 1024. llama.cpp's default is 3; more pays where the models agree
    /// @param minProbability a draft ends before a token that the smaller model gives less, 0 to 1
    record DraftModel(Model model, int maxTokens, float minProbability) implements Speculation {

        public DraftModel {
            Objects.requireNonNull(model, "model");
            requireLength("maxTokens", maxTokens);
            requireProbability(minProbability);
        }

        /// With llama.cpp's defaults: three tokens, whatever their probability.
        public DraftModel(Model model) {
            this(model, 3, 0);
        }
    }

    /// What followed the same tokens earlier in the prompt or the answer is guessed to follow again. Takes no second model.
    ///
    /// @param lookup how earlier tokens are found
    /// @param match how many tokens must be the same, 1 to 1024
    /// @param maxTokens 1 to 1024; for [Lookup#SIMPLE] at least `match`
    record NGram(Lookup lookup, int match, int maxTokens) implements Speculation {

        public NGram {
            Objects.requireNonNull(lookup, "lookup");
            requireLength("match", match);
            requireLength("maxTokens", maxTokens);
            if (lookup == Lookup.SIMPLE && maxTokens < match) {
                throw new IllegalArgumentException("maxTokens is %d, and must be at least the match of %d".formatted(maxTokens, match));
            }
        }

        /// With llama.cpp's defaults for the lookup.
        public NGram(Lookup lookup) {
            this(lookup, lookup.match, lookup.maxTokens);
        }
    }

    /// The model's own layers for multi-token prediction guess. The model must have them and be loaded with [ModelOptions#mtpLayers()].
    ///
    /// @param maxTokens 1 to 1024; llama.cpp's default is 3
    record Mtp(int maxTokens) implements Speculation {

        public Mtp {
            requireLength("maxTokens", maxTokens);
        }
    }

    /// See [#none()].
    record None() implements Speculation {

        private static final None INSTANCE = new None();

        @Override
        public int maxTokens() {
            return 0;
        }
    }

    /// How an n-gram is looked up; the names are llama.cpp's.
    enum Lookup {

        /// The latest place where the last tokens stood before, and what followed there. For long repetitions: it needs a history longer than
        /// `match + maxTokens`.
        SIMPLE(12, 48),

        /// The same, taking of several continuations the one that clearly prevails, and less of one that was wrong.
        MAP(12, 48),

        /// A hash table of all that this sequence has read, earlier prompts too (16 MiB).
        MOD(24, 64);

        private final int match;
        private final int maxTokens;

        Lookup(int match, int maxTokens) {
            this.match = match;
            this.maxTokens = maxTokens;
        }
    }

    private static void requireLength(String name, int tokens) {
        if (tokens < 1 || tokens > 1024) {
            throw new IllegalArgumentException(name + " is " + tokens + ", and must be from 1 to 1024");
        }
    }

    private static void requireProbability(float probability) {
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("minProbability is " + probability + ", and must be from 0 to 1");
        }
    }
}
