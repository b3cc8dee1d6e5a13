package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.ChatAnswer;
import io.llatte.ChatEvent;
import io.llatte.llama.Logprobs;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/// A chat completion's chunks.
final class ChatCompletionStream implements Answers.Listener {

    private static final String DONE = "[DONE]";

    private final LazyEventStream events;
    private final ChatCompletionJson json;
    private final ChatCompletionInput input;
    private final List<List<Logprobs>> scored = new ArrayList<>();
    private boolean begun;

    ChatCompletionStream(ServerResponse response, ChatCompletionJson json, ChatCompletionInput input) {
        this.events = new LazyEventStream(response);
        this.json = json;
        this.input = input;
        for (int i = 0; i < input.choices(); i++) {
            scored.add(new ArrayList<>());
        }
    }

    /// Streams what is answered meanwhile, to its end.
    void run(Supplier<List<ChatAnswer>> answering) {
        events.run(() -> {
            List<ChatAnswer> answers = answering.get();
            if (input.includesUsage()) {
                events.open().send(json.usageChunk(answers));
            }
            events.open().send(DONE);
        }, failure -> {
            events.open().send(failure.toString());
            events.open().send(DONE);
        });
    }

    @Override
    public synchronized void begins() {
        if (!begun) {
            begun = true;
            json.begins();
            for (int choice = 0; choice < input.choices(); choice++) {
                events.open().send(json.roleChunk(choice, input.includesUsage()));
            }
        }
    }

    @Override
    public synchronized void event(int choice, ChatEvent event) {
        switch (event) {
            case ChatEvent.TokenScored(var logprobs) -> scored.get(choice).add(logprobs);
            case ChatEvent.TextDelta(var text) when scored.get(choice).isEmpty() -> events.open().send(json.textChunk(choice, text, input.includesUsage()));
            case ChatEvent.TextDelta(var text) -> send(choice, json.delta(delta -> delta.put("content", text)));
            case ChatEvent.ReasoningDelta(var text) -> send(choice, json.delta(delta -> delta.put("reasoning_content", text)));
            case ChatEvent.ToolCallDelta call -> send(choice, json.delta(delta -> json.putCall(delta, choice, call)));
            case ChatEvent.Ended(var answer) -> events.open().send(json.lastChunk(choice, answer, taken(choice), input.includesUsage()));
            case ChatEvent.ToolsCalled _, ChatEvent.ToolReturned _ -> { }
        }
    }

    private void send(int choice, ObjectNode delta) {
        events.open().send(json.chunk(choice, delta, taken(choice), input.includesUsage()));
    }

    /// The scores of the tokens that the next chunk brings.
    private List<Logprobs> taken(int choice) {
        List<Logprobs> taken = scored.get(choice);
        if (taken.isEmpty()) {
            return List.of();
        }
        scored.set(choice, new ArrayList<>());
        return taken;
    }
}
