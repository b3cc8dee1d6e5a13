package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.PermissionDeniedException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionAssistantMessageParam;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import com.openai.models.responses.EasyInputMessage;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseStreamEvent;
import com.openai.models.responses.ToolChoiceOptions;
import io.llatte.demo.TestModel;
import io.llatte.engine.ContextSize;
import io.llatte.memory.MemoryBudget;
import io.swagger.v3.oas.annotations.media.Schema;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// OpenAI's own client for Java, with the default model.
class OpenAiJavaClientIT {

    private static final String MODEL = "caller";
    private static final String KEY = "a-key";

    private static ServerFixture server;
    private static OpenAIClient client;

    @BeforeAll
    static void start() throws Exception {
        ServerFixture.Builder builder = ServerFixture.builder().apiKey(KEY).catalog(TestModel.callingTools(MODEL))
                .copy(Path.of(TestModel.real()), MODEL + ".gguf");
        builder.engine.sequences(4).contextSize(ContextSize.of(4096)).reproducible(true);
        server = builder.start();
        server.llm().init(MODEL);
        client = client(KEY);
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder().baseUrl(server.uri("/v1").toString()).apiKey(key).maxRetries(0).timeout(Duration.ofMinutes(5)).build();
    }

    private static ChatCompletionCreateParams.Builder question() {
        return ChatCompletionCreateParams.builder().model(MODEL).addUserMessage("Name three colours.").maxCompletionTokens(24).temperature(0.0)
                .seed(1);
    }

    private static FunctionDefinition book() {
        return FunctionDefinition.builder().name("book").description("Books a trip").parameters(FunctionParameters.builder()
                .putAdditionalProperty("type", JsonValue.from("object"))
                .putAdditionalProperty("properties", JsonValue.from(Map.of("city", Map.of("type", "string", "enum", List.of("Rome", "Oslo")))))
                .putAdditionalProperty("required", JsonValue.from(List.of("city"))).build()).build();
    }

    /// The model was never taught to call tools: it is shown how.
    private static ChatCompletionCreateParams.Builder booking() {
        return ChatCompletionCreateParams.builder().model(MODEL).addUserMessage("Book a trip to Rome.")
                .addMessage(ChatCompletionAssistantMessageParam.builder().addToolCall(ChatCompletionMessageFunctionToolCall.builder().id("call_1")
                        .function(ChatCompletionMessageFunctionToolCall.Function.builder().name("book").arguments("{\"city\": \"Rome\"}").build())
                        .build()).build())
                .addMessage(ChatCompletionToolMessageParam.builder().toolCallId("call_1").content("booked").build())
                .addUserMessage("Book a trip to Oslo.").maxCompletionTokens(64).temperature(0.3).addFunctionTool(book());
    }

    // ---- chat completions

    @Test
    void chat_isAnsweredWithItsUsage() {
        ChatCompletion answer = client.chat().completions().create(question().build()).validate();
        assertThat(answer.model()).isEqualTo(MODEL);
        assertThat(answer.choices()).hasSize(1);
        assertThat(answer.choices().getFirst().message().content()).hasValueSatisfying(text -> assertThat(text).isNotBlank());
        assertThat(answer.usage().orElseThrow().completionTokens()).isBetween(1L, 24L);
        assertThat(answer.usage().orElseThrow().totalTokens())
                .isEqualTo(answer.usage().orElseThrow().promptTokens() + answer.usage().orElseThrow().completionTokens());
    }

