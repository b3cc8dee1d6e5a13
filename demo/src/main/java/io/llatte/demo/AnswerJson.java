package io.llatte.demo;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.ChatAnswer;
import io.llatte.engine.Engine;
import io.llatte.engine.Fallback;
import io.llatte.engine.InProcessEngine;
import io.llatte.engine.PlacementReport;
import io.llatte.engine.RemoteEngine;
import io.llatte.llama.Model;
import io.llatte.llama.ModelInfo;
import io.llatte.llama.Timings;
import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryLedger;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/// An answer as the object that `chat --json` prints.
final class AnswerJson {

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final List<String> LOCAL_FIELDS = List.of("path", "name", "architecture", "quantization", "parameterCount", "sizeBytes",
            "trainingContextLength");

    private AnswerJson() {
    }

    /// @param engine what answered
    /// @param ledger what it holds
    static String of(ChatAnswer answer, Engine engine, MemoryLedger ledger) {
        ObjectNode root = JSON.createObjectNode().put("text", answer.text()).put("finishReason", lowerCase(answer.finishReason()));
        root.putObject("usage").put("promptTokens", answer.usage().promptTokens()).put("cachedTokens", answer.usage().cachedTokens())
                .put("generatedTokens", answer.usage().generatedTokens());
        putTimings(root.putObject("timings"), answer.timings());
        putModel(root.putObject("model"), engine);
        putPlacement(root.putObject("placement"), engine.placement(), ledger);
        return write(root);
    }

    private static void putTimings(ObjectNode node, Timings timings) {
        node.put("loadMs", millis(timings.load())).put("prefillMs", millis(timings.prefill()))
                .put("timeToFirstTokenMs", millis(timings.timeToFirstToken())).put("decodeMs", millis(timings.decode()))
                .put("prefillTokensPerSecond", round(timings.prefillTokensPerSecond()))
                .put("tokensPerSecond", round(timings.tokensPerSecond()));
    }

    private static void putModel(ObjectNode node, Engine engine) {
        node.put("id", ChatModel.nameOf(engine.modelId()));
        switch (engine) {
            case InProcessEngine local -> putModel(node, local.model());
            case RemoteEngine _ -> LOCAL_FIELDS.forEach(node::putNull);     // the server's own business
        }
    }

    private static void putModel(ObjectNode node, Model model) {
        ModelInfo info = model.info();
        node.put("path", model.path().toString()).put("name", info.name()).put("architecture", info.architecture())
                .put("quantization", info.quantization()).put("parameterCount", info.parameterCount()).put("sizeBytes", info.sizeBytes())
                .put("trainingContextLength", info.trainingContextLength());
    }

    private static void putPlacement(ObjectNode node, PlacementReport placement, MemoryLedger ledger) {
        node.put("target", lowerCase(placement.target())).put("policy", lowerCase(placement.policy()));
        var fallbacks = node.putArray("fallbacks");
        for (Fallback step : placement.fallbacks()) {
            fallbacks.addObject().put("from", lowerCase(step.from())).put("to", lowerCase(step.to())).put("reason", step.reason());
        }
        var devices = node.putArray("devices");
        for (String device : ledger.bytesByDevice().keySet()) {
            devices.addObject().put("name", device).put("weightsBytes", ledger.bytes(device, MemoryKind.WEIGHTS))
                    .put("kvCacheBytes", ledger.bytes(device, MemoryKind.KV_CACHE))
                    .put("computeBytes", ledger.bytes(device, MemoryKind.COMPUTE));
        }
        node.put("gpuLayers", placement.gpuLayers()).put("layers", placement.layers()).put("contextLength", placement.contextLength())
                .put("totalBytes", ledger.totalBytes());
    }

    /// A constant as the command line spells it: `PREFER_GPU` is `prefer-gpu`.
    static String lowerCase(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static double millis(Duration duration) {
        return Math.round(duration.toNanos() / 1e4) / 100.0;
    }

    private static double round(double value) {
        return Math.round(value * 100) / 100.0;
    }

    static String write(Object value) {
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }
}
