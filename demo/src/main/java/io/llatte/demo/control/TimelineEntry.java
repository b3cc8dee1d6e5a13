package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.LlmEvent;
import io.llatte.demo.llm.Remedies;
import io.llatte.demo.llm.ServedModels;
import java.util.Optional;

/// Something that happened to the model, in words.
///
/// @param kind which event of the runtime's
/// @param model what clients call the model; "" where there is none
/// @param level `info`, `warning` or `error`
record TimelineEntry(String kind, String model, String text, String level) {

    private static final double MIB = 1 << 20;

    /// What an event has to tell; empty for those of single requests. Each step of a load is its own event, of which the first counts.
    static Optional<TimelineEntry> of(LlmEvent event) {
        return Optional.ofNullable(switch (event) {
            case LlmEvent.Probing _ -> info("probing", "", "the machine's devices are looked at");
            case LlmEvent.Downloading at -> info("downloading", at.modelId(), "%.1f MiB are fetched".formatted(at.totalBytes() / MIB));
            case LlmEvent.Verifying at -> info("verifying", at.modelId(), "the checksum is computed");
            case LlmEvent.Loading at -> info("loading", at.modelId(), "weights are loaded");
            case LlmEvent.Ready at -> info("ready", at.modelId(), "answers on %s after %.2f s".formatted(at.placement().target(),
                    at.loadTime().toNanos() / 1e9));
            case LlmEvent.Switching at -> info("switching", at.toModelId(), "in place of " + ServedModels.nameOf(at.fromModelId()));
            case LlmEvent.Unloaded at -> info("unloaded", at.modelId(), "%.1f MiB are free again: %s".formatted(at.freedBytes() / MIB, at.reason()));
            case LlmEvent.MemoryWarning at -> new TimelineEntry("memory-warning", "", "%s: %.1f of %.1f MiB are used".formatted(at.device(),
                    at.usedBytes() / MIB, at.totalBytes() / MIB), "warning");
            case LlmEvent.FellBack at -> new TimelineEntry("fell-back", ServedModels.nameOf(at.modelId()), "from %s to %s: %s".formatted(
                    at.step().from(), at.step().to(), at.step().reason()), "warning");
            case LlmEvent.Failed at -> new TimelineEntry("failed", at.modelId().isEmpty() ? "" : ServedModels.nameOf(at.modelId()),
                    at.error().getMessage() + " " + Remedies.of(at.error()), "error");
            case LlmEvent.Generating _, LlmEvent.Generated _ -> null;
        });
    }

    private static TimelineEntry info(String kind, String modelId, String text) {
        return new TimelineEntry(kind, modelId.isEmpty() ? "" : ServedModels.nameOf(modelId), text, "info");
    }

    /// Whether this is one more step of what another entry tells of.
    boolean continues(TimelineEntry other) {
        return kind.equals(other.kind) && model.equals(other.model) && level.equals("info");
    }

    ObjectNode toJson(long id, long timeMillis) {
        return JsonNodeFactory.instance.objectNode().put("id", id).put("time", timeMillis).put("kind", kind).put("model", model.isEmpty() ? null : model)
                .put("text", text.strip()).put("level", level);
    }
}
