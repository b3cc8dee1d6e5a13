package io.llatte.internal.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Owns a `llatte_template`. Requests and answers are the JSON that `llatte.h` describes. Any thread.
public final class NativeTemplate implements AutoCloseable {

    private final NativeHandle handle;

    private NativeTemplate(MemorySegment raw) {
        handle = new NativeHandle("the chat template", raw, LlamaCpp::llatte_template_free);
    }

    /// The model's own template, or `source` with the model's BOS and EOS where it is not null.
    public static NativeTemplate of(NativeModel model, String source) {
        return create(model.handle().segment(), source, "", "");
    }

    public static NativeTemplate of(String source, String bos, String eos) {
        return create(MemorySegment.NULL, source, bos, eos);
    }

    private static NativeTemplate create(MemorySegment model, String source, String bos, String eos) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            MemorySegment text = source == null ? MemorySegment.NULL : scratch.allocateFrom(source, UTF_8);
            int status = LlamaCpp.llatte_template_create(
                    model, text, scratch.allocateFrom(bos, UTF_8), scratch.allocateFrom(eos, UTF_8), out, error);
            NativeStatus.check(status, error, "parsing a chat template");
            return new NativeTemplate(out.get(ValueLayout.ADDRESS, 0));
        }
    }

    public String source() {
        return NativeText.read("reading a chat template", (text, error) ->
                LlamaCpp.llatte_template_source(handle.segment(), text, error));
    }

    public String render(String request) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment json = scratch.allocateFrom(request, UTF_8);
            return NativeText.read("rendering a chat template", (text, error) ->
                    LlamaCpp.llatte_template_render(handle.segment(), json, text, error));
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
