package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Owns a `llatte_media`: pixels or samples in native memory.
public final class NativeMedia implements AutoCloseable {

    private final NativeHandle handle;

    private NativeMedia(MemorySegment raw) {
        handle = new NativeHandle("the picture or sound", raw, LlamaCpp::llatte_media_free);
    }

    private interface Maker {
        int make(MemorySegment out, MemorySegment error);
    }

    private static NativeMedia make(Arena scratch, String action, Maker maker) {
        MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
        MemorySegment error = NativeStatus.newError(scratch);
        NativeStatus.check(maker.make(out, error), error, action);
        return new NativeMedia(out.get(ValueLayout.ADDRESS, 0));
    }

    public static NativeMedia ofImage(byte[] file, long maxPixels) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment data = scratch.allocateFrom(ValueLayout.JAVA_BYTE, file);
            return make(scratch, "decoding a picture", (out, error) -> LlamaCpp.llatte_media_from_image(data, file.length, maxPixels, out, error));
        }
    }

    public static NativeMedia ofPixels(byte[] rgb, int width, int height) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment data = scratch.allocateFrom(ValueLayout.JAVA_BYTE, rgb);
            return make(scratch, "taking a picture", (out, error) -> LlamaCpp.llatte_media_from_pixels(data, width, height, out, error));
        }
    }

    public static NativeMedia ofAudio(NativeProjector projector, byte[] file, int maxSeconds) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment data = scratch.allocateFrom(ValueLayout.JAVA_BYTE, file);
            return make(scratch, "decoding a sound",
                    (out, error) -> LlamaCpp.llatte_media_from_audio(projector.segment(), data, file.length, maxSeconds, out, error));
        }
    }

    public static NativeMedia ofSamples(float[] samples) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment data = scratch.allocateFrom(ValueLayout.JAVA_FLOAT, samples);
            return make(scratch, "taking a sound", (out, error) -> LlamaCpp.llatte_media_from_samples(data, samples.length, out, error));
        }
    }

    MemorySegment segment() {
        return handle.segment();
    }

    @Override
    public void close() {
        handle.close();
    }
}
