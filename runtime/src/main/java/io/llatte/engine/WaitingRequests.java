package io.llatte.engine;

import io.llatte.EngineBusyException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// Requests that have no lane yet, at most so many: the highest priority first, then the oldest. Any thread.
final class WaitingRequests {

    private static final Comparator<Request> ORDER = Comparator.<Request>comparingInt(request -> -request.priority)
            .thenComparingLong(request -> request.number);

    private final int limit;
    private final PriorityQueue<Request> queue = new PriorityQueue<>(ORDER);

    // Read without the lock by a loop that has nothing to do with most steps.
    private volatile int size;

    WaitingRequests(int limit) {
        this.limit = limit;
    }

    /// @throws EngineBusyException if too many wait already
    synchronized void add(Request request) {
        if (queue.size() >= limit) {
            throw new EngineBusyException("%d requests wait for a sequence, and %d may".formatted(queue.size(), limit), queue.size(), limit);
        }
        addAgain(request);
    }

    /// A request that was admitted before is never refused.
    synchronized void addAgain(Request request) {
        queue.add(request);
        size = queue.size();
    }

    int size() {
        return size;
    }

    int limit() {
        return limit;
    }

    /// The next, which stays; or null.
    synchronized Request first() {
        return queue.peek();
    }

    /// Returns whether it waited.
    synchronized boolean remove(Request request) {
        boolean waited = queue.remove(request);
        size = queue.size();
        return waited;
    }

    synchronized List<Request> removeAll() {
        List<Request> all = new ArrayList<>(queue);
        queue.clear();
        size = 0;
        return all;
    }
}
