package io.llatte.demo;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// What can be typed in the chat instead of a question.
enum SlashCommand {
    HELP("", "show this"),
    MODEL("[MODEL]", "list the models, or change to one; the conversation is kept"),
    SYSTEM("[TEXT]", "show or change what the model is told before the conversation; - for nothing"),
    JSON("[SCHEMA]", "show or set the JSON schema that answers follow: a file, or the schema itself; off for none"),
    TOOLS("[on|off]", "show whether the model may call tools (the clock, arithmetic), or change it"),
    THINK("[on|off]", "show whether the model thinks before it answers, or change it; only some models can"),
    IMAGE("FILE", "show the model a picture with the next question; it needs a projector"),
    SAVE("FILE", "write the conversation to a file"),
    LOAD("FILE", "read the conversation from a file"),
    STATS("", "show placement, memory, status and speed"),
    UNLOAD("", "free the model's memory; the next question loads it again"),
    CLEAR("", "forget the conversation"),
    EXIT("", "leave, as Ctrl-D does");

    private final String argument;
    private final String description;

    SlashCommand(String argument, String description) {
        this.argument = argument;
        this.description = description;
    }

    String text() {
        return "/" + name().toLowerCase(Locale.ROOT);
    }

    String argument() {
        return argument;
    }

    String description() {
        return description;
    }

    static Optional<SlashCommand> of(String word) {
        return Arrays.stream(values()).filter(command -> command.text().equals(word)).findFirst();
    }
}
