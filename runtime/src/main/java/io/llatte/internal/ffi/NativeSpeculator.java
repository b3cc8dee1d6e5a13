package io.llatte.internal.ffi;

import io.llatte.bindings.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Owns a `llatte_speculator` and the scratch memory of its calls. One thread at a time: the caller holds a lock. Closed before its contexts.
public final class NativeSpeculator implements AutoCloseable {

    private final NativeHandle handle;
    private final Arena memory = Arena.ofShared();
    private final MemorySegment error = NativeStatus.newError(memory);
    private final MemorySegment drafted = memory.allocate(ValueLayout.JAVA_INT);
    private final MemorySegment tokens;
    private final MemorySegment draft;

    private NativeSpeculator(MemorySegment raw, int longestHistory, int longestDraft) {
        this.handle = new NativeHandle("the speculator", raw, LlamaCpp::llatte_speculator_free);
        this.tokens = memory.allocate(ValueLayout.JAVA_INT, longestHistory);
        this.draft = memory.allocate(ValueLayout.JAVA_INT, longestDraft);
    }

    /// What guesses.
    public enum Kind {
        DRAFT_MODEL, MTP, NGRAM_SIMPLE, NGRAM_MAP, NGRAM_MOD;

        private int code() {
            return switch (this) {
                case DRAFT_MODEL -> LlamaCpp.LLATTE_DRAFT_MODEL();
                case MTP -> LlamaCpp.LLATTE_DRAFT_MTP();
                case NGRAM_SIMPLE -> LlamaCpp.LLATTE_DRAFT_NGRAM_SIMPLE();
                case NGRAM_MAP -> LlamaCpp.LLATTE_DRAFT_NGRAM_MAP();
                case NGRAM_MOD -> LlamaCpp.LLATTE_DRAFT_NGRAM_MOD();
            };
        }
    }

    /// What a speculator may be told.
    public record Params(Kind kind, int maxTokens, int match, float minProbability) {
    }

    /// @param draft the context of a draft model or of MTP layers, or null
    public static NativeSpeculator create(NativeContext target, NativeContext draft, Params params) {
        try (var scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            MemorySegment error = NativeStatus.newError(scratch);
            int status = LlamaCpp.llatte_speculator_create(target.handle().segment(), draft == null ? MemorySegment.NULL : draft.handle().segment(),
                    params.kind().code(), params.maxTokens(), params.match(), params.minProbability(), out, error);
            NativeStatus.check(status, error, "preparing speculation");
            return new NativeSpeculator(out.get(ValueLayout.ADDRESS, 0), target.sequenceLength(), params.maxTokens());
        }
    }

    public void begin(int[] prompt, int count) {
        NativeStatus.check(LlamaCpp.llatte_speculator_begin(handle.segment(), copy(prompt, 0, count), count, error), error,
                "beginning speculation");
    }

    public void process(int[] ids, int from, int to, int firstPosition) {
        int status = LlamaCpp.llatte_speculator_process(handle.segment(), copy(ids, from, to), to - from, firstPosition, error);
        NativeStatus.check(status, error, "showing tokens to the MTP layers");
    }

    public int draft(int[] history, int count, int last, int[] out, int max) {
        int most = Math.min(max, (int) (draft.byteSize() / Integer.BYTES));
        int status = LlamaCpp.llatte_speculator_draft(handle.segment(), copy(history, 0, count), count, last, draft, most, drafted, error);
        NativeStatus.check(status, error, "drafting");
        int size = drafted.get(ValueLayout.JAVA_INT, 0);
        MemorySegment.copy(draft, ValueLayout.JAVA_INT, 0, out, 0, size);
        return size;
    }

    public void accept(int accepted) {
        NativeStatus.check(LlamaCpp.llatte_speculator_accept(handle.segment(), accepted, error), error, "accepting a draft");
    }

    private MemorySegment copy(int[] ids, int from, int to) {
        MemorySegment.copy(ids, from, tokens, ValueLayout.JAVA_INT, 0, to - from);
        return tokens;
    }

    @Override
    public void close() {
        if (handle.isOpen()) {
            handle.close();
            memory.close();
        }
    }
}
