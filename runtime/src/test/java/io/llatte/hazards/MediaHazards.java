package io.llatte.hazards;

import io.llatte.GgufFile;
import io.llatte.Pictures;
import io.llatte.llama.Audio;
import io.llatte.llama.Context;
import io.llatte.llama.Image;
import io.llatte.llama.MediaEmbeddings;
import io.llatte.llama.Model;
import io.llatte.llama.Projector;
import io.llatte.llama.ProjectorOptions;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Files and calls that libmtmd aborts on, divides by, or reads past the end of.
final class MediaHazards extends Hazards {

    private static final ProjectorOptions CPU = ProjectorOptions.defaults().onCpu().withThreads(2);

    private Projector projector(Model model) {
        return model.loadProjector(tiny("mmproj-mlp-1"), CPU);
    }

    private static void see(Projector projector, Image image) {
        try (var prompt = projector.tokenize("a" + Projector.MARKER + "b", true, List.of(image))) {
            prompt.encode(prompt.parts().getFirst());
        }
    }

    void numbersOfAProjectorThatCannotBe() throws IOException {
        Model model = llama();
        Path file = scratch.resolve("odd.gguf");
        List<String> keys = GgufFile.read(tiny("mmproj-mlp-1")).keys().stream().filter(key -> key.startsWith("clip.")).toList();
        for (String key : keys) {
            for (byte[] value : List.of(GgufFile.uint32(0), GgufFile.uint32(1), GgufFile.uint32(3), GgufFile.uint32(1 << 20), GgufFile.uint32(-1),
                    GgufFile.string("many"), GgufFile.float32(Float.NaN), GgufFile.ints(), GgufFile.bool(true))) {
                HazardProgram.detail(key + " " + Arrays.toString(value));
                GgufFile.read(tiny("mmproj-mlp-1")).set(key, value).write(file);
                survived(() -> {
                    try (Projector odd = model.loadProjector(file, CPU)) {
                        see(odd, Image.of(Pictures.noise(20, 20, 1)));
                    }
                });
                survived(() -> Projector.plan(file, CPU));
            }
            HazardProgram.detail("without " + key);
            GgufFile.read(tiny("mmproj-mlp-1")).remove(key).write(file);
            survived(() -> model.loadProjector(file, CPU).close());
        }
        projector(model);
    }

    void truncatedProjectors() throws IOException {
        Model model = llama();
        byte[] whole = Files.readAllBytes(tiny("mmproj-mlp-1"));
        Path file = scratch.resolve("cut.gguf");
        for (int length : new int[] {0, 3, 24, 200, 2000, whole.length / 2, whole.length - 1}) {
            Files.write(file, Arrays.copyOf(whole, length));
            refused(() -> model.loadProjector(file, CPU));
            refused(() -> Projector.plan(file, CPU));
        }
    }

    void damagedPictures() throws IOException {
        Projector projector = projector(llama());
        var random = new Random(1);
        for (String type : List.of("png", "jpg", "bmp", "gif")) {
            byte[] whole = Files.readAllBytes(Pictures.write(Pictures.noise(24, 24, 1), scratch.resolve("a." + type)));
            for (int i = 0; i < 200; i++) {
                byte[] bad = i % 2 == 0 ? Arrays.copyOf(whole, 1 + random.nextInt(whole.length)) : whole.clone();
                for (int spoilt = 0; spoilt < 3; spoilt++) {
                    bad[random.nextInt(bad.length)] = (byte) random.nextInt();
                }
                survived(() -> see(projector, Image.of(bad)));
            }
            see(projector, Image.of(whole));
        }
        refused(() -> see(projector, Image.of(Pictures.pngHeader(1 << 24, 1 << 24))));
        refused(() -> see(projector, Image.of(Pictures.pngHeader(-1, -1))));
    }

    void picturesOfOddShapes() {
        Projector projector = projector(llama());
        for (int[] size : new int[][] {{1, 1}, {1, 5000}, {5000, 1}, {2, 3}, {3000, 3000}}) {
            survived(() -> see(projector, Image.of(new BufferedImage(size[0], size[1], BufferedImage.TYPE_INT_ARGB))));
        }
    }

    void soundsForAProjectorThatDoesNotHear() {
        Projector projector = projector(llama());
        refused(() -> projector.tokenize(Projector.MARKER, true, List.of(Audio.of(new float[100], 16_000))));
        refused(() -> projector.tokenize(Projector.MARKER, true, List.of(Audio.of(Audio.of(new float[100], 16_000).toBytes()))));
        refused(() -> Audio.of(new float[] {1}, 16_000));
        refused(() -> Audio.of(new float[10], 0));
    }

    void markersAndMediaThatDoNotMatch() {
        Projector projector = projector(llama());
        Image image = Image.of(Pictures.noise(5, 5, 1));
        refused(() -> projector.tokenize("no marker", true, List.of(image)));
        refused(() -> projector.tokenize(Projector.MARKER.repeat(3), true, List.of(image)));
        refused(() -> projector.tokenize(Projector.MARKER, true, List.of()));
        survived(() -> projector.tokenize("", true, List.of()).close());
    }

    void embeddingsInTheWrongPlace() {
        Model model = llama();
        Context context = model.newContext(small().build());
        MediaEmbeddings embeddings;
        try (var prompt = projector(model).tokenize(Projector.MARKER, false, List.of(Image.of(Pictures.noise(5, 5, 1))))) {
            embeddings = prompt.encode(prompt.parts().getFirst());
        }
        refused(() -> context.newBatch().add(1, 0, 0, true).addAll(embeddings, 0, 4, 1, 0, true));
        for (int position : ODD_INTS) {
            survived(() -> context.decode(context.newBatch().addAll(embeddings, 0, 4, position, 0, true)));
            survived(() -> context.decode(context.newBatch().addAll(embeddings, 0, 4, 0, position, true)));
        }
        Context other = load("gemma3-dense").newContext(small().build());
        refused(() -> other.decode(other.newBatch().addAll(embeddings, 0, 4, 0, 0, true)));
        checkUsable(context);
    }

    void useAfterClose() {
        Model model = llama();
        Projector projector = projector(model);
        var prompt = projector.tokenize(Projector.MARKER, false, List.of(Image.of(Pictures.noise(5, 5, 1))));
        model.close();
        refused(() -> prompt.encode(prompt.parts().getFirst()));
        refused(() -> projector.tokenize("", true, List.of()));
        refused(() -> model.loadProjector(tiny("mmproj-mlp-1"), CPU));
        prompt.close();
        projector.close();
    }
}
