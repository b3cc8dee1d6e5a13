package io.llatte.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// What tells a model file from all others without reading it whole: a hash of its size, its beginning, and of samples from end to end. Models that
/// were trained further have the same shape and other weights nearly everywhere. Of a split model the first file.
final class ModelFingerprint {

    static final int BYTES = 32;

    private static final int SAMPLES = 64;
    private static final int SAMPLE_BYTES = 4096;

    private ModelFingerprint() {
    }

    static byte[] of(Path model) throws IOException {
        try (var channel = FileChannel.open(model)) {
            long size = channel.size();
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(ByteBuffer.allocate(Long.BYTES).putLong(size).flip());
            ByteBuffer sample = ByteBuffer.allocate(SAMPLE_BYTES);
            for (int i = 0; i < SAMPLES; i++) {
                long at = Math.max(0, size - SAMPLE_BYTES) / (SAMPLES - 1) * i;
                sample.clear();
                while (sample.hasRemaining() && channel.read(sample, at + sample.position()) >= 0) {
                    // Until it is full, or the file has ended.
                }
                digest.update(sample.flip());
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}
