package io.llatte.llama;

import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/// Lets children of a model be made while it is open, and holds back its release until those that are being made are owned or gone: llama.cpp
/// frees contexts before models.
final class Gate implements AutoCloseable {

    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private boolean closed;

    /// Makes a child.
    ///
    /// @throws IllegalStateException if the model is closed
    <T> T through(Supplier<T> birth) {
        lock.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            return birth.get();
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        closed = true;
        lock.writeLock().unlock();
    }
}
