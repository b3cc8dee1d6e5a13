package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.llatte.GrammarException;
import io.llatte.SpeakingModels;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.Constraint;
import io.llatte.llama.FinishReason;
import io.llatte.llama.LlamaCppSource;
import io.llatte.llama.ReasoningOptions;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.ToolChoice;
import io.llatte.llama.ToolDefinition;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import io.llatte.model.ChatFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What an answer must be, and what is read out of it: a model of random weights, real templates, and llama.cpp's own grammars and parsers.
class AnswerIT {

    private static final List<ChatMessage> ASKED = List.of(ChatMessage.user("Where to?"));
    private static final String CITY = """
            {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}, "day": {"enum": [1, 2]}}, "required": ["city", "day"]}""";
    private static final ToolDefinition TRIP = new ToolDefinition("trip", "Books a trip", CITY);

    @TempDir
    Path folder;

    private final DeviceArena arena = DeviceArena.open(MemoryBudget.unlimited());

    @AfterEach
    void nothingIsLeft() {
        assertThat(arena.ledger().totalBytes()).isZero();
        arena.close();
    }

    private InProcessEngine engine(String template) throws IOException {
        Path file = SpeakingModels.add(folder, SpeakingModels.A);
        String source = Files.readString(LlamaCppSource.folder("models/templates").resolve(template));
        return (InProcessEngine) new EngineLoader(arena, Optional.empty()).load(
                new ModelFile(SpeakingModels.A, file, Optional.of(new ChatFormat(source, List.of()))), Engines.options(4096).build(), LoadObserver.NONE);
    }

    private static GenerationRequest.Builder request(ChatRequest chat, int maxTokens) {
        return GenerationRequest.builder(new Prompt.Chat(chat)).sampling(SamplingOptions.builder().seed(3).build()).maxTokens(maxTokens);
    }

    private static AnswerStream answer(Engine engine, GenerationRequest request) {
        AnswerStream stream = engine.generate(request, _ -> { });
        stream.forEachRemaining(_ -> { });
        return stream;
    }

    @Test
    void schema_boundsTheAnswer() throws IOException {
        try (var engine = engine("Qwen-Qwen3-0.6B.jinja")) {
            for (int seed = 0; seed < 20; seed++) {
                var request = GenerationRequest.builder(new Prompt.Chat(ASKED)).sampling(SamplingOptions.builder().seed(seed).build())
                        .reasoning(ReasoningOptions.off()).constraint(Constraint.jsonSchema(CITY)).maxTokens(200).build();
                try (var stream = answer(engine, request)) {
                    assertThat(stream.finishReason()).isEqualTo(FinishReason.EOG);
                    assertThat(stream.message().content()).matches("\\{\\s*\"city\"\\s*:\\s*\"(Paris|Rome)\"\\s*,\\s*\"day\"\\s*:\\s*[12]\\s*}\\s*");
                }
            }
        }
    }

    @Test
    void grammarAndSchema_boundATextToo() throws IOException {
        try (var engine = engine("Qwen-Qwen3-0.6B.jinja")) {
            var yesOrNo = GenerationRequest.builder(new Prompt.Text("well")).constraint(Constraint.grammar("root ::= \"yes\" | \"no\"")).build();
            try (var stream = answer(engine, yesOrNo)) {
                assertThat(stream.message().content()).isIn("yes", "no");
            }
            var day = GenerationRequest.builder(new Prompt.Text("well")).constraint(Constraint.jsonSchema("{\"enum\": [1, 2]}")).build();
            try (var stream = answer(engine, day)) {
                assertThat(stream.message().content().strip()).isIn("1", "2");
            }
            var spoken = request(ChatRequest.of(ASKED), 20).constraint(Constraint.grammar("root ::= \"yes\" | \"no\"")).build();
            try (var stream = answer(engine, spoken)) {
                assertThat(stream.message()).isIn(ChatMessage.assistant("yes"), ChatMessage.assistant("no"));
            }
        }
    }

    @Test
    void whatIsCutOff_isTheBeginningOfWhatIsAsked() throws IOException {
        try (var engine = engine("Qwen-Qwen3-0.6B.jinja")) {
            var request = request(ChatRequest.of(ASKED), 3).reasoning(ReasoningOptions.off())
                    .constraint(Constraint.grammar("root ::= \"abcdef\"")).build();
            try (var stream = answer(engine, request)) {
                assertThat(stream.finishReason()).isEqualTo(FinishReason.LENGTH);
                assertThat(stream.message().content()).isEqualTo("abc");
            }
        }
    }

    @Test
    void requiredTool_keepsTheAnswerFromItsEnd() throws IOException {
        try (var engine = engine("Qwen-Qwen3-0.6B.jinja")) {
            ChatRequest.Builder chat = ChatRequest.builder(ASKED).tools(List.of(TRIP)).enableThinking(false);
            try (var stream = answer(engine, request(chat.toolChoice(ToolChoice.NONE).build(), 1000).build())) {
                assertThat(stream.finishReason()).isEqualTo(FinishReason.EOG);
            }
            try (var stream = answer(engine, request(chat.toolChoice(ToolChoice.REQUIRED).build(), 1000).build())) {
                assertThat(stream.finishReason()).isEqualTo(FinishReason.LENGTH);
            }
        }
    }

    @Test
    void reasoning_isToldApart_andEndsAtItsBudget() throws IOException {
        try (var engine = engine("Qwen-QwQ-32B.jinja")) {
            var request = request(ChatRequest.of(ASKED), 40).reasoning(new ReasoningOptions(true, OptionalInt.of(5), " Enough."));
            try (var stream = answer(engine, request.ignoreEog(true).build())) {
                ChatMessage message = stream.message();
                assertThat(message.reasoning()).endsWith(" Enough.");
                assertThat(message.content()).isNotEmpty().doesNotContain("Enough").doesNotContain("</think>");
            }
        }
    }

    @Test
    void whatCannotBe_isRefused_andNothingIsLost() throws IOException {
        try (var engine = engine("Qwen-Qwen3-0.6B.jinja")) {
            assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> engine.generate(
                    request(ChatRequest.of(ASKED), 5).constraint(Constraint.grammar("root ::= (")).build(), _ -> { }));
            assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> engine.generate(
                    request(ChatRequest.of(ASKED), 5).constraint(Constraint.jsonSchema("{")).build(), _ -> { })).withMessageContaining("1 characters");
            assertThatIllegalArgumentException().isThrownBy(() -> request(ChatRequest.builder(ASKED).tools(List.of(TRIP)).build(), 5)
                    .constraint(Constraint.grammar("root ::= \"a\"")).build()).withMessageContaining("1 tools");
            assertThatIllegalArgumentException().isThrownBy(() -> ChatRequest.builder(ASKED).tools(List.of(TRIP, TRIP)).build());
            assertThatIllegalArgumentException().isThrownBy(() -> ChatRequest.builder(ASKED).toolChoice(ToolChoice.REQUIRED).build());
            try (var stream = answer(engine, request(ChatRequest.of(ASKED), 5).build())) {
                assertThat(stream.usage().generatedTokens()).isPositive();
            }
        }
    }
}
