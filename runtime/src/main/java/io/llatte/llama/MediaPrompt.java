package io.llatte.llama;

import io.llatte.internal.ffi.NativeProjector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A text with pictures and sounds, as tokens: what is text has the vocabulary's ids, the rest is to be encoded. The caller closes it. Any thread.
public final class MediaPrompt implements AutoCloseable {

    private final Projector projector;
    private final NativeProjector.Prompt prompt;
    private final int[] ids;
    private final List<MediaPart> parts;
    private final List<Integer> indices;

    private MediaPrompt(Projector projector, NativeProjector.Prompt prompt, int[] ids, List<MediaPart> parts, List<Integer> indices) {
        this.projector = projector;
        this.prompt = prompt;
        this.ids = ids;
        this.parts = List.copyOf(parts);
        this.indices = List.copyOf(indices);
    }

    static MediaPrompt of(Projector projector, NativeProjector.Prompt prompt, List<? extends Media> media) {
        try {
            List<MediaPart> parts = new ArrayList<>();
            List<Integer> indices = new ArrayList<>();
            Map<Integer, Integer> pieces = new HashMap<>();
            int[] ids = new int[0];
            int size = prompt.size();
            for (int i = 0; i < size; i++) {
                NativeProjector.Part part = prompt.part(i);
                int[] more = part.ids();
                if (part.media() >= 0) {
                    int piece = pieces.merge(part.media(), 1, Integer::sum);
                    more = MediaPart.idsOf(media.get(part.media()).contentHash(), piece, part.tokens());
                    parts.add(new MediaPart(ids.length, part.tokens(), part.nonCausal(), part.media(), more));
                    indices.add(i);
                }
                int before = ids.length;
                ids = Arrays.copyOf(ids, before + more.length);
                System.arraycopy(more, 0, ids, before, more.length);
            }
            return new MediaPrompt(projector, prompt, ids, parts, indices);
        } catch (RuntimeException | Error e) {
            prompt.close();
            throw e;
        }
    }

    /// The prompt's ids, negative where a picture or a sound is; a copy.
    public int[] ids() {
        return ids.clone();
    }

    /// What is to be encoded, in order.
    public List<MediaPart> parts() {
        return parts;
    }

    /// Computes the embeddings of one of [#parts()]; those of a picture take from milliseconds to many seconds.
    ///
    /// @throws io.llatte.DecodeException if libmtmd failed; the projector is then of no further use
    /// @throws IllegalArgumentException if the part is of another prompt
    /// @throws IllegalStateException if this or the projector is closed
    public MediaEmbeddings encode(MediaPart part) {
        int at = parts.indexOf(part);
        if (at < 0) {
            throw new IllegalArgumentException("the part at %d is not one of the prompt's %d".formatted(part.from(), parts.size()));
        }
        return projector.encode(prompt, indices.get(at), part);
    }

    @Override
    public void close() {
        prompt.close();
    }
}
