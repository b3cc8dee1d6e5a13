package io.llatte.demo.bench;

import java.util.List;

/// Streams that run, and a prompt that joins them.
///
/// @param promptTokens tokens of each running stream's prompt
/// @param tokensBefore tokens that each of them generates before the other joins
/// @param sequences how many run
/// @param joiningTokens tokens of the prompt that joins
public record JoinWorkload(int promptTokens, int tokensBefore, int sequences, int joiningTokens) {

    /// Steps that may pass until a request is seen, beside those that its prompt takes.
    private static final int SPARE_TOKENS = 1024;

    /// The first gap, in which the last stream begins, and one to measure.
    static final int LEAST_TOKENS_BEFORE = 3;

    public JoinWorkload {
        if (promptTokens < 1 || sequences < 1 || joiningTokens < 1) {
            throw new IllegalArgumentException("a join needs running streams with prompts and a prompt that joins: %d of %d tokens and %d tokens"
                    .formatted(sequences, promptTokens, joiningTokens));
        }
        if (tokensBefore < LEAST_TOKENS_BEFORE) {
            throw new IllegalArgumentException("streams must generate at least %d tokens before a prompt joins: %d".formatted(LEAST_TOKENS_BEFORE,
                    tokensBefore));
        }
    }

    /// Tokens that a running stream may generate: enough for twice the steps that the prompt takes in what the streams leave of a micro-batch.
    int mostTokens(int microBatchSize) {
        int room = Math.max(1, microBatchSize - sequences);
        return 1 + tokensBefore + 2 * Math.ceilDiv(joiningTokens, room) + SPARE_TOKENS;
    }

    /// What needs the same context.
    List<Workload> context(int microBatchSize) {
        return List.of(new Workload(Math.max(promptTokens + mostTokens(microBatchSize), joiningTokens), 1, sequences + 1));
    }
}
