package io.llatte.llama;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A picture, a piece of one, or a sound, as a model reads it: `float[tokens][embeddingLength]` in native memory, which is collected with this object.
public final class MediaEmbeddings {

    private final Model model;
    private final int tokens;
    private final int embeddingLength;
    private final boolean nonCausal;
    private final int[] ids;
    private final MemorySegment segment;

    MediaEmbeddings(Model model, int tokens, int embeddingLength, boolean nonCausal, int[] ids) {
        this.model = model;
        this.tokens = tokens;
        this.embeddingLength = embeddingLength;
        this.nonCausal = nonCausal;
        this.ids = ids;
        this.segment = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, (long) tokens * embeddingLength);
    }

    /// Positions that it takes.
    public int tokens() {
        return tokens;
    }

    /// Floats of each.
    public int embeddingLength() {
        return embeddingLength;
    }

    /// Whether it must be evaluated in one micro-batch.
    public boolean nonCausal() {
        return nonCausal;
    }

    /// Bytes of memory that it takes.
    public long byteSize() {
        return segment.byteSize();
    }

    /// The model that reads them.
    Model model() {
        return model;
    }

    int[] ids() {
        return ids;
    }

    MemorySegment segment() {
        return segment;
    }
}
