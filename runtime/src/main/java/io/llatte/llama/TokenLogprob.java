package io.llatte.llama;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/// A token and how probable the model found it.
///
/// @param id its id; -1 where a server tells none
/// @param bytes its UTF-8 bytes, which may be a part of a character; control tokens are written by their names
/// @param logprob the natural logarithm of its probability: 0 is certain, negative infinity impossible
public record TokenLogprob(int id, byte[] bytes, float logprob) {

    public TokenLogprob {
        bytes = bytes.clone();
    }

    /// A copy.
    @Override
    public byte[] bytes() {
        return bytes.clone();
    }

    /// The bytes as text; a part of a character becomes U+FFFD.
    public String text() {
        return new String(bytes, UTF_8);
    }

    /// From 0 to 1.
    public double probability() {
        return Math.exp(logprob);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenLogprob that && id == that.id && Float.compare(logprob, that.logprob) == 0 && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * id + Float.hashCode(logprob)) + Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return "TokenLogprob[id=%d, text=%s, logprob=%s]".formatted(id, text(), logprob);
    }
}
