package io.llatte;

import io.llatte.llama.Token;
import io.llatte.llama.TokenStream;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/// Gives each subscriber an answer of its own, as fast as it asks for tokens. A subscriber is called on a virtual thread.
final class TokenPublisher implements Flow.Publisher<Token> {

    private final Supplier<TokenStream> request;

    /// @param request starts an answer; called for each subscriber
    TokenPublisher(Supplier<TokenStream> request) {
        this.request = request;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super Token> subscriber) {
        new TokenSubscription(subscriber).start();
    }

    private final class TokenSubscription implements Flow.Subscription {

        private final Flow.Subscriber<? super Token> subscriber;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private long demand;
        private boolean cancelled;
        private IllegalArgumentException misuse;
        private TokenStream stream;

        private TokenSubscription(Flow.Subscriber<? super Token> subscriber) {
            this.subscriber = Objects.requireNonNull(subscriber);
        }

        private void start() {
            Thread.ofVirtual().name("llatte-publisher").start(this::run);
        }

        private void run() {
            subscriber.onSubscribe(this);
            try (TokenStream tokens = request.get()) {
                keep(tokens);
                while (tokens.hasNext() && awaitDemand()) {
                    subscriber.onNext(tokens.next());
                }
                finish(misuse);
            } catch (RuntimeException e) {
                finish(e);
            }
        }

        private void finish(RuntimeException e) {
            if (isCancelled()) {
                return;
            }
            if (e != null) {
                subscriber.onError(e);
            } else {
                subscriber.onComplete();
            }
        }

        private void keep(TokenStream tokens) {
            lock.lock();
            try {
                stream = tokens;
                if (cancelled) {
                    tokens.cancel();
                }
            } finally {
                lock.unlock();
            }
        }

        /// Takes one token's demand; false if the subscriber wants no more.
        private boolean awaitDemand() {
            lock.lock();
            try {
                while (demand == 0 && !cancelled && misuse == null) {
                    changed.awaitUninterruptibly();
                }
                if (demand != Long.MAX_VALUE) {
                    demand--;
                }
                return !cancelled && misuse == null;
            } finally {
                lock.unlock();
            }
        }

        private boolean isCancelled() {
            lock.lock();
            try {
                return cancelled;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void request(long n) {
            lock.lock();
            try {
                if (n <= 0) {
                    misuse = new IllegalArgumentException("a subscriber must ask for more than " + n + " tokens");
                } else {
                    demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void cancel() {
            lock.lock();
            try {
                cancelled = true;
                changed.signalAll();
                if (stream != null) {
                    stream.cancel();
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
