package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.demo.TestModel;
import io.llatte.engine.EngineStatistics;
import io.llatte.engine.InProcessEngine;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Clients that go away before they have their answers. The default model's steps are slow enough to count.
class DisconnectIT {

    /// One that runs, one that was begun before the engine knew, and one for the reader of the statistics.
    private static final long FEW_STEPS = 3;

    private static ServerFixture server;

    private long stepsWhenGone;

    @BeforeAll
    static void start() throws Exception {
        ServerFixture.Builder builder = ServerFixture.builder().copy(Path.of(TestModel.real()), "real.gguf");
        builder.engine.sequences(1);
        server = builder.start().load("real.gguf");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void nothingRuns() throws InterruptedException {
        awaitNothingRuns();
    }

    private static EngineStatistics statistics() {
        return ((InProcessEngine) server.llm().engine().orElseThrow()).statistics();
    }

    private static void awaitNothingRuns() throws InterruptedException {
        while (statistics().running() + statistics().waiting() > 0) {
            Thread.sleep(1);
        }
    }

    private static String body(String prompt, boolean streams) {
        return "{\"prompt\": \"%s\", \"max_tokens\": 3000, \"ignore_eos\": true, \"stream\": %s}".formatted(prompt, streams);
    }

    private void leave(RawClient client) throws Exception {
        client.close();
        stepsWhenGone = statistics().decodes();
    }

    private void assertCancelledSoon() throws InterruptedException {
        awaitNothingRuns();
        assertThat(statistics().decodes() - stepsWhenGone).isLessThanOrEqualTo(FEW_STEPS);
        assertThat(server.post("/v1/completions", "{\"prompt\": \"one two\", \"max_tokens\": 2}").statusCode()).isEqualTo(200);
    }

    @Test
    void clientOfAStreamLeaves_itsAnswerEndsWithinAStep() throws Exception {
        try (var client = new RawClient(server.server.port())) {
            client.post("/v1/completions", body("one two three", true)).lineWith("data:");
            leave(client);
        }
        assertCancelledSoon();
    }

    @Test
    void clientThatWaitsForAWholeAnswerLeaves_itsAnswerEndsWithinAStep() throws Exception {
        try (var client = new RawClient(server.server.port())) {
            long before = statistics().generatedTokens();
            client.post("/v1/completions", body("one two three", false));
            while (statistics().generatedTokens() == before) {
                Thread.sleep(1);
            }
            leave(client);
        }
        assertCancelledSoon();
    }

    @Test
    void clientLeavesWhileItsPromptIsEvaluated_theRestIsNot() throws Exception {
        long before = statistics().evaluatedTokens();
        int words = 3500;
        try (var client = new RawClient(server.server.port())) {
            client.post("/v1/completions", body("seven ".repeat(words), true));
            while (statistics().evaluatedTokens() == before) {
                Thread.sleep(1);
            }
            leave(client);
        }
        assertCancelledSoon();
        assertThat(statistics().evaluatedTokens() - before).isLessThan(words);
    }

    @Test
    void clientLeavesWhileItWaitsForItsTurn_itNeverRuns() throws Exception {
        try (var running = new RawClient(server.server.port()); var waiting = new RawClient(server.server.port())) {
            running.post("/v1/completions", body("one two three", true)).lineWith("data:");
            waiting.post("/v1/completions", body("four five six", true));
            while (statistics().waiting() == 0) {
                Thread.sleep(1);
            }
            waiting.close();
            while (statistics().waiting() > 0) {
                Thread.sleep(1);
            }
            leave(running);
        }
        assertCancelledSoon();
    }

    @Test
    void clientOfSeveralAnswersLeaves_allEnd() throws Exception {
        try (var client = new RawClient(server.server.port())) {
            client.post("/v1/chat/completions",
                    "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"n\": 4, \"max_tokens\": 900, \"ignore_eos\": true, \"stream\": true}")
                    .lineWith("data:");
            leave(client);
        }
        awaitNothingRuns();
        assertThat(server.status().path("queue").path("waiting").asInt()).isZero();
    }
}
