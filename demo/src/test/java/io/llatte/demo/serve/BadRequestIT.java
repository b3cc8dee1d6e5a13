package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import io.llatte.demo.http.HttpLimits;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Requests that are wrong. Each gets its 4xx in OpenAI's shape, and the server serves on.
class BadRequestIT {

    private static final int MOST_BODY = 1 << 20;
    private static final String KEY = "the-key";
    private static final String CHAT = "/v1/chat/completions";

    private static ServerFixture server;

    @BeforeAll
    static void start() {
        var limits = new HttpLimits(MOST_BODY, 16 << 10, 512, 4096, Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ofSeconds(60),
                Duration.ofSeconds(1));
        server = ServerFixture.builder().apiKey(KEY).limits(limits).start().load(ServerFixture.FIRST);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @AfterEach
    void itServesOn() {
        HttpResponse<String> response = post(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"max_tokens\": 2}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    }

    private static HttpRequest.Builder request(String path) {
        return server.request(path).header("Authorization", "Bearer " + KEY);
    }

    private static HttpResponse<String> post(String path, String body) {
        return server.send(request(path).header("Content-Type", "application/json").POST(BodyPublishers.ofString(body)).build());
    }

    private static JsonNode assertRefused(HttpResponse<String> response, int status) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        JsonNode error = ServerFixture.json(response).path("error");
        assertThat(error.path("message").asText()).isNotBlank();
        assertThat(error.path("type").asText()).isNotBlank();
        assertThat(response.body()).doesNotContain("Exception", "io.llatte", "helidon");
        return error;
    }

    // ---- bodies

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "[]", "null", "7", "\"text\"", "{\"a\": }", "{\"a\": 1} {}", "{\"a\": 1, \"a\": 2}", "{'a': 1}", "\u0000", "{\"a\": NaN}",
        "{\"a\": \"\u0001\"}", "<xml/>", "\ufeff", "{\"a\": \"\\x\"}"})
    void whatIsNoJsonObject(String body) {
        for (String path : List.of(CHAT, "/v1/completions", "/v1/embeddings", "/v1/responses", "/api/init", "/api/switch", "/api/unload")) {
            assertRefused(post(path, body), 400);
        }
    }

    @Test
    void whatIsNestedTooDeep() {
        assertRefused(post(CHAT, "{\"messages\": ".repeat(5000)), 400);
        assertRefused(post(CHAT, "{\"messages\": " + "[".repeat(100_000) + "]".repeat(100_000) + "}"), 400);
    }

    @Test
    void numbersThatAreTooLong() {
        assertRefused(post(CHAT, "{\"messages\": [], \"seed\": " + "9".repeat(100_000) + "}"), 400);
        assertRefused(post(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"temperature\": 1e999999999}"), 400);
        assertRefused(post(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"seed\": 1e999999999}"), 400);
    }

    @Test
    void wrongUtf8() {
        byte[] bytes = "{\"messages\": [{\"role\": \"user\", \"content\": \"?\"}]}".getBytes(StandardCharsets.ISO_8859_1);
        for (int wrong : new int[] {0xff, 0xc0, 0x80, 0xed}) {
            byte[] body = bytes.clone();
            body[new String(bytes, StandardCharsets.ISO_8859_1).indexOf('?')] = (byte) wrong;
            assertRefused(server.send(request(CHAT).header("Content-Type", "application/json").POST(BodyPublishers.ofByteArray(body)).build()), 400);
        }
    }

