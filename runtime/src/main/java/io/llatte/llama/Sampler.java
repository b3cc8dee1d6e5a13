package io.llatte.llama;

import io.llatte.internal.ffi.NativeSampler;
import io.llatte.memory.DeviceArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Chooses tokens from logits: a chain of llama.cpp's samplers that ends in one that selects. The caller closes it; so does closing its
/// model. It locks itself: several threads take turns, though a chain has the state of one generation.
public final class Sampler implements AutoCloseable {

    private static final AtomicLong NUMBERS = new AtomicLong();

    private final Model model;
    private final DeviceArena scope;
    private final NativeSampler sampler;
    private final boolean remembersPrompt;
    private final long number = NUMBERS.incrementAndGet();
    private final ReentrantLock lock = new ReentrantLock();
    private volatile boolean closing;
    private volatile Sequence attachedTo;

    private Sampler(Model model, DeviceArena scope, NativeSampler sampler, boolean remembersPrompt) {
        this.model = model;
        this.scope = scope;
        this.sampler = scope.ownOrClose(sampler);
        this.remembersPrompt = remembersPrompt;
        scope.own(this::stop);
    }

    /// A chain that always takes the most probable token.
    public static Sampler greedy(Model model) {
        return builder(model).greedy().build();
    }

    public static Builder builder(Model model) {
        return new Builder(model);
    }

    /// Chooses a token from a row of the context's last decode (-1: its last output) and remembers it.
    ///
    /// @throws IllegalArgumentException if the row asked for no output
    /// @throws io.llatte.GrammarException if the grammar leaves no token
    /// @throws IllegalStateException if this, the context or the model is closed, or their vocabularies differ
    public int sample(Context context, int row) {
        // The context's lock first, always: a token stream holds it when it samples.
        context.lock();
        lock.lock();
        try {
            return sampler.sample(context.nativeContext(), row);
        } finally {
            lock.unlock();
            context.unlock();
        }
    }

    /// Tells the chain of a token that it did not choose.
    ///
    /// @throws io.llatte.GrammarException if its grammar does not allow the token
    public void accept(int token) {
        locked(() -> sampler.accept(token));
    }

    /// Tells penalties and DRY of a prompt. Grammars hear only what is generated.
    ///
    /// @throws IllegalArgumentException if an id is not in the vocabulary
    public void acceptPrompt(int[] prompt) {
        if (remembersPrompt) {
            locked(() -> sampler.acceptPrompt(prompt));
        }
    }

    /// Forgets every token, and starts random choice from the seed again.
    public void reset() {
        locked(sampler::reset);
    }

    /// A chain of the same stages and state, which the caller closes.
    public Sampler copy() {
        return locked(() -> model.newChild("sampler", newScope -> new Sampler(model, newScope, sampler.copy(), remembersPrompt)));
    }

    /// llama.cpp's names of the stages, in order.
    public List<String> stages() {
        return locked(() -> List.of(sampler.describe().split(" ")));
    }

    private void locked(Runnable call) {
        locked(() -> {
            call.run();
            return null;
        });
    }

    /// Runs a call while no other runs, and no decode of the context whose graph has the chain.
    private <T> T locked(Supplier<T> call) {
        Sequence at = lockWithContext();
        try {
            return call.get();
        } finally {
            lock.unlock();
            if (at != null) {
                at.context().unlock();
            }
        }
    }

    /// The context's lock first, always. Where the chain was attached or detached while this waited, it starts again.
    private Sequence lockWithContext() {
        while (true) {
            Sequence at = attachedTo;
            if (at != null) {
                at.context().lock();
            }
            lock.lock();
            if (attachedTo == at) {
                return at;
            }
            lock.unlock();
            if (at != null) {
                at.context().unlock();
            }
        }
    }

    /// The sequence for which a graph has the chain now, or null. The context's lock and this one's are held.
    void attachedTo(Sequence sequence) {
        attachedTo = sequence;
    }

    void lock() {
        lock.lock();
    }

    void unlock() {
        lock.unlock();
    }

    /// Its place in the order in which rounds lock samplers.
    long number() {
        return number;
    }

    NativeSampler nativeSampler() {
        return sampler;
    }

    public boolean isOpen() {
        return !closing;
    }

    /// Frees the chain. Idempotent; waits for a running call.
    @Override
    public void close() {
        scope.close();
    }

    /// Runs before the chain is freed: afterwards no round and no graph has it, and none will.
    private void stop() {
        lock.lock();
        closing = true;
        lock.unlock();
        Sequence at = attachedTo;
        if (at != null) {
            at.detachSampler(this);
        }
    }

    /// Appends stages in the order of the calls. What a stage refuses is an [IllegalArgumentException] from [#build()].
    public static final class Builder {

        private final Model model;
        private final List<Consumer<NativeSampler>> stages = new ArrayList<>();
        private boolean remembersPrompt;

        private Builder(Model model) {
            this.model = model;
        }

        private Builder stage(Consumer<NativeSampler> stage) {
            stages.add(stage);
            return this;
        }

        /// Selects the most probable token.
        public Builder greedy() {
            return stage(NativeSampler::addGreedy);
        }

        /// Selects at random by probability. The same seed and logits give the same tokens.
        public Builder dist(int seed) {
            return stage(chain -> chain.addDist(seed));
        }

        /// Keeps the `k` most probable tokens; 0 keeps all.
        public Builder topK(int k) {
            return stage(chain -> chain.addTopK(k));
        }

