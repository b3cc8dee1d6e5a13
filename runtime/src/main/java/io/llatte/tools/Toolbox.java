package io.llatte.tools;

import io.llatte.llama.ToolCall;
import io.llatte.llama.ToolDefinition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The tools of a conversation, and how they are run. Immutable; any thread.
public final class Toolbox {

    private static final Logger LOG = LoggerFactory.getLogger(Toolbox.class);
    private static final Executor VIRTUAL_THREADS = task -> Thread.ofVirtual().name("llatte-tool").start(task);
    private static final int STANDARD_ROUNDS = 8;

    private final Map<String, Tool> tools;
    private final Executor executor;
    private final boolean parallel;
    private final int maxRounds;

    private Toolbox(Builder builder) {
        Map<String, Tool> byName = new LinkedHashMap<>();
        for (Tool tool : builder.tools) {
            if (byName.put(tool.name(), tool) != null) {
                throw new IllegalArgumentException("two tools are named " + tool.name());
            }
        }
        tools = byName;
        executor = builder.executor;
        parallel = builder.parallel;
        maxRounds = builder.maxRounds;
    }

    /// The methods of some objects that are marked with [ToolMethod], run on virtual threads, several at once where the model asks for several.
    ///
    /// @throws IllegalArgumentException if an object has none, a parameter has no schema, or two have one name
    public static Toolbox of(Object... targets) {
        var builder = builder();
        Arrays.stream(targets).forEach(builder::methodsOf);
        return builder.build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /// What the model is told, in the order in which the tools were added.
    public List<ToolDefinition> definitions() {
        return tools.values().stream().map(Tool::definition).toList();
    }

    /// What runs the calls.
    public Executor executor() {
        return executor;
    }

    /// Whether the model may ask for several calls at once.
    public boolean parallel() {
        return parallel;
    }

    /// How many times the model may ask for calls; then it must answer.
    public int maxRounds() {
        return maxRounds;
    }

    /// Runs a call on this thread. Never throws what the tool throws: the model is told. So it is of arguments that are no JSON object, and nothing
    /// runs then.
    public ToolResult call(ToolCall call) {
        Tool tool = tools.get(call.name());
        if (tool == null) {
            return new ToolResult(call, "there is no tool %s; there is: %s".formatted(call.name(), String.join(", ", tools.keySet())), true);
        }
        Optional<String> defect = call.arguments().isBlank() ? Optional.empty() : call.defect();
        if (defect.isPresent()) {
            return new ToolResult(call, "the arguments cannot be read: " + defect.get(), true);
        }
        try {
            return new ToolResult(call, Objects.requireNonNullElse(tool.function().call(call.arguments()), "done"), false);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new ToolResult(call, "interrupted", true);
        } catch (Exception | LinkageError | StackOverflowError e) {
            LOG.debug("the tool {} failed", call.name(), e);
            String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            return new ToolResult(call, "the call failed: " + reason, true);
        }
    }

    /// Collects tools. Not thread-safe.
    public static final class Builder {

        private final List<Tool> tools = new ArrayList<>();
        private Executor executor = VIRTUAL_THREADS;
        private boolean parallel = true;
        private int maxRounds = STANDARD_ROUNDS;

        private Builder() {
        }

        public Builder tool(Tool tool) {
            tools.add(Objects.requireNonNull(tool));
            return this;
        }

        /// The methods of an object that are marked with [ToolMethod].
        ///
        /// @throws IllegalArgumentException if there is none, or a parameter has no schema
        public Builder methodsOf(Object target) {
            tools.addAll(Tool.of(target));
            return this;
        }

        /// What runs the calls; a virtual thread for each unless said otherwise.
        public Builder executor(Executor value) {
            executor = Objects.requireNonNull(value);
            return this;
        }

        /// Whether the model may ask for several calls at once, which then run at once; true unless said otherwise.
        public Builder parallel(boolean value) {
            parallel = value;
            return this;
        }

        /// How many times the model may ask for calls, at least 1; 8 unless said otherwise.
        public Builder maxRounds(int value) {
            if (value < 1) {
                throw new IllegalArgumentException("maxRounds must be at least 1: " + value);
            }
            maxRounds = value;
            return this;
        }

        /// @throws IllegalArgumentException if two tools have one name
        public Toolbox build() {
            return new Toolbox(this);
        }
    }
}
