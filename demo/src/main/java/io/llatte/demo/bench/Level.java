package io.llatte.demo.bench;

import java.util.List;
import java.util.Locale;

/// How much of the library a measurement goes through.
public enum Level {
    /// Batches and decodes, without sampling and without text: what llama.cpp's own benchmarks do.
    LOW,
    /// A text that is continued by the engine: greedy sampling, tokens and their text streamed.
    ENGINE,
    /// A conversation that is answered: the model's chat format, default sampling, streamed.
    CHAT;

    /// A chat format's words around a message.
    private static final int CHAT_FORMAT_TOKENS = 64;

    /// What all sequences of the workloads need together, in tokens.
    int contextLength(List<Workload> workloads) {
        return Setup.contextLength(workloads, this == LOW ? 0 : CHAT_FORMAT_TOKENS);
    }

    /// Loads the model for a list of workloads.
    Runner open(Setup setup, List<Workload> workloads) {
        return this == LOW ? new DecodeLoop(setup, workloads) : new Streams(setup, this, workloads);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
