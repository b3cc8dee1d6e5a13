package io.llatte.demo.bench;

/// What is measured: a prompt, and what is generated after it, in one or several sequences side by side.
///
/// @param promptTokens tokens of each sequence's prompt; 0 for generation alone
/// @param generatedTokens tokens that each sequence generates; 0 for the prompt alone
/// @param sequences how many there are
public record Workload(int promptTokens, int generatedTokens, int sequences) {

    public Workload {
        if (promptTokens < 0 || generatedTokens < 0 || promptTokens + generatedTokens == 0) {
            throw new IllegalArgumentException("a test needs prompt tokens or generated ones: " + promptTokens + " and " + generatedTokens);
        }
        if (sequences < 1) {
            throw new IllegalArgumentException("a test needs at least one sequence: " + sequences);
        }
    }

    /// What `llama-bench` calls it.
    public String name() {
        if (generatedTokens == 0) {
            return "pp" + promptTokens;
        }
        return promptTokens == 0 ? "tg" + generatedTokens : "pp" + promptTokens + "+tg" + generatedTokens;
    }

    /// Tokens of the KV cache that one sequence fills.
    int length() {
        return promptTokens + generatedTokens;
    }
}
