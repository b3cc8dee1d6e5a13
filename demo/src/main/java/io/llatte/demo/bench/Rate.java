package io.llatte.demo.bench;

/// How fast a contestant was in one round.
///
/// @param contestant who
/// @param test at what
/// @param tokensPerSecond how fast
record Rate(String contestant, String test, double tokensPerSecond) {
}
