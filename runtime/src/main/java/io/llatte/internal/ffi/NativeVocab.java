package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A model's vocabulary. Borrows the model; any thread.
public final class NativeVocab {

    private static final int PIECE_BYTES = 256;
    private static final int ANY_STACK_BYTES = 1024;
    private static final long STACK_BYTES_EACH = 512;
    private static final int MAX_TEXT_BYTES = 8 << 20;

    private final NativeHandle model;
    private final MemorySegment llamaVocab;

    NativeVocab(NativeHandle model, MemorySegment llamaVocab) {
        this.model = model;
        this.llamaVocab = model.guard(llamaVocab, 0);
    }

    private MemorySegment vocab() {
        model.segment();
        return llamaVocab;
    }

    /// Byte-pair vocabularies split text by regular expressions that recurse for each character: five thousand digits would overflow a Java
    /// thread's stack, which nothing catches.
    public int[] tokenize(byte[] utf8, boolean addSpecial, boolean parseSpecial) {
        if (utf8.length <= ANY_STACK_BYTES || type() != LlamaCpp.LLAMA_VOCAB_TYPE_BPE()) {
            return tokenizeHere(utf8, addSpecial, parseSpecial);
        }
        if (utf8.length > MAX_TEXT_BYTES) {
            throw new IllegalArgumentException("the text has %,d bytes, and %,d are tokenized at once".formatted(utf8.length, MAX_TEXT_BYTES));
        }
        return DeepStack.call(ANY_STACK_BYTES * STACK_BYTES_EACH + utf8.length * STACK_BYTES_EACH,
                () -> tokenizeHere(utf8, addSpecial, parseSpecial));
    }

    private int[] tokenizeHere(byte[] utf8, boolean addSpecial, boolean parseSpecial) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment text = scratch.allocate(Math.max(1, utf8.length));
            MemorySegment.copy(utf8, 0, text, ValueLayout.JAVA_BYTE, 0, utf8.length);
            MemorySegment count = scratch.allocate(ValueLayout.JAVA_INT);
            MemorySegment error = NativeStatus.newError(scratch);
            int capacity = utf8.length + 8;
            while (true) {
                MemorySegment tokens = scratch.allocate(ValueLayout.JAVA_INT, capacity);
                int status = LlamaCpp.llatte_vocab_tokenize(
                        model.segment(), text, utf8.length, tokens, capacity, addSpecial, parseSpecial, count, error);
                int needed = count.get(ValueLayout.JAVA_INT, 0);
                if (status == LlamaCpp.LLATTE_BUFFER_TOO_SMALL() && needed > capacity) {
                    capacity = needed;
                    continue;
                }
                NativeStatus.check(status, error, "tokenizing");
                return tokens.asSlice(0, (long) needed * Integer.BYTES).toArray(ValueLayout.JAVA_INT);
            }
        }
    }

    public byte[] detokenize(int[] ids, boolean removeSpecial, boolean unparseSpecial) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment tokens = scratch.allocate(ValueLayout.JAVA_INT, Math.max(1, ids.length));
            MemorySegment.copy(ids, 0, tokens, ValueLayout.JAVA_INT, 0, ids.length);
            MemorySegment length = scratch.allocate(ValueLayout.JAVA_INT);
            MemorySegment error = NativeStatus.newError(scratch);
            int capacity = ids.length * 8 + 16;
            while (true) {
                MemorySegment text = scratch.allocate(capacity);
                int status = LlamaCpp.llatte_vocab_detokenize(
                        model.segment(), tokens, ids.length, text, capacity, removeSpecial, unparseSpecial, length, error);
                int needed = length.get(ValueLayout.JAVA_INT, 0);
                if (status == LlamaCpp.LLATTE_BUFFER_TOO_SMALL() && needed > capacity) {
                    capacity = needed;
                    continue;
                }
                NativeStatus.check(status, error, "detokenizing");
                return text.asSlice(0, needed).toArray(ValueLayout.JAVA_BYTE);
            }
        }
    }

    public byte[] piece(int id, boolean special) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment length = scratch.allocate(ValueLayout.JAVA_INT);
            MemorySegment error = NativeStatus.newError(scratch);
            int capacity = PIECE_BYTES;
            while (true) {
                MemorySegment buffer = scratch.allocate(capacity);
                int status = LlamaCpp.llatte_vocab_piece(model.segment(), id, buffer, capacity, special, length, error);
                int needed = length.get(ValueLayout.JAVA_INT, 0);
                if (status == LlamaCpp.LLATTE_BUFFER_TOO_SMALL() && needed > capacity) {
                    capacity = needed;
                    continue;
                }
                NativeStatus.check(status, error, "reading a token's piece");
                return buffer.asSlice(0, needed).toArray(ValueLayout.JAVA_BYTE);
            }
        }
    }

    /// A token's entry: its text, score and attribute bits.
    public record Entry(String text, float score, int attributes) {
    }

    public Entry entry(int id) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment text = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment score = scratch.allocate(ValueLayout.JAVA_FLOAT);
            MemorySegment attributes = scratch.allocate(ValueLayout.JAVA_INT);
            MemorySegment error = NativeStatus.newError(scratch);
            NativeStatus.check(LlamaCpp.llatte_vocab_entry(model.segment(), id, text, score, attributes, error), error,
                    "reading a token's entry");
            String value = model.text(text.get(ValueLayout.ADDRESS, 0));
            return new Entry(value, score.get(ValueLayout.JAVA_FLOAT, 0), attributes.get(ValueLayout.JAVA_INT, 0));
        }
    }

    public int size() {
        return LlamaCpp.llama_vocab_n_tokens(vocab());
    }

    public int type() {
        return LlamaCpp.llama_vocab_type(vocab());
    }

    public boolean isEog(int id) {
        return LlamaCpp.llama_vocab_is_eog(vocab(), id);
    }

    public int fimPrefix() {
        return LlamaCpp.llama_vocab_fim_pre(vocab());
    }

    public int fimSuffix() {
        return LlamaCpp.llama_vocab_fim_suf(vocab());
    }

    public int fimMiddle() {
        return LlamaCpp.llama_vocab_fim_mid(vocab());
    }

    public int bos() {
        return LlamaCpp.llama_vocab_bos(vocab());
    }

    public int eos() {
        return LlamaCpp.llama_vocab_eos(vocab());
    }

    public int eot() {
        return LlamaCpp.llama_vocab_eot(vocab());
    }

    public int sep() {
        return LlamaCpp.llama_vocab_sep(vocab());
    }

    public boolean addsSep() {
        return LlamaCpp.llama_vocab_get_add_sep(vocab());
    }

    public int newline() {
        return LlamaCpp.llama_vocab_nl(vocab());
    }

    public boolean addsBos() {
        return LlamaCpp.llama_vocab_get_add_bos(vocab());
    }

    public boolean addsEos() {
        return LlamaCpp.llama_vocab_get_add_eos(vocab());
    }
}
