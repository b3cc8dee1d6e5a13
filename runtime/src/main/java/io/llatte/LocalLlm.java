package io.llatte;

import io.llatte.engine.AnswerStream;
import io.llatte.engine.Engine;
import io.llatte.engine.EngineLoader;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementReport;
import io.llatte.engine.Prompt;
import io.llatte.engine.RemoteEndpoint;
import io.llatte.engine.SavedSession;
import io.llatte.engine.TextScore;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.Embeddings;
import io.llatte.llama.Reranking;
import io.llatte.llama.Token;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.DeviceMemory;
import io.llatte.memory.MemoryBudget;
import io.llatte.memory.MemoryLedger;
import io.llatte.memory.MemoryPlan;
import io.llatte.model.ModelStore;
import io.llatte.model.StoredModel;
import io.llatte.tools.Toolbox;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.function.Consumer;

/// A local language model for an application: pick one, watch it load, talk to it, exchange it, and always know what it costs.
///
/// Any thread may call anything. The caller closes it; at most one model is loaded at a time, and never two at once. A request that finds
/// none loaded loads the last one, or the one that the user preferred, or the default; one that names its model is answered by that
/// ([ChatOptions#model]).
public final class LocalLlm implements AutoCloseable {

    private final ModelStore store;
    private final ModelResolver resolver;
    private final DeviceArena arena;
    private final EngineLoader loader;
    private final EventBus events = new EventBus();
    private final StatusBoard status;
    private final MemoryWatch memoryWatch;
    private final Lifecycle lifecycle;
    private final IdleTimer timer;

    private LocalLlm(Builder builder) {
        store = builder.store != null ? builder.store : ModelStore.open();
        resolver = new ModelResolver(store, builder.preferenceFile.map(ModelPreference::new), builder.remembers);
        arena = DeviceArena.open(builder.budget);
        loader = new EngineLoader(arena, builder.remote);
        status = new StatusBoard(arena.ledger()::totalBytes);
        memoryWatch = new MemoryWatch(arena.ledger(), builder.memoryWarningShare, events);
        builder.listeners.forEach(listener -> events.subscribe(listener.executor, listener.consumer));
        timer = new IdleTimer(builder.idleUnload, status::idleFor, this::unloadWhereIdle, memoryWatch::check);
        var slot = new ModelSlot(builder.switchPolicy, arena, events, status, timer::activity, memoryWatch::check);
        var exchange = new ModelExchange(slot, resolver, loader, builder.options, events, status);
        lifecycle = new Lifecycle(builder.switchPolicy, resolver, slot, exchange, events, status);
    }

    /// With the user's model store and default options. The caller closes it.
    public static LocalLlm create() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    // ---- loading, switching, unloading

    /// Makes the model the one that answers that was chosen last, by [#init(String)] or [#switchModel], or else the default one.
    ///
    /// @throws LlatteException if it cannot be fetched or loaded; nothing stays loaded, and the next call tries again
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted
    public void init() {
        Lifecycle.await(initAsync());
    }

    /// Makes a model the one that answers, downloading it first where it is missing. Where another is loaded this is [#switchModel].
    ///
    /// @param model an id of the catalog, or another reference that [ModelStore#find] takes
    /// @throws IllegalArgumentException if nothing has that name
    /// @throws LlatteException if it cannot be fetched or loaded
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted
    public void init(String model) {
        Lifecycle.await(initAsync(model));
    }

    /// The same without waiting. Any number of callers share one load, each with a future of its own: cancelling one leaves the others, and
    /// cancelling the last cancels the load.
    public CompletableFuture<Void> initAsync() {
        return lifecycle.requireChosen();
    }

    /// The same for a model.
    public CompletableFuture<Void> initAsync(String model) {
        return lifecycle.require(model);
    }

