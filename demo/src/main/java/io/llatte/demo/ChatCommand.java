package io.llatte.demo;

import io.llatte.llama.FinishReason;
import io.llatte.model.ModelCatalog;
import io.llatte.model.ModelStore;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.Signals;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `llatte chat`.
@Command(name = "chat", description = {
    "Chats with a model, or answers one prompt.",
    "",
    "With -p, or with a prompt on standard input, only the answer is printed. With both, what comes on standard input follows the prompt.",
    ""})
final class ChatCommand implements Callable<Integer> {

    private static final Duration STDIN_PATIENCE = Duration.ofSeconds(3);

    @Parameters(arity = "0..1", paramLabel = "MODEL", defaultValue = ModelCatalog.DEFAULT,
            description = "A model's id (see: llatte models) or a GGUF file. Default: the default model, downloaded where it is missing")
    private String modelReference;

    @Option(names = {"-p", "--prompt"}, paramLabel = "PROMPT", description = "Answer this, print the answer, and end.")
    private String prompt;

    @Option(names = "--system", paramLabel = "TEXT", description = "What the model is told before the conversation.")
    private String system;

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "1024",
            description = "The longest answer; 0: until the context is full. Default: ${DEFAULT-VALUE}")
    private int maxTokens;

    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private EngineOptions engineOptions;

    @Option(names = "--json", description = "Print one object: text, finishReason, usage, timings, model, placement.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Misuse.unless(maxTokens >= 0, "--max-tokens must be 0 or more: " + maxTokens);
        sampling.check();
        engineOptions.check();
        boolean interactive = prompt == null && Tty.isInput() && Tty.isOutput();
        Misuse.unless(!interactive || !json, "--json needs a prompt, with -p or on standard input");
        String question = interactive ? "" : question();
        ModelStore store = ModelStore.open();
        if (interactive) {
            chat(store);
        } else {
            answerOnce(question, store);
        }
        return CommandLine.ExitCode.OK;
    }

    private int maxTokens() {
        return maxTokens == 0 ? Integer.MAX_VALUE : maxTokens;
    }

    private String question() throws IOException {
        String given = prompt == null ? "" : prompt;
        String piped = "";
        if (prompt == null) {
            if (Tty.isInput()) {
                Output.note("reading the prompt from the terminal; Ctrl-D ends it");
            }
            piped = PipedInput.read(System.in);
        } else if (!Tty.isInput()) {
            piped = PipedInput.readIfAny(System.in, STDIN_PATIENCE);
        }
        String question = given + (given.isBlank() || piped.isBlank() ? "" : "\n\n") + piped;
        Misuse.unless(!question.isBlank(), "the prompt is empty");
        return question;
    }

    private void chat(ModelStore store) throws IOException {
        try (Terminal terminal = TerminalBuilder.builder().name("llatte").system(true).dumb(true)
                .stdinEncoding(Output.charset("stdin.encoding")).stdoutEncoding(Output.charset("stdout.encoding")).build()) {
            if (terminal.getType().startsWith(Terminal.TYPE_DUMB)) {
                Signals.register("INT", () -> terminal.raise(Signal.INT));      // JLine does so for all other types
            }
            new InteractiveChat(store, sampling, engineOptions, system, maxTokens(), UserPaths.history())
                    .run(modelReference, terminal);
        }
    }

    private void answerOnce(String question, ModelStore store) {
        ModelFile file = ModelFile.get(modelReference, store);
        try (ChatEngine engine = load(file)) {
            var conversation = new Conversation(system);
            Answer answer = engine.answer(conversation.messagesWith(question), maxTokens(), json ? _ -> { } : Output::print);
            if (json) {
                Output.println(AnswerJson.of(answer, engine));
            } else if (!answer.text().endsWith("\n")) {
                Output.println("");
            }
            if (answer.finishReason() == FinishReason.LENGTH && !json) {
                Output.note("the answer was cut off after %d tokens".formatted(answer.usage().generatedTokens()));
            }
        }
    }

    private ChatEngine load(ModelFile file) {
        try (var progress = new ProgressLine()) {
            return ChatEngine.load(file, engineOptions, sampling, fraction -> {
                progress.loading(file.id(), fraction);
                return true;
            });
        }
    }
}
