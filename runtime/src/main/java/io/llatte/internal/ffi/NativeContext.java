package io.llatte.internal.ffi;

import io.llatte.SavedStateException;
import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llama_context_params;
import io.llatte.bindings.llama_perf_context_data;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.List;

/// Owns a `llatte_context` and the scratch memory of its calls. One thread at a time: the caller holds a lock.
public final class NativeContext implements AutoCloseable {

    /// An array has room for it, and for the ids of its tokens.
    private static final long MAX_STATE_BYTES = 2_000_000_000;

    private final NativeHandle handle;
    private final MemorySegment llamaContext;
    private final Arena memory;
    private final NativeControl control;
    private final MemorySegment error;
    private final MemorySegment out;

    private NativeContext(MemorySegment raw, Arena memory, NativeControl control) {
        this.handle = new NativeHandle("the context", raw, LlamaCpp::llatte_context_free, control::cancel);
        this.llamaContext = handle.guard(LlamaCpp.llatte_context_handle(handle.segment()), 0);
        this.memory = memory;
        this.control = control;
        this.error = NativeStatus.newError(memory);
        this.out = memory.allocate(16, 8);
    }

    /// What a context may be told; the enums are llama.cpp's numbers, and 0 or -1 mean its default where it says so.
    public record Params(int contextLength, int batchSize, int microBatchSize, int maxSequences, int threads, int batchThreads,
                         int keyType, int valueType, int flashAttention, int pooling, boolean embeddings, boolean offloadKv,
                         boolean unifiedKv, boolean fullSlidingWindow, int recurrentRollback, boolean mtp) {

        /// The same, evaluating the layers for multi-token prediction and not the model.
        public Params ofMtpLayers() {
            return new Params(contextLength, batchSize, microBatchSize, maxSequences, threads, batchThreads, keyType, valueType, flashAttention,
                    pooling, embeddings, offloadKv, unifiedKv, fullSlidingWindow, recurrentRollback, true);
        }
    }

