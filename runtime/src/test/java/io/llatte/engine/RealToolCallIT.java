package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.DefaultModel;
import io.llatte.llama.FinishReason;
import io.llatte.llama.LlamaCppSource;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.ToolChoice;
import io.llatte.llama.ToolDefinition;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryBudget;
import io.llatte.model.ChatFormat;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The default model was never taught to call tools; where a call is required, it writes valid ones all the same, of its own large vocabulary.
@Timeout(300)
class RealToolCallIT {

    private static final ToolDefinition TRIP = new ToolDefinition("book_trip", "Books a trip to a city", """
            {"type": "object", "required": ["city", "day"], "properties":
             {"city": {"type": "string", "maxLength": 20}, "day": {"type": "integer", "minimum": 1, "maximum": 31}}}""");

    @Test
    void requiredCall_isValid() throws Exception {
        String template = Files.readString(LlamaCppSource.folder("models/templates").resolve("meta-llama-Llama-3.1-8B-Instruct.jinja"));
        var model = new ModelFile("default", DefaultModel.path(), Optional.of(new ChatFormat(template, List.of())));
        var chat = ChatRequest.builder(List.of(ChatMessage.user("Book a trip to Rome on the 7th."))).tools(List.of(TRIP))
                .toolChoice(ToolChoice.REQUIRED).build();
        int calls = 0;
        try (var arena = DeviceArena.open(MemoryBudget.unlimited());
             var engine = new EngineLoader(arena, Optional.empty()).load(model, Engines.options(2048).build(), LoadObserver.NONE)) {
            for (int seed = 0; seed < 5; seed++) {
                var request = GenerationRequest.builder(new Prompt.Chat(chat)).sampling(SamplingOptions.builder().seed(seed).build()).maxTokens(200);
                try (var stream = engine.generate(request.build(), _ -> { })) {
                    stream.forEachRemaining(_ -> { });
                    if (stream.finishReason() == FinishReason.EOG) {
                        calls++;
                        assertThat(stream.message().toolCalls()).singleElement().satisfies(call -> {
                            assertThat(call.name()).isEqualTo("book_trip");
                            JsonNode arguments = new ObjectMapper().readTree(call.arguments());
                            assertThat(arguments.path("city").asText()).hasSizeBetween(0, 20);
                            assertThat(arguments.path("day").asInt()).isBetween(1, 31);
                        });
                    }
                }
            }
        }
        assertThat(calls).isPositive();
    }
}
