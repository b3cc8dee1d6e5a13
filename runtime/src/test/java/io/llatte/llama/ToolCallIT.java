package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.GrammarException;
import io.llatte.SpeakingModels;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A model of random weights is made to begin a call; what it writes from there on, at random, can only be a valid one.
class ToolCallIT {

    private static final List<ToolDefinition> TOOLS = List.of(
            new ToolDefinition("trip", "Books a trip", """
                    {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}, "days": {"enum": [1, 2, 3]}}, "required": ["city", "days"]}"""),
            new ToolDefinition("nothing", "Does nothing", "{\"type\": \"object\", \"properties\": {}}"));

    @TempDir
    Path folder;

    private final DeviceArena arena = DeviceArena.open();
    private Model model;
    private Context context;
    private RenderedChat chat;
    private int position;

    @BeforeEach
    void load() throws IOException {
        model = Model.load(SpeakingModels.add(folder, SpeakingModels.A), ModelOptions.builder().gpuLayers(0).build(), arena);
        context = model.newContext(ContextOptions.builder().contextLength(4096).threads(1).batchThreads(1).build());
        String qwen = Files.readString(LlamaCppSource.folder("models/templates").resolve("Qwen-Qwen3-0.6B.jinja"));
        try (var template = ChatTemplate.of(model, qwen)) {
            chat = template.render(ChatRequest.builder(List.of(ChatMessage.user("Where to?"))).tools(TOOLS).parallelToolCalls(true)
                    .enableThinking(false).build());
        }
    }

    @AfterEach
    void close() {
        model.close();
        arena.close();
    }

    private Sampler sampler(int seed) {
        context.clear();
        position = 0;
        decode(model.vocab().tokenize(chat.prompt(), false, true));
        return Sampler.builder(model).dist(seed).format(chat, ReasoningOptions.on()).build();
    }

    private void decode(int... tokens) {
        for (int from = 0; from < tokens.length; from += context.batchSize()) {
            int to = Math.min(tokens.length, from + context.batchSize());
            context.decode(context.newBatch().addAll(tokens, from, to, position, 0, true));
            position += to - from;
        }
    }

    private String force(Sampler sampler, String text) {
        for (int id : model.vocab().tokenize(text, false, false)) {
            sampler.accept(id);
            decode(id);
        }
        return text;
    }

    private String write(Sampler sampler, int most) {
        var text = new StringBuilder();
        for (int i = 0; i < most; i++) {
            int id = sampler.sample(context, -1);
            if (model.vocab().isEog(id)) {
                return text.toString();
            }
            text.append(model.vocab().detokenize(new int[] {id}, false, true));
            decode(id);
        }
        return text + "…";
    }

    @Test
    void whatFollowsTheBeginningOfACall_isACall() {
        assertThat(chat.grammarLazy()).isTrue();
        for (int seed = 0; seed < 20; seed++) {
            try (Sampler sampler = sampler(seed)) {
                String text = force(sampler, "well <tool_call>\n") + write(sampler, 600);
                ChatMessage message = ChatTemplate.parse(chat, text, false);
                assertThat(message.toolCalls()).as(text).isNotEmpty().allSatisfy(call -> {
                    assertThat(call.name()).isIn("trip", "nothing");
                    assertThat(call.arguments()).matches(call.name().equals("trip")
                            ? "\\{\\s*\"city\"\\s*:\\s*\"(Paris|Rome)\"\\s*,\\s*\"days\"\\s*:\\s*[123]\\s*}" : "\\{\\s*}");
                });
                assertThat(message.content()).isEqualTo("well ");
            }
        }
    }

    @Test
    void beforeThat_anythingGoes() {
        try (Sampler sampler = sampler(3)) {
            force(sampler, "any { thing < goes");
            String text = write(sampler, 100);
            assertThat(text).isNotEmpty().doesNotContain("tool_call");
            force(sampler, "<tool_call>\n");
            assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> force(sampler, "x"));
        }
    }
}
