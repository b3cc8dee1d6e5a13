package io.llatte.demo.control;

import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.llm.Remedies;
import io.llatte.demo.llm.ServedModels;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/// The loads that clients of `/api` asked for. A load goes on when its client is gone.
final class Loads {

    private final LocalLlm llm;
    private final ServedModels served;

    // Guarded by this.
    private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);

    Loads(LocalLlm llm, ServedModels served) {
        this.llm = llm;
        this.served = served;
    }

    /// Begins a load.
    ///
    /// @param name empty for the model that was chosen last
    CompletableFuture<Void> begin(Optional<String> name) {
        CompletableFuture<Void> load = name.map(each -> llm.initAsync(served.get(each).reference())).orElseGet(llm::initAsync);
        synchronized (this) {
            last = load;
        }
        return load;
    }

    /// Ends the load that runs, if one does.
    void cancel() {
        CompletableFuture<Void> running;
        synchronized (this) {
            running = last;
        }
        running.cancel(true);
    }

    /// Waits for a load.
    ///
    /// @throws HttpFailure if it fails
    static void await(CompletableFuture<Void> load) {
        try {
            load.get();
        } catch (ExecutionException e) {
            throw Remedies.toFailure(e.getCause());
        } catch (CancellationException e) {
            throw Remedies.toFailure(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Remedies.toFailure((CancellationException) new CancellationException("the server stops").initCause(e));
        }
    }
}
