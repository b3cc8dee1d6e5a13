package io.llatte.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.ChatEvent;
import io.llatte.ChatOptions;
import io.llatte.ChatStream;
import io.llatte.LocalLlm;
import io.llatte.ToolAnswer;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.ToolCall;
import io.llatte.llama.ToolChoice;
import io.llatte.memory.MemoryBudget;
import io.llatte.SpeakingModels;
import io.llatte.schema.JsonSchema;
import io.llatte.tools.Tool;
import io.llatte.tools.ToolResult;
import io.llatte.tools.Toolbox;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The loop of answers and calls, against a real server that asks for them.
@Timeout(60)
class ToolLoopIT {

    private static final List<ChatMessage> ASKED = List.of(ChatMessage.user("What is the weather?"));
    private static final JsonSchema ANY = new JsonSchema("{\"type\":\"object\"}");

    @TempDir
    Path folder;

    private ChatServer server;
    private LocalLlm llm;

    @BeforeEach
    void start() throws IOException {
        server = new ChatServer();
        llm = LocalLlm.builder().store(SpeakingModels.store(folder)).preferenceFile(folder.resolve("preference"))
                .budget(MemoryBudget.limit("CPU", 1 << 20)).options(Engines.options(256).build()).remote(server.endpoint()).build();
        llm.init(SpeakingModels.A);
    }

    @AfterEach
    void stop() {
        llm.close();
        server.close();
    }

    private static Tool tool(String name, io.llatte.tools.ToolFunction function) {
        return Tool.of(name, "A tool", ANY, function);
    }

    /// Asks for these calls, in pieces, as long as the conversation has no results; then says how many there were.
    private void serverCalls(int rounds, String... names) {
        server.answers(exchange -> {
            JsonNode body = new ObjectMapper().readTree(server.requests().getLast().body());
            long results = body.path("messages").valueStream().filter(turn -> turn.path("role").asText().equals("tool")).count();
            if (results < (long) rounds * names.length && !body.path("tool_choice").asText().equals("none")) {
                exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
                exchange.sendResponseHeaders(200, 0);
                ChatServer.send(exchange, "{\"choices\":[{\"delta\":{\"reasoning_content\":\"Hmm.\"}}]}");
                for (int i = 0; i < names.length; i++) {
                    ChatServer.send(exchange, "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"id%d\",\"function\":{\"name\":\"%s\",\"arguments\":\"{\\\"n\\\":\"}}]}}]}"
                            .formatted(i, i, names[i]));
                    ChatServer.send(exchange, "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"function\":{\"arguments\":\"%d}\"}}]}}]}".formatted(i, i));
                }
                ChatServer.send(exchange, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}");
                ChatServer.send(exchange, "[DONE]");
            } else {
                ChatServer.stream(exchange, List.of(results + " results"), "stop");
            }
        });
    }

    @Test
    void callsRun_andTheirResultsGoBack() throws Exception {
        serverCalls(1, "sun", "rain", "hail");
        var barrier = new CyclicBarrier(2);
        var toolbox = Toolbox.builder().tool(tool("sun", arguments -> "sun " + arguments + Math.min(0, barrier.await(20, TimeUnit.SECONDS))))
                .tool(tool("rain", arguments -> {
                    barrier.await(20, TimeUnit.SECONDS);
                    throw new IOException("no rain today");
                })).build();
        ToolAnswer answer = llm.chat(ASKED, toolbox, ChatOptions.defaults());
        assertThat(answer.text()).isEqualTo("3 results");
        assertThat(answer.results()).extracting(ToolResult::failed).containsExactly(false, true, true);
        assertThat(answer.results()).extracting(ToolResult::text).satisfiesExactly(
                sun -> assertThat(sun).isEqualTo("sun {\"n\":0}0"), rain -> assertThat(rain).contains("no rain today"),
                hail -> assertThat(hail).contains("no tool hail"));
        assertThat(answer.turns()).extracting(ChatMessage::role).containsExactly("assistant", "tool", "tool", "tool", "assistant");
        assertThat(answer.turns().getFirst().toolCalls()).containsExactly(new ToolCall("id0", "sun", "{\"n\":0}"), new ToolCall("id1", "rain", "{\"n\":1}"),
                new ToolCall("id2", "hail", "{\"n\":2}"));
        assertThat(answer.turns().getFirst().reasoning()).isEqualTo("Hmm.");
        JsonNode second = new ObjectMapper().readTree(server.requests().getLast().body());
        assertThat(second.path("messages").path(1).path("tool_calls").path(1).path("function").path("name").asText()).isEqualTo("rain");
        assertThat(second.path("messages").path(2).path("tool_call_id").asText()).isEqualTo("id0");
        assertThat(second.path("tools").path(0).path("function").path("name").asText()).isEqualTo("sun");
        assertThat(second.path("parallel_tool_calls").asBoolean()).isTrue();
    }

