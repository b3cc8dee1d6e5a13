package io.llatte.llama;

/// How many tokens a generation took.
///
/// @param promptTokens the prompt's length
/// @param cachedTokens how many of these were in the cache and not evaluated again
/// @param generatedTokens how many were generated; an end-of-generation token is not counted
public record Usage(int promptTokens, int cachedTokens, int generatedTokens) {
}
