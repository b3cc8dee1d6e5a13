package io.llatte.llama;

import io.llatte.MediaException;
import io.llatte.internal.ffi.NativeLibrary;
import io.llatte.internal.ffi.NativeMedia;
import io.llatte.internal.ffi.NativeProjector;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryPlan;
import io.llatte.memory.MemoryUsage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/// What makes a model see and hear (an `mmproj` file, by llama.cpp's libmtmd): it turns pictures and sounds into embeddings, which the model reads in place
/// of tokens. It lies in the model's arena. The caller closes it; so does closing the model.
///
/// Any thread. Encoding takes turns; it computes beside the model's contexts, which may decode meanwhile.
public final class Projector implements AutoCloseable {

    /// What stands in a text for a picture or a sound. Made anew in each process: no text that a user writes has it by accident or guess.
    public static final String MARKER = "<__media_" + UUID.randomUUID().toString().replace("-", "") + "__>";

    private final Path path;
    private final Model model;
    private final DeviceArena scope;
    private final NativeProjector projector;
    private final NativeProjector.Info info;
    private final List<MemoryUsage> memory;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile long encodes;

    private Projector(Path path, Model model, DeviceArena scope, NativeProjector projector, List<MemoryUsage> memory) {
        this.path = path;
        this.model = model;
        this.scope = scope;
        this.projector = projector;
        this.info = projector.info();
        this.memory = memory;
    }

    static Projector load(Path gguf, ProjectorOptions options, Model model, DeviceArena scope) {
        MemoryPlan plan = plan(gguf, options);
        scope.admit("the projector " + gguf.getFileName(), plan);
        NativeProjector loaded = scope.ownOrClose(NativeProjector.load(model.nativeModel(), gguf, toNative(options), MARKER));
        // libmtmd tells what it takes before the load and not after: it is the same code that counts.
        scope.charge(plan.usages());
        return new Projector(gguf, model, scope, loaded, plan.usages());
    }

    /// The bytes that a projector would take, weights and buffers together; nothing is allocated on a device.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing or no projector
    public static MemoryPlan plan(Path gguf, ProjectorOptions options) {
        NativeLibrary.load();
        return Model.planOf(NativeProjector.plan(gguf, toNative(options)));
    }

    private static NativeProjector.Params toNative(ProjectorOptions options) {
        int threads = options.threads() == 0 ? CpuTopology.usableCores() : options.threads();
        return new NativeProjector.Params(options.gpu(), threads, options.minImageTokens().orElse(-1), options.maxImageTokens().orElse(-1));
    }

    /// The file it was loaded from.
    public Path path() {
        return path;
    }

    /// Whether it takes pictures.
    public boolean vision() {
        return info.vision();
    }

    /// Whether it takes sounds.
    public boolean audio() {
        return info.audio();
    }

    /// The samples per second that it hears, in Hz; -1 where it does not hear.
    public int sampleRate() {
        return info.sampleRate();
    }

    /// The bytes that it takes, weights and buffers together, as they were planned.
    public List<MemoryUsage> memory() {
        return memory;
    }

    /// How many pictures, parts of pictures and sounds it has encoded.
    public long encodes() {
        return encodes;
    }

    /// Decodes media and cuts a text at their markers, as llama.cpp's own tool does. The caller closes the result; it does not need the media any more.
    ///
    /// @param text with [#MARKER] once for each medium
    /// @param addSpecial whether the vocabulary's BOS and EOS are added, where it has them added
    /// @throws io.llatte.MediaException if a medium is broken, too large, or not for this projector
    /// @throws IllegalArgumentException if there are not as many markers as media
    /// @throws IllegalStateException if this is closed
    public MediaPrompt tokenize(String text, boolean addSpecial, List<? extends Media> media) {
        List<NativeMedia> decoded = new ArrayList<>();
        try {
            media.forEach(one -> decoded.add(decode(one)));
            return locked(() -> MediaPrompt.of(this, projector.tokenize(text, addSpecial, decoded), media));
        } finally {
            decoded.forEach(NativeMedia::close);
        }
    }

    private NativeMedia decode(Media media) {
        return switch (media) {
            case Image image when image.pixels() != null ->
                    NativeMedia.ofPixels(image.pixels().rgb(), image.pixels().width(), image.pixels().height());
            case Image image -> NativeMedia.ofImage(image.file(), Image.MAX_PIXELS);
            case Audio audio when audio.file() != null -> NativeMedia.ofAudio(projector, audio.file(), (int) Audio.MAX_LENGTH.toSeconds());
            case Audio audio -> {
                if (audio.sampleRate() != sampleRate()) {
                    throw new MediaException("samples of %d Hz, and the projector hears %d".formatted(audio.sampleRate(), sampleRate()));
                }
                yield NativeMedia.ofSamples(audio.samples());
            }
        };
    }

    /// Computes a part's embeddings.
    MediaEmbeddings encode(NativeProjector.Prompt prompt, int index, MediaPart part) {
        return locked(() -> {
            var embeddings = new MediaEmbeddings(model, part.tokens(), info.embeddingLength(), part.nonCausal(), part.ids());
            projector.encode(prompt, index, embeddings.segment());
            encodes++;
            return embeddings;
        });
    }

    private <T> T locked(Supplier<T> call) {
        lock.lock();
        try {
            return call.get();
        } finally {
            lock.unlock();
        }
    }

    public boolean isOpen() {
        return projector.isOpen();
    }

    /// Frees it. Idempotent; waits for a running call.
    @Override
    public void close() {
        scope.close();
    }
}
