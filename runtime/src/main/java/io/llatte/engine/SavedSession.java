package io.llatte.engine;

/// What was saved of a conversation, or brought back.
///
/// @param tokens tokens of its beginning that need not be evaluated again
/// @param bytes the file's size
public record SavedSession(int tokens, long bytes) {
}
