package io.llatte.demo;

import io.llatte.ChatAnswer;
import io.llatte.ChatOptions;
import io.llatte.ContextOverflowException;
import io.llatte.LlatteException;
import io.llatte.ToolAnswer;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Constraint;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Image;
import io.llatte.llama.Media;
import io.llatte.llama.ReasoningOptions;
import io.llatte.llama.ToolDefinition;
import io.llatte.schema.JsonSchema;
import io.llatte.tools.Toolbox;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The chat at a terminal: reads a turn, streams the answer, shows what it took. Ctrl-C stops an answer, Ctrl-D leaves.
final class InteractiveChat {

    private static final Logger LOG = LoggerFactory.getLogger(InteractiveChat.class);

    private final ChatModel model;
    private ChatOptions options;
    private final Path history;
    private Conversation conversation;
    private ChatScreen screen;
    private Optional<ChatAnswer> lastAnswer = Optional.empty();
    private Optional<Toolbox> tools = Optional.empty();
    private String draft = "";

    /// To be seen with the next question.
    private final List<Media> pictures = new ArrayList<>();

    /// @param model what answers; the caller closes it
    InteractiveChat(ChatModel model, ChatOptions options, String system, Path history) {
        this.model = model;
        this.options = options;
        this.conversation = new Conversation(system);
        this.history = history;
    }

    /// Chats until the user leaves.
    ///
    /// @param reference the first model; empty for the one that was chosen last, or the default
    void run(Optional<String> reference, Terminal terminal) {
        screen = new ChatScreen(terminal.writer(), Theme.of(terminal));
        terminal.handle(Signal.INT, _ -> model.interrupt());
        model.load(reference);
        screen.welcome(model);
        converse(newReader(terminal));
    }

    private LineReader newReader(Terminal terminal) {
        LineReader reader = LineReaderBuilder.builder().terminal(terminal).appName("llatte").parser(new InputParser())
                .completer(new ChatCompleter(model::availableModels))
                .variable(LineReader.SECONDARY_PROMPT_PATTERN, ". ")
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .option(LineReader.Option.HISTORY_IGNORE_SPACE, false)
                .build();
        try {
            Files.createDirectories(history.getParent());
            reader.setVariable(LineReader.HISTORY_FILE, history);
        } catch (IOException e) {
            screen.note("the input history cannot be kept in " + history + ": " + e.getMessage());
        }
        return reader;
    }

    private void converse(LineReader reader) {
        while (true) {
            String input;
            try {
                input = reader.readLine(screen.prompt(), null, (Character) null, draft);
                draft = "";
            } catch (UserInterruptException e) {
                draft = "";
                screen.note("Ctrl-D or /exit leaves");
                continue;
            } catch (EndOfFileException e) {
                return;
            }
            if (!input.isBlank() && !handle(InputParser.textOf(input))) {
                return;
            }
        }
    }

    /// Answers a question or obeys a command. Returns whether to go on.
    private boolean handle(String text) {
        try {
            if (!text.startsWith("/")) {
                answer(text);
                return true;
            }
            String[] parts = text.split("\\s+", 2);
            var command = SlashCommand.of(parts[0]);
            if (command.isEmpty()) {
                screen.error("there is no command " + parts[0] + "; /help shows them");
                return true;
            }
            return obey(command.get(), parts.length > 1 ? parts[1].strip() : "");
        } catch (ContextOverflowException e) {
            draft = text;
            screen.error("the conversation is full: " + Failures.oneLine(e)
                    + "; /clear forgets it, --context N makes more room. Your text is kept");
        } catch (CancellationException e) {
            draft = text.startsWith("/") ? "" : text;
            screen.error("interrupted");
        } catch (IOException | UncheckedIOException | LlatteException | CommandException | IllegalArgumentException
                 | UnsupportedOperationException e) {
            draft = text.startsWith("/") ? "" : text;
            screen.error(Failures.oneLine(e));
            LOG.debug("a turn failed", e);
        }
        return true;
    }

    private void answer(String question) {
        ChatMessage message = ChatMessage.user(question, pictures.toArray(Media[]::new));
        ToolAnswer answered = model.answer(conversation.messagesWith(message), tools, options, screen);
        ChatAnswer answer = answered.answer();
        lastAnswer = Optional.of(answer);
        if (!answer.text().isBlank()) {
            conversation.add(message, answered.turns());
            pictures.clear();
        } else if (answer.finishReason() == FinishReason.CANCELLED) {
            draft = question;
        }
        screen.endOfAnswer(answer, model.engine().map(engine -> engine.placement().contextLength()).orElse(0));
    }