    @Test
    void events_tellPartsApart() {
        serverCalls(1, "sun");
        List<ChatEvent> events = new ArrayList<>();
        try (ChatStream stream = llm.events(ASKED, Toolbox.builder().tool(tool("sun", _ -> "shines")).build(), ChatOptions.defaults())) {
            stream.forEachRemaining(events::add);
        }
        assertThat(events).filteredOn(ChatEvent.ReasoningDelta.class::isInstance).containsExactly(new ChatEvent.ReasoningDelta("Hmm."));
        List<ChatEvent.ToolCallDelta> deltas = events.stream().filter(ChatEvent.ToolCallDelta.class::isInstance).map(ChatEvent.ToolCallDelta.class::cast)
                .toList();
        assertThat(deltas.getFirst().name()).isEqualTo("sun");
        assertThat(deltas).extracting(ChatEvent.ToolCallDelta::index).containsOnly(0);
        assertThat(String.join("", deltas.stream().map(ChatEvent.ToolCallDelta::arguments).toList())).isEqualTo("{\"n\":0}");
        assertThat(events).filteredOn(event -> !(event instanceof ChatEvent.ToolCallDelta)).extracting(event -> event.getClass().getSimpleName())
                .containsExactly("ReasoningDelta", "ToolsCalled", "ToolReturned", "TextDelta", "Ended");
    }

    @Test
    void limitOfRounds_endsWithAnAnswer() {
        serverCalls(100, "sun");
        ToolAnswer answer = llm.chat(ASKED, Toolbox.builder().tool(tool("sun", _ -> "shines")).maxRounds(3).build(),
                ChatOptions.builder().toolChoice(ToolChoice.REQUIRED).build());
        assertThat(answer.text()).isEqualTo("3 results");
        assertThat(server.requests()).hasSize(4);
        assertThat(server.requests().get(0).body()).contains("\"tool_choice\":\"required\"");
        assertThat(server.requests().get(1).body()).contains("\"tool_choice\":\"auto\"");
        assertThat(server.requests().get(3).body()).contains("\"tool_choice\":\"none\"");
    }

    @Test
    void manualMode_runsNothing() {
        serverCalls(1, "sun");
        var toolbox = Toolbox.builder().tool(tool("sun", _ -> "shines")).build();
        var answer = llm.chat(ASKED, ChatOptions.builder().tools(toolbox.definitions()).build());
        assertThat(answer.toolCalls()).containsExactly(new ToolCall("id0", "sun", "{\"n\":0}"));
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void cancelAndInterrupt_interruptTools() throws Exception {
        serverCalls(1, "sun");
        var started = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);
        var toolbox = Toolbox.builder().tool(tool("sun", _ -> {
            started.countDown();
            try {
                Thread.sleep(50_000);
                return "";
            } catch (InterruptedException e) {
                interrupted.countDown();
                throw e;
            }
        })).build();
        Thread reader = Thread.currentThread();
        Thread.ofVirtual().start(() -> {
            try {
                started.await();
                reader.interrupt();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        assertThatExceptionOfType(CancellationException.class).isThrownBy(() -> llm.chat(ASKED, toolbox, ChatOptions.defaults()));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
    }
}
