package io.llatte.llama;

import io.llatte.internal.ffi.MemoryEntry;
import io.llatte.internal.ffi.NativeControl;
import io.llatte.internal.ffi.NativeLibrary;
import io.llatte.internal.ffi.NativeModel;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryPlan;
import io.llatte.memory.MemoryUsage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// A model's weights and vocabulary, loaded from a GGUF file. The caller closes it, or the arena that it was loaded into does. It may be
/// shared by threads; closing it closes its contexts first.
public final class Model implements AutoCloseable {

    private final Path path;
    private final ModelOptions options;
    private final DeviceArena arena;
    private final Gate gate;
    private final NativeModel nativeModel;
    private final Vocab vocab;
    private final ModelInfo info;
    private final Duration loadTime;

    private Model(Path path, ModelOptions options, DeviceArena arena, Gate gate, NativeModel nativeModel, Duration loadTime) {
        this.path = path;
        this.options = options;
        this.arena = arena;
        this.gate = gate;
        this.nativeModel = nativeModel;
        this.vocab = new Vocab(nativeModel.vocab());
        this.info = ModelInfo.of(nativeModel);
        this.loadTime = loadTime;
    }

    /// Loads with the default options.
    public static Model load(Path gguf, DeviceArena arena) {
        return load(gguf, ModelOptions.defaults(), arena);
    }

    /// Loads a model into an arena: planned, admitted against the arena's budget, loaded, charged.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing, broken or unsupported
    /// @throws io.llatte.InsufficientMemoryException if it does not fit the budget (nothing was touched) or the device (all was freed)
    /// @throws IllegalArgumentException if the options name a device that is not there
    public static Model load(Path gguf, ModelOptions options, DeviceArena arena) {
        return load(gguf, options, arena, NativeControl.forLoad(), NativeModel::load);
    }

    /// The same, telling a listener on the calling thread how far it is. Interrupting the thread cancels the load and keeps the interrupt.
    ///
    /// @throws java.util.concurrent.CancellationException if the listener or an interrupt stopped it; nothing stays loaded
    public static Model load(Path gguf, ModelOptions options, LoadListener listener, DeviceArena arena) {
        return load(gguf, options, arena, NativeControl.forLoad(), new ObservedLoad(listener)::load);
    }

    /// The native load, which may run beside a listener.
    interface Loader {
        NativeModel load(Path gguf, NativeModel.Params params, NativeControl control);
    }

