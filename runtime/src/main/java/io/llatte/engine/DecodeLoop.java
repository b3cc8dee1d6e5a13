package io.llatte.engine;

import io.llatte.ContextOverflowException;
import io.llatte.DecodeException;
import io.llatte.EngineClosedException;
import io.llatte.NativeAssertionException;
import io.llatte.llama.Context;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Llama;
import io.llatte.llama.Model;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The one thread that decodes. Each step evaluates a micro-batch at most: the last token of every sequence that generates, and prompts in the
/// room that is left, so that a long prompt never holds up what runs. Requests join, end and fail between two steps.
final class DecodeLoop implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(DecodeLoop.class);

    /// Bytes of logits that texts which are scored may ask for in one step. llama.cpp keeps a buffer of that size from then on.
    private static final int MOST_LOGIT_BYTES = 256 << 20;

    /// The compute threads stay for so long without work; to start them takes less than a millisecond.
    private static final long KEEPS_THREADS_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Model model;
    private final ContextOptions contextOptions;
    private final boolean reproducible;
    private final Duration deliveryDelay;
    private final List<Integer> processors;
    private final WaitingRequests waiting;
    private final Errands errands = new Errands();
    private final Thread thread;
    private volatile Context context;
    private volatile Lanes lanes;
    private volatile SlotBoard board;
    private Admission admission;
    private StepBatch batch;
    private Delivery delivery;
    private volatile StepSampling sampling;
    private AdapterSet applied;
    private boolean roomForGuesses = true;
    private boolean holdsThreads;
    private long generationNanos = Long.MAX_VALUE;

    // Written by the loop alone.
    private volatile long decodes;
    private volatile long evaluatedTokens;
    private volatile long preemptions;
    private volatile int running;

    private volatile boolean closing;
    private volatile boolean waitsForReaders = true;
    private volatile Request alone;

    DecodeLoop(String name, Model model, Context context, ContextOptions contextOptions, WaitingRequests waiting, EngineOptions options) {
        this.model = model;
        this.context = context;
        this.contextOptions = contextOptions;
        this.waiting = waiting;
        this.reproducible = options.reproducible();
        this.deliveryDelay = options.deliveryDelay();
        this.processors = options.processors();
        useContext();
        this.thread = Thread.ofPlatform().daemon().name("llatte-engine " + name).start(this);
    }

    private void useContext() {
        var info = model.info();
        boolean cuttable = !info.recurrent() && !info.hybrid() && (info.slidingWindow() == 0 || contextOptions.fullSlidingWindow());
        boolean unified = contextOptions.unifiedKv();
        lanes = new Lanes(context, unified, cuttable, !reproducible);
        board = new SlotBoard(lanes.count());
        admission = new Admission(waiting, lanes, context.contextLength(), unified);
        batch = new StepBatch(lanes, context.newBatch(), Math.min(context.microBatchSize(), context.batchSize()), context.sequenceLength(),
                Math.max(1, MOST_LOGIT_BYTES / Float.BYTES / model.vocab().size()));
        delivery = new Delivery(lanes, deliveryDelay);
        applied = AdapterSet.NONE;
        sampling = new StepSampling(context, model.vocab(), lanes, delivery, sampling == null ? 0 : sampling.generatedTokens());
    }

    // ---- any thread

    Context context() {
        return context;
    }

    EngineStatistics statistics() {
        return new EngineStatistics(running, waiting.size(), decodes, evaluatedTokens, sampling.generatedTokens(), lanes.cachedTokens(), lanes.evictions(),
                preemptions, lanes.usedCells(), context.contextLength(), lanes.count(), waiting.limit());
    }

    List<SlotStatus> slots() {
        return board.read(hasEnded());
    }

    /// Something has changed that the loop must look at.
    void wake() {
        LockSupport.unpark(thread);
    }

    /// Saves the longest beginning of some tokens that the cache holds.
    SessionFile save(int[] tokens, SessionOrigin origin) {
        return between(() -> sessions().save(tokens, origin));
    }

    /// Brings a saved beginning back.
    void restore(SessionFile file) {
        between(() -> {
            sessions().restore(file);
            return null;
        });
    }

    /// Has a call done by the thread that decodes, between two steps, and waits for it.
    ///
    /// @throws EngineClosedException if the loop has ended
    /// @throws CancellationException if this thread is interrupted; the interrupt stays set
    <T> T between(Callable<T> call) {
        if (Thread.currentThread() == thread) {
            throw new IllegalStateException("the engine's own thread, which tells of a request's end, cannot wait for the engine");
        }
        return errands.call(call, this::wake);
    }

    private Sessions sessions() {
        return new Sessions(lanes, context.contextLength(), contextOptions.unifiedKv());
    }

    /// A request is not wanted any longer: the decode that runs for it alone stops.
    void cancelled(Request request) {
        if (waiting.remove(request)) {
            request.sampler.close();
        }
        if (alone == request) {
            context.cancel();
        }
        wake();
    }

    /// Whether sequences pause whose readers fall behind.
    void waitForReaders(boolean waits) {
        waitsForReaders = waits;
        wake();
    }

    /// Ends the loop, and every request as failed.
    void close() {
        closing = true;
        context.cancel();
        lanes.cancelGuesses();
        wake();
    }

    /// Whether it takes no further request: it was closed, has failed for good, or the model has gone under it, as at the end of the process.
    boolean hasEnded() {
        return closing || !model.isOpen();
    }

    /// Waits for the thread to end.
    void join() {
        boolean interrupted = false;
        while (thread.isAlive() && thread != Thread.currentThread()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- the loop

    @Override
    public void run() {
        RuntimeException failure = new EngineClosedException("the engine was closed before the answer had ended");
        try {
            if (!processors.isEmpty()) {
                Llama.bindThread(processors);
            }
            while (!hasEnded()) {
                releaseEnded();
                if (!errands.isEmpty()) {
                    delivery.deliver();
                    errands.run();
                    // Embeddings are computed there.
                    holdsThreads = true;
                }
                if (lanes.anyGuesses() || waiting.size() > 0 && lanes.running() < lanes.count()) {
                    // Copies of sequences and guesses take time too.
                    delivery.deliver();
                }
                admission.admit();
                alone = null;
                batch.fill(waitsForReaders, roomForGuesses);
                running = lanes.running();
                board.show(lanes);
                if (batch.isEmpty()) {
                    delivery.deliver();
                    rest();
                } else {
                    holdsThreads = true;
                    timedStep();
                }
            }
        } catch (RuntimeException e) {
            if (!hasEnded()) {
                LOG.error("the engine failed", e);
                failure = failed(e);
            }
        } catch (Error e) {
            failure = failed(e);
            throw e;
        } finally {
            closing = true;
            errands.refuseAll();
            endAll(failure);
        }
    }

    /// Waits for something to do.
    private void rest() {
        if (!holdsThreads) {
            LockSupport.park(this);
            return;
        }
        long from = System.nanoTime();
        LockSupport.parkNanos(this, KEEPS_THREADS_NANOS);
        if (System.nanoTime() - from >= KEEPS_THREADS_NANOS) {
            context.releaseThreads();
            holdsThreads = false;
        }
    }

    private static EngineClosedException failed(Throwable cause) {
        return new EngineClosedException("the engine failed, and takes no further request: " + cause, cause);
    }

    private void endAll(RuntimeException failure) {
        for (int i = 0; i < lanes.count(); i++) {
            if (!lanes.get(i).isIdle()) {
                lanes.get(i).request.finish(FinishReason.CANCELLED, failure);
            }
        }
        waiting.removeAll().forEach(request -> request.finish(FinishReason.CANCELLED, failure));
    }

    /// Requests that their readers, or a cancel, ended.
    private void releaseEnded() {
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (!lane.isIdle() && lane.request.isEnded()) {
                lanes.release(lane);
            }
        }
    }

    private void timedStep() {
        boolean generation = !batch.hasPrompts();
        delivery.beforeStep(generation ? generationNanos : Long.MAX_VALUE);
        long from = System.nanoTime();
        step();
        if (generation) {
            generationNanos = System.nanoTime() - from;
        }
    }

    private void step() {
        alone = batch.soleRequest();
        try {
            if (!batch.adapters().equals(applied)) {
                applied = null;
                batch.adapters().applyTo(context);
                applied = batch.adapters();
            }
            context.decode(batch.batch());
        } catch (ContextOverflowException e) {
            undo();
            if (batch.hasGuesses()) {
                roomForGuesses = false;
            } else {
                makeRoom(e);
            }
            return;
        } catch (CancellationException e) {
            // A cancel that was meant for a decode before, or for a request that releaseEnded() will find.
            undo();
            return;
        } catch (NativeAssertionException e) {
            LOG.error("a decode failed an assertion; the context is replaced", e);
            endBatch(e, false);
            replaceContext();
            return;
        } catch (RuntimeException e) {
            if (!context.isOpen()) {
                throw e;
            }
            if (!hasEnded()) {
                endBatch(e, true);
            }
            return;
        }
        decodes++;
        evaluatedTokens += batch.size();
        roomForGuesses = true;
        sampleAll();
    }

    private void undo() {
        for (int i = 0; i < lanes.count(); i++) {
            if (lanes.get(i).isInBatch()) {
                lanes.restore(lanes.get(i));
            }
        }
    }

    private void endBatch(RuntimeException e, boolean usable) {
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (lane.isInBatch()) {
                if (usable) {
                    lanes.restore(lane);
                    lanes.end(lane, FinishReason.CANCELLED, e);
                } else {
                    lane.request.finish(FinishReason.CANCELLED, e);
                    lane.request.sampler.close();
                    lane.release();
                }
            }
        }
    }

    /// The cache is full. What is only kept goes first; then the request that came last is set back, its reader waiting or not.
    private void makeRoom(ContextOverflowException e) {
        if (lanes.evict()) {
            return;
        }
        Lane last = admission.last(waitsForReaders);
        // Alone it has the whole cache; emptied already, it has nothing more to give.
        if (lanes.running() == 1 || last.position == 0 && last.forgotten > 0) {
            lanes.end(last, FinishReason.CANCELLED, e);
            return;
        }
        preemptions++;
        LOG.debug("request {} is set back: the cache of {} tokens is full", last.request.number, context.contextLength());
        if (last.forgotten > 0) {
            lanes.empty(last);
        } else {
            admission.setBack(last);
        }
    }

    private void sampleAll() {
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (lane.isInBatch()) {
                RuntimeException failure = score(lane);
                lanes.grew(lane, lane.evaluated(batch.isFirst(lane)));
                lanes.takeSnapshot(lane);
                if (lane.request.scores != null && (failure != null || lane.remaining() == 0)) {
                    lanes.end(lane, FinishReason.LENGTH, failure);
                }
            }
        }
        try {
            sampling.sample();
        } catch (IllegalStateException e) {
            if (!hasEnded()) {
                throw e;
            }
            return;
        }
        delivery.afterStep();
        for (int i = 0; i < lanes.count(); i++) {
            Lane lane = lanes.get(i);
            if (!lane.isIdle()) {
                lanes.settle(lane);
            }
        }
    }

    /// Takes what the step says of a text that is scored. Returns why that failed, or null.
    private RuntimeException score(Lane lane) {
        if (lane.request.scores != null && !lane.request.isEnded()) {
            try {
                lane.score(context);
            } catch (DecodeException noNumbers) {
                return noNumbers;
            }
        }
        return null;
    }

    /// A context in which llama.cpp failed an assertion can only be closed. What it held is evaluated again.
    ///
    /// @throws RuntimeException if there can be no new one; all requests then end with it
    private void replaceContext() {
        // Before anything can fail: endAll() finds them there.
        for (int i = 0; i < lanes.count(); i++) {
            if (!lanes.get(i).isIdle()) {
                waiting.addAgain(lanes.get(i).request);
                lanes.get(i).request.wakeReader();
            }
        }
        context.close();
        context = model.newContext(contextOptions);
        useContext();
    }
}
