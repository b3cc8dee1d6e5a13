package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.llatte.engine.AnswerStream;
import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.Token;
import io.llatte.model.ModelStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Requests that name the model that is to answer.
@Timeout(120)
class LocalLlmNamedModelIT {

    private static final List<ChatMessage> HELLO = List.of(ChatMessage.user("hello world"));
    private static final String A = SpeakingModels.A;
    private static final String B = SpeakingModels.B;

    @TempDir
    Path folder;

    private final List<LlmEvent> events = Collections.synchronizedList(new ArrayList<>());
    private ModelStore store;
    private LocalLlm llm;

    @BeforeEach
    void open() {
        store = SpeakingModels.store(folder.resolve("models"));
        llm = builder().build();
    }

    private LocalLlm.Builder builder() {
        return LocalLlm.builder().store(store).preferenceFile(preferenceFile())
                .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).contextSize(ContextSize.of(8192)).build())
                .listener(Runnable::run, events::add);
    }

    private Path preferenceFile() {
        return folder.resolve("state").resolve("model");
    }

    @AfterEach
    void close() {
        llm.close();
    }

    private static ChatOptions.Builder tokens(int maxTokens) {
        return ChatOptions.builder().maxTokens(maxTokens).ignoreEog(true).sampling(SamplingOptions.greedy());
    }

    private static ChatOptions by(String model) {
        return tokens(6).model(model).build();
    }

    private long count(Class<? extends LlmEvent> type) {
        return List.copyOf(events).stream().filter(type::isInstance).count();
    }

    /// What each model says when nobody else asks.
    private Map<String, String> alone() {
        String a = llm.chat(HELLO, by(A)).text();
        String b = llm.chat(HELLO, by(B)).text();
        assertThat(a).isNotEqualTo(b);
        return Map.of(A, a, B, b);
    }

    // ---- who answers

    @Test
    void manyThreadsThatAlternate_areEachAnsweredByTheModelTheyName_andShareTheSwitches() throws Exception {
        Map<String, String> alone = alone();
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> callers = IntStream.range(0, 8).<Future<?>>mapToObj(thread -> pool.submit(() -> {
                for (int i = 0; i < 20; i++) {
                    String model = (thread + i) % 2 == 0 ? A : B;
                    assertThat(llm.chat(HELLO, by(model)).text()).as(model).isEqualTo(alone.get(model));
                }
            })).toList();
            for (Future<?> caller : callers) {
                caller.get(60, TimeUnit.SECONDS);
            }
        }
        await(() -> count(LlmEvent.Generated.class) == 162);
        assertThat(count(LlmEvent.Ready.class)).as("loads for 162 requests").isLessThan(60);
        assertThat(llm.status().state()).isEqualTo(LlmState.IDLE);
    }

    @Test
    void requestsOfAnyKind_areAnsweredWhileOthersSwitchAllTheTime() throws Exception {
        Map<String, String> alone = alone();
        var stop = new AtomicBoolean();
        var unnamed = new AtomicInteger();
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> disturbers = new ArrayList<>();
            for (String model : List.of(A, B)) {
                disturbers.add(pool.submit(() -> {
                    while (!stop.get()) {
                        assertThat(llm.chat(HELLO, by(model)).text()).isEqualTo(alone.get(model));
                    }
                }));
            }
            disturbers.add(pool.submit(() -> {
                for (int i = 0; !stop.get(); i++) {
                    llm.switchModel(i % 2 == 0 ? A : B);
                }
            }));
            disturbers.add(pool.submit(() -> {
                while (!stop.get()) {
                    llm.unload();
                }
            }));
            for (int i = 0; i < 20; i++) {
                assertThat(llm.chat(HELLO, by(A)).text()).isEqualTo(alone.get(A));
                assertThat(llm.embed(B, List.of("hello"), EmbeddingOptions.defaults()).vectors()).hasNumberOfRows(1);
                assertThat(llm.chat(HELLO, tokens(6).build()).text()).isIn(alone.values());
                unnamed.incrementAndGet();
            }
            stop.set(true);
            for (Future<?> disturber : disturbers) {
                disturber.get(20, TimeUnit.SECONDS);
            }
        }
        assertThat(unnamed).hasValue(20);
    }

    @Test
    void everyWayToAsk_takesTheName() throws Exception {
        assertThat(llm.complete("hello", by(A)).usage().generatedTokens()).isEqualTo(6);
        answeredBy(A);
        try (var stream = llm.stream(HELLO, by(B))) {
            answeredBy(B);
            assertThat(stream.hasNext()).isTrue();
        }
        try (var stream = llm.events(HELLO, by(A))) {
            answeredBy(A);
            assertThat(stream.hasNext()).isTrue();
        }
        try (var stream = llm.streamCompletion("hello", by(B))) {
            answeredBy(B);
            assertThat(stream.hasNext()).isTrue();
        }
        var whole = new CompletableFuture<Void>();
        llm.publisher(HELLO, by(A)).subscribe(new Flow.Subscriber<Token>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(Token token) {
            }

            @Override
            public void onError(Throwable e) {
                whole.completeExceptionally(e);
            }

            @Override
            public void onComplete() {
                whole.complete(null);
            }
        });
        whole.get(20, TimeUnit.SECONDS);
        answeredBy(A);
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> llm.infill("a", "b", by(B)));
        answeredBy(B);
    }

    private void answeredBy(String model) {
        assertThat(llm.status().modelId()).contains(model);
    }

    @Test
    void aFile_isTheSameByAnyOfItsPaths() {
        Path file = folder.resolve("models").resolve(A).toAbsolutePath();
        llm.chat(HELLO, by(file.toString()));
        llm.chat(HELLO, by(Path.of("").toAbsolutePath().relativize(file).toString()));
        answeredBy(file.toString());
        assertThat(count(LlmEvent.Ready.class)).isOne();
    }

    @Test
    void embedAndRerank_byName() throws Exception {
        TinyBert.embedding(folder.resolve("models").resolve("bert.gguf"));
        TinyBert.ranking(folder.resolve("models").resolve("ranking.gguf"));
        llm.init(A);

        assertThat(llm.embed("bert.gguf", List.of("the cat", "the dog"), EmbeddingOptions.defaults()).vectors())
                .hasDimensions(2, TinyBert.LENGTH);
        assertThat(llm.rerank("ranking.gguf", "who", List.of("cat", "dog")).documents()).hasSize(2);
        assertThat(llm.chat(HELLO, by(A)).usage().generatedTokens()).isEqualTo(6);
        assertThat(count(LlmEvent.Switching.class)).isEqualTo(3);
    }

    // ---- what the application chose

    @Test
    void aRequest_choosesNothing() {
        llm.init(A);
        llm.chat(HELLO, by(B));
        llm.unload();
        llm.chat(HELLO, tokens(2).build());
        answeredBy(B);
        assertThat(new ModelPreference(preferenceFile()).read()).contains(A);

        llm.init();
        answeredBy(A);
        llm.chat(HELLO, by(B));
        llm.init(B);
        assertThat(new ModelPreference(preferenceFile()).read()).contains(B);
    }

    @Test
    void aRequestThatComesFirst_choosesNothing() {
        llm.chat(HELLO, by(A));
        assertThat(preferenceFile()).doesNotExist();
        llm.chat(HELLO, tokens(2).build());
        assertThat(preferenceFile()).doesNotExist();
        llm.switchModel(A);
        assertThat(new ModelPreference(preferenceFile()).read()).contains(A);
        assertThat(count(LlmEvent.Ready.class)).as("it was loaded already").isOne();
    }

    @Test
    void idleModel_isUnloaded_whoeverBroughtIt() {
        try (var idle = builder().idleUnload(Duration.ofMillis(200)).build()) {
            idle.chat(HELLO, by(B));
            await(() -> idle.status().state() == LlmState.DISABLED);
            assertThat(idle.ledger().totalBytes()).isZero();
        }
    }

    // ---- when it cannot be had

    @Test
    void aModelThatCannotBeHad_failsTheRequestThatNamesIt_andNoOther() throws Exception {
        llm.init(A);
        Path garbage = Files.write(folder.resolve("garbage.gguf"), new byte[4096]);
        for (Path broken : List.of(garbage, cut())) {
            assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> llm.chat(HELLO, by(broken.toString())));
            answeredBy(A);
            assertThat(llm.chat(HELLO, by(A)).usage().generatedTokens()).isEqualTo(6);
        }
        assertThatIllegalArgumentException().isThrownBy(() -> llm.chat(HELLO, by("no-such-model")));
        assertThatIllegalArgumentException().isThrownBy(() -> llm.embed("no-such-model", List.of("hello"), EmbeddingOptions.defaults()));
        assertThat(llm.chat(HELLO, tokens(2).build()).usage().generatedTokens()).isEqualTo(2);
        answeredBy(A);
        assertThat(llm.status().state()).isEqualTo(LlmState.IDLE);
    }

    /// A file whose end is missing: that is only found when the model before it has gone.
    private Path cut() throws Exception {
        byte[] bytes = Files.readAllBytes(folder.resolve("models").resolve(B));
        return Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(bytes, bytes.length - 100_000));
    }

    @Test
    void requestsThatWaitForTheModelBefore_areAnsweredWhenItIsBack() throws Exception {
        llm.init(A);
        String broken = cut().toString();
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            AnswerStream running = llm.stream(HELLO, tokens(2000).build());
            var failing = pool.submit(() -> llm.chat(HELLO, by(broken)));
            await(() -> count(LlmEvent.Switching.class) == 1);
            var named = pool.submit(() -> llm.chat(HELLO, by(A)));
            var unnamed = pool.submit(() -> llm.chat(HELLO, tokens(2).build()));

            assertThatExceptionOfType(ExecutionException.class).isThrownBy(() -> failing.get(30, TimeUnit.SECONDS))
                    .withCauseInstanceOf(ModelLoadException.class);
            assertThat(named.get(20, TimeUnit.SECONDS).usage().generatedTokens()).isEqualTo(6);
            assertThat(unnamed.get(20, TimeUnit.SECONDS).usage().generatedTokens()).isEqualTo(2);
            assertThat(ChatAnswer.of(running).usage().generatedTokens()).isEqualTo(2000);
        }
        assertThat(count(LlmEvent.Ready.class)).as("A, and A again").isEqualTo(2);
        assertThat(count(LlmEvent.Failed.class)).isOne();
    }

    @Test
    void aBrokenNameOnAnEmptyRuntime_harmsNoRequestWithoutAName() throws Exception {
        new ModelPreference(preferenceFile()).write(A);
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 20; i++) {
                var failing = pool.submit(() -> llm.chat(HELLO, by("no-such-model")));
                var unnamed = pool.submit(() -> llm.chat(HELLO, tokens(2).build()));
                assertThatExceptionOfType(ExecutionException.class).isThrownBy(() -> failing.get(30, TimeUnit.SECONDS))
                        .withCauseInstanceOf(IllegalArgumentException.class);
                assertThat(unnamed.get(20, TimeUnit.SECONDS).usage().generatedTokens()).isEqualTo(2);
                llm.unload();
            }
        }
    }

    // ---- giving up

    @Test
    void interruptWhileTheExchangeIsWaitedFor_isACancel_andLeavesNothingBehind() throws Exception {
        llm.init(A);
        try (AnswerStream running = llm.stream(HELLO, tokens(8000).build())) {
            var seen = new CompletableFuture<Boolean>();
            Thread caller = Thread.ofVirtual().start(() -> {
                try {
                    llm.chat(HELLO, by(B));
                    seen.complete(false);
                } catch (CancellationException e) {
                    seen.complete(Thread.currentThread().isInterrupted());
                }
            });
            await(() -> count(LlmEvent.Switching.class) == 1);
            caller.interrupt();
            assertThat(seen.get(10, TimeUnit.SECONDS)).isTrue();
            assertThat(running.hasNext()).isTrue();
            assertThat(llm.chat(HELLO, by(A)).usage().generatedTokens()).isEqualTo(6);
        }
        llm.switchModelAsync(B).get(20, TimeUnit.SECONDS);
        answeredBy(B);
        assertThat(llm.ledger().totalBytes()).isPositive();
    }

    @Test
    void interruptAtAnyMoment_keepsNoPlaceAmongTheRequests() throws Exception {
        var random = new Random(7);
        int interrupted = 0;
        for (int i = 0; i < 60; i++) {
            String model = i % 2 == 0 ? A : B;
            var ended = new CompletableFuture<Boolean>();
            Thread caller = Thread.ofVirtual().start(() -> {
                try {
                    llm.embed(model, List.of("hello"), EmbeddingOptions.defaults());
                    ended.complete(false);
                } catch (CancellationException e) {
                    ended.complete(true);
                }
            });
            TimeUnit.MICROSECONDS.sleep(random.nextInt(60_000));
            caller.interrupt();
            interrupted += ended.get(20, TimeUnit.SECONDS) ? 1 : 0;
            if (i % 10 == 9) {
                CompletableFuture.runAsync(llm::unload).get(20, TimeUnit.SECONDS);
                assertThat(llm.status().state()).isEqualTo(LlmState.DISABLED);
            }
        }
        assertThat(interrupted).isPositive();
    }

    /// Their model is ready and they are admitted, and at this very moment they are interrupted.
    @Test
    void interruptInTheMomentOfAdmission_keepsNoPlaceEither() throws Exception {
        llm.init(A);
        List<Thread> callers = Collections.synchronizedList(new ArrayList<>());
        try (AutoCloseable _ = llm.subscribe(Runnable::run, event -> {
            if (event instanceof LlmEvent.Ready) {
                List.copyOf(callers).forEach(Thread::interrupt);
            }
        })) {
            var cancelled = new AtomicInteger();
            for (int i = 0; i < 20; i++) {
                String model = i % 2 == 0 ? B : A;
                callers.clear();
                for (int k = 0; k < 200; k++) {
                    callers.add(Thread.ofVirtual().start(() -> {
                        try {
                            llm.embed(model, List.of("hello"), EmbeddingOptions.defaults());
                        } catch (CancellationException e) {
                            cancelled.incrementAndGet();
                        }
                    }));
                }
                for (Thread caller : callers) {
                    assertThat(caller.join(Duration.ofSeconds(20))).isTrue();
                }
                CompletableFuture.runAsync(llm::unload).get(20, TimeUnit.SECONDS);
            }
            assertThat(cancelled).hasPositiveValue();
        }
    }

    @Test
    void close_endsThoseWhoWait() throws Exception {
        llm.init(A);
        llm.stream(HELLO, tokens(8000).build());
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            var b = pool.submit(() -> llm.chat(HELLO, by(B)));
            await(() -> count(LlmEvent.Switching.class) == 1);
            var a = pool.submit(() -> llm.chat(HELLO, by(A)));
            llm.close();
            for (var waiting : List.of(a, b)) {
                assertThatExceptionOfType(ExecutionException.class).isThrownBy(() -> waiting.get(20, TimeUnit.SECONDS))
                        .withCauseInstanceOf(EngineClosedException.class);
            }
        }
    }

    // ---- where arriving requests fail

    @Test
    void refusingPolicy_switchesForAName_andRefusesWhoComesMeanwhileForAnother() throws Exception {
        var policy = new SwitchPolicy(SwitchPolicy.Running.DRAIN, SwitchPolicy.Arriving.FAIL);
        try (var refusing = builder().switchPolicy(policy).build(); var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            refusing.init(A);
            assertThat(refusing.chat(HELLO, by(B)).usage().generatedTokens()).isEqualTo(6);
            AnswerStream running = refusing.stream(HELLO, tokens(4000).build());
            var first = pool.submit(() -> refusing.chat(HELLO, by(A)));
            await(() -> count(LlmEvent.Switching.class) == 2);
            await(() -> isRefused(() -> refusing.chat(HELLO, by(B))));
            assertThat(isRefused(() -> refusing.chat(HELLO, tokens(2).build()))).isTrue();
            var second = pool.submit(() -> refusing.chat(HELLO, by(A)));

            assertThat(running.hasNext()).isTrue();
            assertThat(second.get(30, TimeUnit.SECONDS).text()).isEqualTo(first.get(30, TimeUnit.SECONDS).text());
            assertThat(refusing.status().modelId()).contains(A);
        }
    }

    private static boolean isRefused(Callable<?> request) throws Exception {
        try {
            request.call();
            return false;
        } catch (EngineClosedException e) {
            return true;
        }
    }

    private static void await(Callable<Boolean> condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        try {
            while (!condition.call()) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(1);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
