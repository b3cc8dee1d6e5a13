package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.LocalLlm;
import io.llatte.engine.RemoteEndpoint;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.EmbeddingOptions.LongText;
import io.llatte.llama.Embeddings;
import io.llatte.llama.Pooling;
import io.llatte.llama.Reranking;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/// `llatte embed`.
@Command(name = "embed", description = {
    "Makes vectors of texts, or ranks them.",
    "",
    "Without TEXT and --file, each line of standard input is a text.",
    ""})
final class EmbedCommand implements Callable<Integer> {

    /// How the result is printed.
    enum Format { TEXT, JSON }

    @Parameters(index = "0", paramLabel = "MODEL", description = "A model's id or a GGUF file")
    private String modelReference;

    @Parameters(index = "1", arity = "0..*", paramLabel = "TEXT", description = "Texts")
    private List<String> texts = List.of();

    @Option(names = "--file", paramLabel = "FILE", description = "A file in UTF-8, of which each line is a text.")
    private Path file;

    @Option(names = "--format", paramLabel = "FORMAT", defaultValue = "TEXT",
            description = "text, a line for each, or json, one object. Default: ${DEFAULT-VALUE}")
    private Format format;

    @Option(names = "--no-normalize", description = "Print the vectors as long as the model made them, not with the length 1.")
    private boolean raw;

    @Option(names = "--pooling", paramLabel = "HOW", defaultValue = "model", converter = PoolingConverter.class,
            description = "How the vectors of a text's tokens become one: mean, cls, last, or model, as its file says. Default: ${DEFAULT-VALUE}")
    private Pooling pooling;

    @Option(names = "--split", description = "Cut texts that are too long into parts, and average the parts' vectors.")
    private boolean split;

    @Option(names = "--similarity", description = "Print the cosine of each two texts, and no vectors.")
    private boolean similarity;

    @Option(names = "--query", paramLabel = "TEXT",
            description = "Rank the texts by how well they answer this one, the best first. Only models that were trained for it can.")
    private String query;

    @Mixin
    private EngineArguments engineArguments;

    @Mixin
    private RemoteArguments remoteArguments;

    @Override
    public Integer call() throws IOException {
        Misuse.unless(file == null || texts.isEmpty(), "--file and TEXT exclude each other");
        Misuse.unless(query == null || !similarity && !split && !raw && pooling == Pooling.MODEL,
                "--query ranks: it excludes --similarity, --split, --no-normalize and --pooling");
        LocalLlm.Builder llm = LocalLlm.builder().options(engineArguments.options()).readOnlyPreference();
        Optional<RemoteEndpoint> remote = remoteArguments.endpoint(System.getenv());
        List<String> all = read();
        Misuse.unless(!all.isEmpty(), "there is no text");
        try (var model = new ChatModel(llm, remote)) {
            model.load(Optional.of(modelReference));
            String id = model.engine().orElseThrow().modelId();
            if (query != null) {
                print(model.rerank(query, all), all, id);
            } else {
                print(model.embed(all, new EmbeddingOptions(pooling, !raw, split ? LongText.SPLIT : LongText.REFUSE)), id);
            }
        }
        return 0;
    }

    private List<String> read() throws IOException {
        if (!texts.isEmpty()) {
            return texts;
        }
        if (file != null) {
            try {
                return Files.readAllLines(file);
            } catch (NoSuchFileException e) {
                throw new CommandException("there is no file " + file);
            }
        }
        if (Tty.isInput()) {
            Output.note("reading texts from the terminal, one a line; Ctrl-D ends them");
        }
        return new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).lines().toList();
    }

    private void print(Embeddings found, String id) {
        float[][] vectors = found.vectors();
        double[][] rows = similarity ? cosines(vectors) : null;
        if (format == Format.JSON) {
            ObjectNode root = new ObjectMapper().createObjectNode().put("model", id).put("tokens", found.tokens()).put("length", vectors[0].length);
            if (similarity) {
                ArrayNode matrix = root.putArray("similarity");
                for (double[] row : rows) {
                    ArrayNode list = matrix.addArray();
                    for (double value : row) {
                        list.add(value);
                    }
                }
            } else {
                ArrayNode list = root.putArray("embeddings");
                for (float[] vector : vectors) {
                    ArrayNode numbers = list.addArray();
                    for (float value : vector) {
                        numbers.add(value);
                    }
                }
            }
            Output.println(AnswerJson.write(root));
            return;
        }
        for (int i = 0; i < vectors.length; i++) {
            var line = new StringJoiner(" ");
            if (similarity) {
                for (double value : rows[i]) {
                    line.add(String.format(Locale.ROOT, "%6.3f", value));
                }
            } else {
                for (float value : vectors[i]) {
                    line.add(Float.toString(value));
                }
            }
            Output.println(line.toString());
        }
    }

    private static double[][] cosines(float[][] vectors) {
        double[][] rows = new double[vectors.length][vectors.length];
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < rows.length; j++) {
                rows[i][j] = Embeddings.cosine(vectors[i], vectors[j]);
            }
        }
        return rows;
    }

    private void print(Reranking ranked, List<String> all, String id) {
        if (format == Format.JSON) {
            ObjectNode root = new ObjectMapper().createObjectNode().put("model", id).put("tokens", ranked.tokens());
            ArrayNode list = root.putArray("documents");
            ranked.documents().forEach(document -> list.addObject().put("index", document.index()).put("score", document.score()));
            Output.println(AnswerJson.write(root));
        } else {
            ranked.documents().forEach(document ->
                    Output.println(String.format(Locale.ROOT, "%10.4f  %s", document.score(), all.get(document.index()))));
        }
    }

    private static final class PoolingConverter implements ITypeConverter<Pooling> {
        @Override
        public Pooling convert(String value) {
            return switch (value.toLowerCase(Locale.ROOT)) {
                case "model" -> Pooling.MODEL;
                case "mean" -> Pooling.MEAN;
                case "cls" -> Pooling.CLS;
                case "last" -> Pooling.LAST;
                default -> throw new TypeConversionException("'%s' is none of model, mean, cls, last".formatted(value));
            };
        }
    }
}
