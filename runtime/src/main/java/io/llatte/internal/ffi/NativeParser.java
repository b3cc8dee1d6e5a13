package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Owns a `llatte_parser`. Answers are the JSON that `llatte.h` describes. Any thread.
public final class NativeParser implements AutoCloseable {

    private final NativeHandle handle;

    private NativeParser(MemorySegment raw) {
        handle = new NativeHandle("the answer's parser", raw, LlamaCpp::llatte_parser_free);
    }

    /// @param syntax what rendering a conversation answered
    public static NativeParser of(String syntax) {
        NativeLibrary.load();
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(LlamaCpp.llatte_parser_create(scratch.allocateFrom(syntax, UTF_8), out, error), error, "making an answer's parser");
            return new NativeParser(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    public String parse(String output, boolean partial) {
        try (var scratch = Arena.ofConfined()) {
            byte[] utf8 = output.getBytes(UTF_8);
            MemorySegment bytes = scratch.allocate(Math.max(1, utf8.length));
            MemorySegment.copy(utf8, 0, bytes, ValueLayout.JAVA_BYTE, 0, utf8.length);
            return NativeText.read("parsing a model's output", (text, error) ->
                    LlamaCpp.llatte_parser_parse(handle.segment(), bytes, utf8.length, partial, text, error));
        }
    }

    public boolean isOpen() {
        return handle.isOpen();
    }

    @Override
    public void close() {
        handle.close();
    }
}
