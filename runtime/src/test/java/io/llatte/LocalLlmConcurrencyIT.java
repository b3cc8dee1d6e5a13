package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.engine.Engine;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Llama;
import io.llatte.llama.SamplingOptions;
import io.llatte.model.ModelStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Many callers at once.
@Timeout(120)
class LocalLlmConcurrencyIT {

    private static final List<ChatMessage> HELLO = List.of(ChatMessage.user("hello world"));
    private static final ChatOptions SHORT = ChatOptions.builder().maxTokens(3).sampling(SamplingOptions.greedy()).build();

    @TempDir
    Path folder;

    private final List<LlmEvent> events = Collections.synchronizedList(new ArrayList<>());
    private LocalLlm llm;

    @BeforeEach
    void open() {
        ModelStore store = SpeakingModels.store(folder.resolve("models"));
        llm = LocalLlm.builder().store(store).withoutPreference().listener(Runnable::run, events::add)
                .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).build()).build();
    }

    @AfterEach
    void close() {
        llm.close();
    }

    @Test
    void thousandCallersOfInit_shareOneLoad() throws Exception {
        var start = new CountDownLatch(1);
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> callers = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                callers.add(pool.submit(() -> {
                    start.await();
                    llm.init(SpeakingModels.A);
                    return null;
                }));
            }
            start.countDown();
            for (Future<?> caller : callers) {
                caller.get(60, TimeUnit.SECONDS);
            }
        }
        llm.close();
        assertThat(loads()).isOne();
    }

    private long loads() {
        return List.copyOf(events).stream().filter(LlmEvent.Loading.class::isInstance).filter(event -> ((LlmEvent.Loading) event).fraction() == 1).count();
    }

    @Test
    void oneWaiterThatGivesUp_leavesTheOthers() throws Exception {
        CompletableFuture<Void> first = llm.initAsync(SpeakingModels.A);
        CompletableFuture<Void> second = llm.initAsync(SpeakingModels.A);

        first.cancel(true);

        second.get(20, TimeUnit.SECONDS);
        assertThat(llm.status().state()).isEqualTo(LlmState.IDLE);
        assertThat(loads()).isOne();
    }

    @Test
    void lastWaiterThatGivesUp_leavesNothing_andTheNextLoads() throws Exception {
        int cancelled = 0;
        var random = new Random(5);
        for (int i = 0; i < 40; i++) {
            CompletableFuture<Void> load = llm.initAsync(SpeakingModels.A);
            TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000));
            cancelled += load.cancel(true) ? 1 : 0;
            llm.unload();
            assertThat(llm.ledger().totalBytes()).isZero();
        }
        assertThat(cancelled).isPositive();
        llm.init(SpeakingModels.A);
        assertThat(llm.chat(HELLO, SHORT).usage().promptTokens()).isPositive();
        llm.close();
        assertThat(Llama.openHandles()).isZero();
    }

    /// Who comes after everybody has given up does not inherit their cancel.
    @Test
    void callerAfterACancel_hasALoadOfItsOwn() {
        for (int i = 0; i < 30; i++) {
            llm.initAsync(SpeakingModels.A).cancel(true);
            llm.init(SpeakingModels.A);
            assertThat(llm.status().modelId()).contains(SpeakingModels.A);
            llm.initAsync(SpeakingModels.B).cancel(true);
            assertThat(llm.chat(HELLO, SHORT).usage().promptTokens()).isPositive();
            llm.unload();
        }
    }

    @Test
    void interruptedCaller_givesUp_andKeepsItsInterrupt() throws Exception {
        var seen = new CompletableFuture<Boolean>();
        Thread caller = Thread.ofVirtual().start(() -> {
            Thread.currentThread().interrupt();
            try {
                llm.init(SpeakingModels.A);
                seen.complete(false);
            } catch (CancellationException e) {
                seen.complete(Thread.currentThread().isInterrupted());
            }
        });
        assertThat(seen.get(20, TimeUnit.SECONDS)).isTrue();
        caller.join();
        llm.init(SpeakingModels.A);
    }

    /// In every status that a reader sees, state, model, memory and progress belong together.
    @Test
    void status_neverDisagreesWithTheRuntime() throws Exception {
        llm.init(SpeakingModels.A);
        long bytesOfA = llm.ledger().totalBytes();
        llm.switchModel(SpeakingModels.B);
        Map<String, Long> bytes = Map.of(SpeakingModels.A, bytesOfA, SpeakingModels.B, llm.ledger().totalBytes());
        var stop = new AtomicBoolean();
        try (var pool = Executors.newFixedThreadPool(9)) {
            List<Future<Long>> readers = IntStream.range(0, 8).mapToObj(_ -> pool.submit(() -> {
                long reads = 0;
                for (; !stop.get(); reads++) {
                    read(bytes);
                    Thread.onSpinWait();
                }
                return reads;
            })).toList();
            var talker = pool.submit(() -> {
                while (!stop.get()) {
                    llm.chat(HELLO, SHORT);
                }
                return 0L;
            });
            for (int i = 0; i < 50; i++) {
                llm.switchModel(i % 2 == 0 ? SpeakingModels.A : SpeakingModels.B);
            }
            stop.set(true);
            for (var reader : readers) {
                assertThat(reader.get(20, TimeUnit.SECONDS)).isPositive();
            }
            talker.get(20, TimeUnit.SECONDS);
        }
    }

    private void read(Map<String, Long> bytes) {
        LlmStatus before = llm.status();
        Optional<String> engine = llm.engine().map(Engine::modelId);
        LlmStatus after = llm.status();
        switch (before.state()) {
            case IDLE, ACTIVE -> {
                assertThat(before.progress()).isOne();
                assertThat(before.deviceMemoryBytes()).isEqualTo(bytes.get(before.modelId().orElseThrow()));
                assertThat(before.secondaryMetric().name()).isEqualTo("memory");
            }
            case LOADING -> {
                assertThat(before.modelId()).isPresent();
                assertThat(before.progress()).isBetween(0.0, 1.0);
                assertThat(before.secondaryMetric().name()).isEqualTo("progress");
            }
            default -> throw new AssertionError("no switch goes through " + before);
        }
        assertThat(before.since()).isBeforeOrEqualTo(after.since());
        if (before == after && before.state() == LlmState.IDLE) {
            assertThat(engine).isEqualTo(before.modelId());
        }
    }

    @Test
    void loadsThatFailTogether_allHaveTheError_andOneTriedIt() throws Exception {
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> callers = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                callers.add(pool.submit(() -> assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> llm.init("no-such-model"))));
            }
            for (Future<?> caller : callers) {
                caller.get(60, TimeUnit.SECONDS);
            }
        }
        assertThat(llm.status().state()).isEqualTo(LlmState.ERROR);
    }

    @Test
    void closeUnderLoad_endsEverybody() throws Exception {
        for (int round = 0; round < 10; round++) {
            var own = LocalLlm.builder().store(SpeakingModels.store(folder.resolve("models"))).withoutPreference()
                    .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).build()).build();
            try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> callers = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    String model = i % 2 == 0 ? SpeakingModels.A : SpeakingModels.B;
                    callers.add(pool.submit(() -> {
                        try {
                            while (true) {
                                own.init(model);
                                own.chat(HELLO, SHORT);
                            }
                        } catch (EngineClosedException e) {
                            return null;
                        }
                    }));
                }
                TimeUnit.MILLISECONDS.sleep(20 + round * 15L);
                own.close();
                for (Future<?> caller : callers) {
                    caller.get(20, TimeUnit.SECONDS);
                }
            }
            assertThat(own.ledger().totalBytes()).isZero();
        }
        llm.close();
        assertThat(Llama.openHandles()).isZero();
    }
}
