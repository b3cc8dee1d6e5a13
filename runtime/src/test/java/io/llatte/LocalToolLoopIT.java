package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.LlamaCppSource;
import io.llatte.llama.ReasoningOptions;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.ToolCall;
import io.llatte.llama.ToolChoice;
import io.llatte.model.ModelStore;
import io.llatte.schema.JsonSchema;
import io.llatte.tools.Tool;
import io.llatte.tools.ToolResult;
import io.llatte.tools.Toolbox;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The loop of answers and calls with a model in this process: random weights that a format's grammar makes write calls, llama.cpp's parser that
/// reads them, tools that run, and a second prompt that has their results.
@Timeout(300)
class LocalToolLoopIT {

    private static final JsonSchema TRIP = new JsonSchema("""
            {"type": "object", "required": ["city", "day"], "properties":
             {"city": {"type": "string", "enum": ["Paris", "Rome"]}, "day": {"type": "integer", "minimum": 1, "maximum": 3}}}""");
    private static final List<ChatMessage> ASKED = List.of(ChatMessage.user("Where to?"));

    @TempDir
    Path folder;

    private final List<String> booked = Collections.synchronizedList(new ArrayList<>());
    private final Toolbox trips = Toolbox.builder().parallel(false).tool(Tool.of("trip", "Books a trip", TRIP, arguments -> {
        booked.add(arguments);
        return "booked, number %s".formatted("1234567890".repeat(5));
    })).build();

    /// A tiny model with one of llama.cpp's templates.
    private LocalLlm speaking(String template) throws IOException {
        Path model = SpeakingModels.add(folder, SpeakingModels.A);
        String source = Files.readString(LlamaCppSource.folder("models/templates").resolve(template));
        GgufFile.read(model).set("tokenizer.chat_template", GgufFile.string(source)).write(model);
        LocalLlm llm = LocalLlm.builder().store(ModelStore.builder().folder(folder).build()).withoutPreference()
                .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).contextSize(ContextSize.of(16_384)).build()).build();
        llm.init(SpeakingModels.A);
        return llm;
    }

    private static ChatOptions required(int seed) {
        return ChatOptions.builder().toolChoice(ToolChoice.REQUIRED).reasoning(ReasoningOptions.off()).maxTokens(300)
                .sampling(SamplingOptions.builder().seed(seed).build()).build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"meta-llama-Llama-3.1-8B-Instruct.jinja", "CohereForAI-c4ai-command-r-plus-tool_use.jinja", "openai-gpt-oss-120b.jinja"})
    void requiredCall_isWritten_read_run_andAnswered(String template) throws IOException {
        int called = 0;
        try (LocalLlm llm = speaking(template)) {
            for (int seed = 1; seed <= 6; seed++) {
                ChatAnswer manual = llm.chat(ASKED, required(seed).toBuilder().tools(trips.definitions()).build());
                ToolAnswer answer = llm.chat(ASKED, trips, required(seed));
                // A model of random weights may first say more than it may write, and then calls nothing.
                assertThat(answer.results().isEmpty()).isEqualTo(manual.finishReason() != FinishReason.EOG);
                if (!answer.results().isEmpty()) {
                    called++;
                    ToolResult result = answer.results().getFirst();
                    assertThat(result.failed()).isFalse();
                    assertThat(result.call().arguments()).isEqualTo(manual.toolCalls().getFirst().arguments());
                    assertThat(answer.turns()).extracting(ChatMessage::role).startsWith("assistant", "tool").endsWith("assistant");
                    assertThat(answer.turns().getFirst().toolCalls()).containsExactly(result.call());
                    assertThat(answer.turns().get(1)).isEqualTo(result.message());
                    assertThat(answer.answer().usage().promptTokens()).isGreaterThan(manual.usage().promptTokens() + 50);
                }
            }
        }
        assertThat(called).isPositive();
        assertThat(booked).hasSizeGreaterThanOrEqualTo(called).allSatisfy(arguments ->
                assertThat(arguments.replaceAll("\\s", "")).matches("\\{\"city\":\"(Paris|Rome)\",\"day\":[123]}"));
    }

    @Test
    void argumentsThatNoTemplateCanWrite_areToldToTheModel_andTheConversationGoesOn() throws IOException {
        List<ToolResult> results = new ArrayList<>();
        // Gemma's format does not know the tool's schema; some of what it allows is no JSON.
        try (LocalLlm llm = speaking("google-gemma-4-31B-it.jinja")) {
            for (int seed = 1; seed <= 10; seed++) {
                ToolAnswer answer = llm.chat(ASKED, trips, required(seed));
                results.addAll(answer.results());
                List<ChatMessage> history = new ArrayList<>(ASKED);
                history.addAll(answer.turns());
                history.add(ChatMessage.user("And then?"));
                ChatOptions more = required(seed).toBuilder().toolChoice(ToolChoice.AUTO).maxTokens(1).build();
                assertThat(llm.chat(history, more).usage().promptTokens()).isPositive();
                List<String> called = history.stream().flatMap(turn -> turn.toolCalls().stream()).map(ToolCall::id).toList();
                assertThat(history.stream().map(ChatMessage::toolCallId).filter(id -> !id.isEmpty())).containsExactlyElementsOf(called);
            }
        }
        assertThat(results).filteredOn(ToolResult::failed).isNotEmpty().allSatisfy(result -> {
            assertThat(result.call().defect()).isPresent();
            assertThat(result.text()).contains("cannot be read");
        });
        assertThat(booked).hasSize((int) results.stream().filter(result -> !result.failed()).count())
                .allSatisfy(arguments -> assertThat(new ToolCall("", "trip", arguments).defect()).isEmpty());
    }

    @Test
    void requiredCall_isRefused_whereTheTemplateKnowsNone() throws IOException {
        try (LocalLlm llm = speaking("google-gemma-2-2b-it.jinja")) {
            assertThatExceptionOfType(TemplateException.class).isThrownBy(() -> llm.chat(ASKED, trips, required(1))).withMessageContaining("1 tools");
            assertThat(llm.chat(ASKED, trips, required(1).toBuilder().toolChoice(ToolChoice.AUTO).build()).results()).isEmpty();
        }
    }
}
