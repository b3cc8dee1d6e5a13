package io.llatte.demo;

import io.llatte.ChatEvent;
import io.llatte.ChatOptions;
import io.llatte.ChatStream;
import io.llatte.LlmStatus;
import io.llatte.LocalLlm;
import io.llatte.ToolAnswer;
import io.llatte.engine.Engine;
import io.llatte.engine.RemoteEndpoint;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.Embeddings;
import io.llatte.llama.Reranking;
import io.llatte.memory.DeviceMemory;
import io.llatte.memory.MemoryLedger;
import io.llatte.model.StoredModel;
import io.llatte.tools.ToolResult;
import io.llatte.tools.Toolbox;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/// The model that a command talks to: shows how it loads, answers, and can be interrupted. One thread uses it, and closes it; [#interrupt()]
/// is for any.
final class ChatModel implements AutoCloseable {

    private static final Runnable NOTHING = () -> { };

    private final LocalLlm llm;
    private final Optional<RemoteEndpoint> remote;
    private final LoadReporter reporter = new LoadReporter();

    // Both: guarded by this.
    private Runnable canceller = NOTHING;
    private boolean interrupted;

    /// @param remote answers where this machine cannot
    ChatModel(LocalLlm.Builder builder, Optional<RemoteEndpoint> remote) {
        remote.ifPresent(builder::remote);
        this.llm = builder.listener(Runnable::run, reporter::hear).build();
        this.remote = remote;
    }

    /// What a model is called on the screen: its id, or the name of its file.
    static String nameOf(String modelId) {
        var file = new File(modelId);
        return file.isAbsolute() ? file.getName() : modelId;
    }

    /// Makes a model the one that answers, with its progress on standard error. If that fails the one before answers again.
    ///
    /// @param reference what the user calls it; empty for the one that was chosen last, or the default
    /// @return whether there was anything to load
    /// @throws java.util.concurrent.CancellationException if it was interrupted
    boolean load(Optional<String> reference) {
        begin();
        return show(reference);
    }

    private boolean show(Optional<String> reference) {
        Optional<Engine> before = llm.engine();
        try (var shown = reporter.begin(before.map(Engine::modelId))) {
            CompletableFuture<Void> loading = reference.map(llm::initAsync).orElseGet(llm::initAsync);
            cancelWith(() -> loading.cancel(true));
            try {
                await(loading);
            } catch (RuntimeException e) {
                // The one before may have to be loaded again, and the reasons that were found are to be read before the failure.
                shown.awaitEnd();
                throw e;
            }
            boolean loaded = !llm.engine().equals(before);
            if (loaded) {
                shown.awaitEnd();
            }
            return loaded;
        } finally {
            cancelWith(NOTHING);
        }
    }

    private static void await(CompletableFuture<Void> loading) {
        try {
            loading.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw e;
            }
        }
    }

    /// Answers the last message, loading the model first where it was unloaded.
    ///
    /// @param tools what the model may call, which then runs; empty for none
    /// @param listener hears the answer as it comes
    /// @throws io.llatte.ContextOverflowException if the conversation leaves no room for an answer
    /// @throws java.util.concurrent.CancellationException if the load was interrupted; an answer that is interrupted just ends
    ToolAnswer answer(List<ChatMessage> messages, Optional<Toolbox> tools, ChatOptions options, AnswerListener listener) {
        begin();
        if (llm.engine().isEmpty()) {
            show(Optional.empty());
        }
        List<ChatMessage> turns = new ArrayList<>();
        List<ToolResult> results = new ArrayList<>();
        try (ChatStream events = tools.map(toolbox -> llm.events(messages, toolbox, options)).orElseGet(() -> llm.events(messages, options))) {
            cancelWith(events::cancel);
            while (events.hasNext()) {
                switch (events.next()) {
                    case ChatEvent.TextDelta(var text) -> listener.text(text);
                    case ChatEvent.ReasoningDelta(var text) -> listener.thought(text);
                    case ChatEvent.ToolCallDelta _, ChatEvent.TokenScored _ -> { }
                    case ChatEvent.ToolsCalled(var answer) -> {
                        turns.add(answer.message());
                        answer.toolCalls().forEach(listener::called);
                    }
                    case ChatEvent.ToolReturned(var result) -> {
                        turns.add(result.message());
                        results.add(result);
                        listener.returned(result);
                    }
                    case ChatEvent.Ended(var answer) -> {
                        turns.add(answer.message().withoutToolCalls());
                        return new ToolAnswer(answer, turns, results);
                    }
                }
            }
            throw new CancellationException("interrupted while a tool ran");
        } finally {
            cancelWith(NOTHING);
        }
    }

    /// Vectors of texts; an interrupt ends it.
    Embeddings embed(List<String> texts, EmbeddingOptions options) {
        return embedding(() -> llm.embed(texts, options));
    }

    /// Ranks documents; an interrupt ends it.
    Reranking rerank(String query, List<String> documents) {
        return embedding(() -> llm.rerank(query, documents));
    }

    private <T> T embedding(Supplier<T> call) {
        begin();
        try {
            cancelWith(Thread.currentThread()::interrupt);
            return call.get();
        } finally {
            cancelWith(NOTHING);
            Thread.interrupted();
        }
    }

    private synchronized void begin() {
        interrupted = false;
    }

    /// Says what an interrupt ends; at once, if there was one already.
    private void cancelWith(Runnable newCanceller) {
        boolean late;
        synchronized (this) {
            canceller = newCanceller;
            late = interrupted;
        }
        if (late) {
            newCanceller.run();
        }
    }

    /// Ends the load or the answer that runs, if one does.
    void interrupt() {
        Runnable call;
        synchronized (this) {
            interrupted = true;
            call = canceller;
        }
        call.run();
    }

    /// Frees the model; the next answer loads it again.
    ///
    /// @return the bytes that were freed; 0 where none was loaded
    long unload() {
        long before = llm.ledger().totalBytes();
        llm.unload();
        return before - llm.ledger().totalBytes();
    }

    /// What answers now; empty where no model is loaded.
    Optional<Engine> engine() {
        return llm.engine();
    }

    Optional<RemoteEndpoint> remote() {
        return remote;
    }

    List<StoredModel> availableModels() {
        return llm.availableModels();
    }

    LlmStatus status() {
        return llm.status();
    }

    List<DeviceMemory> memory() {
        return llm.memory();
    }

    MemoryLedger ledger() {
        return llm.ledger();
    }

    @Override
    public void close() {
        llm.close();
    }
}