    /// Exchanges the model: requests end or are ended, the old model's memory is given back, and only then the new one is loaded. A download
    /// comes before all that, while the old one still answers.
    ///
    /// @throws LlatteException if the new one cannot be had; the old one then answers again
    public void switchModel(String model) {
        Lifecycle.await(switchModelAsync(model));
    }

    /// The same without waiting.
    public CompletableFuture<Void> switchModelAsync(String model) {
        return lifecycle.require(model);
    }

    /// Gives back the model's memory. Does nothing where none is loaded.
    public void unload() {
        Lifecycle.await(lifecycle.unload("unloaded"));
    }

    // ---- asking

    /// Answers a conversation.
    public ChatAnswer chat(List<ChatMessage> messages) {
        return chat(messages, ChatOptions.defaults());
    }

    /// Answers a conversation.
    ///
    /// @throws LlatteException if the model cannot be loaded or the answer fails
    /// @throws UnsupportedOperationException if a message carries an image and the model cannot see
    public ChatAnswer chat(List<ChatMessage> messages, ChatOptions chatOptions) {
        return ChatAnswer.of(answer(messages, chatOptions));
    }

    /// Answers a conversation with a value: a record in, or another type that [io.llatte.schema.JsonSchema] knows. The model can write nothing but JSON of
    /// that type; the template is told the schema, but say in the conversation what you want, for not every model is shown it.
    ///
    /// @throws IllegalArgumentException if the type has no schema
    /// @throws IncompleteAnswerException if the answer was cut off, as by a limit of tokens
    /// @throws AnswerFormatException if the answer is JSON that the type refuses: a date that no calendar has, a constructor that throws; or a server
    ///         did not follow the schema
    public <T> T chat(List<ChatMessage> messages, Class<T> type) {
        return chat(messages, type, ChatOptions.defaults());
    }

    /// The same with options, which must not have a constraint; see [#chat(List, Class)].
    public <T> T chat(List<ChatMessage> messages, Class<T> type, ChatOptions chatOptions) {
        var typed = new TypedAnswer<>(type, chatOptions);
        return typed.read(chat(messages, typed.options()));
    }

    /// Answers a conversation, token by token, as the model writes it: reasoning and tool calls stand in the text in the model's own format, which
    /// [#events] tells apart. The caller closes the stream. An answer whose reader falls behind pauses until it reads on.
    public AnswerStream stream(List<ChatMessage> messages) {
        return stream(messages, ChatOptions.defaults());
    }

    /// The same with options; see [#chat(List, ChatOptions)].
    public AnswerStream stream(List<ChatMessage> messages, ChatOptions chatOptions) {
        return answer(messages, chatOptions);
    }

    private AnswerStream answer(List<ChatMessage> messages, ChatOptions chatOptions) {
        return generate(chatOptions.prompt(messages), chatOptions);
    }

    /// Answers a conversation, and tells text, reasoning and tool calls apart as they come. The caller closes the stream.
    ///
    /// See [#chat(List, ChatOptions)].
    public ChatStream events(List<ChatMessage> messages, ChatOptions chatOptions) {
        return new AnswerEvents(answer(messages, chatOptions));
    }

    /// Answers a conversation with tools: runs the calls that the model asks for, tells it the results, and goes on until it answers, or has asked for
    /// calls as often as the toolbox allows; then it must answer without. What tools throw, and calls of tools that are not there, the model is told.
    ///
    /// @param chatOptions with [io.llatte.llama.ToolChoice#REQUIRED] the first answer must ask for a call
    /// @throws LlatteException if the model cannot be loaded or an answer fails
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted while a tool runs; the tool is interrupted
    public ToolAnswer chat(List<ChatMessage> messages, Toolbox toolbox, ChatOptions chatOptions) {
        return ToolAnswer.of(events(messages, toolbox, chatOptions));
    }

    /// The same, event by event. The caller closes the stream, which interrupts tools that run.
    public ChatStream events(List<ChatMessage> messages, Toolbox toolbox, ChatOptions chatOptions) {
        return new ToolEvents(messages, toolbox, chatOptions, this::answer);
    }

