package io.llatte.llama;

/// The kind of a vocabulary (`llama_vocab_type`).
public enum VocabType {
    /// No vocabulary: the model cannot tokenize.
    NONE,
    /// SentencePiece, byte-level BPE with byte fallback.
    SPM,
    /// GPT-2's byte-level BPE.
    BPE,
    /// BERT's WordPiece.
    WPM,
    /// T5's unigram.
    UGM,
    /// RWKV's greedy tokenization.
    RWKV,
    /// PLaMo-2's Aho-Corasick.
    PLAMO2,
    /// llama.cpp's tokenizer for tests.
    TEST;

    static VocabType of(int code) {
        if (code < 0 || code >= values().length) {
            throw new IllegalStateException("vocabulary type " + code + " is unknown to these bindings");
        }
        return values()[code];
    }
}
