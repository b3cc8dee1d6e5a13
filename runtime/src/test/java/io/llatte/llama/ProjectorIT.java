package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.InsufficientMemoryException;
import io.llatte.MediaException;
import io.llatte.ModelLoadException;
import io.llatte.Pictures;
import io.llatte.SpeakingModels;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a model makes of a picture is what llama.cpp's own code makes of the same file.
class ProjectorIT {

    private static final String GEMMA = "gemma3-dense.gguf";
    private static final ProjectorOptions CPU = ProjectorOptions.defaults().onCpu().withThreads(1);

    @TempDir
    private Path temp;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void nothingIsLeft() {
        arena.close();
        assertThat(arena.ledger().totalBytes()).isZero();
        assertThat(Llama.openHandles()).isZero();
    }

    private Model model(String name) {
        return Model.load(SpeakingModels.add(temp, name), ModelOptions.cpuOnly(), arena);
    }

    private Projector projector(Model model, String name) {
        return model.loadProjector(Pictures.projector(name, temp), CPU);
    }

    private record Seen(int positions, float[] logits) {
    }

    private static Seen see(Model model, Projector projector, String before, Media media, String after) {
        try (var prompt = projector.tokenize(before + Projector.MARKER + after, true, List.of(media));
             var context = model.newContext(ContextOptions.builder().contextLength(512).batchSize(512).microBatchSize(512).threads(1).batchThreads(1)
                     .build())) {
            int[] ids = prompt.ids();
            int at = 0;
            for (MediaPart part : prompt.parts()) {
                decodeText(context, ids, at, part.from());
                context.decode(context.newBatch().addAll(prompt.encode(part), 0, part.tokens(), part.from(), 0, part.to() == ids.length));
                at = part.to();
            }
            decodeText(context, ids, at, ids.length);
            return new Seen(ids.length, context.logits(-1).toArray());
        }
    }

    private static void decodeText(Context context, int[] ids, int from, int to) {
        if (from < to) {
            context.decode(context.newBatch().addAll(ids, from, to, from, 0, to == ids.length));
        }
    }

