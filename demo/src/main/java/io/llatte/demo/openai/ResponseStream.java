package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.ChatAnswer;
import io.llatte.ChatEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// A response's events. Its items are open one after the other: what the model thinks, what it says, and each call that it asks for.
final class ResponseStream implements Answers.Listener {

    private enum Kind {
        REASONING, MESSAGE, CALL
    }

    private final LazyEventStream events;
    private final ResponseJson json;
    private final List<ObjectNode> items = new ArrayList<>();
    private int sequence;

    // The item that is open.
    private Kind kind;
    private String id;
    private String callId;
    private String name;
    private int callIndex;
    private final StringBuilder written = new StringBuilder();

    ResponseStream(ServerResponse response, ResponseJson json) {
        this.events = new LazyEventStream(response);
        this.json = json;
    }

    /// Streams what is answered meanwhile, to its end.
    void run(Supplier<ChatAnswer> answering) {
        events.run(() -> {
            ChatAnswer answer = answering.get();
            closeItem();
            if (items.isEmpty()) {
                open(Kind.MESSAGE, "", "", 0);
                closeItem();
            }
            ObjectNode ended = json.ended(answer, items);
            send("response." + ended.get("status").textValue(), event -> event.set("response", ended));
        }, failure -> send("response.failed", event -> event.set("response", json.failed(failure))));
    }

    @Override
    public void begins() {
        json.begins();
        send("response.created", event -> event.set("response", json.begun()));
        send("response.in_progress", event -> event.set("response", json.begun()));
    }

    @Override
    public void event(int choice, ChatEvent event) {
        switch (event) {
            case ChatEvent.ReasoningDelta(var text) -> {
                goOn(Kind.REASONING, "", "", 0);
                delta("response.reasoning_text.delta", text, true);
            }
            case ChatEvent.TextDelta(var text) -> {
                goOn(Kind.MESSAGE, "", "", 0);
                delta("response.output_text.delta", text, true);
            }
            case ChatEvent.ToolCallDelta call -> {
                goOn(Kind.CALL, call.id(), call.name(), call.index());
                delta("response.function_call_arguments.delta", call.arguments(), false);
            }
            case ChatEvent.TokenScored _, ChatEvent.Ended _, ChatEvent.ToolsCalled _, ChatEvent.ToolReturned _ -> { }
        }
    }

    private void goOn(Kind wanted, String newCallId, String newName, int index) {
        if (kind != wanted || callIndex != index) {
            closeItem();
            open(wanted, newCallId, newName, index);
        }
    }

    private void open(Kind newKind, String newCallId, String newName, int index) {
        kind = newKind;
        callIndex = index;
        written.setLength(0);
        id = Ids.next(switch (newKind) {
            case REASONING -> "rs_";
            case MESSAGE -> "msg_";
            case CALL -> "fc_";
        });
        callId = newCallId.isEmpty() ? Ids.next("call_") : newCallId;
        name = newName;
        send("response.output_item.added", event -> event.put("output_index", items.size()).set("item", ResponseJson.opening(item())));
        if (newKind == Kind.MESSAGE) {
            send("response.content_part.added", event -> place(event).set("part", ResponseJson.textPart("")));
        }
    }

    private ObjectNode item() {
        return switch (kind) {
            case REASONING -> ResponseJson.reasoning(id, written.toString());
            case MESSAGE -> ResponseJson.message(id, written.toString());
            case CALL -> ResponseJson.call(id, callId, name, written.toString());
        };
    }

    private void delta(String type, String text, boolean isPart) {
        if (text.isEmpty()) {
            return;
        }
        written.append(text);
        send(type, event -> {
            if (isPart) {
                place(event);
            } else {
                event.put("item_id", id).put("output_index", items.size());
            }
            event.put("delta", text);
            if (kind == Kind.MESSAGE) {
                event.set("logprobs", ResponseJson.noLogprobs());
            }
        });
    }

    private ObjectNode place(ObjectNode event) {
        return event.put("item_id", id).put("output_index", items.size()).put("content_index", 0);
    }

    private void closeItem() {
        if (kind == null) {
            return;
        }
        String text = written.toString();
        switch (kind) {
            case REASONING -> send("response.reasoning_text.done", event -> place(event).put("text", text));
            case MESSAGE -> {
                send("response.output_text.done", event -> place(event).put("text", text).set("logprobs", ResponseJson.noLogprobs()));
                send("response.content_part.done", event -> place(event).set("part", ResponseJson.textPart(text)));
            }
            case CALL -> send("response.function_call_arguments.done", event -> event.put("item_id", id).put("output_index", items.size())
                    .put("name", name).put("arguments", text));
        }
        ObjectNode item = item();
        send("response.output_item.done", event -> event.put("output_index", items.size()).set("item", item));
        items.add(item);
        kind = null;
    }

    private void send(String type, Consumer<ObjectNode> fill) {
        ObjectNode event = JsonNodeFactory.instance.objectNode().put("type", type).put("sequence_number", sequence++);
        fill.accept(event);
        events.open().send(type, event.toString());
    }
}