    /// The same as a publisher: each subscriber has an answer of its own, on a virtual thread, as fast as it asks for tokens.
    public Flow.Publisher<Token> publisher(List<ChatMessage> messages, ChatOptions chatOptions) {
        Prompt prompt = chatOptions.prompt(messages);
        return new TokenPublisher(() -> generate(prompt, chatOptions));
    }

    /// Continues a text as it is, without the model's chat format.
    public ChatAnswer complete(String prompt) {
        return complete(prompt, ChatOptions.defaults());
    }

    /// The same with options.
    public ChatAnswer complete(String prompt, ChatOptions chatOptions) {
        return ChatAnswer.of(generate(new Prompt.Text(prompt), chatOptions));
    }

    /// The same, token by token. The caller closes the stream.
    public AnswerStream streamCompletion(String prompt, ChatOptions chatOptions) {
        return generate(new Prompt.Text(prompt), chatOptions);
    }

    /// How probable the model finds a text after a context; see [Engine#score]. Where no model is loaded this loads one, as a request does.
    ///
    /// @param context what stands before the text, or ""
    public TextScore score(String context, String text) {
        return lifecycle.call(Optional.empty(), (engine, _) -> engine.score(context, text));
    }

    /// Fills a gap in a text, with a model that was trained to.
    ///
    /// @param prefix the text before the gap
    /// @param suffix the text behind it
    /// @throws UnsupportedOperationException if the model fills no gaps
    public ChatAnswer infill(String prefix, String suffix, ChatOptions chatOptions) {
        return ChatAnswer.of(streamInfill(prefix, suffix, chatOptions));
    }

    /// The same, token by token. The caller closes the stream.
    public AnswerStream streamInfill(String prefix, String suffix, ChatOptions chatOptions) {
        return generate(new Prompt.Infill(prefix, suffix), chatOptions);
    }

    /// Vectors of texts, `float[texts][length]`, each of the length 1, so that the scalar product of two is their cosine. Any model makes them;
    /// one that was trained for it makes good ones.
    ///
    /// @throws ContextOverflowException if a text has more tokens than are evaluated as one, 512 or 2048 mostly; see
    ///         [EmbeddingOptions.LongText#SPLIT]
    public float[][] embed(List<String> texts) {
        return embed(texts, EmbeddingOptions.defaults()).vectors();
    }

    /// Vectors of texts, and how many tokens they had. Where no model is loaded this loads one, as a request does; see [Engine#embed] for what it
    /// costs.
    ///
    /// @throws LlatteException if the model cannot be loaded, a text is too long, there is no room for the context, or evaluating fails
    /// @throws IllegalArgumentException if a text has no token at all, as an empty one where the model adds none
    /// @throws UnsupportedOperationException if the model makes no embeddings, or a server cannot do what the options ask
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted, which stays so, or a switch cancels requests
    public Embeddings embed(List<String> texts, EmbeddingOptions embeddingOptions) {
        return embed(Optional.empty(), texts, embeddingOptions);
    }

    /// The same by a model that is loaded, or exchanged for, first where another one is; see [ChatOptions#model].
    ///
    /// @throws IllegalArgumentException if nothing has that name
    public Embeddings embed(String model, List<String> texts, EmbeddingOptions embeddingOptions) {
        return embed(Optional.of(model), texts, embeddingOptions);
    }

    private Embeddings embed(Optional<String> model, List<String> texts, EmbeddingOptions embeddingOptions) {
        return lifecycle.call(model, (engine, cancelled) -> engine.embed(texts, embeddingOptions, cancelled));
    }

