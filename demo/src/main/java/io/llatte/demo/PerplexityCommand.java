package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.LocalLlm;
import io.llatte.engine.ContextSize;
import io.llatte.engine.InProcessEngine;
import io.llatte.engine.Perplexity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `llatte perplexity`.
@Command(name = "perplexity", description = {
    "Measures how well a model predicts a text, as llama.cpp's llama-perplexity does.",
    "",
    "The text is cut into windows; the second half of each is scored, and what is left beyond the last window is not read.",
    ""})
final class PerplexityCommand implements Callable<Integer> {

    private static final int MOST_AT_ONCE = 512;
    private static final int LEAST_CONTEXT = 256;

    @Parameters(index = "0", paramLabel = "MODEL", description = "A model's id or a GGUF file")
    private String modelReference;

    @Parameters(index = "1", arity = "0..1", paramLabel = "FILE", description = "The text, in UTF-8. Default: standard input")
    private Path file;

    @Option(names = "--window", paramLabel = "N", defaultValue = "512", description = "Tokens of a window, at least 4. Default: ${DEFAULT-VALUE}")
    private int window;

    @Option(names = "--json", description = "Print one object.")
    private boolean json;

    @Mixin
    private EngineArguments engineArguments;

    @Override
    public Integer call() throws IOException {
        Misuse.unless(window >= 4, "--window must be at least 4: " + window);
        String text = file == null ? PipedInput.read(System.in) : Files.readString(file);
        LocalLlm.Builder llm = LocalLlm.builder().readOnlyPreference().options(Misuse.ofOption(engineArguments.builder()
                .contextSize(ContextSize.of(Math.max(window, LEAST_CONTEXT))).sequences(1).microBatchSize(Math.min(window, MOST_AT_ONCE))::build));
        try (var model = new ChatModel(llm, Optional.empty())) {
            model.load(Optional.of(modelReference));
            if (!(model.engine().orElseThrow() instanceof InProcessEngine engine)) {
                throw new CommandException("only a model on this machine can be measured");
            }
            int length = engine.placement().contextLength();
            if (window > length) {
                throw new CommandException("the model's longest context is %d, and a window has %d tokens".formatted(length, window));
            }
            Consumer<Perplexity> shown = json ? _ -> { } : sofar -> Output.note("[%d] %.4f".formatted(sofar.windows(), sofar.value()));
            print(engine.perplexity(text, window, shown));
        }
        return 0;
    }

    private void print(Perplexity result) {
        if (json) {
            Output.println(AnswerJson.write(new ObjectMapper().createObjectNode().put("model", modelReference).put("perplexity", result.value())
                    .put("standardError", result.standardError()).put("window", window).put("windows", result.windows())
                    .put("scoredTokens", result.scoredTokens())));
        } else {
            Output.println("%.4f +/- %.5f over %d windows of %d tokens".formatted(result.value(), result.standardError(), result.windows(), window));
        }
    }
}
