package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A model that was trained, all-MiniLM-L6-v2, where there is one: a folder with `minilm.gguf` and `reference.json` is named by
/// `llatte.test.embedding`. docs/embeddings.md tells how both are made.
class RealEmbeddingIT {

    @TempDir
    private Path temp;

    private static Path file(String name) {
        String folder = System.getProperty("llatte.test.embedding", "");
        assumeTrue(!folder.isEmpty(), "no model for embeddings: see docs/embeddings.md");
        Path file = Path.of(folder, name);
        assumeTrue(Files.isRegularFile(file), () -> file + " is missing: see docs/embeddings.md");
        return file;
    }

    private static JsonNode reference() throws IOException {
        return new ObjectMapper().readTree(Files.readString(file("reference.json")));
    }

    private static List<String> texts() throws IOException {
        return List.of(new ObjectMapper().convertValue(reference().path("texts"), String[].class));
    }

    private static float[][] vectorsOf(List<String> texts) {
        try (var arena = DeviceArena.open(); var model = Model.load(file("minilm.gguf"), ModelOptions.cpuOnly(), arena);
             var embedder = model.newEmbedder(EmbedderOptions.defaults())) {
            assertThat(embedder.pooling()).isEqualTo(Pooling.MEAN);
            assertThat(embedder.longestText()).isEqualTo(512);
            return embedder.embed(texts).vectors();
        }
    }

    @Test
    void vectors_areLlamaEmbeddings() throws Exception {
        List<String> texts = texts();
        float[][] ours = vectorsOf(texts);
        assertThat(farthest(ours, LlamaEmbedding.embed(file("minilm.gguf"), temp, texts, "-c", "512"))).isBetween(-1e-6, 1e-6);
    }

    @Test
    void vectors_areThoseOfTheModelsOnnxFile() throws Exception {
        float[][] expected = new ObjectMapper().convertValue(reference().path("vectors"), float[][].class);
        assertThat(farthest(vectorsOf(texts()), expected)).isBetween(-1e-6, 1e-4);
    }

    private static double farthest(float[][] ours, float[][] expected) {
        double farthest = 0;
        for (int i = 0; i < expected.length; i++) {
            farthest = Math.max(farthest, 1 - Embeddings.cosine(ours[i], expected[i]));
        }
        return farthest;
    }

    @Test
    void textsOfLikeMeaning_areNear() {
        float[][] vectors = vectorsOf(List.of("A man is eating food.", "Somebody has a meal.", "The stock market fell sharply.",
                "Shares lost much of their value."));
        double meals = Embeddings.cosine(vectors[0], vectors[1]);
        double markets = Embeddings.cosine(vectors[2], vectors[3]);
        for (int meal : List.of(0, 1)) {
            for (int market : List.of(2, 3)) {
                assertThat(Embeddings.cosine(vectors[meal], vectors[market])).isLessThan(Math.min(meals, markets) - 0.2);
            }
        }
    }
}