    static Stream<Arguments> wrongMembers() {
        String hi = "\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]";
        return Stream.of(
                arguments(CHAT, "{}", "messages"),
                arguments(CHAT, "{\"messages\": []}", "messages"),
                arguments(CHAT, "{\"messages\": \"hi\"}", "messages"),
                arguments(CHAT, "{\"messages\": {}}", "messages"),
                arguments(CHAT, "{\"messages\": [\"hi\"]}", "messages[0]"),
                arguments(CHAT, "{\"messages\": [{}]}", "messages[0].role"),
                arguments(CHAT, "{\"messages\": [{\"role\": 7, \"content\": \"hi\"}]}", "messages[0].role"),
                arguments(CHAT, "{\"messages\": [{\"role\": \"root\", \"content\": \"hi\"}]}", "messages[0].role"),
                arguments(CHAT, "{\"messages\": [{\"role\": \"user\"}]}", "messages[0].content"),
                arguments(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": 7}]}", "messages[0].content"),
                arguments(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"smell\"}]}]}", "messages[0].content[0].type"),
                arguments(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]}", "messages[0].content[0].text"),
                arguments(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": \"\\ud83d\"}]}", "messages[0].content"),
                arguments(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": \"\\ude00\\ud83d\"}]}", "messages[0].content"),
                arguments(CHAT, "{\"messages\": [{\"role\": \"tool\", \"content\": \"x\"}]}", "messages[0].tool_call_id"),
                arguments(CHAT, "{%s, \"temperature\": \"hot\"}".formatted(hi), "temperature"),
                arguments(CHAT, "{%s, \"temperature\": 3}".formatted(hi), "temperature"),
                arguments(CHAT, "{%s, \"temperature\": -1}".formatted(hi), "temperature"),
                arguments(CHAT, "{%s, \"top_p\": 1.5}".formatted(hi), "top_p"),
                arguments(CHAT, "{%s, \"presence_penalty\": 9}".formatted(hi), "presence_penalty"),
                arguments(CHAT, "{%s, \"n\": 0}".formatted(hi), "n"),
                arguments(CHAT, "{%s, \"n\": 1.5}".formatted(hi), "n"),
                arguments(CHAT, "{%s, \"n\": 1000000}".formatted(hi), "n"),
                arguments(CHAT, "{%s, \"max_tokens\": -5}".formatted(hi), "max_tokens"),
                arguments(CHAT, "{%s, \"max_completion_tokens\": 99999999999}".formatted(hi), "max_completion_tokens"),
                arguments(CHAT, "{%s, \"stream\": \"yes\"}".formatted(hi), "stream"),
                arguments(CHAT, "{%s, \"stop\": [1]}".formatted(hi), "stop[0]"),
                arguments(CHAT, "{%s, \"stop\": \"\"}".formatted(hi), "stop"),
                arguments(CHAT, "{%s, \"stop\": %s}".formatted(hi, Arrays.toString(new int[99]).replace("0", "\"a\"")), "stop"),
                arguments(CHAT, "{%s, \"logit_bias\": {\"5\": 100}}".formatted(hi), "logit_bias"),
                arguments(CHAT, "{%s, \"top_logprobs\": 3}".formatted(hi), "top_logprobs"),
                arguments(CHAT, "{%s, \"logprobs\": true, \"top_logprobs\": 99}".formatted(hi), "top_logprobs"),
                arguments(CHAT, "{%s, \"response_format\": {}}".formatted(hi), "response_format.type"),
                arguments(CHAT, "{%s, \"response_format\": {\"type\": \"xml\"}}".formatted(hi), "response_format.type"),
                arguments(CHAT, "{%s, \"response_format\": {\"type\": \"json_schema\"}}".formatted(hi), "response_format.schema"),
                arguments(CHAT, "{%s, \"tools\": [{\"type\": \"web_search\"}]}".formatted(hi), "tools[0].type"),
                arguments(CHAT, "{%s, \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a b\"}}]}".formatted(hi), "tools[0].function.name"),
                arguments(CHAT, "{%s, \"tool_choice\": \"required\"}".formatted(hi), "tool_choice"),
                arguments(CHAT, "{%s, \"reasoning_effort\": \"huge\"}".formatted(hi), "reasoning_effort"),
                arguments(CHAT, "{%s, \"model\": 7}".formatted(hi), "model"),
                arguments("/v1/completions", "{}", "prompt"),
                arguments("/v1/completions", "{\"prompt\": \"a\", \"echo\": true}", "echo"),
                arguments("/v1/completions", "{\"prompt\": \"a\", \"best_of\": 3}", "best_of"),
                arguments("/v1/completions", "{\"prompt\": [7]}", "prompt[0]"),
                arguments("/v1/embeddings", "{}", "input"),
                arguments("/v1/embeddings", "{\"input\": \"\"}", "input"),
                arguments("/v1/embeddings", "{\"input\": [\"a\", \"\"]}", "input[1]"),
                arguments("/v1/embeddings", "{\"input\": \"a\", \"encoding_format\": \"hex\"}", "encoding_format"),
                arguments("/v1/embeddings", "{\"input\": \"a\", \"dimensions\": 3}", "dimensions"),
                arguments("/v1/responses", "{}", "input"),
                arguments("/v1/responses", "{\"input\": [{\"type\": \"telepathy\"}]}", "input[0].type"),
                arguments("/v1/responses", "{\"input\": \"hi\", \"previous_response_id\": \"resp_1\"}", "previous_response_id"),
                arguments("/api/init", "{\"model\": 7}", "model"));
    }

    @ParameterizedTest
    @MethodSource
    void wrongMembers(String path, String body, String param) {
        assertThat(assertRefused(post(path, body), 400).path("param").asText()).isEqualTo(param);
    }

    @Test
    void otherTypesOfBodies() {
        for (String type : List.of("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "")) {
            HttpRequest.Builder request = request(CHAT).POST(BodyPublishers.ofString("{}"));
            assertRefused(server.send((type.isEmpty() ? request : request.header("Content-Type", type)).build()), 415);
        }
    }

    // ---- sizes

    @Test
    void bodyThatIsTooLarge() throws Exception {
        String body = "{\"messages\": [{\"role\": \"user\", \"content\": \"" + "a".repeat(MOST_BODY) + "\"}]}";
        try (var client = new RawClient(server.server.port())) {
            // Said before a byte of it is sent.
            client.send("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    .formatted(CHAT, KEY, body.length()));
            assertThat(client.line()).contains(" 413 ");
        }
        // In chunks, whose sum nobody says before.
        try (var client = new RawClient(server.server.port())) {
            client.send("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .formatted(CHAT, KEY));
            String chunk = "10000\r\n" + "a".repeat(0x10000) + "\r\n";
            try {
                for (int i = 0; i < 2 * MOST_BODY / 0x10000; i++) {
                    client.send(chunk);
                }
            } catch (java.net.SocketException cutOff) {
                // The server need not read on.
            }
            assertThat(client.line()).contains(" 413 ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "abc", "99999999999999999999", "1, 2", "0x10", "+5", ""})
    void lengthThatIsNone(String length) throws Exception {
        assertThat(raw("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n{}"
                .formatted(CHAT, KEY, length))).startsWith("HTTP/1.1 4");
    }

    @Test
    void headersThatAreTooLarge() throws Exception {
        assertThat(raw("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Long: %s\r\n\r\n".formatted("a".repeat(64 << 10)))).contains(" 431 ");
        assertThat(raw("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n%s\r\n".formatted("X-Many: a\r\n".repeat(20_000)))).contains(" 431 ");
        assertThat(raw("GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n".formatted("a".repeat(64 << 10)))).matches("HTTP/1.1 4[0-9][0-9] .*");
    }

    private static String raw(String request) throws Exception {
        try (var client = new RawClient(server.server.port())) {
            try {
                client.send(request);
            } catch (java.net.SocketException cutOff) {
                // It need not be read to its end to be refused.
            }
            return client.line();
        }
    }

    // ---- HTTP itself

    @ParameterizedTest
    @ValueSource(strings = {"\u0016\u0003\u0001\u0002\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", "GET /\u0000 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u0000b\r\n\r\n"})
    void whatIsNoHttp(String request) throws Exception {
        String status = raw(request);
        assertThat(status == null || status.matches("HTTP/1.[01] [45][0-9][0-9].*")).as(status).isTrue();
    }

    @Test
    void requestsAreNotSmuggled() throws Exception {
        String head = "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n".formatted(CHAT, KEY);
        String inside = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for (String lengths : List.of("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 2\r\nContent-Length: 60\r\n",
                "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: xchunked\r\n")) {
            try (var client = new RawClient(server.server.port())) {
                client.send(head + lengths + "\r\n{}" + inside);
                String status = client.line();
                assertThat(status == null || status.matches("HTTP/1.1 [45][0-9][0-9].*")).as("%s: %s", lengths, status).isTrue();
            }
        }
    }

    @Test
    void headersAreNotInjected() {
        // What a client says never stands in a header of the answer.
        HttpResponse<String> response = post("/v1/chat/completions", "{\"model\": \"x\\r\\nSet-Cookie: a=b\", \"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}");
        assertRefused(response, 404);
        assertThat(response.headers().map()).doesNotContainKey("set-cookie");
        HttpResponse<String> path = server.send(request("/v1/models/x%0d%0aSet-Cookie:%20a=b").build());
        assertThat(path.statusCode()).isBetween(400, 404);
        assertThat(path.headers().map()).doesNotContainKey("set-cookie");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/../../../../etc/passwd", "/assets/../../../../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd", "/v1/models/../../etc/passwd", "/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/%00", "/assets/dashboard.js%00.css", "/assets/",
        "/etc/passwd", "//etc/passwd", "/api/plan?model=/etc/passwd", "/api/plan?model=../first.gguf", "/api/plan?model=file:///etc/passwd"})
    void pathsLeadNowhere(String path) throws Exception {
        try (var client = new RawClient(server.server.port())) {
            client.send("GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n".formatted(path, KEY));
            assertThat(client.line()).matches("HTTP/1.1 4[0-9][0-9] .*");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc/passwd", "../first.gguf", "./first.gguf", "file:first.gguf", "http://127.0.0.1:1/x.gguf", "someone/repository", "hf:someone/repository",
        "first", "FIRST.GGUF", "first.gguf/", "first.gguf\u0000", "\ud83d\ude00", "..", "C:\\first.gguf", "x\ny"})
    void modelsThatAreNotListed(String model) {
        String name = model.replace("\\", "\\\\").replace("\n", "\\n").replace("\u0000", "\\u0000");
        String messages = "\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]";
        assertThat(assertRefused(post(CHAT, "{\"model\": \"%s\", %s}".formatted(name, messages)), 404).path("code").asText()).isEqualTo("model_not_found");
        assertRefused(post("/v1/embeddings", "{\"model\": \"%s\", \"input\": \"a\"}".formatted(name)), 404);
        assertRefused(post("/v1/responses", "{\"model\": \"%s\", \"input\": \"a\"}".formatted(name)), 404);
        assertRefused(post("/api/init", "{\"model\": \"%s\"}".formatted(name)), 404);
        assertThat(ServerFixture.json(server.send(request("/api/status").build())).path("model").asText()).isEqualTo(ServerFixture.FIRST);
    }

    @Test
    void methodsThatAreNotThere() {
        for (String method : List.of("DELETE", "PUT", "PATCH", "GET", "HEAD")) {
            HttpResponse<String> response = server.send(request(CHAT).method(method, BodyPublishers.noBody()).build());
            assertThat(response.statusCode()).as(method).isEqualTo(405);
            assertThat(response.headers().firstValue("allow")).hasValue("POST");
        }
        assertRefused(server.send(request("/v1/nothing").build()), 404);
        assertRefused(server.send(request("/v2/chat/completions").build()), 404);
    }

    // ---- who asks

    @ParameterizedTest
    @ValueSource(strings = {"GET /v1/models", "GET /v1/models/x", "POST /v1/chat/completions", "POST /v1/completions", "POST /v1/embeddings", "POST /v1/responses",
        "GET /api/status", "GET /api/runtime", "GET /api/models", "GET /api/plan?model=x", "GET /api/events", "POST /api/init", "POST /api/switch", "POST /api/unload",
        "POST /api/cancel", "GET /metrics", "GET //v1/models", "GET /%76%31/models", "GET /v1%2fmodels", "GET /./v1/models", "GET /x/../v1/models",
        "GET /V1/models", "GET /v1/models/", "GET /v1;a=b/models"})
    void withoutTheKeyNothingIsTold(String request) throws Exception {
        for (String key : List.of("", "Authorization: Bearer wrong\r\n", "Authorization: Bearer \r\n", "Authorization: Basic dGhlLWtleQ==\r\n",
                "Authorization: the-key\r\n", "Authorization: Bearer the-key-and-more\r\n", "Authorization: Bearer the-ke\r\n")) {
            try (var client = new RawClient(server.server.port())) {
                client.send("%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n%s\r\n".formatted(request, key));
                String status = client.line();
                boolean anotherPath = request.matches("GET /(/v1|v1%2f|V1|v1;|\\./|x/).*");
                assertThat(status).as(key).matches(anotherPath ? "HTTP/1.1 4(00|01|04) .*" : "HTTP/1.1 401 .*");
            }
        }
    }

    @Test
    void theKeyIsAskedForBeforeTheBody() throws Exception {
        try (var client = new RawClient(server.server.port())) {
            client.send("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500000\r\n\r\n".formatted(CHAT));
            assertThat(client.line()).contains(" 401 ");
        }
    }

    @Test
    void otherHostsAndPages() throws Exception {
        for (String host : List.of("example.org", "localhost.example.org", "127.0.0.1.example.org", "localhost@example.org", "")) {
            assertThat(raw("GET /v1/models HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n".formatted(host, KEY))).as(host)
                    .matches("HTTP/1.1 40[03] .*");
        }
        for (String origin : List.of("https://example.org", "null", "http://localhost:1", "http://localhost.example.org", "file://")) {
            HttpResponse<String> response = server.send(request("/v1/models").header("Origin", origin).build());
            assertThat(assertRefused(response, 403).path("code").asText()).isEqualTo("origin_not_allowed");
            assertThat(response.headers().map()).doesNotContainKey("access-control-allow-origin");
        }
    }

    // ---- pictures

    @Test
    void addressesAreNotFetched() throws Exception {
        var asked = new AtomicInteger();
        HttpServer other = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        other.createContext("/", exchange -> {
            asked.incrementAndGet();
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        other.start();
        try {
            for (String url : List.of("http://127.0.0.1:%d/x.png".formatted(other.getAddress().getPort()), "file:///etc/passwd", "/etc/passwd", "ftp://127.0.0.1/x",
                    "data:image/png,abc", "", "data:", "DATA:text/plain;base64,aGVsbG8=")) {
                assertRefused(post(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {\"url\": \"%s\"}}]}]}"
                        .formatted(url)), 400);
                assertRefused(post("/v1/responses", "{\"input\": [{\"role\": \"user\", \"content\": [{\"type\": \"input_image\", \"image_url\": \"%s\"}]}]}"
                        .formatted(url)), 400);
            }
        } finally {
            other.stop(0);
        }
        assertThat(asked).hasValue(0);
    }

    @Test
    void picturesThatAreNone() {
        byte[] bomb = new byte[64];
        System.arraycopy(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0x7f, -1, -1, -1, 0x7f, -1, -1, -1, 8, 6}, 0, bomb, 0, 26);
        for (String url : List.of("data:image/png;base64,!!!!", "data:image/png;base64,aGVsbG8=",
                "data:image/png;base64," + Base64.getEncoder().encodeToString(bomb))) {
            assertRefused(post(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {\"url\": \"%s\"}}]}]}".formatted(url)), 400);
        }
    }

    // ---- texts that are right, and unusual

    @ParameterizedTest
    @ValueSource(strings = {"\ud83d\ude00", "\u0000", "\ufffe\uffff", "\u202e", "a\u0301", "\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67", "\u2028", "", "<s></s><|im_end|>",
        "\ud800\udc00"})
    void unusualTextsAreAnswered(String text) throws Exception {
        String json = new com.fasterxml.jackson.databind.ObjectMapper().writeValueAsString(text);
        HttpResponse<String> response = post(CHAT, "{\"messages\": [{\"role\": \"user\", \"content\": %s}], \"max_tokens\": 2}".formatted(json));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    }
}
