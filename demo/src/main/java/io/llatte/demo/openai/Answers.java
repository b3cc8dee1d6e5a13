package io.llatte.demo.openai;

import io.llatte.ChatAnswer;
import io.llatte.ChatEvent;
import io.llatte.ChatOptions;
import io.llatte.ChatStream;
import io.llatte.LocalLlm;
import io.llatte.demo.http.ClientGoneException;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;

/// The answers to one request, several at the same time where it wants several.
final class Answers {

    private Answers() {
    }

    /// Hears of an answer, on the thread that reads it.
    interface Listener {

        /// The request is admitted, and its answer will come.
        default void begins() {
        }

        default void event(int choice, ChatEvent event) {
        }

        /// Hears of the beginning alone.
        static Listener beginning(Runnable begins) {
            return new Listener() {
                @Override
                public void begins() {
                    begins.run();
                }
            };
        }
    }

    /// All answers to a conversation, in their order.
    ///
    /// @throws CancellationException if the runtime cancelled one, as an unload does
    static List<ChatAnswer> of(LocalLlm llm, List<ChatMessage> messages, ChatOptions options, int choices, Listener listener) {
        try (var calls = new ClientCalls()) {
            return parallel(calls, choices, choice -> calls.reading(() -> llm.events(messages, forChoice(options, choice)),
                    stream -> stream::cancel, stream -> read(stream, choice, listener)));
        }
    }

    /// Runs one thing for each choice. The first that fails ends the others, and is thrown.
    static <T> List<T> parallel(ClientCalls calls, int choices, IntFunction<T> each) {
        if (choices == 1) {
            return List.of(each.apply(0));
        }
        var first = new AtomicReference<RuntimeException>();
        List<Future<T>> futures = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < choices; i++) {
                int choice = i;
                futures.add(threads.submit(() -> {
                    try {
                        return each.apply(choice);
                    } catch (RuntimeException e) {
                        if (first.compareAndSet(null, e)) {
                            calls.cancel();
                        }
                        throw e;
                    }
                }));
            }
        }
        if (first.get() != null) {
            throw first.get();
        }
        return futures.stream().map(Answers::result).toList();
    }

    private static <T> T result(Future<T> ended) {
        try {
            return ended.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClientGoneException(e);
        }
    }

    /// Several answers with one seed would all be the same.
    static ChatOptions forChoice(ChatOptions options, int choice) {
        OptionalInt seed = options.sampling().seed();
        return choice == 0 || seed.isEmpty() ? options
                : options.toBuilder().sampling(options.sampling().toBuilder().seed(seed.getAsInt() + choice).build()).build();
    }

    private static ChatAnswer read(ChatStream stream, int choice, Listener listener) {
        listener.begins();
        while (stream.hasNext()) {
            ChatEvent event = stream.next();
            listener.event(choice, event);
            if (event instanceof ChatEvent.Ended(var answer)) {
                if (answer.finishReason() == FinishReason.CANCELLED) {
                    break;
                }
                return answer;
            }
        }
        throw new CancellationException("the answer was cancelled: its model was unloaded or exchanged, or the server stops");
    }
}
