package io.llatte;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/// A request that waits for a model. It comes in at the moment in which that answers, not when its thread is next scheduled: by then the model
/// may be gone again.
final class Arrival {

    private final Optional<String> modelId;
    private final Supplier<ModelSlot.Visit> admission;
    private final Transition transition;
    private final CompletableFuture<ModelSlot.Visit> visit = new CompletableFuture<>();

    /// @param modelId the model that must answer; empty for any
    /// @param admission counts the request; called with the runtime's lock held and the slot ready
    /// @param transition what it waits for, which it has entered
    Arrival(Optional<String> modelId, Supplier<ModelSlot.Visit> admission, Transition transition) {
        this.modelId = modelId;
        this.admission = admission;
        this.transition = transition;
    }

    Optional<String> modelId() {
        return modelId;
    }

    Transition transition() {
        return transition;
    }

    /// The runtime's lock is held and the slot ready.
    void admit() {
        visit.complete(admission.get());
    }

    void fail(Throwable failure) {
        visit.completeExceptionally(failure);
    }

    ModelSlot.Visit await() throws InterruptedException, ExecutionException {
        return visit.get();
    }

    /// Ends the visit of a request that was admitted and is not wanted any longer.
    void endVisit() {
        if (!visit.isCompletedExceptionally()) {
            visit.join().close();
        }
    }
}
