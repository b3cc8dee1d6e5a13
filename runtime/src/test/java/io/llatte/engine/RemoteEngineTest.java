package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.llatte.BackendUnavailableException;
import io.llatte.EngineClosedException;
import io.llatte.Pictures;
import io.llatte.llama.Audio;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Image;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.Token;
import io.llatte.llama.TokenLogprob;
import io.llatte.llama.TokenStream;
import io.llatte.llama.Usage;
import java.net.URI;
import java.util.Base64;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Against a real server on this machine.
@Timeout(30)
class RemoteEngineTest {

    private static final GenerationRequest HELLO = GenerationRequest.builder(new Prompt.Chat(List.of(ChatMessage.user("Hi"))))
            .sampling(SamplingOptions.builder().seed(7).build()).maxTokens(5).stop(List.of("STOP")).build();

    private ChatServer server;
    private RemoteEngine engine;

    @BeforeEach
    void start() throws Exception {
        server = new ChatServer();
        engine = engine(server.endpoint());
    }

    private static RemoteEngine engine(RemoteEndpoint endpoint) {
        return new RemoteEngine("mine", endpoint, new PlacementReport(PlacementPolicy.PREFER_GPU, PlacementTarget.REMOTE, List.of(), 0, 0, 0, List.of()));
    }

    @AfterEach
    void stop() {
        engine.close();
        server.close();
    }

    private static String text(TokenStream stream) {
        try (var tokens = stream.stream()) {
            return tokens.map(Token::text).collect(Collectors.joining());
        }
    }

    @Test
    void keyThatNoHeaderMayHave_isRefusedWithoutRepeatingIt() {
        assertThatIllegalArgumentException().isThrownBy(() -> new RemoteEndpoint(URI.create("http://localhost/v1"), "m", "sk-secret\n"))
                .withMessageNotContaining("sk-secret");
    }

    @Test
    void answer_streamsAndEndsWithTheServersUsage() {
        var end = new AtomicReference<GenerationEnd>();
        TokenStream stream = engine.generate(HELLO, end::set);

        assertThat(text(stream)).isEqualTo("Hello there");
        assertThat(stream.finishReason()).isEqualTo(FinishReason.EOG);
        assertThat(stream.usage()).isEqualTo(new Usage(7, 2, 3));
        assertThat(end.get().usage()).isEqualTo(stream.usage());
        var request = server.requests().getFirst();
        assertThat(request.path()).isEqualTo("/v1/chat/completions");
        assertThat(request.authorization()).isEqualTo("Bearer " + ChatServer.KEY);
        assertThat(request.body()).contains("\"model\":\"remote-model\"", "\"max_tokens\":5", "\"seed\":7", "\"stop\":[\"STOP\"]",
                "{\"role\":\"user\",\"content\":\"Hi\"}");
    }

    @Test
    void pictures_areSentAsDataUrls() {
        byte[] webp = Pictures.webp();
        var message = ChatMessage.user("What is it?", Image.of(webp), Audio.of(new float[] {0, 1}, 16_000));
        text(engine.generate(GenerationRequest.of(new Prompt.Chat(List.of(message)), SamplingOptions.greedy(), 2), _ -> { }));
        assertThat(server.requests().getFirst().body()).contains(
                "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/webp;base64," + Base64.getEncoder().encodeToString(webp) + "\"}}",
                "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklGR", "\"format\":\"wav\"}",
                "{\"type\":\"text\",\"text\":\"What is it?\"}");
    }

    @Test
    void completion_usesTheOtherAddress() {
        server.answers(exchange -> ChatServer.stream(exchange, List.of("a", "b"), "length"));

        var stream = engine.generate(GenerationRequest.of(new Prompt.Text("once"), SamplingOptions.greedy(), 2), _ -> { });

        assertThat(text(stream)).isEqualTo("ab");
        assertThat(stream.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(server.requests().getFirst().path()).isEqualTo("/v1/completions");
    }

    @Test
    void logprobs_areAskedForAndRead() {
        server.answers(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            ChatServer.send(exchange, """
                    {"choices":[{"delta":{"content":"Hé"},"logprobs":{"content":[
                    {"token":"H","logprob":-0.5,"bytes":[72],"top_logprobs":[{"token":"H","logprob":-0.5,"bytes":[72]},{"token":"J","logprob":-2}]},
                    {"token":"é","logprob":-1,"bytes":[195,169],"top_logprobs":[]}]}}]}""".replace("\n", ""));
            ChatServer.send(exchange, "{\"choices\":[{\"delta\":{\"content\":\"!\"},\"finish_reason\":\"stop\"}]}");
        });

        List<Token> answer;
        try (var tokens = engine.generate(GenerationRequest.builder(HELLO.prompt()).topLogprobs(OptionalInt.of(2)).build(), _ -> { }).stream()) {
            answer = tokens.toList();
        }

        assertThat(server.requests().getFirst().body()).contains("\"logprobs\":true", "\"top_logprobs\":2");
        assertThat(answer).extracting(Token::text).containsExactly("", "Hé", "!");
        var first = answer.getFirst().logprobs().orElseThrow();
        assertThat(first.token()).isEqualTo(new TokenLogprob(-1, new byte[] {'H'}, -0.5f));
        assertThat(first.alternatives()).extracting(TokenLogprob::text).containsExactly("H", "J");
        assertThat(answer.get(1).logprobs().orElseThrow().token().text()).isEqualTo("é");
        assertThat(answer.get(2).logprobs()).isEmpty();
    }

