package io.llatte.llama;

import io.llatte.MediaException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/// A sound for a model that hears: a WAV, MP3 or FLAC, or samples. Immutable; any thread.
///
/// Files are decoded by the code that llama.cpp decodes them with, when a model listens to them, and made one channel of the rate that it hears.
public final class Audio implements Media {

    /// The largest file that is read, in bytes.
    public static final int MAX_BYTES = 64 << 20;

    /// The longest sound that is decoded.
    public static final Duration MAX_LENGTH = Duration.ofHours(1);

    private final byte[] file;
    private final float[] samples;
    private final int sampleRate;
    private final String mediaType;
    private final ContentHash hash;

    private Audio(byte[] file, float[] samples, int sampleRate, String mediaType) {
        this.file = file;
        this.samples = samples;
        this.sampleRate = sampleRate;
        this.mediaType = mediaType;
        this.hash = ContentHash.of(file != null ? file : toBytes());
    }

    /// A file's sound. The file is read now.
    ///
    /// @throws MediaException if it is larger than [#MAX_BYTES], or of no known format
    public static Audio of(Path file) throws IOException {
        return of(MediaFile.read(file, MAX_BYTES));
    }

    /// The sound of a file's bytes, which are copied.
    ///
    /// @throws MediaException as [#of(Path)]
    public static Audio of(byte[] file) {
        MediaFile.checkLength(file.length, MAX_BYTES);
        return new Audio(file.clone(), null, 0, mediaTypeOf(file));
    }

    /// Samples of one channel, -1 to 1, which are copied; the rate must be the one that the model hears ([Projector#sampleRate()]).
    ///
    /// @throws MediaException if there are fewer than 2, or more than an hour of them
    public static Audio of(float[] samples, int sampleRate) {
        if (sampleRate < 1 || samples.length < 2 || samples.length / sampleRate > MAX_LENGTH.toSeconds()) {
            throw new MediaException("%d samples of %d Hz, and there must be 2 of them to an hour".formatted(samples.length, sampleRate));
        }
        return new Audio(null, samples.clone(), sampleRate, "audio/wav");
    }

    private static String mediaTypeOf(byte[] file) {
        String start = new String(file, 0, Math.min(12, file.length), StandardCharsets.ISO_8859_1);
        if (start.startsWith("RIFF") && start.startsWith("WAVE", 8)) {
            return "audio/wav";
        } else if (start.startsWith("fLaC")) {
            return "audio/flac";
        } else if (start.startsWith("ID3") || start.length() > 1 && start.charAt(0) == 0xff && (start.charAt(1) & 0xe0) == 0xe0) {
            return "audio/mpeg";
        }
        throw new MediaException("%d bytes are no WAV, MP3 or FLAC".formatted(file.length));
    }

    /// The file, not to be changed; null where samples were given.
    byte[] file() {
        return file;
    }

    /// The samples, not to be changed; null where a file was given.
    float[] samples() {
        return samples;
    }

    int sampleRate() {
        return sampleRate;
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
        int bytes = samples.length * Float.BYTES;
        ByteBuffer wav = ByteBuffer.allocate(44 + bytes).order(ByteOrder.LITTLE_ENDIAN);
        wav.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + bytes).put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16)
                .putShort((short) 3).putShort((short) 1).putInt(sampleRate).putInt(sampleRate * Float.BYTES).putShort((short) Float.BYTES)
                .putShort((short) Float.SIZE).put("data".getBytes(StandardCharsets.US_ASCII)).putInt(bytes);
        for (float sample : samples) {
            wav.putFloat(sample);
        }
        return wav.array();
    }

    @Override
    public ContentHash contentHash() {
        return hash;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Audio audio && audio.hash.equals(hash);
    }

    @Override
    public int hashCode() {
        return hash.hashCode();
    }

    @Override
    public String toString() {
        return mediaType + (file == null ? " of %d samples".formatted(samples.length) : " of %d bytes".formatted(file.length));
    }
}
