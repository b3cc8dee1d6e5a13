package io.llatte.demo;

import io.llatte.ChatAnswer;
import io.llatte.ChatOptions;
import io.llatte.LocalLlm;
import io.llatte.engine.RemoteEndpoint;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
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

    @Parameters(arity = "0..1", paramLabel = "MODEL",
            description = "A model's id (see: llatte models) or a GGUF file, downloaded where it is missing. Default: the model that was chosen "
                    + "last in a chat, else the default model")
    private String modelReference;

    @Option(names = {"-p", "--prompt"}, paramLabel = "PROMPT", description = "Answer this, print the answer, and end.")
    private String prompt;

    @Option(names = "--system", paramLabel = "TEXT", description = "What the model is told before the conversation.")
    private String system;

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "1024",
            description = "The longest answer; 0: until the context is full. Default: ${DEFAULT-VALUE}")
    private int maxTokens;

    @Mixin
    private SamplingArguments samplingArguments;

    @Mixin
    private AdapterArguments adapterArguments;

    @Mixin
    private EngineArguments engineArguments;

    @Mixin
    private RemoteArguments remoteArguments;

    @Option(names = "--json", description = "Print one object: text, finishReason, usage, timings, model, placement.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Misuse.unless(maxTokens >= 0, "--max-tokens must be 0 or more: " + maxTokens);
        ChatOptions options = ChatOptions.builder().maxTokens(maxTokens == 0 ? Integer.MAX_VALUE : maxTokens)
                .sampling(samplingArguments.options()).adapters(adapterArguments.adapters()).build();
        LocalLlm.Builder llm = LocalLlm.builder().options(engineArguments.options());
        Optional<RemoteEndpoint> remote = remoteArguments.endpoint(System.getenv());
        boolean interactive = prompt == null && Tty.isInput() && Tty.isOutput();
        Misuse.unless(!interactive || !json, "--json needs a prompt, with -p or on standard input");
        if (interactive) {
            chat(llm, remote, options);
        } else {
            answerOnce(question(), llm, remote, options);
        }
        return CommandLine.ExitCode.OK;
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

    private void chat(LocalLlm.Builder llm, Optional<RemoteEndpoint> remote, ChatOptions options) throws IOException {
        try (Terminal terminal = TerminalBuilder.builder().name("llatte").system(true).dumb(true)
                .stdinEncoding(Output.charset("stdin.encoding")).stdoutEncoding(Output.charset("stdout.encoding")).build();
             var model = new ChatModel(llm, remote)) {
            if (terminal.getType().startsWith(Terminal.TYPE_DUMB)) {
                Signals.register("INT", () -> terminal.raise(Signal.INT));      // JLine does so for all other types
            }
            new InteractiveChat(model, options, system, UserPaths.history()).run(Optional.ofNullable(modelReference), terminal);
        }
    }

    private void answerOnce(String question, LocalLlm.Builder llm, Optional<RemoteEndpoint> remote, ChatOptions options) {
        try (var model = new ChatModel(llm.readOnlyPreference(), remote)) {
            model.load(Optional.ofNullable(modelReference));
            var conversation = new Conversation(system);
            ChatAnswer answer = model.answer(conversation.messagesWith(ChatMessage.user(question)), Optional.empty(), options,
                    json ? _ -> { } : Output::print).answer();
            if (json) {
                Output.println(AnswerJson.of(answer, model.engine().orElseThrow(), model.ledger()));
            } else if (!answer.text().endsWith("\n")) {
                Output.println("");
            }
            if (answer.finishReason() == FinishReason.LENGTH && !json) {
                Output.note("the answer was cut off after %d tokens".formatted(answer.usage().generatedTokens()));
            }
        }
    }
}
