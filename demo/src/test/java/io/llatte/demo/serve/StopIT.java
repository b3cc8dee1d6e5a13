package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.demo.http.HttpLimits;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/// A server that ends while clients wait.
class StopIT {

    private static final String STREAM = "{\"prompt\": \"one two\", \"max_tokens\": %d, \"ignore_eos\": true, \"stream\": true}";

    private static HttpLimits limits(Duration stopTimeout) {
        HttpLimits all = HttpLimits.defaults();
        return new HttpLimits(all.maxBodyBytes(), all.maxHeaderBytes(), all.maxRequests(), all.maxConnections(), all.requestTimeout(), all.idleTimeout(),
                all.writeTimeout(), stopTimeout);
    }

    @Test
    void answersThatRun_comeToTheirEnd() throws Exception {
        try (var server = ServerFixture.builder().limits(limits(Duration.ofMinutes(1))).start().load(ServerFixture.FIRST);
             var client = new RawClient(server.server.port()); var idle = new RawClient(server.server.port())) {
            client.post("/v1/completions", STREAM.formatted(2000)).lineWith("data:");
            Thread stop = Thread.ofVirtual().start(server.server::close);
            assertThat(client.lineWith("[DONE]")).isNotNull();
            stop.join();
            assertThat(server.llm().ledger().totalBytes()).isZero();
            idle.awaitEnd();
        }
    }

    @Test
    void answersThatTakeTooLong_endWithAnError() throws Exception {
        try (var server = ServerFixture.builder().limits(limits(Duration.ZERO)).start().load(ServerFixture.FIRST);
             var client = new RawClient(server.server.port())) {
            client.post("/v1/completions", STREAM.formatted(3900)).lineWith("data:");
            Thread stop = Thread.ofVirtual().start(server.server::close);
            assertThat(client.lineWith("\"error\"")).contains("model_unavailable");
            client.awaitEnd();
            stop.join();
        }
    }

    @Test
    void newRequests_areRefusedWhileOthersAreAnswered() throws Exception {
        try (var server = ServerFixture.builder().limits(limits(Duration.ofMinutes(1))).start().load(ServerFixture.FIRST);
             var client = new RawClient(server.server.port()); var late = new RawClient(server.server.port())) {
            client.post("/v1/completions", STREAM.formatted(3900)).lineWith("data:");
            Thread stop = Thread.ofVirtual().start(server.server::close);
            String status = refusedStatus(late);
            client.close();
            stop.join();
            assertThat(status).contains("503");
        }
    }

    /// A server that was just told to stop may answer one more.
    private static String refusedStatus(RawClient client) throws IOException {
        String status = "200";
        while (status.contains("200")) {
            client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
            status = client.lineWith("HTTP/1.1");
        }
        return status;
    }
}
