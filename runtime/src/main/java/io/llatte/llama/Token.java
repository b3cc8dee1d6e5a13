package io.llatte.llama;

/// A generated token.
///
/// @param id its id
/// @param text the characters that became complete with it; "" while a character, or what may become a stop string, is incomplete
public record Token(int id, String text) {
}
