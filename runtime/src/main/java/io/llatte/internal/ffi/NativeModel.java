package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llama_model_params;
import io.llatte.bindings.llama_model_quantize_params;
import io.llatte.bindings.llatte_embedding_info;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Owns a `llatte_model`. Any thread.
public final class NativeModel implements AutoCloseable {

    private static final int NAME_BYTES = 4096;
    private static final Runnable NOT_CANCELLABLE = () -> { };

    private final NativeHandle handle;
    private final MemorySegment llamaModel;
    private final NativeVocab vocab;

    private NativeModel(MemorySegment raw) {
        handle = new NativeHandle("the model", raw, LlamaCpp::llatte_model_free);
        llamaModel = handle.guard(LlamaCpp.llatte_model_handle(handle.segment()), 0);
        vocab = new NativeVocab(handle, LlamaCpp.llama_model_get_vocab(llamaModel));
    }

    /// What a load may be told; -1, an empty split and no list of devices mean llama.cpp's default. An empty list of devices is the CPU alone.
    public record Params(int gpuLayers, int splitMode, int loadMode, int mainGpu, List<Integer> devices, float[] tensorSplit,
                         boolean vocabOnly, boolean checkTensors, boolean extraBuffers, boolean mtpLayers) {
    }

    public static NativeModel load(Path path, Params params, NativeControl control) {
        try (var _ = ProcessEnd.enter(control::cancel); var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_model_load(pathOf(path, scratch), paramsOf(params, scratch), control.segment(), out, error);
            NativeStatus.check(status, error, "loading " + path);
            return new NativeModel(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    /// The bytes that loading would take, without `context` for the weights alone.
    public static List<MemoryEntry> plan(Path path, Params params, NativeContext.Params context) {
        try (var _ = ProcessEnd.enter(NOT_CANCELLABLE); var scratch = Arena.ofConfined()) {
            return MemoryEntry.plan(pathOf(path, scratch), paramsOf(params, scratch),
                    context == null ? MemorySegment.NULL : NativeContext.paramsOf(context, scratch), "planning " + path);
        }
    }

    public static void quantize(Path input, Path output, int fileType, int threads, boolean allowRequantize, boolean pure) {
        try (var _ = ProcessEnd.enter(NOT_CANCELLABLE); var scratch = Arena.ofConfined()) {
            MemorySegment params = llama_model_quantize_params.allocate(scratch);
            LlamaCpp.llatte_model_quantize_default_params(params);
            llama_model_quantize_params.ftype(params, fileType);
            llama_model_quantize_params.nthread(params, threads);
            llama_model_quantize_params.allow_requantize(params, allowRequantize);
            llama_model_quantize_params.pure(params, pure);
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_model_quantize(pathOf(input, scratch), pathOf(output, scratch), params, error);
            NativeStatus.check(status, error, "quantizing " + input);
        }
    }

    static MemorySegment pathOf(Path path, SegmentAllocator allocator) {
        return allocator.allocateFrom(path.toAbsolutePath().toString(), UTF_8);
    }

    static MemorySegment paramsOf(Params params, SegmentAllocator allocator) {
        MemorySegment target = llama_model_params.allocate(allocator);
        LlamaCpp.llatte_model_default_params(target);
        llama_model_params.n_gpu_layers(target, params.gpuLayers());
        llama_model_params.split_mode(target, params.splitMode());
        llama_model_params.load_mode(target, params.loadMode());
        llama_model_params.main_gpu(target, params.mainGpu());
        llama_model_params.vocab_only(target, params.vocabOnly());
        llama_model_params.check_tensors(target, params.checkTensors());
        llama_model_params.use_extra_bufts(target, params.extraBuffers());
        llama_model_params.load_mtp(target, params.mtpLayers());
        if (params.devices() != null) {
            MemorySegment list = allocator.allocate(ValueLayout.ADDRESS, params.devices().size() + 1L);
            for (int i = 0; i < params.devices().size(); i++) {
                list.setAtIndex(ValueLayout.ADDRESS, i, LlamaCpp.ggml_backend_dev_get(params.devices().get(i)));
            }
            list.setAtIndex(ValueLayout.ADDRESS, params.devices().size(), MemorySegment.NULL);
            llama_model_params.devices(target, list);
        }
        if (params.tensorSplit().length > 0) {
            // llama.cpp reads llama_max_devices() floats whatever the device count.
            long devices = LlamaCpp.llama_max_devices();
            if (params.tensorSplit().length > devices) {
                throw new IllegalArgumentException("tensorSplit has %d shares, and there are at most %d devices"
                        .formatted(params.tensorSplit().length, devices));
            }
            MemorySegment split = allocator.allocate(ValueLayout.JAVA_FLOAT, devices);
            MemorySegment.copy(params.tensorSplit(), 0, split, ValueLayout.JAVA_FLOAT, 0, params.tensorSplit().length);
            llama_model_params.tensor_split(target, split);
        }
        return target;
    }

    /// What `llatte_embedding_info` says.
    public record EmbeddingInfo(int pooling, int length, int rankOutputs, int positions, boolean causal, boolean logits) {
    }

    public EmbeddingInfo embeddingInfo() {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment info = llatte_embedding_info.allocate(scratch);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(LlamaCpp.llatte_model_embedding_info(handle.segment(), info, error), error, "reading how the model embeds");
            return new EmbeddingInfo(llatte_embedding_info.pooling(info), llatte_embedding_info.length(info),
                    llatte_embedding_info.rank_outputs(info), llatte_embedding_info.n_positions(info), llatte_embedding_info.causal(info),
                    llatte_embedding_info.logits(info));
        }
    }

    /// The bytes of the weights by buffer type.
    public List<MemoryEntry> memory() {
        return MemoryEntry.read("reading the model's memory", (entries, capacity, count, error) ->
                LlamaCpp.llatte_model_memory(handle.segment(), entries, capacity, count, error));
    }

    /// A control vector's numbers, those of the second layer first.
    public float[] readControlVector(Path path) {
        try (var scratch = Arena.ofConfined()) {
            int capacity = Math.multiplyExact(Math.max(1, layerCount()), embeddingLength());
            MemorySegment data = scratch.allocate(ValueLayout.JAVA_FLOAT, capacity);
            MemorySegment length = scratch.allocate(ValueLayout.JAVA_LONG);
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_control_vector_read(handle.segment(), pathOf(path, scratch), data, capacity, length, error);
            NativeStatus.check(status, error, "reading the control vector " + path);
            return data.asSlice(0, length.get(ValueLayout.JAVA_LONG, 0) * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /// The bytes of a context's first control vector.
    public List<MemoryEntry> planControlVector() {
        return MemoryEntry.read("planning a control vector", (entries, capacity, count, error) ->
                LlamaCpp.llatte_control_vector_plan(handle.segment(), entries, capacity, count, error));
    }

    NativeHandle handle() {
        return handle;
    }

    /// The `llama_model`, valid until this closes. A segment of length zero.
    public MemorySegment llamaModel() {
        handle.segment();
        return llamaModel;
    }

    public NativeVocab vocab() {
        return vocab;
    }

    public boolean isOpen() {
        return handle.isOpen();
    }

    @Override
    public void close() {
        handle.close();
    }

    public long parameterCount() {
        return LlamaCpp.llama_model_n_params(llamaModel());
    }

    public long sizeBytes() {
        return LlamaCpp.llama_model_size(llamaModel());
    }

    public String fileTypeName() {
        return textOf(LlamaCpp.llama_ftype_name(LlamaCpp.llama_model_ftype(llamaModel())));
    }

    public int trainingContextLength() {
        return LlamaCpp.llama_model_n_ctx_train(llamaModel());
    }

    public int layerCount() {
        return LlamaCpp.llama_model_n_layer(llamaModel());
    }

    public int embeddingLength() {
        return LlamaCpp.llama_model_n_embd(llamaModel());
    }

    /// 0 for a model without layers, such as a vocabulary: llama.cpp aborts there.
    public int headCount() {
        return layerCount() == 0 ? 0 : LlamaCpp.llama_model_n_head(llamaModel());
    }

    /// 0 as above.
    public int kvHeadCount() {
        return layerCount() == 0 ? 0 : LlamaCpp.llama_model_n_head_kv(llamaModel());
    }

    public int slidingWindow() {
        return LlamaCpp.llama_model_n_swa(llamaModel());
    }

    public boolean hasEncoder() {
        return LlamaCpp.llama_model_has_encoder(llamaModel());
    }

    public boolean hasDecoder() {
        return LlamaCpp.llama_model_has_decoder(llamaModel());
    }

    public boolean isRecurrent() {
        return LlamaCpp.llama_model_is_recurrent(llamaModel());
    }

    public boolean isHybrid() {
        return LlamaCpp.llama_model_is_hybrid(llamaModel());
    }

    public String description() {
        return text(buffer -> LlamaCpp.llama_model_desc(llamaModel(), buffer, NAME_BYTES));
    }

    /// The model's default chat template, or null.
    public String chatTemplate() {
        return handle.text(LlamaCpp.llama_model_chat_template(llamaModel(), MemorySegment.NULL));
    }

    /// The scalar metadata of the file, in its order.
    public Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        int count = LlamaCpp.llama_model_meta_count(llamaModel());
        for (int i = 0; i < count; i++) {
            int index = i;
            metadata.put(
                    text(buffer -> LlamaCpp.llama_model_meta_key_by_index(llamaModel(), index, buffer, buffer.byteSize())),
                    text(buffer -> LlamaCpp.llama_model_meta_val_str_by_index(llamaModel(), index, buffer, buffer.byteSize())));
        }
        return metadata;
    }

    /// Calls an snprintf-like getter, again with the size that it asked for where the first buffer was too small.
    private static String text(Function<MemorySegment, Integer> getter) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment buffer = scratch.allocate(NAME_BYTES);
            int length = getter.apply(buffer);
            if (length >= NAME_BYTES) {
                buffer = scratch.allocate(length + 1L);
                getter.apply(buffer);
            }
            return length < 0 ? "" : buffer.getString(0, UTF_8);
        }
    }

    /// A C string that lives as long as the library, or null.
    static String textOf(MemorySegment pointer) {
        return pointer.equals(MemorySegment.NULL) ? null : pointer.reinterpret(Long.MAX_VALUE).getString(0, UTF_8);
    }
}
