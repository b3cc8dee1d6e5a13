package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.llm.ServedModel;
import io.llatte.demo.llm.ServedModels;
import io.llatte.engine.EngineOptions;
import io.llatte.memory.DeviceMemory;
import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryPlan;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/// What a model would take in place of the one that is loaded, and what that one would give back.
final class PlanJson {

    private final LocalLlm llm;
    private final ServedModels served;
    private final EngineOptions options;

    PlanJson(LocalLlm llm, ServedModels served, EngineOptions options) {
        this.llm = llm;
        this.served = served;
        this.options = options;
    }

    ObjectNode of(String name) {
        ServedModel model = served.get(name);
        if (!model.present()) {
            throw HttpFailure.of(409, "model_not_downloaded", "the model '%s' is not downloaded: it is planned when its file is here".formatted(name))
                    .with("downloadBytes", model.sizeBytes());
        }
        Map<String, Long> held = llm.ledger().bytesByDevice();
        MemoryPlan plan = llm.plan(model.reference(), options);
        Map<String, DeviceMemory> memory = llm.memory().stream().collect(Collectors.toMap(DeviceMemory::device, Function.identity()));
        ObjectNode root = JsonNodeFactory.instance.objectNode().put("model", name).put("totalBytes", plan.totalBytes());
        ArrayNode devices = root.putArray("devices");
        boolean fits = true;
        for (var entry : plan.bytesByDevice().entrySet()) {
            String device = entry.getKey();
            long available = Optional.ofNullable(memory.get(device)).map(DeviceMemory::freeBytes).orElse(0L) + held.getOrDefault(device, 0L);
            fits &= entry.getValue() <= available;
            devices.addObject().put("device", device).put("weightsBytes", bytes(plan, device, MemoryKind.WEIGHTS))
                    .put("kvCacheBytes", bytes(plan, device, MemoryKind.KV_CACHE)).put("computeBytes", bytes(plan, device, MemoryKind.COMPUTE))
                    .put("totalBytes", entry.getValue()).put("availableBytes", available).put("fits", entry.getValue() <= available);
        }
        putEvicted(root, held, name);
        return root.put("fits", fits);
    }

    private void putEvicted(ObjectNode root, Map<String, Long> held, String name) {
        Optional<String> loaded = served.loaded().filter(each -> !each.equals(name));
        if (loaded.isEmpty()) {
            root.putNull("evicts");
            return;
        }
        ObjectNode evicts = root.putObject("evicts").put("model", loaded.get()).put("bytes", held.values().stream().mapToLong(Long::longValue).sum());
        ArrayNode devices = evicts.putArray("devices");
        held.forEach((device, bytes) -> devices.addObject().put("device", device).put("bytes", bytes));
    }

    private static long bytes(MemoryPlan plan, String device, MemoryKind kind) {
        return plan.usages().stream().filter(usage -> usage.device().equals(device)).mapToLong(usage -> usage.bytes(kind)).sum();
    }
}
