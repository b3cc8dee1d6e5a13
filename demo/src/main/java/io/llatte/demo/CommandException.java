package io.llatte.demo;

/// A command cannot do what it was asked for; the message is what the user reads.
final class CommandException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    CommandException(String message) {
        super(message);
    }
}
