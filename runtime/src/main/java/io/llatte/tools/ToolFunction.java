package io.llatte.tools;

/// What a tool does.
@FunctionalInterface
public interface ToolFunction {

    /// Runs on the toolbox's executor, perhaps beside other calls. An interrupt means that nobody waits for the result any longer.
    ///
    /// @param arguments a JSON object; the model was bound to the tool's schema
    /// @return what the model is told
    /// @throws Exception whose message the model is told
    String call(String arguments) throws Exception;
}
