package io.llatte.demo;

import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.ChatTemplate;
import io.llatte.llama.Context;
import io.llatte.llama.GenerateOptions;
import io.llatte.llama.LoadListener;
import io.llatte.llama.Model;
import io.llatte.llama.RenderedChat;
import io.llatte.llama.Sampler;
import io.llatte.llama.Generation;
import io.llatte.llama.Vocab;
import io.llatte.memory.DeviceArena;
import io.llatte.model.CatalogModel;
import io.llatte.model.ChatFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// A loaded model that answers conversations, one at a time. The caller closes it. [#cancel()] is for any thread.
final class ChatEngine implements AutoCloseable {

    private static final ChatFormat CHAT_ML = new ChatFormat("""
            {%- for message in messages -%}
            {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}""", List.of("<|im_end|>"));

    private final ModelFile file;
    private final DeviceArena arena;
    private final Model model;
    private final Context context;
    private final ChatTemplate template;
    private final List<String> stop;
    private final Sampler sampler;
    private volatile Generation running;

    private ChatEngine(ModelFile file, DeviceArena arena, Model model, Context context, ChatTemplate template, List<String> stop,
            Sampler sampler) {
        this.file = file;
        this.arena = arena;
        this.model = model;
        this.context = context;
        this.template = template;
        this.stop = stop;
        this.sampler = sampler;
    }

    /// Loads a model and makes its context.
    static ChatEngine load(ModelFile file, EngineOptions options, SamplingOptions sampling, LoadListener listener) {
        DeviceArena arena = DeviceArena.open();
        try {
            Model model = Model.load(file.path(), options.modelOptions(), listener, arena);
            Context context = model.newContext(options.contextOptions(model.info()));
            ChatFormat format = format(model, file);
            ChatTemplate template = ChatTemplate.of(model, format.template());
            return new ChatEngine(file, arena, model, context, template, format.stop(), sampling.newSampler(model));
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /// The file's own template, else the catalog's, else ChatML, which is what llama.cpp's tools take then.
    private static ChatFormat format(Model model, ModelFile file) {
        return model.chatTemplateSource().map(source -> new ChatFormat(source, List.of()))
                .or(() -> file.known().flatMap(CatalogModel::chat))
                .orElseGet(() -> {
                    Output.note("%s has no chat template; talking to it in ChatML, which it may not know".formatted(file.id()));
                    return CHAT_ML;
                });
    }

    /// Answers the last message.
    ///
    /// @param sink takes the answer as it comes, without blanks before its first word
    /// @throws io.llatte.ContextOverflowException if the conversation leaves no room for an answer
    Answer answer(List<ChatMessage> messages, int maxTokens, Consumer<String> sink) {
        RenderedChat rendered = template.render(ChatRequest.of(messages));
        GenerateOptions options = GenerateOptions.builder().maxTokens(maxTokens)
                .stop(Stream.concat(rendered.stop().stream(), stop.stream()).toList()).build();
        var text = new StringBuilder();
        try (Generation stream = context.sequence(0).generate(tokenize(rendered.prompt()), sampler, options)) {
            running = stream;
            while (stream.hasNext()) {
                String piece = text.isEmpty() ? stream.next().text().stripLeading() : stream.next().text();
                text.append(piece);
                sink.accept(piece);
            }
            return new Answer(text.toString(), stream.finishReason(), stream.usage(), stream.timings());
        } finally {
            running = null;
        }
    }

    /// A template that writes BOS itself must not get a second one from the tokenizer.
    private int[] tokenize(String prompt) {
        Vocab vocab = model.vocab();
        boolean hasBos = vocab.bos() >= 0 && prompt.startsWith(vocab.text(vocab.bos()));
        return vocab.tokenize(prompt, !hasBos, true);
    }

    /// Stops the answer that is being given, if there is one.
    void cancel() {
        Generation stream = running;
        if (stream != null) {
            stream.cancel();
        }
    }

    /// Forgets what is evaluated; the next answer starts from nothing.
    void clear() {
        context.sequence(0).clear();
    }

    ModelFile file() {
        return file;
    }

    Model model() {
        return model;
    }

    Context context() {
        return context;
    }

    DeviceArena arena() {
        return arena;
    }

    @Override
    public void close() {
        template.close();
        sampler.close();
        context.close();
        model.close();
        arena.close();
    }
}
