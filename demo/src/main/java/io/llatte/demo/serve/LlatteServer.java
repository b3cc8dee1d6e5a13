package io.llatte.demo.serve;

import io.llatte.LocalLlm;
import io.llatte.demo.control.ControlRoutes;
import io.llatte.demo.http.HttpServer;
import io.llatte.demo.llm.Remedies;
import io.llatte.demo.llm.ServedModels;
import io.llatte.demo.openai.OpenAiRoutes;
import io.llatte.model.ModelCatalog;
import io.llatte.model.ModelStore;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// A runtime, its API and its dashboard behind one port. The caller closes it.
public final class LlatteServer implements AutoCloseable {

    private static final double WARNING_SHARE = 0.9;

    /// For clients to be told that their answers were cancelled.
    private static final Duration LAST_WORDS = Duration.ofSeconds(2);

    private final ExecutorService listener = Executors.newSingleThreadExecutor(Thread.ofVirtual().name("llatte-server-events").factory());
    private final LocalLlm llm;
    private final ControlRoutes control;
    private final AutoCloseable subscription;
    private final HttpServer http;
    private final Duration stopTimeout;
    private volatile boolean stopping;

    /// Listens from here on. Nothing is loaded yet.
    ///
    /// @param runtime makes the runtime, which is closed with the server; its options, budget and share are set here
    /// @throws java.io.UncheckedIOException if the address cannot be bound
    public LlatteServer(ServeOptions options, ModelStore store, LocalLlm.Builder runtime) {
        stopTimeout = options.limits().stopTimeout();
        llm = runtime.store(store).options(options.engine()).budget(options.budget()).memoryWarningShare(WARNING_SHARE).build();
        try {
            var served = new ServedModels(llm, options.ownModel(), options.switchByRequest());
            ModelCatalog catalog = store.catalog();
            control = new ControlRoutes(llm, served, catalog, options.engine(), options.budget(), WARNING_SHARE, () -> stopping);
            subscription = llm.subscribe(listener, control::hear);
            var openAi = new OpenAiRoutes(llm, served);
            var dashboard = new Dashboard();
            http = new HttpServer(options.host(), options.port(), options.limits(), options.access(), Remedies::toFailure, routing -> {
                openAi.add(routing);
                control.add(routing);
                dashboard.add(routing);
            });
        } catch (RuntimeException | Error e) {
            close(llm, listener);
            throw e;
        }
    }

    private static void close(LocalLlm llm, ExecutorService listener) {
        llm.close();
        listener.close();
    }

    private void endSubscription() {
        try {
            subscription.close();
        } catch (Exception e) {
            throw new IllegalStateException("ending a subscription does not fail", e);
        }
    }

    public int port() {
        return http.port();
    }

    /// The runtime that answers.
    public LocalLlm llm() {
        return llm;
    }

    /// Connections that are open.
    public int connections() {
        return http.connections();
    }

    /// Takes nothing new, lets answers that run come to their end within the limits' time, cancels the others, and frees the model. Idempotent.
    @Override
    public void close() {
        stopping = true;
        control.close();
        http.drain(stopTimeout);
        endSubscription();
        close(llm, listener);
        http.drain(LAST_WORDS);
        http.close();
    }
}