    private Seen byLlamaCpp(Model model, Projector projector, String text, Path picture) throws IOException, InterruptedException {
        Path bin = Path.of(System.getProperty("llatte.test.build"), "bin");
        Path tool = bin.resolve("llatte-media-reference");
        assumeTrue(Files.isExecutable(tool), () -> tool + " is missing: build with -DLLATTE_TESTS=ON");
        Path out = temp.resolve("logits");
        Process process = new ProcessBuilder(tool.toString(), bin.toString(), model.path().toString(), projector.path().toString(), text,
                out.toString(), picture.toString()).redirectErrorStream(true).redirectOutput(temp.resolve("log").toFile()).start();
        assertThat(process.waitFor()).as(() -> picture.toString()).isZero();
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(out)).order(ByteOrder.LITTLE_ENDIAN);
        int positions = bytes.getInt();
        float[] logits = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(logits);
        return new Seen(positions, logits);
    }

    @ParameterizedTest
    @CsvSource({
        "llama-dense.gguf, mlp-1, a.png", "llama-dense.gguf, mlp-1, a.jpg", "llama-dense.gguf, mlp-1, a.bmp", "llama-dense.gguf, mlp-1, a.gif",
        "gemma3-dense.gguf, gemma3, a.png", "gemma3-dense.gguf, gemma3, a.jpg",
    })
    void logits_areThoseOfLlamaCppOnTheSameFile(String modelName, String projectorName, String file) throws Exception {
        Model model = model(modelName);
        Projector projector = projector(model, projectorName);
        Path picture = Pictures.write(Pictures.noise(70, 50, 1), temp.resolve(file));
        Seen expected = byLlamaCpp(model, projector, "hello <__media__> world", picture);

        Seen seen = see(model, projector, "hello ", Image.of(picture), " world");

        assertThat(seen.positions()).isEqualTo(expected.positions()).isGreaterThan(16);
        assertThat(seen.logits()).isEqualTo(expected.logits());
        assertThat(see(model, projector, "hello ", Image.of(Pictures.noise(70, 50, 2)), " world").logits()).isNotEqualTo(expected.logits());
    }

    @Test
    void aRealPhotograph_isSeenAsLlamaCppSeesIt() throws Exception {
        Model model = model(SpeakingModels.A);
        Projector projector = projector(model, "mlp-1");
        Path picture = LlamaCppSource.folder("tools/mtmd").resolve("test-1.jpeg");
        assertThat(see(model, projector, "", Image.of(picture), "!").logits())
                .isEqualTo(byLlamaCpp(model, projector, "<__media__>!", picture).logits());
    }

    @Test
    void pixelsOfJava_areThoseOfTheFile() throws IOException {
        Model model = model(SpeakingModels.A);
        Projector projector = projector(model, "mlp-1");
        var noise = Pictures.noise(33, 44, 3);
        Image drawn = Image.of(noise);
        float[] byFile = see(model, projector, "", Image.of(Pictures.write(noise, temp.resolve("same.png"))), "!").logits();
        assertThat(see(model, projector, "", drawn, "!").logits()).isEqualTo(byFile);
        assertThat(see(model, projector, "", Image.of(drawn.toBytes()), "!").logits()).isEqualTo(byFile);
    }

    @Test
    void webp_isReadByWhatTheApplicationBringsAlong() {
        Model model = model(SpeakingModels.A);
        Projector projector = projector(model, "mlp-1");
        Image picture = Image.of(Pictures.webp());
        assertThat(picture.mediaType()).isEqualTo("image/webp");
        assertThat(picture.toBytes()).isEqualTo(Pictures.webp());
        assertThat(see(model, projector, "", picture, "!").positions()).isGreaterThan(16);
        assertThatExceptionOfType(MediaException.class).isThrownBy(() -> Image.of(Arrays.copyOf(Pictures.webp(), 20)));
    }

    @Test
    void whatIsNoPicture_isRefusedWithNumbers() throws IOException {
        Model model = model(SpeakingModels.A);
        Projector projector = projector(model, "mlp-1");
        Path text = Files.writeString(temp.resolve("text.png"), "this is a text, whatever its name says");
        assertThatExceptionOfType(MediaException.class).isThrownBy(() -> Image.of(text)).withMessageContaining("38");
        assertThatExceptionOfType(MediaException.class).isThrownBy(() -> Image.of(new byte[0]));
        assertThatExceptionOfType(MediaException.class).isThrownBy(() -> Image.of(Files.createFile(temp.resolve("empty.png"))));
        byte[] whole = Files.readAllBytes(Pictures.write(Pictures.noise(64, 64, 1), temp.resolve("whole.png")));
        for (byte[] bad : List.of(Pictures.pngHeader(10_000, 10_000), Pictures.pngHeader(0, 5), Pictures.pngHeader(5, 5),
                Arrays.copyOf(whole, whole.length / 2), Arrays.copyOf(whole, 9))) {
            assertThatExceptionOfType(MediaException.class).isThrownBy(() -> see(model, projector, "", Image.of(bad), ""));
        }
        assertThatExceptionOfType(MediaException.class).isThrownBy(() -> see(model, projector, "", Image.of(Pictures.pngHeader(10_000, 10_000)), ""))
                .withMessageContaining("10000 x 10000").withMessageContaining(String.valueOf(Image.MAX_PIXELS));
        assertThat(see(model, projector, "", Image.of(whole), "").logits()[0]).isFinite();
    }

    @Test
    void soundForAProjectorThatOnlySees_isRefused() {
        Model model = model(SpeakingModels.A);
        Projector projector = projector(model, "mlp-1");
        assertThat(projector.vision()).isTrue();
        assertThat(projector.audio()).isFalse();
        assertThat(projector.sampleRate()).isEqualTo(-1);
        Audio silence = Audio.of(new float[16_000], 16_000);
        for (Audio audio : List.of(silence, Audio.of(silence.toBytes()))) {
            assertThatExceptionOfType(MediaException.class).isThrownBy(() -> projector.tokenize(Projector.MARKER, true, List.of(audio)));
        }
        assertThatExceptionOfType(MediaException.class).isThrownBy(() -> Audio.of(new byte[] {1, 2, 3}));
        assertThatExceptionOfType(MediaException.class).isThrownBy(() -> Audio.of(new float[1], 16_000));
    }

    @Test
    void projector_isPlannedChargedAndFreed() {
        Model model = model(SpeakingModels.A);
        long before = arena.ledger().totalBytes();
        Projector projector = projector(model, "mlp-1");
        long planned = Projector.plan(projector.path(), CPU).totalBytes();
        assertThat(arena.ledger().totalBytes() - before).isEqualTo(planned).isGreaterThan(400_000);
        projector.close();
        projector.close();
        assertThat(arena.ledger().totalBytes()).isEqualTo(before);
        assertThatIllegalStateException().isThrownBy(() -> projector.tokenize("", true, List.of()));
        try (var tight = DeviceArena.open(new MemoryBudget(Map.of("CPU", arena.ledger().totalBytes() + planned / 2)));
             Model own = Model.load(model.path(), ModelOptions.cpuOnly(), tight)) {
            assertThatExceptionOfType(InsufficientMemoryException.class).isThrownBy(() -> own.loadProjector(projector.path(), CPU));
        }
    }

    @Test
    void closingInAnyOrder_refusesAndNothingElse() {
        Model model = model(SpeakingModels.A);
        Projector projector = projector(model, "mlp-1");
        MediaPrompt prompt = projector.tokenize(Projector.MARKER, true, List.of(Image.of(Pictures.noise(9, 9, 1))));
        MediaEmbeddings embeddings = prompt.encode(prompt.parts().getFirst());
        var context = model.newContext(ContextOptions.builder().contextLength(256).threads(1).batchThreads(1).build());
        projector.close();
        assertThatIllegalStateException().isThrownBy(() -> prompt.encode(prompt.parts().getFirst()));
        context.decode(context.newBatch().addAll(embeddings, 0, 5, 0, 0, false));
        model.close();
        assertThatIllegalStateException().isThrownBy(() -> context.decode(context.newBatch().addAll(embeddings, 5, 9, 5, 0, false)));
        prompt.close();
        prompt.close();
    }

    @Test
    void embeddings_haveABatchOfTheirOwnAndAModel() {
        Model model = model(SpeakingModels.A);
        Model other = model("qwen2-dense.gguf");
        Projector projector = projector(model, "mlp-1");
        try (var prompt = projector.tokenize(Projector.MARKER, false, List.of(Image.of(Pictures.noise(9, 9, 1))))) {
            MediaEmbeddings embeddings = prompt.encode(prompt.parts().getFirst());
            Context context = model.newContext(ContextOptions.builder().contextLength(256).threads(1).batchThreads(1).build());
            assertThatIllegalStateException().isThrownBy(() -> context.newBatch().add(1, 0, 0, false).addAll(embeddings, 0, 2, 1, 0, true));
            assertThatIllegalStateException().isThrownBy(() -> context.newBatch().addAll(embeddings, 0, 2, 0, 0, true).add(1, 2, 0, false));
            Context wrong = other.newContext(ContextOptions.builder().contextLength(256).threads(1).batchThreads(1).build());
            assertThatIllegalArgumentException().isThrownBy(() -> wrong.decode(wrong.newBatch().addAll(embeddings, 0, 2, 0, 0, true)));
        }
        Model gemma = model(GEMMA);
        try (var prompt = projector(gemma, "gemma3").tokenize(Projector.MARKER, false, List.of(Image.of(Pictures.noise(9, 9, 1))))) {
            MediaEmbeddings embeddings = prompt.encode(prompt.parts().getFirst());
            Context context = gemma.newContext(ContextOptions.builder().contextLength(256).batchSize(64).microBatchSize(8).threads(1).batchThreads(1).build());
            assertThatIllegalArgumentException().isThrownBy(() -> context.newBatch().addAll(embeddings, 0, 2, 0, 0, true));
            assertThatIllegalArgumentException().isThrownBy(() -> context.decode(context.newBatch().addAll(embeddings, 0, 16, 0, 0, true)));
        }
    }

    @Test
    void whatIsNoProjectorOfTheModel_isRefused() throws IOException {
        Model model = model(SpeakingModels.A);
        Path good = Pictures.projector("mlp-1", temp);
        Path cut = Files.write(temp.resolve("cut.gguf"), Arrays.copyOf(Files.readAllBytes(good), 300_000));
        for (Path bad : List.of(cut, model.path(), temp.resolve("missing.gguf"), temp)) {
            assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> model.loadProjector(bad, CPU));
        }
        Model mrope = Model.load(TinyModels.model("qwen2vl-dense"), ModelOptions.cpuOnly(), arena);
        assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> mrope.loadProjector(good, CPU)).withMessageContaining("M-RoPE");
    }
}