    @Test
    void tooFewTokens_endByLength() {
        ChatCompletion answer = client.chat().completions().create(question().maxCompletionTokens(2).build());
        assertThat(answer.choices().getFirst().finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
        assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(2);
    }

    @Test
    void stop_endsTheTextBeforeIt() {
        String whole = client.chat().completions().create(question().build()).choices().getFirst().message().content().orElseThrow();
        String word = whole.substring(whole.length() / 2, whole.length() / 2 + 3);
        ChatCompletion cut = client.chat().completions().create(question().stop(word).build());
        assertThat(cut.choices().getFirst().message().content()).hasValue(whole.substring(0, whole.indexOf(word)));
        assertThat(cut.choices().getFirst().finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
    }

    @Test
    void n_givesSoManyDifferentAnswers() {
        ChatCompletion answer = client.chat().completions().create(question().n(3).temperature(2.0).build()).validate();
        assertThat(answer.choices()).hasSize(3).extracting(ChatCompletion.Choice::index).containsExactly(0L, 1L, 2L);
        assertThat(answer.choices()).extracting(choice -> choice.message().content().orElseThrow()).doesNotHaveDuplicates();
    }

    @Test
    void logprobs_areThoseOfTheText() {
        ChatCompletion answer = client.chat().completions().create(question().logprobs(true).topLogprobs(3).build()).validate();
        var tokens = answer.choices().getFirst().logprobs().orElseThrow().content().orElseThrow();
        assertThat(tokens).isNotEmpty().allSatisfy(token -> {
            assertThat(token.logprob()).isNotPositive();
            assertThat(token.topLogprobs()).hasSize(3);
            assertThat(token.topLogprobs().getFirst().token()).as("greedy").isEqualTo(token.token());
        });
        var text = new StringBuilder();
        tokens.forEach(token -> text.append(token.token()));
        assertThat(text.toString()).contains(answer.choices().getFirst().message().content().orElseThrow());
    }

    @Test
    void stream_isTheSameTextInParts() {
        String whole = client.chat().completions().create(question().build()).choices().getFirst().message().content().orElseThrow();
        var accumulator = ChatCompletionAccumulator.create();
        List<ChatCompletionChunk> chunks = new ArrayList<>();
        try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(
                question().streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build()).build())) {
            stream.stream().peek(accumulator::accumulate).forEach(chunk -> chunks.add(chunk.validate()));
        }
        assertThat(accumulator.chatCompletion().choices().getFirst().message().content()).hasValue(whole);
        assertThat(chunks.getLast().usage()).hasValueSatisfying(usage -> assertThat(usage.completionTokens()).isPositive());
        assertThat(chunks.getLast().choices()).isEmpty();
        assertThat(chunks).extracting(ChatCompletionChunk::id).containsOnly(chunks.getFirst().id());
    }

    // ---- tools

