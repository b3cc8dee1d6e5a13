package io.llatte.llama;

/// A part of a prompt that is a picture, a piece of one, or a sound.
///
/// @param from its first position in the prompt
/// @param tokens how many positions it takes
/// @param nonCausal whether its tokens attend to one another, so that it must be evaluated in one micro-batch
/// @param media which of the prompt's media it is of, from 0
/// @param ids negative numbers in place of token ids, the same for the same content: prompts that begin with the same pictures begin with the same ids
public record MediaPart(int from, int tokens, boolean nonCausal, int media, int[] ids) {

    static int[] idsOf(Media.ContentHash hash, int piece, int tokens) {
        int[] ids = new int[tokens];
        for (int i = 0; i < tokens; i++) {
            long mixed = mix(mix(hash.high() ^ mix((long) piece << 32 | tokens)) ^ hash.low() + i);
            ids[i] = (int) mixed | Integer.MIN_VALUE;
        }
        return ids;
    }

    /// The finaliser of SplitMix64: each bit of the result depends on each of the argument.
    private static long mix(long value) {
        long z = (value ^ value >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    /// The first position after it.
    public int to() {
        return from + tokens;
    }
}