    /// Ranks documents by how well they answer a query, the best first.
    ///
    /// @throws LlatteException as of [#embed(List, EmbeddingOptions)]
    /// @throws UnsupportedOperationException if the model has no classification head: only one that was trained to rank does
    /// @throws java.util.concurrent.CancellationException if the thread is interrupted, which stays so, or a switch cancels requests
    public Reranking rerank(String query, List<String> documents) {
        return rerank(Optional.empty(), query, documents);
    }

    /// The same by a model that is loaded, or exchanged for, first where another one is; see [ChatOptions#model].
    ///
    /// @throws IllegalArgumentException if nothing has that name
    public Reranking rerank(String model, String query, List<String> documents) {
        return rerank(Optional.of(model), query, documents);
    }

    private Reranking rerank(Optional<String> model, String query, List<String> documents) {
        return lifecycle.call(model, (engine, cancelled) -> engine.rerank(query, documents, cancelled));
    }

    /// Writes what the cache holds of a conversation to a file; see [Engine#saveSession]. The messages themselves are the application's to keep.
    ///
    /// @param messages the conversation, best with the last answer
    /// @throws SavedStateException if nothing of it is in the cache, as when no model is loaded
    /// @throws EngineBusyException if a part of a sequence is to be saved, and all others are busy
    /// @throws UnsupportedOperationException if a server answers
    /// @throws IOException if the file cannot be written; one that was there is as it was
    public SavedSession saveSession(List<ChatMessage> messages, Path file) throws IOException {
        Engine engine = lifecycle.engine().orElseThrow(() -> new SavedStateException("no model is loaded: nothing is in the cache"));
        return engine.saveSession(new Prompt.Chat(messages), file);
    }

    /// Reads what [#saveSession] wrote, in this process or another: the next request that begins like that conversation evaluates only what follows
    /// it. Where no model is loaded this loads one, as a request does.
    ///
    /// @throws SavedStateException if the file is truncated, altered, or another model's or another cache's
    /// @throws ContextOverflowException if it has more tokens than there is room for
    /// @throws EngineBusyException if all sequences are busy
    /// @throws UnsupportedOperationException if a server answers, or the engine is a reproducible one
    public SavedSession restoreSession(Path file) throws IOException {
        try (ModelSlot.Visit visit = lifecycle.visit(Optional.empty())) {
            return visit.engine().restoreSession(file);
        }
    }

    private AnswerStream generate(Prompt prompt, ChatOptions chatOptions) {
        return lifecycle.generate(chatOptions.model(), chatOptions.request(prompt));
    }

    // ---- looking

    /// The catalog's models, there or not, and the other files of the store.
    public List<StoredModel> availableModels() {
        return store.list();
    }

    /// The present moment, as one consistent whole. Costs nothing, wakes nothing, and resets no timer.
    public LlmStatus status() {
        return status.read();
    }

    /// The machine and the library. Never throws: what cannot be used is in the report with its reason.
    public RuntimeInfo runtimeInfo() {
        return Probe.info();
    }

    /// Where the model that answers runs, and why there; empty where none is loaded.
    public Optional<PlacementReport> placement() {
        return lifecycle.engine().map(Engine::placement);
    }

    /// The engine that answers now, to be looked at; empty where none is loaded. It is closed by a switch or unload.
    public Optional<Engine> engine() {
        return lifecycle.engine();
    }

    /// The bytes that a model would take, by device, without loading it: in place of the one that is loaded, as there are never two.
    ///
    /// @throws IllegalStateException if its file is not there yet
    /// @throws LlatteException if the policy leaves no place on this machine, as a load would say
    public MemoryPlan plan(String model, EngineOptions engineOptions) {
        String id = resolver.idOf(model);
        return loader.planInstead(resolver.find(id).orElseThrow(() -> new IllegalStateException(id + " is not downloaded yet")), engineOptions);
    }

    /// Each device's memory: the driver's numbers beside the ledger's, and what neither explains.
    public List<DeviceMemory> memory() {
        return memoryWatch.read();
    }

    /// The exact account of what is held.
    public MemoryLedger ledger() {
        return arena.ledger();
    }

