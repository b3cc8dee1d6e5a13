package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import io.llatte.engine.ChatServer;
import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Constraint;
import io.llatte.llama.FinishReason;
import io.llatte.llama.SamplingOptions;
import io.llatte.schema.Description;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A record in, a record out: what random weights write as well as what a real model writes.
@Timeout(300)
class TypedAnswerIT {

    /// What is bounded in every part ends before this, blanks between the parts included: 22 in each gap at most.
    private static final int MOST_TOKENS = 1200;

    enum Season { SPRING, SUMMER, AUTUMN, WINTER }

    record Place(@Size(min = 1, max = 8) String name, @Min(1) @Max(9) int days) { }

    record Trip(@Description("the city where it begins") @Size(min = 1, max = 8) String from, @Size(min = 1, max = 2) List<Place> places,
                Season season, boolean byTrain, Optional<@Size(max = 8) String> note) { }

    sealed interface Event permits Meeting, Party, Reminder { }

    record Meeting(@Size(min = 1, max = 8) String room, @Min(0) @Max(23) int hour) implements Event { }

    record Party(Season season, @Size(max = 2) List<Season> others) implements Event { }

    record Reminder(@Size(min = 1, max = 8) String text) implements Event { }

    record Unused(@Size(max = 1) Map<String, Boolean> unused) { }

    record Coded(@Pattern(regexp = "\\d{5}") String zip, @Pattern(regexp = "[a-z]{1,8}\\.(com|org)|é{2}") String host,
                 @Pattern(regexp = "a.b[^x]\\S\\w?\\$") String odd, UUID id, short small, long large) { }

    record Endless(String text) { }

    record Tree(List<Tree> branches) { }

    @TempDir
    Path folder;

    private static List<ChatMessage> asked(String question) {
        return List.of(ChatMessage.user(question));
    }

    private static ChatOptions seeded(int seed, int maxTokens) {
        return ChatOptions.builder().sampling(SamplingOptions.builder().seed(seed).build()).maxTokens(maxTokens).build();
    }

