package io.llatte.demo.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.llatte.demo.TestModel;
import io.llatte.memory.MemoryBudget;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// `/api`, `/metrics` and `/health`.
class ControlIT {

    private ServerFixture server;

    @BeforeEach
    void start() {
        server = ServerFixture.builder().start();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private JsonNode wait(String path, String model) {
        HttpResponse<String> response = server.post(path, "{\"model\": \"%s\", \"wait\": true}".formatted(model));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return ServerFixture.json(response);
    }

    private void chat() {
        HttpResponse<String> response = server.post("/v1/chat/completions",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"max_tokens\": 8, \"ignore_eos\": true}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    }

    @Test
    void statusBeforeAnything_isDisabledAndHasTheDevices() {
        JsonNode status = server.status();
        assertThat(status.path("state").asText()).isEqualTo("disabled");
        assertThat(status.path("model").isNull()).isTrue();
        assertThat(status.path("slots")).isEmpty();
        assertThat(status.path("error").isNull()).isTrue();
        assertThat(status.path("memory")).isNotEmpty();
    }

    @Test
    void init_loadsAndTellsWhatItHolds() {
        JsonNode status = wait("/api/init", ServerFixture.FIRST);
        assertThat(status.path("state").asText()).isEqualTo("idle");
        assertThat(status.path("model").asText()).isEqualTo(ServerFixture.FIRST);
        assertThat(status.path("slots")).hasSize(8).allMatch(slot -> slot.path("state").asText().equals("free"));
        assertThat(status.at("/placement/target").asText()).isEqualTo("CPU");
        assertThat(status.at("/capabilities/chat").asBoolean()).isTrue();
        assertThat(status.at("/capabilities/image").asBoolean()).isFalse();
    }

    @Test
    void memory_addsUpToEachDevice() {
        wait("/api/init", ServerFixture.FIRST);
        chat();
        for (JsonNode device : server.status().path("memory")) {
            long parts = 0;
            for (String part : List.of("freeBytes", "weightsBytes", "kvCacheUsedBytes", "kvCacheReservedBytes", "computeBytes", "unaccountedBytes",
                    "otherProcessesBytes")) {
                parts += device.path(part).asLong();
            }
            assertThat(parts).isEqualTo(device.path("totalBytes").asLong());
        }
        JsonNode cpu = server.status().path("memory").get(0);
        assertThat(cpu.path("weightsBytes").asLong() + cpu.path("kvCacheUsedBytes").asLong() + cpu.path("kvCacheReservedBytes").asLong()
                + cpu.path("computeBytes").asLong()).isEqualTo(server.llm().ledger().bytesByDevice().get(cpu.path("device").asText()));
        assertThat(cpu.path("kvCacheUsedBytes").asLong()).isPositive();
    }

    @Test
    void chat_isCounted() {
        wait("/api/init", ServerFixture.FIRST);
        chat();
        chat();
        JsonNode status = server.status();
        assertThat(status.at("/statistics/requests").asInt()).isEqualTo(2);
        assertThat(status.at("/statistics/promptTokens").asInt()).isPositive();
        assertThat(status.at("/statistics/cacheHitShare").asDouble()).isBetween(0.3, 0.5);
        assertThat(status.at("/statistics/timeToFirstTokenSeconds/p50").asDouble()).isPositive();
        assertThat(status.path("slots")).anyMatch(slot -> slot.path("state").asText().equals("kept") && slot.path("tokens").asInt() > 0);
        String metrics = server.get("/metrics").body();
        assertThat(metrics).contains("gen_ai_server_time_to_first_token_seconds_count", "gen_ai_client_token_usage_tokens_sum",
                "llatte_device_memory_bytes{device=\"CPU\",kind=\"weights\"}", "llatte_kv_used_tokens", "llatte_requests_waiting 0.0");
    }

    @Test
    void switch_exchangesTheModel() {
        wait("/api/init", ServerFixture.FIRST);
        JsonNode plan = ServerFixture.json(server.get("/api/plan?model=" + ServerFixture.SECOND));
        assertThat(plan.path("fits").asBoolean()).isTrue();
        assertThat(plan.at("/evicts/model").asText()).isEqualTo(ServerFixture.FIRST);
        assertThat(plan.at("/evicts/bytes").asLong()).isEqualTo(server.llm().ledger().totalBytes());
        JsonNode status = wait("/api/switch", ServerFixture.SECOND);
        assertThat(status.path("model").asText()).isEqualTo(ServerFixture.SECOND);
        // A mapped file is held without its last tensors' padding.
        assertThat(server.llm().ledger().totalBytes()).isCloseTo(plan.path("totalBytes").asLong(), within(64L));
        assertThat(ServerFixture.json(server.get("/api/models")).path("models"))
                .filteredOn(model -> model.path("loaded").asBoolean()).extracting(model -> model.path("id").asText()).containsExactly(ServerFixture.SECOND);
    }

    @Test
    void unload_givesTheMemoryBack() {
        wait("/api/init", ServerFixture.FIRST);
        assertThat(ServerFixture.json(server.post("/api/unload", "{}")).path("state").asText()).isEqualTo("disabled");
        assertThat(server.llm().ledger().totalBytes()).isZero();
        chat();
        assertThat(server.status().path("model").asText()).isEqualTo(ServerFixture.FIRST);
    }

    @Test
    void brokenModel_isAnErrorWithItsRemedyUntilOneLoads() throws Exception {
        Files.write(server.folder().resolve("broken.gguf"), new byte[] {'G', 'G', 'U', 'F', 1, 2, 3});
        HttpResponse<String> response = server.post("/api/init", "{\"model\": \"broken.gguf\", \"wait\": true}");
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(ServerFixture.json(response).at("/error/code").asText()).isEqualTo("model_load_failed");
        assertThat(ServerFixture.json(response).at("/error/remediation").asText()).isNotBlank();
        JsonNode status = awaitError(true);
        assertThat(status.path("state").asText()).isEqualTo("error");
        assertThat(status.at("/error/model").asText()).isEqualTo("broken.gguf");
        assertThat(status.at("/error/remediation").asText()).contains("another model");
        wait("/api/init", ServerFixture.FIRST);
        assertThat(awaitError(false).path("state").asText()).isEqualTo("idle");
    }

    /// What the events say of an error comes after what the state says.
    private JsonNode awaitError(boolean wanted) throws InterruptedException {
        JsonNode status = server.status();
        while (status.path("error").isNull() == wanted) {
            Thread.sleep(5);
            status = server.status();
        }
        return status;
    }

    @Test
    void modelThatIsNotDownloaded_isNotPlanned() {
        HttpResponse<String> response = server.get("/api/plan?model=gemma3-270m");
        assertThat(response.statusCode()).isEqualTo(409);
        assertThat(ServerFixture.json(response).at("/error/downloadBytes").asLong()).isGreaterThan(200_000_000);
    }

    @Test
    void downloadThatCannotBe_isAnErrorWithItsRemedy() {
        HttpResponse<String> response = server.post("/api/init", "{\"model\": \"gemma3-270m\", \"wait\": true}");
        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(ServerFixture.json(response).at("/error/message").asText()).contains("offline");
    }

    @Test
    void events_beginWithTheStatusAndTellOfALoad() throws Exception {
        HttpResponse<java.io.InputStream> stream = server.client.send(server.request("/api/events").build(), HttpResponse.BodyHandlers.ofInputStream());
        assertThat(stream.headers().firstValue("Content-Type")).hasValueSatisfying(type -> assertThat(type).startsWith("text/event-stream"));
        List<String> kinds = new ArrayList<>();
        List<String> states = new ArrayList<>();
        try (var lines = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8))) {
            String event = "";
            while (!kinds.contains("ready") || !states.getLast().equals("idle")) {
                String line = lines.readLine();
                assertThat(line).as("%s %s", kinds, states).isNotNull();
                if (line.startsWith("event: ")) {
                    event = line.substring(7);
                } else if (line.startsWith("data: ")) {
                    JsonNode data = ServerFixture.json(line.substring(6));
                    if (event.equals("status")) {
                        if (states.isEmpty()) {
                            server.post("/api/init", "{\"model\": \"%s\"}".formatted(ServerFixture.FIRST));
                        }
                        states.add(data.path("state").asText());
                    } else {
                        kinds.add(data.path("kind").asText());
                    }
                }
            }
        }
        assertThat(states.getFirst()).isEqualTo("disabled");
        assertThat(kinds).contains("loading", "ready").doesNotHaveDuplicates();
    }

    @Test
    void runtime_tellsOfTheMachine() {
        JsonNode runtime = ServerFixture.json(server.get("/api/runtime"));
        assertThat(runtime.path("devices")).isNotEmpty();
        assertThat(runtime.path("llamaCpp").asText()).isNotBlank();
    }

    @Test
    void health_needsNothing() {
        assertThat(server.get("/health").statusCode()).isEqualTo(200);
    }

    @Test
    void budgetThatIsTooSmall_refusesAndKeepsServing() {
        try (var small = ServerFixture.builder().budget(MemoryBudget.limit("CPU", 1 << 20)).start()) {
            HttpResponse<String> response = small.post("/api/init", "{\"model\": \"%s\", \"wait\": true}".formatted(ServerFixture.FIRST));
            assertThat(response.statusCode()).isEqualTo(507);
            assertThat(ServerFixture.json(response).at("/error/code").asText()).isEqualTo("insufficient_memory");
            assertThat(small.get("/health").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void requestNamesAnotherModel_isRefusedUnlessTheOperatorAllowsIt() throws Exception {
        String body = "{\"model\": \"%s\", \"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"max_tokens\": 4}".formatted(ServerFixture.SECOND);
        server.load(ServerFixture.FIRST);
        assertThat(server.post("/v1/chat/completions", body).statusCode()).isEqualTo(404);
        try (var free = ServerFixture.builder().switchByRequest().copy(Path.of(TestModel.tiny("gemma3-dense.gguf")), "third.gguf").start()) {
            free.load(ServerFixture.FIRST);
            HttpResponse<String> response = free.post("/v1/chat/completions", body);
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            assertThat(ServerFixture.json(response).path("model").asText()).isEqualTo(ServerFixture.SECOND);
            assertThat(free.status().path("model").asText()).isEqualTo(ServerFixture.SECOND);
        }
    }

    @Test
    void otherMethods_areRefusedWithThoseAllowed() throws Exception {
        HttpResponse<String> response = server.send(server.request("/api/init").GET().build());
        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("Allow")).contains("POST");
        assertThat(server.send(server.request("/api/status").method("DELETE", HttpRequest.BodyPublishers.noBody()).build()).statusCode()).isEqualTo(405);
    }
}
