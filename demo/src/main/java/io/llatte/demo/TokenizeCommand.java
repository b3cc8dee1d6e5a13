package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Vocab;
import io.llatte.memory.DeviceArena;
import io.llatte.model.ModelStore;
import io.llatte.model.StoredModel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `llatte tokenize`.
@Command(name = "tokenize", description = {
    "Shows the tokens of a text, as a model sees them.",
    "",
    "With --ids and no TEXT, each line of standard input becomes a line of ids.",
    ""})
final class TokenizeCommand implements Callable<Integer> {

    @Parameters(index = "0", paramLabel = "MODEL", description = "A model's id or a GGUF file")
    private String modelReference;

    @Parameters(index = "1", arity = "0..1", paramLabel = "TEXT", description = "Default: standard input")
    private String text;

    @Option(names = "--ids", description = "Print nothing but ids.")
    private boolean ids;

    @Option(names = "--special", description = "Recognise special tokens in the text, and add those that the model wants around it.")
    private boolean special;

    @Option(names = "--json", description = "Print one object.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Misuse.unless(!json || !ids, "--json and --ids exclude each other");
        StoredModel file = ModelsCommand.pull(modelReference, ModelStore.open());
        ModelOptions options = ModelOptions.builder().vocabularyOnly(true).build();
        try (var arena = DeviceArena.open(); Model model = Model.load(file.path(), options, arena)) {
            Vocab vocab = model.vocab();
            if (text == null && ids) {
                tokenizeLines(vocab);
            } else {
                String whole = text != null ? text : new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
                print(tokenize(vocab, whole), vocab, file);
            }
        }
        return 0;
    }

    private int[] tokenize(Vocab vocab, String line) {
        return vocab.tokenize(line, special, special);
    }

    private void tokenizeLines(Vocab vocab) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Output.println(joined(tokenize(vocab, line)));
        }
    }

    private void print(int[] tokens, Vocab vocab, StoredModel file) {
        if (ids) {
            Output.println(joined(tokens));
        } else if (json) {
            var root = new ObjectMapper().createObjectNode().put("model", file.id()).put("count", tokens.length);
            var list = root.putArray("tokens");
            for (int id : tokens) {
                list.addObject().put("id", id).put("text", vocab.text(id));
            }
            Output.println(AnswerJson.write(root));
        } else {
            for (int id : tokens) {
                Output.println("%8d  %s".formatted(id, vocab.text(id).replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")));
            }
        }
    }

    private static String joined(int[] tokens) {
        return Arrays.stream(tokens).mapToObj(Integer::toString).collect(Collectors.joining(" "));
    }
}
