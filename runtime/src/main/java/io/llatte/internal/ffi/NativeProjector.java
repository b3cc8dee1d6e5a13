package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.llatte_chunk;
import io.llatte.bindings.llatte_projector_info;
import io.llatte.bindings.llatte_projector_params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// Owns a `llatte_projector`. Encoding is for one thread at a time.
public final class NativeProjector implements AutoCloseable {

    /// How it is loaded; -1 for what the file says.
    public record Params(boolean gpu, int threads, int minImageTokens, int maxImageTokens) {

        private MemorySegment toNative(SegmentAllocator allocator) {
            MemorySegment target = llatte_projector_params.allocate(allocator);
            llatte_projector_params.use_gpu(target, gpu);
            llatte_projector_params.n_threads(target, threads);
            llatte_projector_params.image_min_tokens(target, minImageTokens);
            llatte_projector_params.image_max_tokens(target, maxImageTokens);
            return target;
        }
    }

    /// What it can do.
    public record Info(boolean vision, boolean audio, boolean nonCausal, int sampleRate, int embeddingLength) {
    }

    /// A part of a prompt: ids of a text (`media` is -1), or so many tokens of a picture or sound.
    public record Part(int[] ids, int tokens, int media, boolean nonCausal) {
    }

    private final NativeHandle handle;

    private NativeProjector(MemorySegment raw) {
        handle = new NativeHandle("the projector", raw, LlamaCpp::llatte_projector_free);
    }

    /// The bytes that loading would take.
    public static List<MemoryEntry> plan(Path path, Params params) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment file = NativeModel.pathOf(path, scratch);
            MemorySegment how = params.toNative(scratch);
            return MemoryEntry.read("planning the projector " + path,
                    (entries, capacity, count, error) -> LlamaCpp.llatte_projector_plan(file, how, entries, capacity, count, error));
        }
    }

    public static NativeProjector load(NativeModel model, Path path, Params params, String marker) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_projector_load(model.handle().segment(), NativeModel.pathOf(path, scratch), params.toNative(scratch),
                    scratch.allocateFrom(marker), out, error);
            NativeStatus.check(status, error, "loading the projector " + path);
            return new NativeProjector(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    public Info info() {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = llatte_projector_info.allocate(scratch);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(LlamaCpp.llatte_projector_get_info(handle.segment(), out, error), error, "reading the projector");
            return new Info(llatte_projector_info.vision(out), llatte_projector_info.audio(out), llatte_projector_info.non_causal(out),
                    llatte_projector_info.sample_rate(out), llatte_projector_info.n_embd(out));
        }
    }

    /// A text with media as tokens; owned by the caller.
    public Prompt tokenize(String text, boolean addSpecial, List<NativeMedia> media) {
        try (var scratch = Arena.ofConfined()) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            MemorySegment pointers = scratch.allocate(ValueLayout.ADDRESS, Math.max(1, media.size()));
            for (int i = 0; i < media.size(); i++) {
                pointers.setAtIndex(ValueLayout.ADDRESS, i, media.get(i).segment());
            }
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_media_prompt_create(handle.segment(), scratch.allocateFrom(ValueLayout.JAVA_BYTE, utf8.length == 0
                    ? new byte[1] : utf8), utf8.length, addSpecial, pointers, media.size(), out, error);
            NativeStatus.check(status, error, "tokenizing a text with %d pictures and sounds".formatted(media.size()));
            return new Prompt(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    /// Computes the embeddings of a part that is no text, `float[tokens][embeddingLength]`.
    public void encode(Prompt prompt, int part, MemorySegment embeddings) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_projector_encode(handle.segment(), prompt.handle.segment(), part, embeddings,
                    embeddings.byteSize() / Float.BYTES, error);
            NativeStatus.check(status, error, "encoding a picture or sound");
        }
    }

    MemorySegment segment() {
        return handle.segment();
    }

    public boolean isOpen() {
        return handle.isOpen();
    }

    @Override
    public void close() {
        handle.close();
    }

    /// Owns a `llatte_media_prompt`.
    public static final class Prompt implements AutoCloseable {

        private final NativeHandle handle;

        private Prompt(MemorySegment raw) {
            handle = new NativeHandle("the prompt", raw, LlamaCpp::llatte_media_prompt_free);
        }

        /// How many parts there are.
        public int size() {
            try (var scratch = Arena.ofConfined()) {
                MemorySegment out = scratch.allocate(ValueLayout.JAVA_INT);
                MemorySegment error = NativeStatus.newError(scratch);
                NativeStatus.check(LlamaCpp.llatte_media_prompt_size(handle.segment(), out, error), error, "reading a prompt");
                return out.get(ValueLayout.JAVA_INT, 0);
            }
        }

        /// A part; the projector must be open.
        public Part part(int index) {
            try (var scratch = Arena.ofConfined()) {
                MemorySegment out = llatte_chunk.allocate(scratch);
                MemorySegment error = NativeStatus.newError(scratch);
                NativeStatus.check(LlamaCpp.llatte_media_prompt_chunk(handle.segment(), index, out, error), error, "reading a prompt");
                int tokens = llatte_chunk.n_tokens(out);
                int media = llatte_chunk.media(out);
                int[] ids = media >= 0 ? new int[0]
                        : handle.guard(llatte_chunk.tokens(out), (long) tokens * Integer.BYTES).toArray(ValueLayout.JAVA_INT);
                return new Part(ids, tokens, media, llatte_chunk.non_causal(out));
            }
        }

        @Override
        public void close() {
            handle.close();
        }
    }
}
