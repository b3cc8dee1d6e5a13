package io.llatte.llama;

import io.llatte.MediaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A file of a picture or a sound, read where it is not too large.
final class MediaFile {

    private MediaFile() {
    }

    static byte[] read(Path file, int most) throws IOException {
        checkLength(Files.size(file), most);
        try (var in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(most + 1);
            checkLength(bytes.length, most);
            return bytes;
        }
    }

    static void checkLength(long length, int most) {
        if (length == 0 || length > most) {
            throw new MediaException("a file of %d bytes, and it must have 1 to %d".formatted(length, most));
        }
    }
}
