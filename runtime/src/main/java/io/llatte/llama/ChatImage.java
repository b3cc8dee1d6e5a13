package io.llatte.llama;

import java.util.Objects;

/// An image of a message.
///
/// @param mediaType as in `image/png`
/// @param bytes the file's bytes; not copied, and not to be changed
public record ChatImage(String mediaType, byte[] bytes) {

    public ChatImage {
        Objects.requireNonNull(mediaType, "mediaType");
        if (bytes.length == 0) {
            throw new IllegalArgumentException("an image of 0 bytes");
        }
    }
}
