package io.llatte;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.LongSupplier;

/// The one status that everybody reads. It is replaced as a whole, under the runtime's lock, in the moment in which what it says becomes true.
final class StatusBoard {

    private final LongSupplier ledgerBytes;
    private volatile LlmStatus status = new LlmStatus(LlmState.DISABLED, "no model was asked for yet", Instant.now(), Optional.empty(), 0, 1, "",
            Optional.empty(), InferenceStatistics.NONE);

    StatusBoard(LongSupplier ledgerBytes) {
        this.ledgerBytes = ledgerBytes;
    }

    LlmStatus read() {
        return status;
    }

    /// Another state, or the same for another reason or model.
    void state(LlmState state, String reason, Optional<String> modelId) {
        LlmStatus old = status;
        boolean same = old.state() == state && old.modelId().equals(modelId);
        status = new LlmStatus(state, reason, same ? old.since() : Instant.now(), modelId, ledgerBytes.getAsLong(),
                state == LlmState.LOADING ? (same ? old.progress() : 0) : 1, "", old.lastActivity(), old.statistics());
    }

    /// How far a download or load is; it never goes back in one state of loading.
    void progress(double fraction, String message) {
        LlmStatus old = status;
        double progress = old.state() == LlmState.LOADING && old.progress() < 1 ? Math.max(old.progress(), fraction) : fraction;
        status = new LlmStatus(old.state(), old.reason(), old.since(), old.modelId(), old.deviceMemoryBytes(), progress, message,
                old.lastActivity(), old.statistics());
    }

    /// How long nothing has happened.
    Duration idleFor() {
        return status.lastActivity().map(last -> Duration.between(last, Instant.now())).orElse(Duration.ZERO);
    }

    void activity() {
        LlmStatus old = status;
        status = new LlmStatus(old.state(), old.reason(), old.since(), old.modelId(), old.deviceMemoryBytes(), old.progress(), old.message(),
                Optional.of(Instant.now()), old.statistics());
    }

    void statistics(InferenceStatistics statistics) {
        LlmStatus old = status;
        status = new LlmStatus(old.state(), old.reason(), old.since(), old.modelId(), old.deviceMemoryBytes(), old.progress(), old.message(),
                old.lastActivity(), statistics);
    }
}