    /// Hears of what happens from here on, in order, on an executor; what a listener throws is logged.
    ///
    /// @return ends it
    public AutoCloseable subscribe(Executor executor, Consumer<? super LlmEvent> listener) {
        return events.subscribe(executor, listener);
    }

    private void unloadWhereIdle(Duration idle) {
        lifecycle.unloadIfIdleFor(idle);
    }

    /// Ends every request and load, and gives back the memory. Idempotent.
    @Override
    public void close() {
        timer.close();
        lifecycle.close();
        arena.close();
    }

    /// Collects what a [LocalLlm] is made with. Not thread-safe.
    public static final class Builder {

        private record Listener(Executor executor, Consumer<? super LlmEvent> consumer) {
        }

        private final List<Listener> listeners = new ArrayList<>();
        private ModelStore store;
        private EngineOptions options = EngineOptions.defaults();
        private MemoryBudget budget = MemoryBudget.unlimited();
        private SwitchPolicy switchPolicy = SwitchPolicy.patient();
        private Optional<RemoteEndpoint> remote = Optional.empty();
        private Optional<Duration> idleUnload = Optional.empty();
        private double memoryWarningShare = 0.9;
        private Optional<Path> preferenceFile = Optional.of(ModelPreference.defaultFile(System.getProperties(), System.getenv()));
        private boolean remembers = true;

        private Builder() {
        }

        /// Where models come from; the user's store unless said otherwise.
        public Builder store(ModelStore value) {
            store = Objects.requireNonNull(value);
            return this;
        }

        /// Where and how models are loaded.
        public Builder options(EngineOptions value) {
            options = Objects.requireNonNull(value);
            return this;
        }

        /// What models may take at most; only what is free bounds them unless said otherwise.
        public Builder budget(MemoryBudget value) {
            budget = Objects.requireNonNull(value);
            return this;
        }

        /// What a switch does with requests; [SwitchPolicy#patient()] unless said otherwise.
        public Builder switchPolicy(SwitchPolicy value) {
            switchPolicy = Objects.requireNonNull(value);
            return this;
        }

        /// A server that answers where this machine cannot.
        public Builder remote(RemoteEndpoint value) {
            remote = Optional.of(value);
            return this;
        }

        /// Unloads a model when nothing has happened for so long. It stays loaded unless this is said.
        public Builder idleUnload(Duration value) {
            if (value.isNegative() || value.isZero()) {
                throw new IllegalArgumentException("idleUnload must be positive: " + value);
            }
            idleUnload = Optional.of(value);
            return this;
        }

        /// The used part of a device's memory that warns, above 0 and at most 1; 0.9 unless said otherwise.
        public Builder memoryWarningShare(double value) {
            if (!(value > 0 && value <= 1)) {
                throw new IllegalArgumentException("memoryWarningShare must be above 0 and at most 1: " + value);
            }
            memoryWarningShare = value;
            return this;
        }

        /// The file that keeps the last chosen model; one in the user's state folder unless said otherwise.
        public Builder preferenceFile(Path value) {
            preferenceFile = Optional.of(value);
            return this;
        }

        /// Reads the last choice and keeps none: for a program that asks once and must not change what the user chose.
        public Builder readOnlyPreference() {
            remembers = false;
            return this;
        }

        /// Keeps no choice, and reads none.
        public Builder withoutPreference() {
            preferenceFile = Optional.empty();
            return this;
        }

        /// Hears of what happens, in order, on an executor; what a listener throws is logged.
        public Builder listener(Executor executor, Consumer<? super LlmEvent> listener) {
            listeners.add(new Listener(Objects.requireNonNull(executor), Objects.requireNonNull(listener)));
            return this;
        }

        /// Makes it. Nothing is loaded and nothing is looked at yet.
        public LocalLlm build() {
            return new LocalLlm(this);
        }
    }
}