    public static NativeContext create(NativeModel model, Params params) {
        // The abort callback reads the control for as long as the context lives, so it is freed after the context, by hand.
        Arena memory = Arena.ofShared();
        try (var scratch = Arena.ofConfined()) {
            var control = new NativeControl(memory);
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_context_create(
                    model.handle().segment(), paramsOf(params, scratch), control.segment(), out, error);
            NativeStatus.check(status, error, "creating a context of " + params.contextLength() + " tokens");
            return new NativeContext(out.get(ValueLayout.ADDRESS, 0), memory, control);
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
    }

    static MemorySegment paramsOf(Params params, SegmentAllocator allocator) {
        MemorySegment target = llama_context_params.allocate(allocator);
        LlamaCpp.llatte_context_default_params(target);
        llama_context_params.n_ctx(target, params.contextLength());
        llama_context_params.n_batch(target, params.batchSize());
        llama_context_params.n_ubatch(target, params.microBatchSize());
        llama_context_params.n_seq_max(target, params.maxSequences());
        llama_context_params.n_threads(target, params.threads());
        llama_context_params.n_threads_batch(target, params.batchThreads());
        llama_context_params.type_k(target, params.keyType());
        llama_context_params.type_v(target, params.valueType());
        llama_context_params.flash_attn_type(target, params.flashAttention());
        llama_context_params.pooling_type(target, params.pooling());
        llama_context_params.embeddings(target, params.embeddings());
        llama_context_params.offload_kqv(target, params.offloadKv());
        llama_context_params.kv_unified(target, params.unifiedKv());
        llama_context_params.swa_full(target, params.fullSlidingWindow());
        llama_context_params.no_perf(target, false);
        llama_context_params.n_rs_seq(target, params.recurrentRollback());
        if (params.mtp()) {
            llama_context_params.ctx_type(target, LlamaCpp.LLAMA_CONTEXT_TYPE_MTP());
        }
        return target;
    }

    NativeHandle handle() {
        return handle;
    }

    public NativeControl control() {
        return control;
    }

    /// The `llama_context`, valid until this closes. A segment of length zero.
    public MemorySegment llamaContext() {
        handle.segment();
        return llamaContext;
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

    public int contextLength() {
        return LlamaCpp.llama_n_ctx(llamaContext());
    }

    public int sequenceLength() {
        return LlamaCpp.llama_n_ctx_seq(llamaContext());
    }

    public int batchSize() {
        return LlamaCpp.llama_n_batch(llamaContext());
    }

    public int microBatchSize() {
        return LlamaCpp.llama_n_ubatch(llamaContext());
    }

    public int threads() {
        return LlamaCpp.llama_n_threads(llamaContext());
    }

    public int batchThreads() {
        return LlamaCpp.llama_n_threads_batch(llamaContext());
    }

    public boolean hasCache() {
        return !LlamaCpp.llama_get_memory(llamaContext()).equals(MemorySegment.NULL);
    }

    public int maxSequences() {
        return LlamaCpp.llama_n_seq_max(llamaContext());
    }

    public void decode(NativeBatch batch) {
        if (batch.causal()) {
            decodeRows(batch);
            return;
        }
        setCausal(false);
        try {
            decodeRows(batch);
        } finally {
            // A context that has failed an assertion refuses this, and everything else.
            LlamaCpp.llatte_context_set_causal(handle.segment(), true, MemorySegment.NULL);
        }
    }

    private void decodeRows(NativeBatch batch) {
        int status = LlamaCpp.llatte_context_decode(handle.segment(), batch.size(), batch.tokens(), batch.embeddings(), batch.positions(),
                batch.sequenceCounts(), batch.sequences(), 1, batch.outputs(), error);
        NativeStatus.check(status, error, "decoding a batch");
    }

    private void setCausal(boolean causal) {
        int status = LlamaCpp.llatte_context_set_causal(handle.segment(), causal, error);
        NativeStatus.check(status, error, "changing the attention");
    }

    public void encode(NativeBatch batch) {
        int status = LlamaCpp.llatte_context_encode(handle.segment(), batch.size(), batch.tokens(), batch.embeddings(), batch.positions(),
                batch.sequenceCounts(), batch.sequences(), 1, batch.outputs(), error);
        NativeStatus.check(status, error, "encoding a batch");
    }

    /// The row's scores, `float[vocabSize]`, borrowed until the next decode.
    public MemorySegment logits(int row, int vocabSize) {
        NativeStatus.check(LlamaCpp.llatte_context_logits(handle.segment(), row, out, error), error, "reading logits");
        return out.get(ValueLayout.ADDRESS, 0).reinterpret((long) vocabSize * Float.BYTES);
    }

    /// Fills an entry for a token at a row; it says how many alternatives it wants.
    public void logprobs(int row, int token, NativeLogprobs target, int index) {
        int status = LlamaCpp.llatte_context_logprobs(handle.segment(), row, token, target.row(index), error);
        NativeStatus.check(status, error, "computing log-probabilities");
    }

    public float[] embeddings(int row) {
        MemorySegment length = out.asSlice(8, ValueLayout.JAVA_INT);
        NativeStatus.check(LlamaCpp.llatte_context_embeddings(handle.segment(), row, out, length, error), error, "reading embeddings");
        return floats(length.get(ValueLayout.JAVA_INT, 0));
    }

    public float[] sequenceEmbeddings(int sequence) {
        MemorySegment length = out.asSlice(8, ValueLayout.JAVA_INT);
        NativeStatus.check(LlamaCpp.llatte_context_sequence_embeddings(handle.segment(), sequence, out, length, error), error,
                "reading a sequence's embedding");
        return floats(length.get(ValueLayout.JAVA_INT, 0));
    }

    private float[] floats(int length) {
        return out.get(ValueLayout.ADDRESS, 0).reinterpret((long) length * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
    }

    public void synchronize() {
        NativeStatus.check(LlamaCpp.llatte_context_synchronize(handle.segment(), error), error, "waiting for the device");
    }

    public void setThreads(int threads, int batchThreads) {
        NativeStatus.check(LlamaCpp.llatte_context_set_threads(handle.segment(), threads, batchThreads, error), error, "setting threads");
    }

    public void clear() {
        NativeStatus.check(LlamaCpp.llatte_context_clear(handle.segment(), error), error, "clearing the context");
    }

    public void removeSequence(int sequence, int from, int to) {
        NativeStatus.check(LlamaCpp.llatte_sequence_remove(handle.segment(), sequence, from, to, error), error, "removing tokens");
    }

    public void copySequence(int source, int destination, int from, int to) {
        NativeStatus.check(LlamaCpp.llatte_sequence_copy(handle.segment(), source, destination, from, to, error), error,
                "copying a sequence");
    }

    public void shiftSequence(int sequence, int from, int to, int delta) {
        NativeStatus.check(LlamaCpp.llatte_sequence_shift(handle.segment(), sequence, from, to, delta, error), error,
                "shifting a sequence");
    }

    /// Puts a chain into the graph for a sequence; null takes out what is there.
    ///
    /// @return whether the graph runs the whole chain; otherwise nothing has changed
    public boolean setSampler(int sequence, NativeSampler sampler) {
        MemorySegment chain = sampler == null ? MemorySegment.NULL : sampler.chain();
        NativeStatus.check(LlamaCpp.llatte_context_set_sampler(handle.segment(), sequence, chain, out, error), error, "attaching a sampler");
        return sampler != null && out.get(ValueLayout.JAVA_BOOLEAN, 0);
    }

    public void setAdapters(List<NativeAdapter> adapters, float[] scales) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment list = scratch.allocate(ValueLayout.ADDRESS, Math.max(1, adapters.size()));
            for (int i = 0; i < adapters.size(); i++) {
                list.setAtIndex(ValueLayout.ADDRESS, i, adapters.get(i).segment());
            }
            NativeStatus.check(LlamaCpp.llatte_context_set_adapters(handle.segment(), list, scratch.allocateFrom(ValueLayout.JAVA_FLOAT, scales),
                    adapters.size(), error), error, "setting adapters");
        }
    }

    /// @param directions null for none
    public void setControlVector(float[] directions) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment data = directions == null ? MemorySegment.NULL : scratch.allocateFrom(ValueLayout.JAVA_FLOAT, directions);
            NativeStatus.check(LlamaCpp.llatte_context_set_control_vector(handle.segment(), data, directions == null ? 0 : directions.length, error),
                    error, "setting a control vector");
        }
    }

    public int firstPosition(int sequence) {
        readRange(sequence);
        return out.get(ValueLayout.JAVA_INT, 0);
    }

    public int lastPosition(int sequence) {
        readRange(sequence);
        return out.get(ValueLayout.JAVA_INT, 8);
    }

    private void readRange(int sequence) {
        NativeStatus.check(LlamaCpp.llatte_sequence_range(handle.segment(), sequence, out, out.asSlice(8, ValueLayout.JAVA_INT), error),
                error, "reading a sequence's range");
    }

    public byte[] saveSequence(int sequence) {
        NativeStatus.check(LlamaCpp.llatte_state_size(handle.segment(), sequence, out, error), error, "measuring a sequence's state");
        long size = out.get(ValueLayout.JAVA_LONG, 0);
        if (size > MAX_STATE_BYTES) {
            throw new SavedStateException("the sequence's state has %d bytes, and at most %d can be saved".formatted(size, MAX_STATE_BYTES));
        }
        try (var scratch = Arena.ofConfined()) {
            MemorySegment state = scratch.allocate(size);
            NativeStatus.check(LlamaCpp.llatte_state_save(handle.segment(), sequence, state, size, out, error), error,
                    "saving a sequence's state");
            return state.asSlice(0, out.get(ValueLayout.JAVA_LONG, 0)).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    public void restoreSequence(int sequence, byte[] state) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment source = scratch.allocate(Math.max(1, state.length), 8);
            MemorySegment.copy(state, 0, source, ValueLayout.JAVA_BYTE, 0, state.length);
            NativeStatus.check(LlamaCpp.llatte_state_restore(handle.segment(), sequence, source, state.length, error), error,
                    "restoring a sequence's state");
        }
    }

    public List<MemoryEntry> memory() {
        return MemoryEntry.read("reading the context's memory", (entries, capacity, count, callError) ->
                LlamaCpp.llatte_context_memory(handle.segment(), entries, capacity, count, callError));
    }

    /// llama.cpp's own counters.
    public record Perf(double promptMillis, double generationMillis, int promptTokens, int generatedTokens, int reusedGraphs) {
    }

    public Perf perf() {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment data = llama_perf_context_data.allocate(scratch);
            NativeStatus.check(LlamaCpp.llatte_context_perf(handle.segment(), data, error), error, "reading performance counters");
            return new Perf(llama_perf_context_data.t_p_eval_ms(data), llama_perf_context_data.t_eval_ms(data),
                    llama_perf_context_data.n_p_eval(data), llama_perf_context_data.n_eval(data),
                    llama_perf_context_data.n_reused(data));
        }
    }
}
