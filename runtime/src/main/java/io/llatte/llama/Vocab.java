package io.llatte.llama;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llatte.internal.ffi.NativeVocab;
import java.util.concurrent.atomic.AtomicReferenceArray;

/// A model's vocabulary: text to token ids and back. Borrows its model and is valid while that is open. Any thread.
public final class Vocab {

    private static final int ATTRIBUTE_CONTROL = 1 << 3;

    private final NativeVocab vocab;
    private final int size;
    private final VocabType type;
    private final AtomicReferenceArray<byte[]> plainPieces;
    private final AtomicReferenceArray<byte[]> specialPieces;

    Vocab(NativeVocab vocab) {
        this.vocab = vocab;
        this.size = vocab.size();
        this.type = VocabType.of(vocab.type());
        this.plainPieces = new AtomicReferenceArray<>(size);
        this.specialPieces = new AtomicReferenceArray<>(size);
    }

    /// How many tokens there are; ids are 0 to `size() - 1`.
    public int size() {
        return size;
    }

    public VocabType type() {
        return type;
    }

    /// Tokenizes a prompt: special tokens such as BOS are added as the model asks, and special tokens in the text are recognised.
    ///
    /// @throws IllegalStateException if the model is closed or has no vocabulary
    public int[] tokenize(String text) {
        return tokenize(text, true, true);
    }

    /// Tokenizes text (`llama_tokenize`).
    ///
    /// @param addSpecial whether BOS and EOS are added where the model asks for them
    /// @param parseSpecial whether the names of special tokens in the text become these tokens, or stay text. Untrusted text should not be
    ///        parsed: it could speak as the system
    /// @throws IllegalStateException if the model is closed or has no vocabulary
    public int[] tokenize(String text, boolean addSpecial, boolean parseSpecial) {
        return vocab.tokenize(text.getBytes(UTF_8), addSpecial, parseSpecial);
    }

    /// The text of ids, with special tokens left out (`llama_detokenize`). Bytes that are not UTF-8 become U+FFFD.
    ///
    /// @throws IllegalArgumentException if an id is not in the vocabulary
    public String detokenize(int... ids) {
        return detokenize(ids, true, false);
    }

    /// The text of ids.
    ///
    /// @param removeSpecial whether BOS and EOS are left out
    /// @param unparseSpecial whether other special tokens are written by their names
    /// @throws IllegalArgumentException if an id is not in the vocabulary
    public String detokenize(int[] ids, boolean removeSpecial, boolean unparseSpecial) {
        for (int id : ids) {
            check(id);
        }
        return new String(vocab.detokenize(ids, removeSpecial, unparseSpecial), UTF_8);
    }

    /// One token's bytes, which may be a part of a character; use a [TextDecoder] to make text of several.
    ///
    /// @param special whether control tokens are written by their names, or are empty
    /// @throws IllegalArgumentException if the id is not in the vocabulary
    public byte[] pieceBytes(int id, boolean special) {
        return piece(id, special).clone();
    }

    /// One token's text; bytes that are a part of a character become U+FFFD.
    ///
    /// @throws IllegalArgumentException if the id is not in the vocabulary
    public String piece(int id) {
        return new String(piece(id, true), UTF_8);
    }

    /// The bytes without a copy: read only. Fetched once for each token.
    byte[] piece(int id, boolean special) {
        check(id);
        AtomicReferenceArray<byte[]> pieces = special ? specialPieces : plainPieces;
        byte[] piece = pieces.getAcquire(id);
        if (piece == null) {
            piece = vocab.piece(id, special);
            pieces.setRelease(id, piece);
        }
        return piece;
    }

    /// The vocabulary's own spelling of a token, as in `▁hello`.
    public String text(int id) {
        check(id);
        return vocab.entry(id).text();
    }

    /// A token's score; its meaning depends on the vocabulary's type.
    public float score(int id) {
        check(id);
        return vocab.entry(id).score();
    }

    /// Whether generation ends with this token: EOS, EOT and the like.
    public boolean isEog(int id) {
        check(id);
        return vocab.isEog(id);
    }

    /// Whether the token steers the model and is not text.
    public boolean isControl(int id) {
        check(id);
        return (vocab.entry(id).attributes() & ATTRIBUTE_CONTROL) != 0;
    }

    /// What comes before the text before a gap that is to be filled, or -1: the model was not trained to fill gaps.
    public int fimPrefix() {
        return vocab.fimPrefix();
    }

    /// What comes before the text behind the gap, or -1.
    public int fimSuffix() {
        return vocab.fimSuffix();
    }

    /// What the gap's text follows, or -1.
    public int fimMiddle() {
        return vocab.fimMiddle();
    }

    /// Beginning of sentence, or -1.
    public int bos() {
        return vocab.bos();
    }

    /// End of sentence, or -1.
    public int eos() {
        return vocab.eos();
    }

    /// End of turn, or -1.
    public int eot() {
        return vocab.eot();
    }

    /// What separates the two texts of a pair, or -1.
    public int sep() {
        return vocab.sep();
    }

    /// Line feed, or -1.
    public int newline() {
        return vocab.newline();
    }

    /// Whether the model wants BOS before a prompt.
    public boolean addsBos() {
        return vocab.addsBos();
    }

    /// Whether the model wants EOS after a text.
    public boolean addsEos() {
        return vocab.addsEos();
    }

    /// Whether the model wants a separator between the two texts of a pair.
    public boolean addsSep() {
        return vocab.addsSep();
    }

    /// A decoder of one stream of tokens. Control tokens are left out.
    public TextDecoder newDecoder() {
        return new TextDecoder(this, false);
    }

    private void check(int id) {
        if (id < 0 || id >= size) {
            throw new IllegalArgumentException("token " + id + " is not in the vocabulary of " + size);
        }
    }
}
