package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.LlmEvent;
import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.HttpServer;
import io.llatte.demo.http.JsonInput;
import io.llatte.demo.http.Routes;
import io.llatte.demo.llm.ServedModels;
import io.llatte.engine.EngineOptions;
import io.llatte.memory.MemoryBudget;
import io.llatte.model.ModelCatalog;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/// All of `/api`, `/metrics` and `/health`.
public final class ControlRoutes implements AutoCloseable {

    private final LocalLlm llm;
    private final ServedModels served;
    private final ModelCatalog catalog;
    private final BooleanSupplier stopping;
    private final EventLog log = new EventLog();
    private final StatusJson status;
    private final PlanJson plan;
    private final Loads loads;
    private final EventFeed feed;
    private final Metrics metrics;

    /// @param options what models are loaded with
    /// @param budget what they may take
    /// @param warningShare the used part of a device's memory that warns
    /// @param stopping whether the server stops
    public ControlRoutes(LocalLlm llm, ServedModels served, ModelCatalog catalog, EngineOptions options, MemoryBudget budget, double warningShare,
                         BooleanSupplier stopping) {
        this.llm = llm;
        this.served = served;
        this.catalog = catalog;
        this.stopping = stopping;
        this.status = new StatusJson(llm, catalog, log, budget, warningShare);
        this.plan = new PlanJson(llm, served, options);
        this.loads = new Loads(llm, served);
        this.feed = new EventFeed(llm, log, status);
        this.metrics = new Metrics(llm);
    }

    /// Takes in what the runtime tells.
    public void hear(LlmEvent event) {
        log.hear(event);
        metrics.hear(event);
    }

    public void add(Routes routes) {
        routes.get("/api/status", (_, response) -> HttpServer.send(response, 200, status.read()))
                .get("/api/runtime", (_, response) -> HttpServer.send(response, 200, RuntimeJson.of(llm.runtimeInfo())))
                .get("/api/models", (_, response) -> HttpServer.send(response, 200, ModelsJson.of(served, catalog.defaultModel().id())))
                .get("/api/plan", this::plan)
                .get("/api/events", feed::stream)
                .post("/api/init", this::init)
                .post("/api/switch", this::switchModel)
                .post("/api/unload", this::unload)
                .post("/api/cancel", this::cancel)
                .get("/metrics", this::metrics)
                .get("/health", this::health);
    }

    private void plan(ServerRequest request, ServerResponse response) {
        String model = request.query().first("model").asOptional().filter(name -> !name.isEmpty())
                .orElseThrow(() -> HttpFailure.badValue("model", "'model' is missing: /api/plan?model=ID"));
        HttpServer.send(response, 200, plan.of(model));
    }

    private void init(ServerRequest request, ServerResponse response) {
        JsonInput body = HttpServer.body(request);
        load(body, body.string("model"), response);
    }

    private void switchModel(ServerRequest request, ServerResponse response) {
        JsonInput body = HttpServer.body(request);
        load(body, Optional.of(body.requiredString("model")), response);
    }

    private void load(JsonInput body, Optional<String> model, ServerResponse response) {
        boolean waits = body.bool("wait", false);
        CompletableFuture<Void> load = loads.begin(model);
        if (waits) {
            Loads.await(load);
        }
        HttpServer.send(response, waits ? 200 : 202, status.read());
    }

    private void unload(ServerRequest request, ServerResponse response) {
        HttpServer.body(request);
        loads.cancel();
        llm.unload();
        HttpServer.send(response, 200, status.read());
    }

    private void cancel(ServerRequest request, ServerResponse response) {
        HttpServer.body(request);
        loads.cancel();
        HttpServer.send(response, 202, status.read());
    }

    private void metrics(ServerRequest request, ServerResponse response) {
        response.header(HeaderValues.create(HeaderNames.CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).send(metrics.scrape());
    }

    private void health(ServerRequest request, ServerResponse response) {
        boolean stops = stopping.getAsBoolean();
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("status", stops ? "stopping" : "ok")
                .put("state", llm.status().state().name().toLowerCase(Locale.ROOT));
        HttpServer.send(response, stops ? 503 : 200, body);
    }

    /// Ends the event streams.
    @Override
    public void close() {
        log.close();
    }
}
