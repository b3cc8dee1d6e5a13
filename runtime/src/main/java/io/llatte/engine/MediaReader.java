package io.llatte.engine;

import io.llatte.MediaException;
import io.llatte.llama.Media;
import io.llatte.llama.MediaEmbeddings;
import io.llatte.llama.MediaPart;
import io.llatte.llama.MediaPrompt;
import io.llatte.llama.Projector;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Gives prompts with pictures and sounds their embeddings, on the thread that asks. What was used last is remembered and not encoded again. Any thread.
final class MediaReader {

    /// Of the embeddings that are remembered.
    private static final long MOST_BYTES = 128L << 20;

    private final Projector projector;
    private final int microBatchSize;
    private final Map<IntBuffer, MediaEmbeddings> known = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    MediaReader(Projector projector, int microBatchSize) {
        this.projector = projector;
        this.microBatchSize = microBatchSize;
    }

    Projector projector() {
        return projector;
    }

    MediaPrompt tokenize(String text, boolean addSpecial, List<Media> media) {
        return projector.tokenize(text, addSpecial, media);
    }

    /// The embeddings of a prompt's media.
    ///
    /// @throws MediaException if one must be evaluated at once and is larger than a micro-batch
    synchronized PromptMedia encode(MediaPrompt prompt) {
        List<PromptMedia.Part> parts = new ArrayList<>();
        for (MediaPart part : prompt.parts()) {
            if (part.nonCausal() && part.tokens() > microBatchSize) {
                throw new MediaException("a picture of %d tokens that attend to one another, and a micro-batch has %d: see EngineOptions.microBatchSize"
                        .formatted(part.tokens(), microBatchSize));
            }
            parts.add(new PromptMedia.Part(part.from(), embeddings(prompt, part)));
        }
        return new PromptMedia(List.copyOf(parts));
    }

    private MediaEmbeddings embeddings(MediaPrompt prompt, MediaPart part) {
        IntBuffer key = IntBuffer.wrap(part.ids());
        MediaEmbeddings found = known.get(key);
        if (found == null) {
            found = prompt.encode(part);
            known.put(key, found);
            bytes += found.byteSize();
            var oldest = known.values().iterator();
            while (bytes > MOST_BYTES && known.size() > 1) {
                bytes -= oldest.next().byteSize();
                oldest.remove();
            }
        }
        return found;
    }
}
