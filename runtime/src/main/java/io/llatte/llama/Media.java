package io.llatte.llama;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// What a message carries beside its text: a picture or a sound. Immutable.
public sealed interface Media permits Image, Audio {

    /// The media type, as in `image/png`.
    String mediaType();

    /// The whole file; a copy. What was given as pixels or samples is made a PNG or a WAV.
    byte[] toBytes();

    /// SHA-256 of the content: two media of the same are the same to a model.
    ContentHash contentHash();

    /// @param high the first 64 bits of a SHA-256
    /// @param low the next 64
    record ContentHash(long high, long low) {

        static ContentHash of(byte[]... parts) {
            try {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                for (byte[] part : parts) {
                    digest.update(part);
                }
                ByteBuffer hash = ByteBuffer.wrap(digest.digest());
                return new ContentHash(hash.getLong(), hash.getLong());
            } catch (NoSuchAlgorithmException e) {
                throw new AssertionError("every Java platform has SHA-256", e);
            }
        }
    }
}
