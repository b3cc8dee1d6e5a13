package io.llatte.llama;

import io.llatte.MediaException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

/// A picture for a model that sees: a PNG, JPEG, BMP, GIF (its first frame) or WebP, or pixels. Immutable; any thread.
///
/// PNG, JPEG, BMP and GIF are decoded by the code that llama.cpp decodes them with, when a model looks at them. WebP is decoded here, by a reader for
/// `javax.imageio` that the application brings along (TwelveMonkeys' `imageio-webp`).
public final class Image implements Media {

    /// The largest file that is read, in bytes.
    public static final int MAX_BYTES = 64 << 20;

    /// The largest picture that is decoded, in pixels.
    public static final int MAX_PIXELS = 64 << 20;

    /// The formats by what a file begins with.
    private enum Format {
        PNG("image/png"), JPEG("image/jpeg"), BMP("image/bmp"), GIF("image/gif"), WEBP("image/webp");

        private final String mediaType;

        Format(String mediaType) {
            this.mediaType = mediaType;
        }

        static Format of(byte[] file) {
            String start = new String(file, 0, Math.min(16, file.length), StandardCharsets.ISO_8859_1);
            if (start.startsWith("\u0089PNG\r\n\u001a\n")) {
                return PNG;
            } else if (start.startsWith("\u00ff\u00d8\u00ff")) {
                return JPEG;
            } else if (start.startsWith("BM")) {
                return BMP;
            } else if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) {
                return GIF;
            } else if (start.startsWith("RIFF") && start.startsWith("WEBP", 8)) {
                return WEBP;
            }
            throw new MediaException("%d bytes are no PNG, JPEG, BMP, GIF or WebP".formatted(file.length));
        }
    }

    /// Red, green and blue of each pixel, row by row.
    record Pixels(int width, int height, byte[] rgb) {
    }

    private final byte[] file;
    private final Pixels pixels;
    private final String mediaType;
    private final ContentHash hash;

    private Image(byte[] file, Pixels pixels, String mediaType) {
        this.file = file;
        this.pixels = pixels;
        this.mediaType = mediaType;
        this.hash = file != null ? ContentHash.of(file)
                : ContentHash.of(ByteBuffer.allocate(8).putInt(pixels.width).putInt(pixels.height).array(), pixels.rgb);
    }

    /// A file's picture. The file is read now.
    ///
    /// @throws MediaException if it is larger than [#MAX_BYTES], of no known format, or a WebP that is broken, too large, or that nothing can read
    public static Image of(Path file) throws IOException {
        return of(MediaFile.read(file, MAX_BYTES));
    }

    /// The picture of a file's bytes, which are copied.
    ///
    /// @throws MediaException as [#of(Path)]
    public static Image of(byte[] file) {
        MediaFile.checkLength(file.length, MAX_BYTES);
        Format format = Format.of(file);
        return new Image(file.clone(), format == Format.WEBP ? decode(file) : null, format.mediaType);
    }

    /// A picture that was drawn or decoded by Java. Its pixels are copied; what shines through is lost.
    ///
    /// @throws MediaException if it has more than [#MAX_PIXELS]
    public static Image of(BufferedImage image) {
        checkPixels(image.getWidth(), image.getHeight());
        return new Image(null, pixelsOf(image), Format.PNG.mediaType);
    }

    private static void checkPixels(int width, int height) {
        if ((long) width * height > MAX_PIXELS) {
            throw new MediaException("a picture of %d x %d pixels, and %d are the most".formatted(width, height, MAX_PIXELS));
        }
    }

    private static Pixels decode(byte[] webp) {
        try (var in = ImageIO.createImageInputStream(new ByteArrayInputStream(webp))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new MediaException("nothing reads a WebP: put a reader for javax.imageio on the class path, such as com.twelvemonkeys.imageio:imageio-webp");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, true, true);
                checkPixels(reader.getWidth(0), reader.getHeight(0));
                return pixelsOf(reader.read(0));
            } finally {
                reader.dispose();
            }
        } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new MediaException("a WebP of %d bytes cannot be decoded: %s".formatted(webp.length, e.getMessage()), e);
        }
    }

    private static Pixels pixelsOf(BufferedImage image) {
        int width = image.getWidth();
        int height = image.getHeight();
        byte[] rgb = new byte[3 * width * height];
        int[] row = new int[width];
        for (int y = 0, at = 0; y < height; y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            for (int argb : row) {
                rgb[at++] = (byte) (argb >> 16);
                rgb[at++] = (byte) (argb >> 8);
                rgb[at++] = (byte) argb;
            }
        }
        return new Pixels(width, height, rgb);
    }

    /// The pixels, where they were decoded here; else null.
    Pixels pixels() {
        return pixels;
    }

    /// The file, not to be changed; null where there is none.
    byte[] file() {
        return file;
    }

    @Override
    public String mediaType() {
        return mediaType;
    }

    @Override
    public byte[] toBytes() {
        if (file != null) {
            return file.clone();
        }
        var image = new BufferedImage(pixels.width, pixels.height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < pixels.width * pixels.height; i++) {
            int rgb = (pixels.rgb[3 * i] & 255) << 16 | (pixels.rgb[3 * i + 1] & 255) << 8 | pixels.rgb[3 * i + 2] & 255;
            image.setRGB(i % pixels.width, i / pixels.width, rgb);
        }
        var out = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    @Override
    public ContentHash contentHash() {
        return hash;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Image image && image.hash.equals(hash);
    }

    @Override
    public int hashCode() {
        return hash.hashCode();
    }

    @Override
    public String toString() {
        return mediaType + (file == null ? " of %d x %d pixels".formatted(pixels.width, pixels.height) : " of %d bytes".formatted(file.length));
    }
}
