package io.llatte.engine;

import io.llatte.SavedStateException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/// A conversation's cached tokens in a file: `magic, version, number of tokens, the model's fingerprint` and the sequence's own bytes, which have
/// checksums of their own. Little-endian.
///
/// @param model the fingerprint of the model that evaluated it
/// @param tokens how many
/// @param state what the sequence saved
record SessionFile(byte[] model, int tokens, byte[] state) {

    private static final int MAGIC = 0x4553_4c4c;        // "LLSE"
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 3 * Integer.BYTES + ModelFingerprint.BYTES;

    /// What an array can hold, on every JVM.
    private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

    /// Writes the file, which appears under its name when it is whole. Returns its size.
    long write(Path file) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC).putInt(VERSION).putInt(tokens).put(model).flip();
        Path target = file.toAbsolutePath();
        Path part = target.resolveSibling(target.getFileName() + ".part");
        try {
            try (var channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                for (ByteBuffer bytes : new ByteBuffer[] {header, ByteBuffer.wrap(state)}) {
                    while (bytes.hasRemaining()) {
                        channel.write(bytes);
                    }
                }
                channel.force(true);
            }
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
        return HEADER_BYTES + (long) state.length;
    }

    /// @param model the fingerprint that it must have
    /// @throws SavedStateException if it is no such file, or another model's; the sequence's own bytes are not looked at
    static SessionFile read(Path file, byte[] model) throws IOException {
        long size = Files.size(file);
        if (size < HEADER_BYTES || size > MAX_BYTES) {
            throw new SavedStateException("%s is no saved session: it has %d bytes, and one has %d to %d".formatted(file, size, HEADER_BYTES,
                    MAX_BYTES));
        }
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        byte[] state;
        try (var in = Files.newInputStream(file)) {
            header.put(in.readNBytes(HEADER_BYTES)).flip();
            if (header.remaining() < HEADER_BYTES || header.getInt() != MAGIC) {
                throw new SavedStateException(file + " is no saved session");
            }
            int version = header.getInt();
            if (version != VERSION) {
                throw new SavedStateException("%s has version %d, and this library reads %d".formatted(file, version, VERSION));
            }
            int tokens = header.getInt();
            byte[] its = new byte[ModelFingerprint.BYTES];
            header.get(its);
            if (!Arrays.equals(its, model)) {
                throw new SavedStateException(file + " was saved with another model");
            }
            if (tokens < 1) {
                throw new SavedStateException("%s says that it holds %d tokens".formatted(file, tokens));
            }
            state = in.readAllBytes();
            return new SessionFile(model, tokens, state);
        }
    }
}
