package io.llatte;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Random;
import javax.imageio.ImageIO;

/// Pictures, and the tiny projectors that see them.
public final class Pictures {

    private Pictures() {
    }

    /// Coloured noise; another seed is another picture.
    public static BufferedImage noise(int width, int height, int seed) {
        var random = new Random(seed);
        var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, random.nextInt(1 << 24));
        }
        return image;
    }

    /// A plain square.
    public static BufferedImage plain(int size, Color colour) {
        var image = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < size * size; i++) {
            image.setRGB(i % size, i / size, colour.getRGB());
        }
        return image;
    }

    /// As a file of `png`, `jpg`, `bmp` or `gif`.
    public static Path write(BufferedImage image, Path file) {
        String name = file.getFileName().toString();
        try {
            ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), file.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    /// A WebP of one pixel, without loss.
    public static byte[] webp() {
        return Base64.getDecoder().decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==");
    }

    /// A PNG's header of so many pixels, with nothing behind it.
    public static byte[] pngHeader(int width, int height) {
        return ByteBuffer.allocate(41).putLong(0x89504e470d0a1a0aL).putInt(13).putInt(0x49484452).putInt(width).putInt(height)
                .putInt(0x08020000).put((byte) 0).putInt(0).putInt(0).putInt(0x49444154).array();
    }

    /// A tiny projector: `mlp-1` and `mlp-2` are for the plain transformer, `gemma3` for the one with a sliding window.
    public static Path projector(String name, Path folder) {
        Path tiny = Path.of(System.getProperty("llatte.test.build"), "tiny-models", "mmproj-" + name + ".gguf");
        try {
            return Files.copy(tiny, folder.resolve(tiny.getFileName()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
