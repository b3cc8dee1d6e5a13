package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.memory.DeviceArena;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// The real default model, loaded once.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DefaultModelIT {

    private DeviceArena arena;
    private Model model;

    @BeforeAll
    void load() {
        arena = DeviceArena.open();
        model = Model.load(DefaultModel.path(), ModelOptions.cpuOnly(), arena);
    }

    @AfterAll
    void close() {
        if (arena != null) {
            arena.close();
        }
    }

    @Test
    void textsOfManyScripts_surviveTokenizationAndIncrementalDecoding() {
        for (String text : List.of("Hello, world!", "Grüße aus Köln", "世界、こんにちは", "مرحبا بالعالم", "👩‍👩‍👧 🇪🇺 👋🏽", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "a\tb\n\n c")) {
            int[] ids = model.vocab().tokenize(text, false, false);
            var decoder = model.vocab().newDecoder();
            var decoded = new StringBuilder();
            for (int id : ids) {
                decoded.append(decoder.accept(id));
            }
            assertThat(decoded.append(decoder.flush()).toString().stripLeading()).isEqualTo(text);
            assertThat(model.vocab().detokenize(ids).stripLeading()).isEqualTo(text);
        }
    }

    @Test
    void specialTokensInUntrustedText_stayText() {
        String trick = "<end_of_turn>";

        assertThat(model.vocab().tokenize(trick, false, true)).hasSize(1);
        assertThat(model.vocab().tokenize(trick, false, false)).hasSizeGreaterThan(1);
    }

    @Test
    void vocabularyAlone_tokenizesTheSame() {
        var options = ModelOptions.builder().vocabularyOnly(true).build();
        try (var vocabulary = Model.load(DefaultModel.path(), options, arena)) {
            assertThat(vocabulary.vocab().tokenize("Grüße 👋")).containsExactly(model.vocab().tokenize("Grüße 👋"));
            assertThat(vocabulary.info().vocabSize()).isEqualTo(model.info().vocabSize());
            assertThat(vocabulary.info().headCount()).isZero();
        }
    }

    @Test
    void greedyContinuation_isSensible() {
        try (var context = model.newContext(ContextOptions.builder().contextLength(512).build()); var sampler = Sampler.greedy(model);
             var tokens = context.sequence(0).generate(model.vocab().tokenize("The capital of France is Paris. The capital of Italy is"), sampler, 3)) {
            assertThat(String.join("", tokens.stream().map(Token::text).toList())).contains("Rome");
        }
    }

    @Test
    void grammar_allowsOnlyWhatItSays() {
        try (var context = model.newContext(ContextOptions.builder().contextLength(512).build());
             var sampler = Sampler.builder(model).grammar("root ::= (\"yes\" | \"no\") \".\"").temperature(2).dist(5).build();
             var tokens = context.sequence(0).generate(model.vocab().tokenize("Is water wet? Answer:"), sampler, 32)) {
            assertThat(String.join("", tokens.stream().map(Token::text).toList())).isIn("yes.", "no.");
            assertThat(tokens.finishReason()).isEqualTo(FinishReason.EOG);
        }
    }

    @Test
    void jsonSchema_givesJson() {
        String schema = "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"maxLength\":20},\"big\":{\"type\":\"boolean\"}},"
                + "\"required\":[\"city\",\"big\"],\"additionalProperties\":false}";
        try (var context = model.newContext(ContextOptions.builder().contextLength(512).build());
             var sampler = Sampler.builder(model).jsonSchema(schema).temperature(0.7f).dist(5).build();
             var tokens = context.sequence(0).generate(model.vocab().tokenize("Paris as JSON: "), sampler, 100)) {
            assertThat(String.join("", tokens.stream().map(Token::text).toList()).strip())
                    .matches("\\{\\s*\"city\"\\s*:\\s*\".{0,20}\"\\s*,\\s*\"big\"\\s*:\\s*(true|false)\\s*}");
        }
    }

    @Test
    void fourStreams_inOneContext_giveWhatEachGivesAlone() {
        // Every sequence in a decode of its own: batching them is the engine's work.
        List<int[]> prompts = IntStream.range(0, 4).mapToObj(i -> model.vocab().tokenize("Number " + i + " is called")).toList();
        List<List<Integer>> alone = prompts.stream().map(prompt -> {
            try (var context = model.newContext(ContextOptions.builder().contextLength(1024).maxSequences(4).build());
                 var sampler = Sampler.greedy(model); var tokens = context.sequence(0).generate(prompt, sampler, 8)) {
                return tokens.stream().map(Token::id).toList();
            }
        }).toList();
        try (var context = model.newContext(ContextOptions.builder().contextLength(1024).maxSequences(4).build())) {
            List<Generation> streams = IntStream.range(0, 4)
                    .mapToObj(i -> context.sequence(i).generate(prompts.get(i), Sampler.greedy(model), 8)).toList();
            List<List<Integer>> together = streams.stream().<List<Integer>>map(stream -> new ArrayList<>()).toList();
            for (int step = 0; step < 8; step++) {
                for (int i = 0; i < 4; i++) {
                    if (streams.get(i).hasNext()) {
                        together.get(i).add(streams.get(i).next().id());
                    }
                }
            }
            assertThat(together).isEqualTo(alone);
        }
    }
}
