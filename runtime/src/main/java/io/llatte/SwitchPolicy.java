package io.llatte;

import java.util.Objects;

/// What a switch or unload does with requests.
///
/// @param running those that run when it begins
/// @param arriving those that come meanwhile
public record SwitchPolicy(Running running, Arriving arriving) {

    public SwitchPolicy {
        Objects.requireNonNull(running, "running");
        Objects.requireNonNull(arriving, "arriving");
    }

    /// What becomes of requests that run.
    public enum Running {
        /// They are waited for.
        DRAIN,
        /// They end as cancelled, within one decode.
        CANCEL
    }

    /// What becomes of requests that come meanwhile.
    public enum Arriving {
        /// They wait, and run on the new model, or on the one that they name.
        WAIT,
        /// They fail with an [EngineClosedException], but for those that name the model that comes.
        FAIL
    }

    /// Nothing is lost: running requests are waited for, and others wait.
    public static SwitchPolicy patient() {
        return new SwitchPolicy(Running.DRAIN, Arriving.WAIT);
    }

    /// Nothing waits.
    public static SwitchPolicy prompt() {
        return new SwitchPolicy(Running.CANCEL, Arriving.FAIL);
    }
}
