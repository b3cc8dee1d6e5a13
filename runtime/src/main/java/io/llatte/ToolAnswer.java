package io.llatte;

import io.llatte.llama.ChatMessage;
import io.llatte.tools.ToolResult;
import java.util.List;

/// An answer for which tools may have been called.
///
/// @param answer the last answer
/// @param turns what came to the conversation, to be appended to it: answers that ask for calls, their results, and the last answer. Each call has
///        its result there, and arguments that a template can write: those that cannot be read are `{}`, and calls that were cut off are left out
/// @param results what the calls gave, in the order of the turns; each with the call as the model wrote it
public record ToolAnswer(ChatAnswer answer, List<ChatMessage> turns, List<ToolResult> results) {

    public ToolAnswer {
        turns = List.copyOf(turns);
        results = List.copyOf(results);
    }

    /// What the model said to the user in the end.
    public String text() {
        return answer.text();
    }
}
