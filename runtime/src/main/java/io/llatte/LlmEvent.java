package io.llatte;

import io.llatte.engine.Fallback;
import io.llatte.engine.PlacementReport;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Timings;
import io.llatte.llama.Usage;
import java.time.Duration;

/// What happens in a [LocalLlm], in the order in which it happens. Of several progress events that a slow listener has not heard yet it
/// hears the last.
public sealed interface LlmEvent {

    /// The machine's devices and backends are looked at, once for the life of the process.
    record Probing() implements LlmEvent {
    }

    /// A model's file comes over the network.
    ///
    /// @param bytes how many are there, those kept from an earlier try included
    /// @param totalBytes of how many
    /// @param bytesPerSecond the rate of the last seconds; 0 where none is known yet
    /// @param detail what is worked on, in words
    record Downloading(String modelId, long bytes, long totalBytes, double bytesPerSecond, String detail) implements LlmEvent {
    }

    /// A download's checksum is computed.
    ///
    /// @param fraction from 0 to 1
    record Verifying(String modelId, double fraction) implements LlmEvent {
    }

    /// Weights are loaded.
    ///
    /// @param fraction above 0, never less than before, and 1 before [Ready]
    record Loading(String modelId, double fraction) implements LlmEvent {
    }

    /// A model answers from here on.
    ///
    /// @param placement where it runs, and why there
    /// @param loadTime from the request for it, a download included
    record Ready(String modelId, PlacementReport placement, Duration loadTime) implements LlmEvent {
    }

    /// A request begins to wait for its turn.
    ///
    /// @param requestId counts requests from 1
    record Generating(String modelId, long requestId) implements LlmEvent {
    }

    /// A request has ended.
    record Generated(String modelId, long requestId, FinishReason finishReason, Usage usage, Timings timings) implements LlmEvent {
    }

    /// One model makes room for another.
    record Switching(String fromModelId, String toModelId) implements LlmEvent {
    }

    /// A model's memory is free again.
    ///
    /// @param freedBytes what the ledger held for it, over all devices
    /// @param reason why, in words
    record Unloaded(String modelId, long freedBytes, String reason) implements LlmEvent {
    }

    /// A device's memory passed the share that warns; said again only after it was below, or after nothing was loaded.
    record MemoryWarning(String device, long usedBytes, long totalBytes) implements LlmEvent {
    }

    /// A model runs elsewhere than was asked for first.
    record FellBack(String modelId, Fallback step) implements LlmEvent {
    }

    /// A load, a switch or a request failed; its caller has the same exception.
    record Failed(String modelId, Throwable error) implements LlmEvent {
    }
}