    @Test
    void logprobsOfACompletion_haveTheOlderForm() {
        server.answers(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            ChatServer.send(exchange, """
                    {"choices":[{"text":"ab","finish_reason":"length","logprobs":{"tokens":["a","b"],"token_logprobs":[-0.25,null],
                    "top_logprobs":[{"z":-3,"a":-0.25},{"b":null}]}}]}""".replace("\n", ""));
        });

        List<Token> answer;
        var request = GenerationRequest.builder(new Prompt.Text("once")).topLogprobs(OptionalInt.of(2)).build();
        try (var tokens = engine.generate(request, _ -> { }).stream()) {
            answer = tokens.toList();
        }

        assertThat(server.requests().getFirst().body()).contains("\"logprobs\":2").doesNotContain("top_logprobs");
        assertThat(answer).extracting(Token::text).containsExactly("", "ab");
        assertThat(answer.getFirst().logprobs().orElseThrow().alternatives()).extracting(TokenLogprob::text).containsExactly("a", "z");
        assertThat(answer.get(1).logprobs().orElseThrow().token().logprob()).isEqualTo(Float.NEGATIVE_INFINITY);
    }

    @Test
    void refusal_isTyped_andNeverShowsTheKey() {
        server.answers(exchange -> ChatServer.refuse(exchange, 401, "{\"error\":\"Incorrect API key: " + ChatServer.KEY + "\"}"));

        assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(() -> text(engine.generate(HELLO, _ -> { })))
                .withMessageContaining("401").withMessageContaining("***").withMessageNotContaining(ChatServer.KEY);
        assertThat(server.endpoint().toString()).doesNotContain(ChatServer.KEY);
    }

    @Test
    void errorInTheMiddle_isTyped() {
        server.answers(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            ChatServer.send(exchange, "{\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}");
            ChatServer.send(exchange, "{\"error\":{\"message\":\"out of luck\"}}");
        });

        var stream = engine.generate(HELLO, _ -> { });
        assertThat(stream.next().text()).isEqualTo("Hel");
        assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(stream::hasNext).withMessageContaining("out of luck");
    }

    @Test
    void answerThatIsCutOff_isTyped() {
        server.answers(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            ChatServer.send(exchange, "{\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}");
        });

        assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(() -> text(engine.generate(HELLO, _ -> { })))
                .withMessageContaining("1 pieces");
    }

    @Test
    void answerThatIsNoJson_isTyped() {
        server.answers(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            ChatServer.send(exchange, "{{{");
        });

        assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(() -> text(engine.generate(HELLO, _ -> { })));
    }

    @Test
    void nobodyThere_isTyped() {
        server.close();

        assertThatExceptionOfType(BackendUnavailableException.class).isThrownBy(() -> text(engine.generate(HELLO, _ -> { })))
                .withMessageContaining("localhost");
    }

    @Test
    void cancel_endsAnAnswerThatHangs() throws Exception {
        var inside = new CountDownLatch(1);
        var release = new CountDownLatch(1);
        server.answers(exchange -> hang(exchange, inside, release));
        var stream = engine.generate(HELLO, _ -> { });
        inside.await();

        stream.cancel();

        assertThat(text(stream)).isIn("", "Hel");
        assertThat(stream.finishReason()).isEqualTo(FinishReason.CANCELLED);
        release.countDown();
    }

    @Test
    void close_endsAnAnswerThatHangs_withATypedError() throws Exception {
        var inside = new CountDownLatch(1);
        var release = new CountDownLatch(1);
        server.answers(exchange -> hang(exchange, inside, release));
        var stream = engine.generate(HELLO, _ -> { });
        inside.await();

        engine.close();

        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> stream.forEachRemaining(_ -> { }));
        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> engine.generate(HELLO, _ -> { }));
        release.countDown();
    }

    private static void hang(com.sun.net.httpserver.HttpExchange exchange, CountDownLatch inside, CountDownLatch release) throws java.io.IOException {
        exchange.sendResponseHeaders(200, 0);
        ChatServer.send(exchange, "{\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}");
        inside.countDown();
        try {
            release.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void addressesThatAreNone_areRefused() {
        for (String address : List.of("ftp://host/v1", "file:///v1", "localhost", "/v1")) {
            assertThatIllegalArgumentException().isThrownBy(() -> new RemoteEndpoint(URI.create(address), "m", ""));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> new RemoteEndpoint(URI.create("http://localhost/v1"), " ", ""));
    }
}
