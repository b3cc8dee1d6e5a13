package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.GrammarException;
import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llama_logit_bias;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;

/// Owns a `llatte_sampler`. One thread at a time: the caller holds a lock.
public final class NativeSampler implements AutoCloseable {

    private final NativeModel model;
    private final NativeHandle handle;
    private final Arena memory = Arena.ofShared();
    private final MemorySegment error = NativeStatus.newError(memory);
    private final MemorySegment token = memory.allocate(ValueLayout.JAVA_INT);

    private NativeSampler(NativeModel model, MemorySegment raw) {
        this.model = model;
        this.handle = new NativeHandle("the sampler", raw, LlamaCpp::llatte_sampler_free);
    }

    /// An empty chain.
    public static NativeSampler create(NativeModel model) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(LlamaCpp.llatte_sampler_create(model.handle().segment(), out, error), error, "creating a sampler");
            return new NativeSampler(model, out.get(ValueLayout.ADDRESS, 0));
        }
    }

    public NativeSampler copy() {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            NativeStatus.check(LlamaCpp.llatte_sampler_clone(handle.segment(), out, error), error, "copying a sampler");
            return new NativeSampler(model, out.get(ValueLayout.ADDRESS, 0));
        }
    }

    /// The chain, while its model is open too: grammars and DRY read the model's vocabulary.
    MemorySegment chain() {
        model.handle().segment();
        return handle.segment();
    }

    /// The chain's address, for an array of such.
    long address() {
        return chain().address();
    }

    public boolean isOpen() {
        return handle.isOpen();
    }

    @Override
    public void close() {
        if (handle.isOpen()) {
            handle.close();
            memory.close();
        }
    }

    public int sample(NativeContext context, int row) {
        int status = LlamaCpp.llatte_sampler_sample(chain(), context.handle().segment(), row, token, error);
        NativeStatus.check(status, error, "sampling");
        return token.get(ValueLayout.JAVA_INT, 0);
    }

    public void accept(int id) {
        NativeStatus.check(LlamaCpp.llatte_sampler_accept(chain(), id, error), error, "accepting a token");
    }

    public void acceptPrompt(int[] ids) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment tokens = scratch.allocateFrom(ValueLayout.JAVA_INT, ids);
            NativeStatus.check(LlamaCpp.llatte_sampler_accept_prompt(chain(), tokens, ids.length, error), error, "accepting a prompt");
        }
    }

    public void reset() {
        NativeStatus.check(LlamaCpp.llatte_sampler_reset(chain(), error), error, "resetting a sampler");
    }

    public String describe() {
        return NativeText.read("describing a sampler", (text, callError) ->
                LlamaCpp.llatte_sampler_describe(chain(), text, callError));
    }

    private void added(int status, String stage) {
        NativeStatus.check(status, error, "adding " + stage + " to a sampler");
    }

    public void addGreedy() {
        added(LlamaCpp.llatte_sampler_add_greedy(chain(), error), "greedy");
    }

    public void addDist(int seed) {
        added(LlamaCpp.llatte_sampler_add_dist(chain(), seed, error), "dist");
    }

    public void addTopK(int k) {
        added(LlamaCpp.llatte_sampler_add_top_k(chain(), k, error), "top-k");
    }

    public void addTopP(float p, int minKeep) {
        added(LlamaCpp.llatte_sampler_add_top_p(chain(), p, minKeep, error), "top-p");
    }

    public void addMinP(float p, int minKeep) {
        added(LlamaCpp.llatte_sampler_add_min_p(chain(), p, minKeep, error), "min-p");
    }

    public void addTypical(float p, int minKeep) {
        added(LlamaCpp.llatte_sampler_add_typical(chain(), p, minKeep, error), "typical");
    }

    public void addTemperature(float temperature, float delta, float exponent) {
        added(LlamaCpp.llatte_sampler_add_temperature(chain(), temperature, delta, exponent, error), "temperature");
    }

    public void addPenalties(int lastN, float repeat, float frequency, float presence) {
        added(LlamaCpp.llatte_sampler_add_penalties(chain(), lastN, repeat, frequency, presence, error), "penalties");
    }

    public void addDry(float multiplier, float base, int allowedLength, int lastN, List<String> breakers) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment list = scratch.allocate(ValueLayout.ADDRESS, Math.max(1, breakers.size()));
            for (int i = 0; i < breakers.size(); i++) {
                list.setAtIndex(ValueLayout.ADDRESS, i, scratch.allocateFrom(breakers.get(i), UTF_8));
            }
            added(LlamaCpp.llatte_sampler_add_dry(chain(), multiplier, base, allowedLength, lastN, list, breakers.size(), error), "DRY");
        }
    }

    public void addXtc(float probability, float threshold, int minKeep, int seed) {
        added(LlamaCpp.llatte_sampler_add_xtc(chain(), probability, threshold, minKeep, seed, error), "XTC");
    }

    public void addMirostat(int seed, float tau, float eta, int m) {
        added(LlamaCpp.llatte_sampler_add_mirostat(chain(), seed, tau, eta, m, error), "mirostat");
    }

    public void addMirostatV2(int seed, float tau, float eta) {
        added(LlamaCpp.llatte_sampler_add_mirostat_v2(chain(), seed, tau, eta, error), "mirostat v2");
    }

    public void addLogitBias(Map<Integer, Float> biases) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment list = llama_logit_bias.allocateArray(Math.max(1, biases.size()), scratch);
            int i = 0;
            for (var bias : biases.entrySet()) {
                MemorySegment entry = llama_logit_bias.asSlice(list, i++);
                llama_logit_bias.token(entry, bias.getKey());
                llama_logit_bias.bias(entry, bias.getValue());
            }
            added(LlamaCpp.llatte_sampler_add_logit_bias(chain(), list, biases.size(), error), "logit bias");
        }
    }

    public void addGrammar(String grammar, String root) {
        try (var scratch = Arena.ofConfined()) {
            added(LlamaCpp.llatte_sampler_add_grammar(
                    chain(), scratch.allocateFrom(grammar, UTF_8), scratch.allocateFrom(root, UTF_8), error), "a grammar");
        }
    }

    public void addFormat(String format, int reasoningTokens, String reasoningMessage) {
        try (var scratch = Arena.ofConfined()) {
            added(LlamaCpp.llatte_sampler_add_format(chain(), scratch.allocateFrom(format, UTF_8), reasoningTokens,
                    scratch.allocateFrom(reasoningMessage, UTF_8), error), "a format");
        }
    }

    /// A GBNF grammar for text that matches a regular expression.
    public static String grammarFromPattern(String pattern) {
        if (pattern.indexOf('\0') >= 0) {
            throw new GrammarException("the pattern has a character 0");
        }
        try (var scratch = Arena.ofConfined()) {
            MemorySegment text = scratch.allocateFrom(pattern, UTF_8);
            return NativeText.read("converting a regular expression", (out, error) -> LlamaCpp.llatte_grammar_from_pattern(text, out, error));
        }
    }

    /// A GBNF grammar for a JSON schema.
    public static String grammarFromSchema(String schema) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment json = scratch.allocateFrom(schema, UTF_8);
            return NativeText.read("converting a JSON schema", (text, error) -> LlamaCpp.llatte_grammar_from_schema(json, text, error));
        }
    }
}
