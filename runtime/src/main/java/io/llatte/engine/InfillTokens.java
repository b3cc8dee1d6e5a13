package io.llatte.engine;

import io.llatte.llama.Vocab;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// A text with a gap as ids, in the order in which llama.cpp's server puts them: prefix, suffix, and then the gap.
final class InfillTokens {

    private InfillTokens() {
    }

    /// @param most tokens of the prompt, at most
    /// @throws UnsupportedOperationException if the vocabulary lacks a token for this
    static int[] of(Prompt.Infill prompt, Vocab vocab, int most) {
        int[] marks = {vocab.fimPrefix(), vocab.fimSuffix(), vocab.fimMiddle()};
        if (Arrays.stream(marks).anyMatch(id -> id < 0)) {
            throw new UnsupportedOperationException("the model fills no gaps: its vocabulary has the ids %d, %d and %d for prefix, suffix and middle"
                    .formatted(marks[0], marks[1], marks[2]));
        }
        int[] begin = vocab.addsBos() ? new int[] {vocab.bos()} : new int[0];
        int[] prefix = vocab.tokenize(prompt.prefix(), false, false);
        int[] suffix = vocab.tokenize(prompt.suffix(), false, false);
        int room = Math.max(0, most - begin.length - marks.length);
        int after = Math.min(suffix.length, Math.max(room / 4, room - prefix.length));
        int before = Math.min(prefix.length, room - after);
        return Stream.of(begin, new int[] {marks[0]}, Arrays.copyOfRange(prefix, prefix.length - before, prefix.length), new int[] {marks[1]},
                Arrays.copyOf(suffix, after), new int[] {marks[2]}).flatMapToInt(IntStream::of).toArray();
    }
}