    private static Model load(Path gguf, ModelOptions options, DeviceArena parent, NativeControl control, Loader loader) {
        NativeLibrary.load();
        String name = "model " + gguf.getFileName();
        NativeModel.Params params = options.toNative();
        if (!parent.budget().isUnlimited() && !options.vocabularyOnly()) {
            parent.admit(name, planOf(NativeModel.plan(gguf, params, null)));
        }
        DeviceArena arena = parent.newChild(name);
        try {
            // What is owned later is closed earlier: contexts and samplers, then the gate, begin, the model, confirm.
            var release = new DeviceRelease();
            arena.own(release::confirm);
            long start = System.nanoTime();
            NativeModel loaded = arena.ownOrClose(loader.load(gguf, params, control));
            List<MemoryUsage> usages = usagesOf(loaded.memory());
            release.expect(usages);
            arena.charge(usages);
            arena.own(release::begin);
            var gate = new Gate();
            arena.own(gate);
            return new Model(gguf, options, arena, gate, loaded, Duration.ofNanos(System.nanoTime() - start));
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /// The bytes that a model and one context of it would take, by device, without allocating them. A mapped file takes up to one alignment
    /// step less in each buffer type; beside a GPU it takes the stretch from the CPU's first tensor to its last.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing, broken or unsupported
    public static MemoryPlan plan(Path gguf, ModelOptions options, ContextOptions contextOptions) {
        NativeLibrary.load();
        return planOf(NativeModel.plan(gguf, options.toNative(), contextOptions.toNative()));
    }

    /// Writes a quantised copy of a model. The output appears under its name when it is whole.
    ///
    /// @throws io.llatte.ModelLoadException if the input is missing, broken or unsupported
    /// @throws IllegalArgumentException if the input is quantised already and the options do not allow that
    /// @throws UncheckedIOException if the output cannot be written
    public static void quantize(Path input, Path output, QuantizeOptions options) {
        NativeLibrary.load();
        Path part = output.resolveSibling(output.getFileName() + ".part");
        int threads = options.threads() == 0 ? CpuTopology.usableCores() : options.threads();
        try {
            NativeModel.quantize(input, part, options.type().code(), threads, options.allowRequantize(), options.pure());
            Files.move(part, output, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("writing " + output, e);
        } finally {
            deleteQuietly(part);
        }
    }

    private static void deleteQuietly(Path part) {
        try {
            Files.deleteIfExists(part);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + part, e);
        }
    }

    static MemoryPlan planOf(List<MemoryEntry> entries) {
        return new MemoryPlan(usagesOf(entries));
    }

    static List<MemoryUsage> usagesOf(List<MemoryEntry> entries) {
        return entries.stream()
                .map(entry -> new MemoryUsage(
                        entry.device(), entry.bufferType(), entry.modelBytes(), entry.contextBytes(), entry.computeBytes()))
                .filter(usage -> usage.totalBytes() > 0)
                .toList();
    }

    /// Makes a context in this model's arena: planned, admitted, allocated, charged. The caller closes it; so does closing the model.
    ///
    /// @throws io.llatte.InsufficientMemoryException if it does not fit the budget (nothing was touched) or the device (all was freed)
    /// @throws IllegalArgumentException if the options do not fit this model
    /// @throws IllegalStateException if the model is closed, or has no weights
    public Context newContext(ContextOptions contextOptions) {
        return gate.through(() -> Context.create(this, contextOptions.toNative(), arena));
    }

    /// Loads a LoRA adapter into this model's arena: planned, admitted, loaded, charged. The caller closes it; so does closing the model.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing, no adapter, or does not fit this model
    /// @throws io.llatte.InsufficientMemoryException if it does not fit the budget (nothing was touched) or the device
    /// @throws IllegalStateException if the model is closed
    public LoraAdapter loadAdapter(Path gguf) {
        return newChild("adapter " + gguf.getFileName(), scope -> LoraAdapter.load(gguf, this, scope));
    }

    /// The bytes that an adapter would take, without loading it.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing, no adapter, or does not fit this model
    public MemoryPlan planAdapter(Path gguf) {
        return LoraAdapter.plan(gguf, this);
    }

    /// Loads a projector, with which the model sees or hears, into this model's arena: planned, admitted, loaded, charged. The caller closes it; so does
    /// closing the model.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing, no projector, does not fit this model, or the model has M-RoPE positions, for which
    ///         pictures are not evaluated
    /// @throws io.llatte.InsufficientMemoryException if it does not fit the budget (nothing was touched) or the device
    /// @throws IllegalStateException if the model is closed
    public Projector loadProjector(Path gguf, ProjectorOptions options) {
        return newChild("projector " + gguf.getFileName(), scope -> Projector.load(gguf, options, this, scope));
    }

    /// A context of the layers for multi-token prediction alone.
    ///
    /// @throws io.llatte.SpeculationException if there are none, or they were not loaded
    Context newMtpContext(ContextOptions contextOptions) {
        return gate.through(() -> Context.create(this, contextOptions.toNative().ofMtpLayers(), arena));
    }

    /// Makes vectors of texts with a context of its own, planned, admitted and charged like any other. The caller closes it; so does closing the
    /// model.
    ///
    /// @throws UnsupportedOperationException if the model cannot: it has an encoder and a decoder, or is to rank and has no classification head
    /// @throws io.llatte.InsufficientMemoryException if it does not fit the budget (nothing was touched) or the device (all was freed)
    /// @throws IllegalArgumentException if the options do not fit this model
    /// @throws IllegalStateException if the model is closed, or has no weights
    public Embedder newEmbedder(EmbedderOptions embedderOptions) {
        return Embedder.open(this, embedderOptions);
    }

    /// How the model makes embeddings, and whether it does anything else.
    public EmbeddingInfo embeddingInfo() {
        return EmbeddingInfo.of(nativeModel.embeddingInfo());
    }

    /// Makes something that lives in this model's arena.
    <T> T newChild(String name, Function<DeviceArena, T> birth) {
        return gate.through(() -> {
            DeviceArena scope = arena.newChild(name);
            try {
                return birth.apply(scope);
            } catch (RuntimeException | Error e) {
                scope.close();
                throw e;
            }
        });
    }

    /// What the model is.
    public ModelInfo info() {
        return info;
    }

    /// The vocabulary, valid while the model is open.
    public Vocab vocab() {
        return vocab;
    }

    /// The source of the model's own chat template, if it has one; see [ChatTemplate#of(Model)].
    public Optional<String> chatTemplateSource() {
        return Optional.ofNullable(nativeModel.chatTemplate());
    }

    /// The file it was loaded from.
    public Path path() {
        return path;
    }

    /// How it was loaded.
    public ModelOptions options() {
        return options;
    }

    /// How long the load took.
    public Duration loadTime() {
        return loadTime;
    }

    public boolean isOpen() {
        return nativeModel.isOpen();
    }

    /// The `llama_model *`, for performance engineers who bind llama.cpp themselves. It must only be read, and not after this closes.
    public MemorySegment handle() {
        return nativeModel.llamaModel();
    }

    NativeModel nativeModel() {
        return nativeModel;
    }

    /// Closes the model's contexts, then frees it. Idempotent; waits for running calls.
    @Override
    public void close() {
        arena.close();
    }
}
