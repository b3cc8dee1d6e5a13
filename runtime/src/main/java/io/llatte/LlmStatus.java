package io.llatte;

import java.time.Instant;
import java.util.Optional;

/// A moment of a [LocalLlm], as one consistent whole. Reading it wakes nothing.
///
/// @param state what it does
/// @param reason why it is in that state, in words
/// @param since when it came into that state
/// @param modelId the model that answers, or that is loaded now; empty where there is none
/// @param deviceMemoryBytes what the ledger holds, over all devices, the host's among them
/// @param progress of the download or load that runs, from 0 to 1; 1 where none does
/// @param message what is being done, in words
/// @param lastActivity when a request last began or ended, or a model was loaded
/// @param statistics what requests took
public record LlmStatus(LlmState state, String reason, Instant since, Optional<String> modelId, long deviceMemoryBytes, double progress,
                        String message, Optional<Instant> lastActivity, InferenceStatistics statistics) {

    /// A number for a widget.
    ///
    /// @param name what it is
    /// @param value the number or word
    public record Metric(String name, String value) {
    }

    /// The model.
    public Metric primaryMetric() {
        return new Metric("model", modelId.orElse("none"));
    }

    /// The device memory; while something is loaded, how far that is.
    public Metric secondaryMetric() {
        return state == LlmState.LOADING ? new Metric("progress", Math.round(progress * 100) + "%")
                : new Metric("memory", "%.1f MiB".formatted(deviceMemoryBytes / 1048576.0));
    }
}
