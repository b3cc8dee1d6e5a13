package io.llatte.demo;

import io.llatte.ContextOverflowException;
import io.llatte.LlatteException;
import io.llatte.llama.FinishReason;
import io.llatte.model.ModelStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    private final ModelStore store;
    private final SamplingOptions sampling;
    private final EngineOptions options;
    private final int maxTokens;
    private final Path history;
    private Conversation conversation;
    private ChatEngine engine;
    private ChatScreen screen;
    private Answer lastAnswer;
    private String draft = "";
    private volatile boolean interrupted;

    InteractiveChat(ModelStore store, SamplingOptions sampling, EngineOptions options, String system, int maxTokens,
                    Path history) {
        this.store = store;
        this.sampling = sampling;
        this.options = options;
        this.maxTokens = maxTokens;
        this.history = history;
        this.conversation = new Conversation(system);
    }

    /// Chats until the user leaves.
    void run(String modelReference, Terminal terminal) {
        engine = load(ModelFile.get(modelReference, store));
        try {
            chat(terminal);
        } finally {
            if (engine != null) {
                engine.close();
            }
        }
    }

    private void chat(Terminal terminal) {
        screen = new ChatScreen(terminal.writer(), Theme.of(terminal));
        terminal.handle(Signal.INT, _ -> interrupt());
        screen.welcome(engine);
        converse(newReader(terminal));
    }

    private LineReader newReader(Terminal terminal) {
        LineReader reader = LineReaderBuilder.builder().terminal(terminal).appName("llatte").parser(new InputParser())
                .completer(new ChatCompleter(store))
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
        interrupted = false;
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
            screen.error("interrupted");
        } catch (IOException | UncheckedIOException | LlatteException | CommandException | IllegalArgumentException e) {
            draft = text.startsWith("/") ? "" : text;
            screen.error(Failures.oneLine(e));
            LOG.debug("a turn failed", e);
        }
        return true;
    }

    private void answer(String question) {
        Answer answer = engine.answer(conversation.messagesWith(question), maxTokens, screen::answer);
        lastAnswer = answer;
        if (!answer.text().isBlank()) {
            conversation.add(question, answer.text());
        } else if (answer.finishReason() == FinishReason.CANCELLED) {
            draft = question;
        }
        screen.endOfAnswer(answer, engine.context().contextLength());
    }

    private boolean obey(SlashCommand command, String argument) throws IOException {
        switch (command) {
            case HELP -> screen.help();
            case MODEL -> changeModel(argument);
            case SYSTEM -> changeSystem(argument);
            case SAVE -> {
                conversation.save(fileOf(command, argument), engine.file().id());
                screen.note("saved %d turns to %s".formatted(conversation.turns().size(), argument));
            }
            case LOAD -> {
                conversation = Conversation.load(fileOf(command, argument));
                screen.conversation(conversation);
            }
            case STATS -> screen.statistics(engine, conversation, lastAnswer);
            case CLEAR -> {
                conversation.clear();
                engine.clear();
                screen.note("the conversation is forgotten");
            }
            case EXIT -> {
                return false;
            }
        }
        return true;
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

    /// The old model goes before the new one comes, so that both are never in memory; if the new one fails, the old one comes back.
    private void changeModel(String reference) {
        if (reference.isEmpty()) {
            screen.model(engine);
            return;
        }
        ModelFile wanted = ModelFile.get(reference, store);
        ModelFile former = engine.file();
        engine.close();
        engine = null;
        try {
            engine = load(wanted);
        } catch (RuntimeException e) {
            screen.error(Failures.oneLine(e));
            interrupted = false;
            engine = load(former);
        }
        lastAnswer = null;
        screen.model(engine);
    }

    private ChatEngine load(ModelFile file) {
        try (var progress = new ProgressLine()) {
            return ChatEngine.load(file, options, sampling, fraction -> {
                progress.loading(file.id(), fraction);
                return !interrupted;
            });
        }
    }

    private void interrupt() {
        interrupted = true;
        ChatEngine current = engine;
        if (current != null) {
            current.cancel();
        }
    }
}
