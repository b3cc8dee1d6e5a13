package io.llatte.engine;

/// What an engine has done since it was loaded, and what it holds now.
///
/// @param running requests that have a sequence
/// @param waiting requests that have none yet
/// @param decodes calls of `llama_decode`
/// @param evaluatedTokens tokens in them, of prompts and of answers
/// @param generatedTokens tokens that were sampled and handed out
/// @param cachedTokens prompt tokens that needed no evaluation
/// @param evictions cached sequences that were given up for their cells
/// @param preemptions running requests that were set back and evaluated again
/// @param usedCells tokens that the KV cache holds now
/// @param contextLength tokens that it can hold
/// @param sequences requests that can have a sequence at the same time
/// @param queueLimit requests that may wait for one
public record EngineStatistics(int running, int waiting, long decodes, long evaluatedTokens, long generatedTokens, long cachedTokens,
                               long evictions, long preemptions, int usedCells, int contextLength, int sequences, int queueLimit) {
}
