package io.llatte;

import io.llatte.engine.AnswerStream;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.ToolCall;
import io.llatte.llama.ToolChoice;
import io.llatte.tools.ToolResult;
import io.llatte.tools.Toolbox;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.BiFunction;

/// A conversation with tools: answers, calls that they ask for, and further answers, until one asks for none.
final class ToolEvents implements ChatStream {

    private static final String NO_ARGUMENTS = "{}";

    private final Toolbox toolbox;
    private final BiFunction<List<ChatMessage>, ChatOptions, AnswerStream> engine;
    private final List<ChatMessage> messages;
    private final Queue<FutureTask<ToolResult>> running = new ConcurrentLinkedQueue<>();
    private ChatOptions options;
    private ChatEvent upcoming;
    private int rounds;
    private int calls;
    private boolean ended;
    // Any thread cancels.
    private volatile AnswerEvents answer;
    private volatile boolean cancelled;

    /// @param engine starts an answer
    ToolEvents(List<ChatMessage> messages, Toolbox toolbox, ChatOptions options, BiFunction<List<ChatMessage>, ChatOptions, AnswerStream> engine) {
        this.messages = new ArrayList<>(messages);
        this.toolbox = toolbox;
        this.engine = engine;
        this.options = options.toBuilder().tools(toolbox.definitions()).parallelToolCalls(toolbox.parallel()).build();
        ask();
    }

    private void ask() {
        var next = new AnswerEvents(engine.apply(messages, options));
        answer = next;
        if (cancelled) {
            next.cancel();
        }
    }

    @Override
    public boolean hasNext() {
        if (upcoming == null && !ended) {
            upcoming = await();
            ended = upcoming == null || upcoming instanceof ChatEvent.Ended;
        }
        return upcoming != null;
    }

    @Override
    public ChatEvent next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the answer has ended");
        }
        ChatEvent event = upcoming;
        upcoming = null;
        return event;
    }

    /// The next event, or null after the last; a cancel while tools run leaves none.
    private ChatEvent await() {
        // Until it has returned a cancel must find it there.
        FutureTask<ToolResult> task = running.peek();
        if (task != null) {
            return returned(task);
        }
        if (!answer.hasNext()) {
            return null;
        }
        ChatEvent event = answer.next();
        return event instanceof ChatEvent.Ended(var whole) && isToGoOn(whole) ? called(whole) : event;
    }

    /// Calls of an answer that was cut off are cut off too.
    private boolean isToGoOn(ChatAnswer whole) {
        return !cancelled && whole.finishReason() == FinishReason.EOG && !whole.toolCalls().isEmpty() && options.toolChoice() != ToolChoice.NONE;
    }

    private ChatEvent called(ChatAnswer whole) {
        List<ToolCall> named = whole.toolCalls().stream().map(this::named).toList();
        ChatMessage message = new ChatMessage("assistant", whole.text(), whole.reasoning(), named.stream().map(ToolEvents::told).toList(), "");
        messages.add(message);
        for (ToolCall call : named) {
            var task = new FutureTask<>(() -> toolbox.call(call));
            running.add(task);
            toolbox.executor().execute(task);
        }
        if (cancelled) {
            cancel();
        }
        return new ChatEvent.ToolsCalled(new ChatAnswer(message, whole.finishReason(), whole.usage(), whole.timings(), whole.logprobs()));
    }

    private ToolCall named(ToolCall call) {
        calls++;
        String arguments = call.arguments().isBlank() ? NO_ARGUMENTS : call.arguments();
        return new ToolCall(call.id().isEmpty() ? "call%05d".formatted(calls) : call.id(), call.name(), arguments);
    }

    /// A call as the conversation has it: with arguments that cannot be read, no template could write what follows.
    private static ToolCall told(ToolCall call) {
        return call.defect().isEmpty() ? call : new ToolCall(call.id(), call.name(), NO_ARGUMENTS);
    }

    private ChatEvent returned(FutureTask<ToolResult> task) {
        ToolResult result;
        try {
            result = task.get();
        } catch (InterruptedException e) {
            cancel();
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("interrupted while a tool was waited for").initCause(e);
        } catch (CancellationException e) {
            running.clear();
            return null;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a tool ended with an error that the model cannot be told", e.getCause());
        }
        running.remove();
        messages.add(result.message());
        if (running.isEmpty()) {
            rounds++;
            if (rounds >= toolbox.maxRounds()) {
                options = options.toBuilder().toolChoice(ToolChoice.NONE).build();
            } else if (options.toolChoice() == ToolChoice.REQUIRED) {
                // A call was required; another one for each result would never end.
                options = options.toBuilder().toolChoice(ToolChoice.AUTO).build();
            }
            answer.close();
            ask();
        }
        return new ChatEvent.ToolReturned(result);
    }

    @Override
    public void cancel() {
        cancelled = true;
        answer.cancel();
        List.copyOf(running).forEach(task -> task.cancel(true));
    }

    @Override
    public void close() {
        cancel();
        answer.close();
    }
}
