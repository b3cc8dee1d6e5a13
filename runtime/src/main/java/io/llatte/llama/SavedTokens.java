package io.llatte.llama;

import io.llatte.SavedStateException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// A saved sequence with the ids of its tokens behind llama.cpp's own bytes: `ids, their number, a checksum of both, a mark`, little-endian.
///
/// @param nativeState what the shim saved, which has a checksum of its own
/// @param tokens the ids, or null where they were not known
record SavedTokens(byte[] nativeState, int[] tokens) {

    private static final int MARK = 0x4b54_4c4c;        // "LLTK"
    private static final int TRAILER_BYTES = 3 * Integer.BYTES;

    /// @param tokens null where they are not known
    static byte[] append(byte[] nativeState, int[] tokens) {
        if (tokens == null) {
            return nativeState;
        }
        int idBytes = tokens.length * Integer.BYTES;
        ByteBuffer all = ByteBuffer.allocate(nativeState.length + idBytes + TRAILER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        all.put(nativeState);
        for (int token : tokens) {
            all.putInt(token);
        }
        all.putInt(tokens.length);
        all.putInt(checksum(all.array(), nativeState.length, all.position()));
        all.putInt(MARK);
        return all.array();
    }

    /// Takes the ids off again. What has none is left to the shim to judge.
    ///
    /// @throws SavedStateException if the ids were altered
    static SavedTokens of(byte[] state) {
        ByteBuffer all = ByteBuffer.wrap(state).order(ByteOrder.LITTLE_ENDIAN);
        int end = state.length - TRAILER_BYTES;
        if (end < 0 || all.getInt(end + 2 * Integer.BYTES) != MARK) {
            return new SavedTokens(state, null);
        }
        int count = all.getInt(end);
        long start = end - (long) count * Integer.BYTES;
        if (count < 0 || start < 0 || all.getInt(end + Integer.BYTES) != checksum(state, (int) start, end + Integer.BYTES)) {
            throw new SavedStateException("the saved sequence was altered: the checksum of its ids differs");
        }
        int[] tokens = new int[count];
        all.position((int) start).slice().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(tokens);
        return new SavedTokens(Arrays.copyOf(state, (int) start), tokens);
    }

    private static int checksum(byte[] bytes, int from, int to) {
        var checksum = new CRC32C();
        checksum.update(bytes, from, to - from);
        return (int) checksum.getValue();
    }
}
