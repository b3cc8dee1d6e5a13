package io.llatte.demo;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.ModelInfo;
import io.llatte.llama.Timings;
import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryLedger;
import java.time.Duration;
import java.util.Locale;

/// An answer as the object that `chat --json` prints.
final class AnswerJson {

    private static final ObjectMapper JSON = new ObjectMapper();

    private AnswerJson() {
    }

    static String of(Answer answer, ChatEngine engine) {
        ObjectNode root = JSON.createObjectNode().put("text", answer.text())
                .put("finishReason", answer.finishReason().name().toLowerCase(Locale.ROOT));
        root.putObject("usage").put("promptTokens", answer.usage().promptTokens()).put("cachedTokens", answer.usage().cachedTokens())
                .put("generatedTokens", answer.usage().generatedTokens());
        putTimings(root.putObject("timings"), answer.timings());
        putModel(root.putObject("model"), engine);
        putPlacement(root.putObject("placement"), engine);
        return write(root);
    }

    private static void putTimings(ObjectNode node, Timings timings) {
        node.put("loadMs", millis(timings.load())).put("prefillMs", millis(timings.prefill()))
                .put("timeToFirstTokenMs", millis(timings.timeToFirstToken())).put("decodeMs", millis(timings.decode()))
                .put("prefillTokensPerSecond", round(timings.prefillTokensPerSecond()))
                .put("tokensPerSecond", round(timings.tokensPerSecond()));
    }

    private static void putModel(ObjectNode node, ChatEngine engine) {
        ModelInfo info = engine.model().info();
        node.put("id", engine.file().id()).put("path", engine.file().path().toString()).put("name", info.name())
                .put("architecture", info.architecture()).put("quantization", info.quantization())
                .put("parameterCount", info.parameterCount()).put("sizeBytes", info.sizeBytes())
                .put("trainingContextLength", info.trainingContextLength());
    }

    private static void putPlacement(ObjectNode node, ChatEngine engine) {
        MemoryLedger ledger = engine.arena().ledger();
        var devices = node.putArray("devices");
        boolean onGpu = false;
        for (String device : ledger.bytesByDevice().keySet()) {
            long weights = ledger.bytes(device, MemoryKind.WEIGHTS);
            onGpu |= weights > 0 && !device.equals("CPU");
            devices.addObject().put("name", device).put("weightsBytes", weights)
                    .put("kvCacheBytes", ledger.bytes(device, MemoryKind.KV_CACHE))
                    .put("computeBytes", ledger.bytes(device, MemoryKind.COMPUTE));
        }
        int layers = engine.model().info().layerCount();
        int asked = engine.model().options().gpuLayers();
        node.put("gpuLayers", !onGpu ? 0 : asked < 0 ? layers : Math.min(asked, layers)).put("layers", layers)
                .put("contextLength", engine.context().contextLength()).put("totalBytes", ledger.totalBytes());
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