    private boolean obey(SlashCommand command, String argument) throws IOException {
        switch (command) {
            case HELP -> screen.help();
            case MODEL -> changeModel(argument);
            case SYSTEM -> changeSystem(argument);
            case JSON -> changeSchema(argument);
            case TOOLS -> {
                tools = isOn(command, argument, tools.isPresent()) ? Optional.of(Toolbox.of(new ConsoleTools())) : Optional.empty();
                screen.note(tools.map(box -> "the model may call " + String.join(", ", box.definitions().stream().map(ToolDefinition::name).toList()))
                        .orElse("the model may call no tools"));
            }
            case THINK -> {
                boolean thinks = isOn(command, argument, options.reasoning().enabled());
                options = options.toBuilder().reasoning(thinks ? ReasoningOptions.on() : ReasoningOptions.off()).build();
                screen.note(thinks ? "the model may think before it answers" : "the model is told not to think before it answers");
            }
            case IMAGE -> {
                Image picture = Image.of(fileOf(command, argument));
                pictures.add(picture);
                screen.note("%s, to be seen with the next question".formatted(picture));
            }
            case SAVE -> {
                conversation.save(fileOf(command, argument), modelName());
                screen.note("saved %d turns to %s".formatted(conversation.turns().size(), argument));
            }
            case LOAD -> {
                conversation = Conversation.load(fileOf(command, argument));
                screen.conversation(conversation);
            }
            case STATS -> screen.statistics(model, conversation, lastAnswer);
            case UNLOAD -> unload();
            case CLEAR -> {
                conversation.clear();
                pictures.clear();
                screen.note("the conversation is forgotten");
            }
            case EXIT -> {
                return false;
            }
        }
        return true;
    }

    private static boolean isOn(SlashCommand command, String argument, boolean now) {
        return switch (argument) {
            case "" -> now;
            case "on" -> true;
            case "off" -> false;
            default -> throw new CommandException("%s is on or off, not %s".formatted(command.text(), argument));
        };
    }

    private static Path fileOf(SlashCommand command, String argument) {
        if (argument.isEmpty()) {
            throw new CommandException(command.text() + " needs a file");
        }
        String home = System.getProperty("user.home");
        return Path.of(argument.startsWith("~/") ? home + argument.substring(1) : argument);
    }

    private void changeSystem(String text) {
        if (!text.isEmpty()) {
            conversation.system(text.equals("-") ? "" : text);
        }
        screen.note(conversation.system().isBlank() ? "the model is told nothing before the conversation" : "system: " + conversation.system());
    }

    /// A schema is tried before it is taken: what cannot be converted is told now, and not by each answer.
    private void changeSchema(String argument) throws IOException {
        if (argument.equals("off")) {
            options = options.toBuilder().constraint(Constraint.none()).build();
        } else if (!argument.isEmpty()) {
            var schema = new JsonSchema(argument.startsWith("{") ? argument : Files.readString(fileOf(SlashCommand.JSON, argument)));
            schema.toGrammar();
            options = options.toBuilder().constraint(Constraint.jsonSchema(schema.text())).build();
        }
        screen.note(options.constraint() instanceof Constraint.JsonSchema(var schema) ? "answers are JSON of the schema " + schema.strip()
                : "answers are free text");
    }

    private String modelName() {
        return model.engine().map(engine -> ChatModel.nameOf(engine.modelId())).orElse("");
    }

    private void changeModel(String reference) {
        if (reference.isEmpty()) {
            screen.models(model);
            return;
        }
        try {
            if (model.load(Optional.of(reference))) {
                lastAnswer = Optional.empty();
            }
            screen.model(model);
        } catch (CancellationException e) {
            screen.error("interrupted; " + whoAnswers());
        } catch (LlatteException | IllegalArgumentException e) {
            screen.error(Failures.oneLine(e) + "; " + whoAnswers());
            LOG.debug("a switch failed", e);
        }
    }

    private String whoAnswers() {
        return model.engine().isPresent() ? modelName() + " goes on" : "no model is loaded";
    }

    private void unload() {
        String name = modelName();
        if (name.isEmpty()) {
            screen.note("no model is loaded");
            return;
        }
        long bytes = model.unload();
        screen.note("%s is unloaded, %s are free again; the next question loads it".formatted(name, Sizes.text(bytes)));
    }
}