    private LocalLlm tiny(int sequences) {
        LocalLlm llm = LocalLlm.builder().store(SpeakingModels.store(folder.resolve("models"))).withoutPreference()
                .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).sequences(sequences)
                        .contextSize(ContextSize.of(8192)).build()).build();
        llm.init(SpeakingModels.A);
        return llm;
    }

    /// One answer for each seed, many at once.
    private static <T> List<T> answers(LocalLlm llm, IntFunction<String> question, Class<T> type, int count, int maxTokens) throws Exception {
        try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<T>> calls = new ArrayList<>();
            for (int seed = 0; seed < count; seed++) {
                ChatOptions options = seeded(seed, maxTokens);
                List<ChatMessage> messages = asked(question.apply(seed));
                calls.add(() -> llm.chat(messages, type, options));
            }
            List<T> answers = new ArrayList<>();
            for (Future<T> answer : callers.invokeAll(calls)) {
                answers.add(answer.get());
            }
            return answers;
        }
    }

    @Test
    void realModel_fillsANestedRecord_ahundredTimes() throws Exception {
        try (LocalLlm llm = real()) {
            List<Trip> trips = answers(llm, _ -> "Plan a short trip as JSON: from, places with name and days, season, byTrain, note.", Trip.class,
                    100, MOST_TOKENS);

            assertThat(trips).hasSize(100).allSatisfy(trip -> {
                assertThat(trip.from()).isNotEmpty();
                assertThat(trip.places()).hasSizeBetween(1, 2).allSatisfy(place -> assertThat(place.days()).isBetween(1, 9));
            });
            assertThat(trips.stream().distinct().count()).isGreaterThan(50);
        }
    }

    @Test
    void realModel_choosesAmongSealedTypes_ahundredTimes() throws Exception {
        try (LocalLlm llm = real()) {
            List<String> kinds = List.of("Meeting", "Party", "Reminder");
            List<Event> events = answers(llm, seed -> "Write a %s as JSON of the type %1$s.".formatted(kinds.get(seed % 3)), Event.class, 100, MOST_TOKENS);

            assertThat(events).hasSize(100).doesNotContainNull();
            assertThat(events.stream().map(Object::getClass).distinct().count()).isGreaterThan(1);
        }
    }

    private static LocalLlm real() {
        Path file = Path.of(System.getProperty("llatte.test.model", ""));
        assumeTrue(Files.isRegularFile(file), "no default model: run ./llatte test, or set llatte.model");
        LocalLlm llm = LocalLlm.builder().withoutPreference()
                .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).sequences(16)
                        .contextSize(ContextSize.of(16 * 512)).build()).build();
        llm.init(file.toString());
        return llm;
    }

    @Test
    void randomWeights_writeWhatPatternsAndRangesAllow() throws Exception {
        try (LocalLlm llm = tiny(8)) {
            assertThat(answers(llm, _ -> "hello", Coded.class, 100, 2000)).hasSize(100).allSatisfy(coded -> {
                assertThat(coded.zip()).matches("\\d{5}");
                assertThat(coded.odd()).matches("a.b[^x]\\S\\w?\\$");
            });
            assertThat(answers(llm, _ -> "hello", Event.class, 50, 2000).stream().map(Object::getClass).distinct().count()).isEqualTo(3);
            assertThat(answers(llm, _ -> "hello", Season[].class, 10, 2000)).hasSize(10);
        }
    }

    @Test
    void answerThatIsCutOff_isTyped_withWhatIsThere() {
        try (LocalLlm llm = tiny(1)) {
            assertThatExceptionOfType(IncompleteAnswerException.class).isThrownBy(() -> llm.chat(asked("hello"), Endless.class, seeded(1, 12)))
                    .satisfies(cut -> {
                        assertThat(cut.text()).startsWith("{");
                        assertThat(cut.finishReason()).isEqualTo(FinishReason.LENGTH);
                        assertThat(cut.usage().generatedTokens()).isEqualTo(12);
                    });
        }
    }

    @Test
    void misuse_isToldBeforeAnythingIsLoaded() {
        try (LocalLlm llm = LocalLlm.builder().store(SpeakingModels.store(folder.resolve("models"))).withoutPreference().build()) {
            assertThatIllegalArgumentException().isThrownBy(() -> llm.chat(asked("hello"), Tree.class)).withMessageContaining("Tree → Tree");
            assertThatIllegalArgumentException().isThrownBy(() -> llm.chat(asked("hello"), Unused.class)).withMessageContaining("Unused.unused");
            assertThatIllegalArgumentException().isThrownBy(() -> llm.chat(asked("hello"), Place.class,
                    ChatOptions.builder().constraint(Constraint.regex("a")).build())).withMessageContaining("constraint");
            assertThat(llm.engine()).isEmpty();
        }
    }

    @Test
    void text_matchesARegularExpression() {
        try (LocalLlm llm = tiny(2)) {
            for (int seed = 0; seed < 20; seed++) {
                ChatOptions options = seeded(seed, 200).toBuilder().constraint(Constraint.regex("^\"[a-c]{2,4}\" (yes|no)\\.$")).build();
                assertThat(llm.chat(asked("hello"), options).text()).matches("\"[a-c]{2,4}\" (yes|no)\\.");
                assertThat(llm.complete("hello", options).text()).matches("\"[a-c]{2,4}\" (yes|no)\\.");
            }
            for (String pattern : List.of("", "\\d+", "(?=a)", "a(")) {
                assertThatExceptionOfType(GrammarException.class).as(pattern)
                        .isThrownBy(() -> llm.chat(asked("hello"), seeded(1, 5).toBuilder().constraint(Constraint.regex(pattern)).build()));
            }
        }
    }

    private static void says(HttpExchange exchange, String json, String finishReason) throws IOException {
        ChatServer.stream(exchange, List.of(json.replace("\"", "\\\"")), finishReason);
    }

    @Test
    void server_isAskedForTheSchema_andNotTrusted() throws Exception {
        try (var server = new ChatServer();
             LocalLlm llm = LocalLlm.builder().store(SpeakingModels.store(folder.resolve("models"))).withoutPreference().remote(server.endpoint())
                     .options(EngineOptions.builder().policy(PlacementPolicy.GPU_ONLY).devices(List.of()).build()).build()) {
            server.answers(exchange -> says(exchange, "{\"name\": \"Rome\", \"days\": 3}", "stop"));
            assertThat(llm.chat(asked("Where to?"), Place.class)).isEqualTo(new Place("Rome", 3));
            assertThat(server.requests().getLast().body()).contains("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                    + "\"name\":\"answer\",\"strict\":true,\"schema\":{\"type\":\"object\",\"properties\":{\"name\":");

            server.answers(exchange -> says(exchange, "{\"name\": \"Rome\", \"days\": 300}", "stop"));
            assertThatExceptionOfType(AnswerFormatException.class).isThrownBy(() -> llm.chat(asked("Where to?"), Place.class))
                    .withMessageContaining("$.days");

            server.answers(exchange -> says(exchange, "{\"name\": \"Ro", "length"));
            assertThatExceptionOfType(IncompleteAnswerException.class).isThrownBy(() -> llm.chat(asked("Where to?"), Place.class));
        }
    }
}
