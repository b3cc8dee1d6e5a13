package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.LlmEvent;

/// How far a load is, by its last event.
///
/// @param name what is done; null where nothing is
/// @param bytes how many have come; -1 where that is not counted
record LoadStage(String name, long bytes, long totalBytes, double bytesPerSecond, String detail) {

    static final LoadStage NONE = new LoadStage(null, -1, -1, 0, null);

    /// What an event makes of it.
    LoadStage after(LlmEvent event) {
        return switch (event) {
            case LlmEvent.Downloading at -> new LoadStage("downloading", at.bytes(), at.totalBytes(), at.bytesPerSecond(), at.detail());
            case LlmEvent.Verifying _ -> new LoadStage("verifying", -1, -1, 0, null);
            case LlmEvent.Loading _ -> new LoadStage("loading", -1, -1, 0, null);
            case LlmEvent.Ready _, LlmEvent.Failed _, LlmEvent.Unloaded _ -> NONE;
            default -> this;
        };
    }

    void put(ObjectNode node) {
        node.put("stage", name);
        if (bytes < 0) {
            node.putNull("bytes").putNull("totalBytes").putNull("bytesPerSecond").put("detail", detail);
        } else {
            node.put("bytes", bytes).put("totalBytes", totalBytes).put("bytesPerSecond", bytesPerSecond).put("detail", detail);
        }
    }
}
