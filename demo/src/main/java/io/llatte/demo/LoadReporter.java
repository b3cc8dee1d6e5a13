package io.llatte.demo;

import io.llatte.LlmEvent;
import io.llatte.engine.Fallback;
import io.llatte.engine.PlacementTarget;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/// Shows what happens while somebody waits for a model: its progress on one line, and a line for each step down. Events come on another thread
/// than the one that waits.
final class LoadReporter {

    private Shown shown;

    /// Begins to show progress; closing the result ends that.
    ///
    /// @param modelBefore the model that answers until then
    synchronized Shown begin(Optional<String> modelBefore) {
        shown = new Shown(modelBefore);
        return shown;
    }

    /// Takes an event, in order.
    synchronized void hear(LlmEvent event) {
        if (event instanceof LlmEvent.FellBack(String modelId, Fallback step)) {
            Output.note(describe(modelId, step));
        } else if (shown != null) {
            shown.hear(event);
        }
    }

    static String describe(String modelId, Fallback step) {
        return "%s: not on the %s, trying the %s: %s".formatted(ChatModel.nameOf(modelId), name(step.from()), name(step.to()),
                Failures.oneLine(step.reason()));
    }

    private static String name(PlacementTarget target) {
        return switch (target) {
            case GPU -> "GPU";
            case CPU -> "CPU";
            case REMOTE -> "server";
        };
    }

    /// One load.
    final class Shown implements AutoCloseable {

        private final ProgressLine line = new ProgressLine();
        private final Optional<String> modelBefore;
        private final CompletableFuture<Void> end = new CompletableFuture<>();

        private Shown(Optional<String> modelBefore) {
            this.modelBefore = modelBefore;
        }

        private void hear(LlmEvent event) {
            switch (event) {
                case LlmEvent.Downloading(var id, var bytes, var total, var rate, var detail) ->
                        line.downloading(ChatModel.nameOf(id), bytes, total, rate, detail);
                case LlmEvent.Verifying(var id, var fraction) -> line.verifying(ChatModel.nameOf(id), fraction);
                case LlmEvent.Loading(var id, var fraction) -> line.loading(ChatModel.nameOf(id), fraction);
                // The model before comes back first when another fails.
                case LlmEvent.Ready ready when !Optional.of(ready.modelId()).equals(modelBefore) -> end.complete(null);
                case LlmEvent.Failed _ -> end.complete(null);
                default -> { }
            }
        }

        /// Waits until the load's last event was heard: the model's readiness, or its failure.
        void awaitEnd() {
            end.join();
        }

        /// Leaves an empty line.
        @Override
        public void close() {
            synchronized (LoadReporter.this) {
                shown = null;
                line.close();
            }
        }
    }
}
