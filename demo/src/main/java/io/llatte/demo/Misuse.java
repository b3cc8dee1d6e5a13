package io.llatte.demo;

/// The command line is wrong in a way that only the command itself can see.
final class Misuse extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Misuse(String message) {
        super(message);
    }

    static void unless(boolean holds, String message) {
        if (!holds) {
            throw new Misuse(message);
        }
    }
}