    @ParameterizedTest
    @EnumSource
    void tools_areCalled(Delivery delivery) {
        ChatCompletionCreateParams params = booking().toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED).build();
        ChatCompletion.Choice choice = untilItEnds(seed -> delivery.answer(params.toBuilder().seed(seed).build()).choices().getFirst(),
                each -> !each.finishReason().equals(ChatCompletion.Choice.FinishReason.LENGTH));
        assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.TOOL_CALLS);
        ChatCompletionMessageFunctionToolCall call = choice.message().toolCalls().orElseThrow().getFirst().asFunction();
        assertThat(call.id()).isNotBlank();
        assertThat(call.function().name()).isEqualTo("book");
        assertThat(ServerFixture.json(call.function().arguments()).path("city").asText()).isIn("Rome", "Oslo");

        // What the tool says goes back with the conversation.
        ChatCompletion next = client.chat().completions().create(params.toBuilder().toolChoice(ChatCompletionToolChoiceOption.Auto.NONE)
                .addMessage(choice.message()).addMessage(ChatCompletionToolMessageParam.builder().toolCallId(call.id()).content("booked").build()).build());
        assertThat(next.choices().getFirst().message().toolCalls()).isEmpty();
        assertThat(next.choices().getFirst().message().content()).isPresent();
    }

    /// Some answers of so small a model are white space to their end.
    private static <T> T untilItEnds(IntFunction<T> answer, Predicate<T> hasEnded) {
        return IntStream.range(0, 20).mapToObj(answer).filter(hasEnded).findFirst().orElseThrow();
    }

    private enum Delivery {
        WHOLE {
            @Override
            ChatCompletion answer(ChatCompletionCreateParams params) {
                return client.chat().completions().create(params).validate();
            }
        },
        STREAMED {
            @Override
            ChatCompletion answer(ChatCompletionCreateParams params) {
                var accumulator = ChatCompletionAccumulator.create();
                try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(params)) {
                    stream.stream().map(ChatCompletionChunk::validate).forEach(accumulator::accumulate);
                }
                return accumulator.chatCompletion();
            }
        };

        abstract ChatCompletion answer(ChatCompletionCreateParams params);
    }

    // ---- typed answers

    public static class Trip {
        public String city;
        @Schema(minimum = "1", maximum = "30")
        public int days;
        public boolean byTrain;
    }

    @Test
    void jsonSchema_bindsTheAnswer() {
        var answer = client.chat().completions().create(question().maxCompletionTokens(256).responseFormat(Trip.class).build());
        Trip trip = answer.choices().getFirst().message().content().orElseThrow();
        assertThat(trip.city).isNotNull();
        assertThat(trip.days).isBetween(1, 30);
    }

    @Test
    void jsonObject_bindsTheAnswer() {
        ChatCompletion answer = client.chat().completions().create(question().maxCompletionTokens(512)
                .responseFormat(com.openai.models.ResponseFormatJsonObject.builder().build()).build());
        ChatCompletion.Choice choice = answer.choices().getFirst();
        String text = choice.message().content().orElseThrow();
        assertThat(text).startsWith("{");
        if (choice.finishReason().equals(ChatCompletion.Choice.FinishReason.STOP)) {
            assertThat(ServerFixture.json(text).isObject()).as(text).isTrue();
        }
    }

    // ---- the others

    @Test
    void completion_goesOn() {
        Completion answer = client.completions().create(CompletionCreateParams.builder().model(MODEL).prompt("One, two, three,").maxTokens(8)
                .temperature(0.0).build()).validate();
        assertThat(answer.choices().getFirst().text()).isNotBlank();
        var text = new StringBuilder();
        try (StreamResponse<Completion> stream = client.completions().createStreaming(CompletionCreateParams.builder().model(MODEL)
                .prompt("One, two, three,").maxTokens(8).temperature(0.0).build())) {
            stream.stream().forEach(chunk -> chunk.choices().forEach(choice -> text.append(choice.text())));
        }
        assertThat(text.toString()).isEqualTo(answer.choices().getFirst().text());
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT", "BASE64"})
    void embeddings_haveLengthOne(EmbeddingCreateParams.EncodingFormat.Known format) {
        CreateEmbeddingResponse answer = client.embeddings().create(EmbeddingCreateParams.builder().model(MODEL)
                .inputOfArrayOfStrings(List.of("a cat", "a kitten", "an invoice"))
                .encodingFormat(EmbeddingCreateParams.EncodingFormat.of(format.name().toLowerCase(java.util.Locale.ROOT))).build());
        assertThat(answer.data()).hasSize(3).allSatisfy(each -> {
            assertThat(each.embedding()).hasSize(640);
            assertThat(each.embedding().stream().mapToDouble(value -> value * value).sum()).isEqualTo(1, within(1e-4));
        });
        assertThat(answer.usage().promptTokens()).isPositive();
    }

    @Test
    void models_areListed() {
        assertThat(client.models().list().data()).extracting(Model::id).contains(MODEL, ServerFixture.FIRST, ServerFixture.SECOND);
        assertThat(client.models().retrieve(MODEL).id()).isEqualTo(MODEL);
    }

    // ---- responses

    private static ResponseCreateParams.Builder response() {
        return ResponseCreateParams.builder().model(MODEL).input("Name three colours.").maxOutputTokens(24).temperature(0.0);
    }

    @Test
    void response_isAnswered() {
        Response answer = client.responses().create(response().build()).validate();
        String text = answer.output().getFirst().asMessage().content().getFirst().asOutputText().text();
        assertThat(text).isNotBlank();
        assertThat(answer.usage().orElseThrow().outputTokens()).isPositive();

        var accumulator = ResponseAccumulator.create();
        var streamed = new StringBuilder();
        try (StreamResponse<ResponseStreamEvent> stream = client.responses().createStreaming(response().build())) {
            stream.stream().peek(accumulator::accumulate).forEach(event -> event.validate().outputTextDelta()
                    .ifPresent(delta -> streamed.append(delta.delta())));
        }
        assertThat(streamed.toString()).isEqualTo(text);
        assertThat(accumulator.response().output().getFirst().asMessage().content().getFirst().asOutputText().text()).isEqualTo(text);
    }

    private static ResponseInputItem message(String text) {
        return ResponseInputItem.ofEasyInputMessage(EasyInputMessage.builder().role(EasyInputMessage.Role.USER).content(text).build());
    }

    @Test
    void response_callsTools() {
        var params = response().maxOutputTokens(64).temperature(0.3).toolChoice(ToolChoiceOptions.REQUIRED).addTool(Book.class)
                .inputOfResponse(List.of(message("Book a trip to Rome."), ResponseInputItem.ofFunctionCall(ResponseFunctionToolCall.builder()
                        .callId("call_1").name("Book").arguments("{\"city\": \"Rome\"}").build()),
                        ResponseInputItem.ofFunctionCallOutput(ResponseInputItem.FunctionCallOutput.builder().callId("call_1").output("booked").build()),
                        message("Book a trip to Oslo."))).build();
        Response answer = untilItEnds(_ -> client.responses().create(params), each -> each.incompleteDetails().isEmpty());
        var call = answer.validate().output().getLast().asFunctionCall();
        assertThat(call.name()).isEqualTo("Book");
        assertThat(ServerFixture.json(call.arguments()).path("city").asText()).isIn("Rome", "Oslo");
    }

    public static class Book {
        @Schema(allowableValues = {"Rome", "Oslo"})
        public String city;
    }

    @Test
    void response_isBoundToASchema() {
        var answer = client.responses().create(response().maxOutputTokens(256).text(Trip.class).build());
        Trip trip = answer.output().getFirst().asMessage().content().getFirst().asOutputText();
        assertThat(trip.city).isNotNull();
        assertThat(trip.days).isBetween(1, 30);
    }

    // ---- errors

    private static <E extends OpenAIServiceException> E failure(Class<E> type, ChatCompletionCreateParams.Builder params) {
        return assertThatExceptionOfType(type).isThrownBy(() -> client.chat().completions().create(params.build())).actual();
    }

    @Test
    void wrongKey_isUnauthorized() {
        OpenAIClient stranger = client("another");
        assertThatExceptionOfType(UnauthorizedException.class).isThrownBy(() -> stranger.models().list())
                .satisfies(e -> assertThat(e.code()).hasValue("invalid_api_key"));
        stranger.close();
    }

    @Test
    void unknownModel_isNotFound() {
        assertThat(failure(NotFoundException.class, question().model("gpt-9")).code()).hasValue("model_not_found");
        assertThatExceptionOfType(NotFoundException.class).isThrownBy(() -> client.models().retrieve("gpt-9"));
        assertThat(failure(NotFoundException.class, question().model(ServerFixture.FIRST))).hasMessageContaining("may not exchange it");
    }

    @Test
    void valueOutOfRange_namesItsPlace() {
        BadRequestException failure = failure(BadRequestException.class, question().temperature(9.0));
        assertThat(failure.param()).hasValue("temperature");
        assertThat(failure.type()).hasValue("invalid_request_error");
        assertThat(failure(BadRequestException.class, question().n(1000)).param()).hasValue("n");
    }

    @Test
    void tooLongAPrompt_saysByHowMuch() {
        BadRequestException failure = failure(BadRequestException.class, question().addUserMessage("a word ".repeat(9000)));
        assertThat(failure.code()).hasValue("context_length_exceeded");
        assertThat(failure).hasMessageContaining("4096");
    }

    @Test
    void schemaThatCannotBe_isRefused() {
        var format = com.openai.models.ResponseFormatJsonSchema.builder().jsonSchema(com.openai.models.ResponseFormatJsonSchema.JsonSchema.builder()
                .name("broken").schema(com.openai.models.ResponseFormatJsonSchema.JsonSchema.Schema.builder()
                        .putAdditionalProperty("type", JsonValue.from("nonsense")).build()).build()).build();
        assertThat(failure(BadRequestException.class, question().responseFormat(format)).code()).hasValue("invalid_schema");
    }

    @Test
    void fullQueue_isARateLimit() {
        ServerFixture.Builder builder = ServerFixture.builder();
        builder.engine.sequences(1).queueLimit(1);
        try (ServerFixture busy = builder.start().load(ServerFixture.FIRST)) {
            OpenAIClient other = OpenAIOkHttpClient.builder().baseUrl(busy.uri("/v1").toString()).apiKey("none").maxRetries(0).build();
            assertThatExceptionOfType(RateLimitException.class).isThrownBy(() -> other.chat().completions().create(
                    question().model("default").n(8).build())).satisfies(e -> assertThat(e.code()).hasValue("queue_full"));
            other.close();
        }
    }

    @Test
    void modelThatDoesNotFit_isTheServersTrouble() {
        try (ServerFixture small = ServerFixture.builder().budget(MemoryBudget.limit("CPU", 1 << 20)).switchByRequest().start()) {
            OpenAIClient other = OpenAIOkHttpClient.builder().baseUrl(small.uri("/v1").toString()).apiKey("none").maxRetries(0).build();
            assertThatExceptionOfType(InternalServerException.class).isThrownBy(() -> other.chat().completions().create(
                    question().model(ServerFixture.FIRST).build())).satisfies(e -> {
                        assertThat(e.statusCode()).isEqualTo(507);
                        assertThat(e.code()).hasValue("insufficient_memory");
                    });
            other.close();
        }
    }

    @Test
    void foreignOrigin_isForbidden() {
        assertThat(failure(PermissionDeniedException.class, question().putAdditionalHeader("Origin", "https://example.org")).code())
                .hasValue("origin_not_allowed");
    }

    @Test
    void streamThatFailsBeforeItsFirstToken_hasItsStatus() {
        assertThatExceptionOfType(BadRequestException.class).isThrownBy(() -> {
            try (var stream = client.chat().completions().createStreaming(question().addUserMessage("a word ".repeat(9000)).build())) {
                stream.stream().forEach(_ -> { });
            }
        });
    }
}
