package io.llatte.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// Files that appear under their names when they are whole, and on the disk: who writes one at the same time, or ends in the middle, leaves no part
/// of it.
public final class WholeFile {

    private WholeFile() {
    }

    /// Writes some bytes, one buffer after the other. Whatever had the name is replaced. The file is readable by its owner alone, where the system
    /// knows owners. Returns its size.
    ///
    /// @throws IOException if it cannot be written; what had the name is as it was
    public static long write(Path file, ByteBuffer... buffers) throws IOException {
        Path target = file.toAbsolutePath();
        Path part = Files.createTempFile(target.getParent(), target.getFileName().toString(), ".part");
        try {
            long size = 0;
            try (var channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                for (ByteBuffer bytes : buffers) {
                    while (bytes.hasRemaining()) {
                        size += channel.write(bytes);
                    }
                }
                channel.force(true);
            }
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return size;
        } finally {
            Files.deleteIfExists(part);
        }
    }
}
