package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.InferenceStatistics;
import io.llatte.LlmStatus;
import io.llatte.LocalLlm;
import io.llatte.demo.llm.ServedModels;
import io.llatte.engine.Engine;
import io.llatte.engine.EngineStatistics;
import io.llatte.engine.Fallback;
import io.llatte.engine.InProcessEngine;
import io.llatte.engine.PlacementReport;
import io.llatte.engine.SlotStatus;
import io.llatte.llama.Projector;
import io.llatte.memory.MemoryBudget;
import io.llatte.model.CatalogModel;
import io.llatte.model.ModelCatalog;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The runtime's present moment, as docs/server.md describes it.
final class StatusJson {

    private final LocalLlm llm;
    private final ModelCatalog catalog;
    private final EventLog log;
    private final MemoryJson memory;
    private final double warningShare;

    /// @param catalog what people call its models
    StatusJson(LocalLlm llm, ModelCatalog catalog, EventLog log, MemoryBudget budget, double warningShare) {
        this.llm = llm;
        this.catalog = catalog;
        this.log = log;
        this.memory = new MemoryJson(budget, warningShare);
        this.warningShare = warningShare;
    }

    ObjectNode read() {
        LlmStatus status = llm.status();
        Optional<Engine> engine = llm.engine();
        Optional<InProcessEngine> local = engine.filter(InProcessEngine.class::isInstance).map(InProcessEngine.class::cast);
        Optional<EngineStatistics> running = local.map(InProcessEngine::statistics);
        ObjectNode node = JsonNodeFactory.instance.objectNode().put("state", status.state().name().toLowerCase(Locale.ROOT))
                .put("reason", status.reason()).put("since", status.since().toEpochMilli());
        putModel(node, status, engine, local);
        node.put("progress", status.progress()).put("message", status.message())
                .put("lastActivity", status.lastActivity().map(Instant::toEpochMilli).orElse(null));
        ObjectNode statistics = node.putObject("statistics");
        putStatistics(statistics, status.statistics());
        log.put(node, statistics);
        putEngine(node, local, running);
        double usedKv = running.filter(each -> each.contextLength() > 0).map(each -> (double) each.usedCells() / each.contextLength()).orElse(0.0);
        memory.put(node.putArray("memory"), llm.memory(), llm.runtimeInfo().devices(), usedKv);
        node.put("memoryWarningShare", warningShare);
        engine.map(Engine::placement).ifPresentOrElse(placement -> put(node.putObject("placement"), placement), () -> node.putNull("placement"));
        return node;
    }

    private void putModel(ObjectNode node, LlmStatus status, Optional<Engine> engine, Optional<InProcessEngine> local) {
        Optional<String> name = status.modelId().map(ServedModels::nameOf);
        node.put("model", name.orElse(null)).put("modelName", status.modelId().flatMap(catalog::find).map(CatalogModel::name).or(() -> name).orElse(null));
        if (engine.isEmpty()) {
            node.putNull("capabilities");
            return;
        }
        Optional<Projector> projector = local.flatMap(InProcessEngine::projector);
        boolean chats = local.isEmpty() || local.get().model().embeddingInfo().generates();
        node.putObject("capabilities").put("chat", chats).put("image", projector.isPresent() && projector.get().vision())
                .put("audio", projector.isPresent() && projector.get().audio()).put("embeddings", true);
    }

    private static void putStatistics(ObjectNode node, InferenceStatistics statistics) {
        node.put("requests", statistics.count()).put("generatedTokens", statistics.generatedTokens())
                .put("averageTokensPerSecond", statistics.averageTokensPerSecond())
                .put("averageSeconds", statistics.averageTime().toNanos() / 1e9);
    }

    private static void putEngine(ObjectNode node, Optional<InProcessEngine> local, Optional<EngineStatistics> running) {
        node.putObject("queue").put("running", running.map(EngineStatistics::running).orElse(0))
                .put("waiting", running.map(EngineStatistics::waiting).orElse(0)).put("limit", running.map(EngineStatistics::queueLimit).orElse(null));
        running.ifPresentOrElse(each -> node.putObject("kv").put("usedTokens", each.usedCells()).put("contextLength", each.contextLength()),
                () -> node.putNull("kv"));
        ArrayNode slots = node.putArray("slots");
        List<SlotStatus> all = local.map(InProcessEngine::slots).orElse(List.of());
        for (SlotStatus slot : all) {
            slots.addObject().put("id", slot.id()).put("state", slot.state().name().toLowerCase(Locale.ROOT)).put("tokens", slot.tokens())
                    .put("contextLength", running.map(EngineStatistics::contextLength).orElse(0));
        }
    }

    private static void put(ObjectNode node, PlacementReport placement) {
        node.put("policy", placement.policy().name()).put("target", placement.target().name());
        ArrayNode devices = node.putArray("devices");
        placement.devices().forEach(devices::add);
        node.put("gpuLayers", placement.gpuLayers()).put("layers", placement.layers()).put("contextLength", placement.contextLength());
        ArrayNode fallbacks = node.putArray("fallbacks");
        for (Fallback step : placement.fallbacks()) {
            fallbacks.addObject().put("from", step.from().name()).put("to", step.to().name()).put("reason", step.reason());
        }
    }
}
