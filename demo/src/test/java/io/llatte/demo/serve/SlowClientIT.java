package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.demo.http.HttpLimits;
import io.llatte.engine.ContextSize;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Clients that take their time, and many of them.
class SlowClientIT {

    private static final String HEALTH = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

    private static final int CONTEXT = 32_768;

    private ServerFixture server;

    @AfterEach
    void stop() {
        server.close();
    }

    private void start(int maxConnections, Duration request, Duration idle, Duration write) {
        ServerFixture.Builder builder = ServerFixture.builder()
                .limits(new HttpLimits(1 << 20, 16 << 10, 512, maxConnections, request, idle, write, Duration.ofSeconds(1)));
        builder.engine.contextSize(ContextSize.of(CONTEXT));
        server = builder.start();
    }

    private void assertServes() {
        assertThat(server.get("/health").statusCode()).isEqualTo(200);
    }

    /// Sends bytes, one at a time, until the server will not have it.
    private static void drip(RawClient client, String endless) throws Exception {
        try {
            for (int i = 0; i < 1_000_000; i++) {
                client.send(endless.substring(i % endless.length(), i % endless.length() + 1));
                Thread.sleep(20);
            }
            throw new AssertionError("it was never cut off");
        } catch (SocketException cutOff) {
            // As it should be.
        }
    }

    @Test
    void requestsThatNeverBecomeWhole_areCutOff() throws Exception {
        start(100, Duration.ofMillis(500), Duration.ofSeconds(60), Duration.ofSeconds(60));
        for (String beginning : List.of("", "GET /health HTTP/1.1\r\n", "GET /health HTTP/1.1\r\nHost: localhost\r\nX: ",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n")) {
            try (var client = new RawClient(server.server.port())) {
                drip(client.send(beginning), "a");
            }
            assertServes();
        }
    }

    @Test
    void silentConnections_areClosed() throws Exception {
        start(100, Duration.ofSeconds(60), Duration.ofMillis(300), Duration.ofSeconds(60));
        try (var never = new RawClient(server.server.port()); var once = new RawClient(server.server.port())) {
            once.send(HEALTH).lineWith("{");
            once.awaitEnd();
            never.awaitEnd();
        }
        assertServes();
    }

    @Test
    void readerThatDoesNotRead_isCutOffAndItsAnswersEnd() throws Exception {
        start(100, Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ofMillis(500));
        server.load(ServerFixture.FIRST);
        try (var client = RawClient.withSmallBuffer(server.server.port())) {
            // A hundred megabytes, if it came to its end: more than the buffers between the two take.
            client.post("/v1/chat/completions", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"n\": 4, \"max_tokens\": 100000, \"ignore_eos\": true, "
                    + "\"stream\": true, \"logprobs\": true, \"top_logprobs\": 20}");
            client.lineWith("data:");
            // The one that is left is that of these questions.
            while (server.server.connections() > 1 || server.status().path("queue").path("running").asInt() > 0) {
                Thread.sleep(20);
            }
        }
        assertServes();
    }

    @Test
    void aThousandIdleConnections_areHeldAndOthersServed() throws Exception {
        start(1100, Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ofSeconds(60));
        int threads = Thread.activeCount();
        List<RawClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 1000; i++) {
                clients.add(new RawClient(server.server.port()));
            }
            assertServes();
            for (RawClient client : clients) {
                client.send(HEALTH);
            }
            for (RawClient client : clients) {
                assertThat(client.line()).contains(" 200 ");
            }
            assertThat(server.server.connections()).isBetween(1000, 1010);
            assertThat(Thread.activeCount()).as("platform threads").isLessThan(threads + 50);
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
        assertServes();
    }

    @Test
    void moreConnectionsThanMayBe_closeTheIdlest() throws Exception {
        start(10, Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ofSeconds(60));
        List<RawClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                var client = new RawClient(server.server.port());
                clients.add(client);
                assertThat(client.send(HEALTH).line()).contains(" 200 ");
            }
            clients.getFirst().awaitEnd();
            assertThat(server.server.connections()).isLessThanOrEqualTo(11);
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
        assertServes();
    }

    @Test
    void connectionsThatAreReset_leaveNothing() throws IOException, InterruptedException {
        start(100, Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ofSeconds(60));
        for (int i = 0; i < 500; i++) {
            try (var client = new RawClient(server.server.port())) {
                client.send(i % 2 == 0 ? HEALTH : "POST /v1/comp").reset();
            }
        }
        assertServes();
        while (server.server.connections() > 1) {
            Thread.sleep(10);
        }
    }
}
