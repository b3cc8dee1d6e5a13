package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.LocalLlm;
import io.llatte.engine.EngineOptions;
import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryPlan;
import io.llatte.model.ModelStore;
import io.llatte.model.StoredModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `llatte plan`.
@Command(name = "plan", description = "Shows what a model would take on each device, without loading it.")
final class PlanCommand implements Runnable {

    private static final String ROW = "%-12s %12s %12s %12s %12s%n";

    @Parameters(paramLabel = "MODEL", description = "A downloaded model's id or a GGUF file")
    private String reference;

    @Mixin
    private EngineArguments engineArguments;

    @Option(names = "--json", description = "Print one object.")
    private boolean json;

    @Override
    public void run() {
        EngineOptions options = engineArguments.options();
        ModelStore store = ModelStore.open();
        StoredModel model = ModelsCommand.present(reference, store);
        try (var llm = LocalLlm.builder().store(store).withoutPreference().build()) {
            MemoryPlan plan = llm.plan(reference, options);
            Output.print(json ? AnswerJson.write(toJson(model, options, plan)) + "\n" : toText(plan));
        }
    }

    private static long bytes(MemoryPlan plan, String device, MemoryKind kind) {
        return plan.usages().stream().filter(usage -> usage.device().equals(device)).mapToLong(usage -> usage.bytes(kind)).sum();
    }

    private static long bytes(MemoryPlan plan, MemoryKind kind) {
        return plan.usages().stream().mapToLong(usage -> usage.bytes(kind)).sum();
    }

    private static String toText(MemoryPlan plan) {
        var text = new StringBuilder(ROW.formatted("device", "weights", "KV cache", "compute", "total"));
        plan.bytesByDevice().forEach((device, total) -> text.append(row(device, bytes(plan, device, MemoryKind.WEIGHTS),
                bytes(plan, device, MemoryKind.KV_CACHE), bytes(plan, device, MemoryKind.COMPUTE), total)));
        if (plan.bytesByDevice().size() > 1) {
            text.append(row("all", bytes(plan, MemoryKind.WEIGHTS), bytes(plan, MemoryKind.KV_CACHE), bytes(plan, MemoryKind.COMPUTE),
                    plan.totalBytes()));
        }
        return text.toString();
    }

    private static String row(String device, long weights, long kvCache, long compute, long total) {
        return ROW.formatted(device, Sizes.text(weights), Sizes.text(kvCache), Sizes.text(compute), Sizes.text(total));
    }

    private static ObjectNode toJson(StoredModel model, EngineOptions options, MemoryPlan plan) {
        ObjectNode root = new ObjectMapper().createObjectNode().put("model", model.id()).put("path", model.path().toString())
                .put("policy", AnswerJson.lowerCase(options.policy()));
        var devices = root.putArray("devices");
        plan.bytesByDevice().forEach((device, total) -> devices.addObject().put("name", device)
                .put("weightsBytes", bytes(plan, device, MemoryKind.WEIGHTS)).put("kvCacheBytes", bytes(plan, device, MemoryKind.KV_CACHE))
                .put("computeBytes", bytes(plan, device, MemoryKind.COMPUTE)).put("totalBytes", total));
        return root.put("totalBytes", plan.totalBytes());
    }
}
