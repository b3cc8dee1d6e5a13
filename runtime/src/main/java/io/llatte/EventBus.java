package io.llatte;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Carries events to listeners, each in order on its own executor. Publishing never waits for a listener.
final class EventBus {

    private static final Logger LOG = LoggerFactory.getLogger(EventBus.class);

    private final List<Subscriber> subscribers = new CopyOnWriteArrayList<>();

    /// @return ends the subscription; what is queued is still heard
    AutoCloseable subscribe(Executor executor, Consumer<? super LlmEvent> listener) {
        var subscriber = new Subscriber(executor, listener);
        subscribers.add(subscriber);
        return () -> subscribers.remove(subscriber);
    }

    void publish(LlmEvent event) {
        subscribers.forEach(subscriber -> subscriber.offer(event));
    }

    private static final class Subscriber {

        private final Executor executor;
        private final Consumer<? super LlmEvent> listener;
        private final Deque<LlmEvent> queue = new ArrayDeque<>();
        private boolean draining;

        private Subscriber(Executor executor, Consumer<? super LlmEvent> listener) {
            this.executor = executor;
            this.listener = listener;
        }

        private void offer(LlmEvent event) {
            synchronized (queue) {
                if (!queue.isEmpty() && supersedes(event, queue.getLast())) {
                    queue.removeLast();
                }
                queue.add(event);
                if (draining) {
                    return;
                }
                draining = true;
            }
            // Never on the thread that publishes, also with an executor that runs its tasks at once.
            Thread.ofVirtual().name("llatte-events").start(this::hand);
        }

        private void hand() {
            try {
                executor.execute(this::drain);
            } catch (RejectedExecutionException e) {
                LOG.warn("the listener's executor refused; its events are lost: {}", e.getMessage());
                synchronized (queue) {
                    queue.clear();
                    draining = false;
                }
            }
        }

        /// Progress that nobody has heard yet is replaced by newer progress of the same.
        private static boolean supersedes(LlmEvent event, LlmEvent last) {
            return switch (event) {
                case LlmEvent.Loading loading -> last instanceof LlmEvent.Loading before && before.modelId().equals(loading.modelId());
                case LlmEvent.Downloading downloading -> last instanceof LlmEvent.Downloading before
                        && before.modelId().equals(downloading.modelId());
                case LlmEvent.Verifying verifying -> last instanceof LlmEvent.Verifying before && before.modelId().equals(verifying.modelId());
                default -> false;
            };
        }

        private void drain() {
            LlmEvent event;
            while ((event = next()) != null) {
                try {
                    listener.accept(event);
                } catch (RuntimeException | Error e) {
                    // A listener's failure is its own: the runtime and the other listeners go on.
                    LOG.error("a listener failed on {}", event, e);
                }
            }
        }

        private LlmEvent next() {
            synchronized (queue) {
                LlmEvent event = queue.poll();
                draining = event != null;
                return event;
            }
        }
    }
}
