package io.llatte;

import io.llatte.llama.ChatMessage;
import io.llatte.tools.ToolResult;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

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

    /// Reads a conversation with tools to its end and closes it.
    ///
    /// @throws CancellationException if it was cancelled
    static ToolAnswer of(ChatStream events) {
        List<ChatMessage> turns = new ArrayList<>();
        List<ToolResult> results = new ArrayList<>();
        try (events) {
            while (events.hasNext()) {
                switch (events.next()) {
                    case ChatEvent.ToolsCalled(var answer) -> turns.add(answer.message());
                    case ChatEvent.ToolReturned(var result) -> {
                        turns.add(result.message());
                        results.add(result);
                    }
                    case ChatEvent.Ended(var answer) -> {
                        turns.add(answer.message().withoutToolCalls());
                        return new ToolAnswer(answer, turns, results);
                    }
                    case ChatEvent.TextDelta _, ChatEvent.ReasoningDelta _, ChatEvent.TokenScored _, ChatEvent.ToolCallDelta _ -> { }
                }
            }
        }
        throw new CancellationException("the answer was cancelled");
    }

    /// What the model said to the user in the end.
    public String text() {
        return answer.text();
    }
}
