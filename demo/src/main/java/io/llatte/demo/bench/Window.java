package io.llatte.demo.bench;

import java.util.List;
import java.util.Optional;

/// The time in which every stream generates, and none still waits for its first token or has ended: what a benchmark that decodes all sequences in
/// lockstep calls its generation.
///
/// @param tokens what came in it, over all streams; a gap that lies in it in part counts in part
/// @param nanos how long it was
public record Window(double tokens, long nanos) {

    /// Fewer tokens of a stream say nothing about its rate.
    private static final int LEAST_TOKENS = 2;

    public Window {
        if (!(tokens > 0) || nanos <= 0) {
            throw new IllegalArgumentException("a window needs tokens and time: %s in %d ns".formatted(tokens, nanos));
        }
    }

    /// The window of some streams: from the first token of the last to begin to the last token of the first to end. Empty where some stream has
    /// fewer than two tokens in it.
    static Optional<Window> of(List<StreamTimes> streams) {
        long begin = streams.stream().mapToLong(StreamTimes::first).max().orElseThrow();
        long end = streams.stream().mapToLong(StreamTimes::last).min().orElseThrow();
        if (end <= begin || streams.stream().anyMatch(stream -> stream.tokensBetween(begin, end) < LEAST_TOKENS)) {
            return Optional.empty();
        }
        return Optional.of(new Window(streams.stream().mapToDouble(stream -> stream.tokensBetween(begin, end)).sum(), end - begin));
    }

    /// Tokens per second, over all streams.
    public double rate() {
        return tokens * 1e9 / nanos;
    }
}
