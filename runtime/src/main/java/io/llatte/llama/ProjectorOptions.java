package io.llatte.llama;

import java.util.OptionalInt;

/// How a projector is loaded. Immutable.
///
/// @param gpu whether it computes on a GPU, where there is one
/// @param threads CPU threads, 0 for the usable physical cores, at most 512
/// @param minImageTokens the least tokens of a picture, where the projector takes pictures of any size; empty for what its file says
/// @param maxImageTokens the most of them: fewer are faster, and less is seen
public record ProjectorOptions(boolean gpu, int threads, OptionalInt minImageTokens, OptionalInt maxImageTokens) {

    private static final int MAX_THREADS = 512;

    public ProjectorOptions {
        if (threads < 0 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("threads must be 0 to %d: %d".formatted(MAX_THREADS, threads));
        }
        int least = minImageTokens.orElse(1);
        int most = maxImageTokens.orElse(Math.max(1, least));
        if (least < 1 || most < least) {
            throw new IllegalArgumentException("a picture cannot have %d to %d tokens".formatted(least, most));
        }
    }

    /// On a GPU where there is one, and as the file says.
    public static ProjectorOptions defaults() {
        return new ProjectorOptions(true, 0, OptionalInt.empty(), OptionalInt.empty());
    }

    /// The same, on the CPU alone.
    public ProjectorOptions onCpu() {
        return new ProjectorOptions(false, threads, minImageTokens, maxImageTokens);
    }

    /// The same with so many threads.
    public ProjectorOptions withThreads(int count) {
        return new ProjectorOptions(gpu, count, minImageTokens, maxImageTokens);
    }
}
