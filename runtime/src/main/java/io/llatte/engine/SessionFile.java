package io.llatte.engine;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.llatte.ContextOverflowException;
import io.llatte.SavedStateException;
import io.llatte.internal.WholeFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/// A conversation's cached tokens in a file: `magic, version, number of tokens, the model's fingerprint, the cache in words, the state's length and
/// checksum, a checksum of all this`, and the sequence's own bytes. Little-endian. Whatever is wrong with it is found before the cache is touched.
///
/// @param origin what evaluated it
/// @param tokens how many
/// @param state what the sequence saved
record SessionFile(SessionOrigin origin, int tokens, byte[] state) {

    private static final int MAGIC = 0x4553_4c4c;        // "LLSE"
    private static final int VERSION = 1;
    private static final int CACHE_BYTES = 96;
    private static final int CHECKED_BYTES = 3 * Integer.BYTES + ModelFingerprint.BYTES + CACHE_BYTES + Long.BYTES + Integer.BYTES;
    private static final int HEADER_BYTES = CHECKED_BYTES + Integer.BYTES;

    /// What an array can hold, on every JVM.
    private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

    /// Writes the file, which appears under its name when it is whole. Returns its size.
    long write(Path file) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC).putInt(VERSION).putInt(tokens).put(origin.model())
                .put("%-96s".formatted(origin.cache()).getBytes(US_ASCII))
                .putLong(state.length).putInt(checksum(state, state.length));
        header.putInt(checksum(header.array(), CHECKED_BYTES)).flip();
        return WholeFile.write(file, header, ByteBuffer.wrap(state));
    }

    /// @param origin what it must have been evaluated by
    /// @param room tokens that a sequence holds
    /// @throws SavedStateException if it is no such file, damaged, or of another origin
    /// @throws ContextOverflowException if it has more tokens than there is room for
    static SessionFile read(Path file, SessionOrigin origin, int room) throws IOException {
        try (var in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(HEADER_BYTES);
            ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            checkKind(file, header);
            int tokens = header.getInt();
            byte[] model = new byte[ModelFingerprint.BYTES];
            header.get(model);
            byte[] cache = new byte[CACHE_BYTES];
            header.get(cache);
            new SessionOrigin(model, new String(cache, US_ASCII).strip()).checkSame(origin, file);
            if (tokens < 1) {
                throw new SavedStateException("%s says that it holds %d tokens".formatted(file, tokens));
            }
            if (tokens > room) {
                throw new ContextOverflowException("%s has %d tokens, and a sequence holds %d".formatted(file, tokens, room), tokens, room);
            }
            long stateBytes = header.getLong();
            checkSize(file, stateBytes);
            byte[] state = in.readNBytes((int) stateBytes);
            if (state.length < stateBytes || checksum(state, state.length) != header.getInt()) {
                throw new SavedStateException(file + " was altered: its checksum differs");
            }
            return new SessionFile(origin, tokens, state);
        }
    }

    private static void checkKind(Path file, ByteBuffer header) {
        if (header.remaining() < HEADER_BYTES) {
            throw new SavedStateException("%s is no saved session: it has %d bytes, and one has %d at least".formatted(file, header.remaining(),
                    HEADER_BYTES));
        }
        if (header.getInt() != MAGIC) {
            throw new SavedStateException(file + " is no saved session");
        }
        int version = header.getInt();
        if (version != VERSION) {
            throw new SavedStateException("%s has version %d, and this library reads %d".formatted(file, version, VERSION));
        }
        if (header.getInt(CHECKED_BYTES) != checksum(header.array(), CHECKED_BYTES)) {
            throw new SavedStateException(file + " was altered: the checksum of its header differs");
        }
    }

    /// The length that the file says it has and the one that it has are the same, before memory is taken for it.
    private static void checkSize(Path file, long stateBytes) throws IOException {
        long size = Files.size(file);
        if (stateBytes < 0 || stateBytes > MAX_BYTES || size != HEADER_BYTES + stateBytes) {
            throw new SavedStateException("%s is truncated or too long: it has %d bytes, and says that %d follow the first %d".formatted(file, size,
                    stateBytes, HEADER_BYTES));
        }
    }

    private static int checksum(byte[] bytes, int length) {
        var checksum = new CRC32C();
        checksum.update(bytes, 0, length);
        return (int) checksum.getValue();
    }
}
