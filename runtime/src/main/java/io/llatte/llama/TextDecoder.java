package io.llatte.llama;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;

/// Makes text of a stream of tokens, whose pieces may split a character. Only whole characters come out: the bytes of an incomplete one
/// wait for the next token. One thread.
public final class TextDecoder {

    private final Vocab vocab;
    private final boolean special;
    private final int[] shown;
    private final CharsetDecoder decoder = UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private ByteBuffer bytes = ByteBuffer.allocate(64);
    private CharBuffer chars = CharBuffer.allocate(64);

    TextDecoder(Vocab vocab, boolean special) {
        this(vocab, special, new int[0]);
    }

    /// @param shown control tokens that appear by their names in any case
    TextDecoder(Vocab vocab, boolean special, int[] shown) {
        this.vocab = vocab;
        this.special = special;
        this.shown = shown;
    }

    /// The characters that are complete with this token; "" where none is. Bytes that can never be UTF-8 become U+FFFD.
    ///
    /// @throws IllegalArgumentException if the id is not in the vocabulary
    public String accept(int id) {
        return accept(vocab.piece(id, special || isShown(id)));
    }

    private boolean isShown(int id) {
        for (int one : shown) {
            if (one == id) {
                return true;
            }
        }
        return false;
    }

    String accept(byte[] piece) {
        reserve(piece.length);
        bytes.put(piece).flip();
        decoder.decode(bytes, chars, false);
        bytes.compact();
        return take();
    }

    /// What is left at the end: U+FFFD for an incomplete character, or "". The decoder is then as new.
    public String flush() {
        bytes.flip();
        decoder.decode(bytes, chars, true);
        decoder.flush(chars);
        decoder.reset();
        bytes.clear();
        return take();
    }

    /// Whether bytes of an incomplete character wait.
    public boolean isPending() {
        return bytes.position() > 0;
    }

    private void reserve(int length) {
        int needed = bytes.position() + length;
        if (needed > bytes.capacity()) {
            bytes = ByteBuffer.allocate(Math.max(needed, bytes.capacity() * 2)).put(bytes.flip());
        }
        // One byte makes at most one char, and flush at most one more.
        if (needed + 1 > chars.capacity()) {
            chars = CharBuffer.allocate(bytes.capacity() + 1);
        }
    }

    private String take() {
        if (chars.position() == 0) {
            return "";
        }
        String text = chars.flip().toString();
        chars.clear();
        return text;
    }
}
