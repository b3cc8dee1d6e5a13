package io.llatte.demo.http;

import java.util.concurrent.atomic.AtomicLong;

/// The heap that requests' bodies may take, all together: each is allowed, and many large ones at once are not.
final class BodyBudget {

    /// A body, the texts that are read from it, and what these become.
    private static final int COPIES = 3;

    private static final int HEAP_PART = 3;

    private final long capacity = Runtime.getRuntime().maxMemory() / HEAP_PART;
    private final AtomicLong reserved = new AtomicLong();

    /// @return what is to be released
    /// @throws HttpFailure with 503 if others have taken it
    long reserve(long bodyBytes) {
        long bytes = Math.min(capacity, COPIES * bodyBytes);
        if (reserved.addAndGet(bytes) > capacity) {
            reserved.addAndGet(-bytes);
            throw HttpFailure.of(503, "too_much_at_once", "a body of %,d bytes has to wait: others take the memory for bodies".formatted(bodyBytes));
        }
        return bytes;
    }

    void release(long bytes) {
        reserved.addAndGet(-bytes);
    }
}
