package io.llatte.llama;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.GrammarException;
import io.llatte.TemplateException;
import io.llatte.internal.ffi.NativeLibrary;
import io.llatte.internal.ffi.NativeSampler;
import io.llatte.internal.ffi.NativeTemplate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// A jinja chat template, rendered and its output parsed by llama.cpp's own code (llama-common). The caller closes it; it does not need the
/// model any more. Any thread.
public final class ChatTemplate implements AutoCloseable {

    /// A conversation may be longer than Jackson's limit for what comes from strangers: this comes from the shim.
    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build()).build());

    /// llama-common's format of an answer that is nothing but its text.
    private static final int CONTENT_ONLY = 0;

    private final NativeTemplate template;

    private ChatTemplate(NativeTemplate template) {
        this.template = template;
    }

    /// The model's own template.
    ///
    /// @throws TemplateException if the model has none, or it cannot be parsed
    public static ChatTemplate of(Model model) {
        return new ChatTemplate(NativeTemplate.of(model.nativeModel(), null));
    }

    /// A given template with the model's BOS and EOS.
    ///
    /// @throws TemplateException if it cannot be parsed
    public static ChatTemplate of(Model model, String jinja) {
        return new ChatTemplate(NativeTemplate.of(model.nativeModel(), jinja));
    }

    /// A given template without a model.
    ///
    /// @param bos the text of the beginning-of-sentence token, or ""
    /// @param eos the text of the end-of-sentence token, or ""
    /// @throws TemplateException if it cannot be parsed
    public static ChatTemplate parse(String jinja, String bos, String eos) {
        NativeLibrary.load();
        return new ChatTemplate(NativeTemplate.of(jinja, bos, eos));
    }

    /// The jinja source.
    public String source() {
        return template.source();
    }

    /// Renders a conversation as the prompt for its next answer.
    ///
    /// @throws TemplateException if the template refuses the conversation, as some do two turns of one role
    public String render(List<ChatMessage> messages) {
        return render(ChatRequest.of(messages)).prompt();
    }

    /// Renders a conversation, with what is needed to read the answer. Pictures and sounds are [Projector#MARKER] before their message's text.
    ///
    /// @throws GrammarException if a schema, of the answer or of a tool, is no JSON or cannot be made a grammar
    /// @throws TemplateException if the template refuses the conversation, or a tool's call is required and the template knows none
    public RenderedChat render(ChatRequest chat) {
        String syntax = renderSyntax(chat);
        JsonNode answer = parse(syntax);
        if (chat.toolChoice() == ToolChoice.REQUIRED && answer.path("grammar").asText("").isEmpty()) {
            throw new TemplateException("a tool's call is required, and llama.cpp knows none in this template: %d tools cannot be called"
                    .formatted(chat.tools().size()));
        }
        return new RenderedChat(answer.path("prompt").asText(), texts(answer.path("additional_stops")), answer.path("grammar").asText(""),
                answer.path("grammar_lazy").asBoolean(), texts(answer.path("preserved_tokens")), answer.path("supports_thinking").asBoolean(),
                answer.path("format").asInt() == CONTENT_ONLY, syntax);
    }

    /// llama.cpp makes the grammars while it renders, and tells no difference.
    private String renderSyntax(ChatRequest chat) {
        try {
            return template.render(toJson(chat).toString());
        } catch (TemplateException e) {
            chat.jsonSchema().ifPresent(NativeSampler::grammarFromSchema);
            chat.tools().forEach(tool -> NativeSampler.grammarFromSchema(tool.parameters()));
            throw e;
        }
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asText()));
        return texts;
    }

    /// Reads a whole answer, or the beginning of one; see [AnswerParser], which is faster for several.
    ///
    /// @throws TemplateException if the text does not follow the format
    public static ChatMessage parse(RenderedChat rendered, String text, boolean partial) {
        try (var parser = AnswerParser.of(rendered)) {
            return parser.parse(text, partial);
        }
    }

    private static ObjectNode toJson(ChatRequest chat) {
        ObjectNode request = JSON.createObjectNode()
                .put("add_generation_prompt", chat.addGenerationPrompt())
                .put("enable_thinking", chat.enableThinking())
                .put("reasoning_format", chat.separateReasoning() ? "auto" : "none")
                .put("tool_choice", chat.toolChoice().name().toLowerCase(Locale.ROOT))
                .put("parallel_tool_calls", chat.parallelToolCalls())
                .put("now", chat.now().getEpochSecond());
        switch (chat.continuation()) {
            case NONE -> { }
            case AUTO -> request.put("continue_final_message", true);
            case REASONING -> request.put("continue_final_message", "reasoning_content");
            case CONTENT -> request.put("continue_final_message", "content");
        }
        request.set("messages", turns(chat.messages()));
        if (!chat.tools().isEmpty()) {
            var tools = request.putArray("tools");
            for (ToolDefinition tool : chat.tools()) {
                tools.addObject().put("type", "function").putObject("function").put("name", tool.name()).put("description", tool.description())
                        .set("parameters", given(tool.parameters(), "the parameters of the tool " + tool.name()));
            }
        }
        chat.jsonSchema().ifPresent(schema -> request.set("json_schema", given(schema, "the schema of the answer")));
        if (!chat.templateArguments().isEmpty()) {
            ObjectNode arguments = request.putObject("chat_template_kwargs");
            chat.templateArguments().forEach((name, value) -> arguments.set(name, given(value, "the template's argument " + name)));
        }
        return request;
    }

    private static JsonNode given(String json, String what) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new GrammarException("%s, of %d characters, is not JSON: %s".formatted(what, json.length(), e.getOriginalMessage()), e);
        }
    }

    /// A result gets the name of the tool that was called: some templates write it.
    private static ArrayNode turns(List<ChatMessage> messages) {
        ArrayNode turns = JSON.createArrayNode();
        Map<String, String> called = new HashMap<>();
        for (ChatMessage message : messages) {
            ObjectNode turn = toJson(message);
            if (called.containsKey(message.toolCallId())) {
                turn.put("name", called.get(message.toolCallId()));
            }
            turns.add(turn);
            message.toolCalls().stream().filter(call -> !call.id().isEmpty()).forEach(call -> called.put(call.id(), call.name()));
        }
        return turns;
    }

    private static ObjectNode toJson(ChatMessage message) {
        String content = Projector.MARKER.repeat(message.media().size()) + message.content();
        ObjectNode json = JSON.createObjectNode().put("role", message.role()).put("content", content);
        if (!message.reasoning().isEmpty()) {
            json.put("reasoning_content", message.reasoning());
        }
        if (!message.toolCallId().isEmpty()) {
            json.put("tool_call_id", message.toolCallId());
        }
        if (!message.toolCalls().isEmpty()) {
            var calls = json.putArray("tool_calls");
            for (ToolCall call : message.toolCalls()) {
                ObjectNode entry = calls.addObject().put("type", "function").put("id", call.id());
                entry.putObject("function").put("name", call.name()).put("arguments", call.arguments());
            }
        }
        return json;
    }

    /// What the shim answered.
    static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new AssertionError("the shim's answer of %d characters is not JSON".formatted(json.length()), e);
        }
    }

    public boolean isOpen() {
        return template.isOpen();
    }

    /// Frees it. Idempotent; waits for a running call.
    @Override
    public void close() {
        template.close();
    }
}