        /// Keeps the most probable tokens that together reach probability `p`; 1 keeps all.
        public Builder topP(float p) {
            return topP(p, 1);
        }

        /// The same, keeping at least `minKeep`.
        public Builder topP(float p, int minKeep) {
            return stage(chain -> chain.addTopP(p, minKeep));
        }

        /// Keeps tokens at least `p` times as probable as the most probable; 0 keeps all.
        public Builder minP(float p) {
            return minP(p, 1);
        }

        /// The same, keeping at least `minKeep`.
        public Builder minP(float p, int minKeep) {
            return stage(chain -> chain.addMinP(p, minKeep));
        }

        /// Keeps the tokens of typical information content up to probability `p`; 1 keeps all.
        public Builder typical(float p) {
            return stage(chain -> chain.addTypical(p, 1));
        }

        /// Divides the logits; 0 keeps only the highest.
        public Builder temperature(float temperature) {
            return stage(chain -> chain.addTemperature(temperature, 0, 1));
        }

        /// A temperature between `temperature - delta` and `temperature + delta`, by the entropy of the choice raised to `exponent`.
        public Builder dynamicTemperature(float temperature, float delta, float exponent) {
            return stage(chain -> chain.addTemperature(temperature, delta, exponent));
        }

        /// Makes tokens of the last `lastN` less probable.
        ///
        /// @param repeat divides or multiplies their logits; above 0, and 1 for none
        /// @param frequency subtracted once for each time; 0 for none
        /// @param presence subtracted once; 0 for none
        public Builder penalties(int lastN, float repeat, float frequency, float presence) {
            remembersPrompt = true;
            return stage(chain -> chain.addPenalties(lastN, repeat, frequency, presence));
        }

        /// Makes the continuation of repeated passages less probable ("don't repeat yourself").
        ///
        /// @param multiplier the penalty's strength; 0 for none
        /// @param base how it grows with the passage's length
        /// @param allowedLength the longest passage without a penalty
        /// @param lastN how far back it looks; 0 for none
        /// @param breakers texts that end a passage, such as a line feed
        public Builder dry(float multiplier, float base, int allowedLength, int lastN, List<String> breakers) {
            remembersPrompt = true;
            List<String> copy = List.copyOf(breakers);
            return stage(chain -> chain.addDry(multiplier, base, allowedLength, lastN, copy));
        }

        /// With `probability`, removes all but the least probable of the tokens above `threshold`.
        public Builder xtc(float probability, float threshold, int seed) {
            return stage(chain -> chain.addXtc(probability, threshold, 1, seed));
        }

        /// Selects by Mirostat 1: surprise `tau`, learning rate `eta`, `m` tokens of the estimate (100 in the paper).
        public Builder mirostat(int seed, float tau, float eta, int m) {
            return stage(chain -> chain.addMirostat(seed, tau, eta, m));
        }

        /// Selects by Mirostat 2.
        public Builder mirostatV2(int seed, float tau, float eta) {
            return stage(chain -> chain.addMirostatV2(seed, tau, eta));
        }

        /// Adds to the logits of tokens; negative infinity forbids one.
        public Builder logitBias(Map<Integer, Float> biases) {
            Map<Integer, Float> copy = Map.copyOf(biases);
            return stage(chain -> chain.addLogitBias(copy));
        }

        // A grammar stands beside the chain: a token is chosen first, and where it is not allowed the chain chooses another one from those that are.

        /// Allows only what a constraint allows. One constraint, grammar or format a chain.
        public Builder constraint(Constraint constraint) {
            return switch (constraint) {
                case Constraint.None() -> this;
                case Constraint.JsonSchema(var schema) -> jsonSchema(schema);
                case Constraint.Grammar(var gbnf) -> grammar(gbnf);
                case Constraint.Regex(var pattern) -> stage(chain -> chain.addGrammar(NativeSampler.grammarFromPattern(pattern), "root"));
            };
        }

        /// Allows only what a rendered conversation asks of its answer, and bounds its reasoning.
        public Builder format(RenderedChat rendered, ReasoningOptions reasoning) {
            return stage(chain -> chain.addFormat(rendered.syntax(), reasoning.budget().orElse(-1), reasoning.message()));
        }

        /// Allows only what a GBNF grammar allows, from its rule `root`.
        public Builder grammar(String gbnf) {
            return grammar(gbnf, "root");
        }

        /// Allows only what a GBNF grammar allows, from a rule.
        public Builder grammar(String gbnf, String root) {
            return stage(chain -> chain.addGrammar(gbnf, root));
        }

        /// Allows only JSON of a schema, by llama.cpp's own conversion.
        public Builder jsonSchema(String schema) {
            return stage(chain -> chain.addGrammar(NativeSampler.grammarFromSchema(schema), "root"));
        }

        /// Makes the chain. The caller closes it.
        ///
        /// @throws IllegalArgumentException if a stage refuses its numbers
        /// @throws IllegalStateException if a stage follows a selecting one, if there are two grammars, or the model is closed
        /// @throws io.llatte.GrammarException if a grammar or schema cannot be parsed
        public Sampler build() {
            return model.newChild("sampler", scope -> {
                NativeSampler chain = NativeSampler.create(model.nativeModel());
                var sampler = new Sampler(model, scope, chain, remembersPrompt);
                stages.forEach(stage -> stage.accept(chain));
                return sampler;
            });
        }
    }
}
