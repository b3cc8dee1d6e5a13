package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.engine.PlacementTarget;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Image;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.Token;
import io.llatte.llama.TokenStream;
import io.llatte.model.ModelStore;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LocalLlmIT {

    private static final List<ChatMessage> HELLO = List.of(ChatMessage.user("hello world"));

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
        return LocalLlm.builder().store(store).preferenceFile(folder.resolve("state").resolve("model"))
                .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).build())
                .listener(Runnable::run, events::add);
    }

    @AfterEach
    void close() {
        llm.close();
    }

    private static ChatOptions tokens(int maxTokens) {
        return ChatOptions.builder().maxTokens(maxTokens).sampling(SamplingOptions.greedy()).build();
    }

    @Test
    void logprobs_areInTheAnswer_whereTheyWereAskedFor() {
        var asking = ChatOptions.builder().maxTokens(5).ignoreEog(true).sampling(SamplingOptions.greedy()).topLogprobs(2).build();
        ChatAnswer answer = llm.chat(HELLO, asking);
        assertThat(answer.logprobs()).hasSize(5).allSatisfy(one -> assertThat(one.alternatives()).hasSize(2).startsWith(one.token()));
        assertThat(llm.chat(HELLO, tokens(5)).logprobs()).isEmpty();
    }

    @Test
    void aSavedSession_outlivesItsModel() throws Exception {
        Path file = folder.resolve("hello.session");
        assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> llm.saveSession(HELLO, file));
        int prompt = llm.chat(HELLO, tokens(1)).usage().promptTokens();
        assertThat(llm.saveSession(HELLO, file).tokens()).isEqualTo(prompt);
        llm.unload();

        assertThat(llm.restoreSession(file).tokens()).isEqualTo(prompt);
        assertThat(llm.chat(HELLO, tokens(1)).usage().cachedTokens()).isEqualTo(prompt - 1);
    }

    @Test
    void ignoringEog_goesOnToTheLastToken() throws Exception {
        llm.init(SpeakingModels.A);
        int first;
        try (TokenStream stream = llm.streamCompletion("hello", tokens(1))) {
            first = stream.next().id();
        }
        Path ending = GgufFile.read(folder.resolve("models").resolve(SpeakingModels.A)).set("tokenizer.ggml.eos_token_id", GgufFile.uint32(first))
                .write(folder.resolve("ending.gguf"));
        llm.switchModel(ending.toString());

        assertThat(llm.complete("hello", tokens(8)).finishReason()).isEqualTo(FinishReason.EOG);
        ChatAnswer whole = llm.complete("hello", ChatOptions.builder().maxTokens(8).sampling(SamplingOptions.greedy()).ignoreEog(true).build());
        assertThat(whole.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(whole.usage().generatedTokens()).isEqualTo(8);
    }

    @Test
    void chat_answersInOneCall() {
        llm.init(SpeakingModels.A);

        ChatAnswer answer = llm.chat(HELLO, tokens(8));

        assertThat(answer.finishReason()).isIn(FinishReason.LENGTH, FinishReason.EOG);
        assertThat(answer.usage().promptTokens()).isPositive();
        assertThat(answer.usage().generatedTokens()).isBetween(0, 8);
        assertThat(llm.status().statistics().count()).isOne();
        assertThat(llm.status().statistics().generatedTokens()).isEqualTo(answer.usage().generatedTokens());
    }

    @Test
    void stream_givesTheTokensInOrderAndEndsWithUsage() {
        llm.init(SpeakingModels.A);
        ChatAnswer whole = llm.chat(HELLO, tokens(12));

        var text = new StringBuilder();
        int count = 0;
        try (TokenStream stream = llm.stream(HELLO, tokens(12))) {
            assertThat(stream.finishReason()).isNull();
            while (stream.hasNext()) {
                assertThat(stream.hasNext()).isTrue();
                text.append(stream.next().text());
                count++;
            }
            assertThat(stream.finishReason()).isEqualTo(whole.finishReason());
            assertThat(stream.usage().generatedTokens()).isEqualTo(whole.usage().generatedTokens()).isGreaterThanOrEqualTo(count);
            assertThat(stream.usage().cachedTokens()).isEqualTo(stream.usage().promptTokens() - 1);
            assertThat(stream.timings().tokensPerSecond()).isPositive();
        }
        assertThat(text).hasToString(whole.text());
    }

    @Test
    void javaStreamAndPublisher_giveTheSameAnswer() throws Exception {
        llm.init(SpeakingModels.A);
        String whole = llm.chat(HELLO, tokens(12)).text();

        try (var stream = llm.stream(HELLO, tokens(12)); var tokens = stream.stream()) {
            assertThat(tokens.map(Token::text).collect(Collectors.joining())).isEqualTo(whole);
        }
        var collector = new Collector(1);
        llm.publisher(HELLO, tokens(12)).subscribe(collector);
        assertThat(collector.whole.get(20, TimeUnit.SECONDS)).isEqualTo(whole);
    }

    @Test
    void publisherThatIsCancelled_endsTheAnswer() throws Exception {
        llm.init(SpeakingModels.A);
        var collector = new Collector(3);

        llm.publisher(HELLO, ChatOptions.builder().sampling(SamplingOptions.greedy()).build()).subscribe(collector);

        await(() -> events.stream().anyMatch(event -> event instanceof LlmEvent.Generated));
        assertThat(llm.chat(HELLO, tokens(3)).usage().generatedTokens()).isPositive();
    }

    /// Asks for one token at a time; cancels after so many if that is more than one.
    private static final class Collector implements Flow.Subscriber<Token> {

        private final CompletableFuture<String> whole = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private final int cancelAfter;
        private Flow.Subscription subscription;
        private int count;

        private Collector(int cancelAfter) {
            this.cancelAfter = cancelAfter;
        }

        @Override
        public void onSubscribe(Flow.Subscription newSubscription) {
            subscription = newSubscription;
            subscription.request(1);
        }

        @Override
        public void onNext(Token token) {
            text.append(token.text());
            if (++count == cancelAfter && cancelAfter > 1) {
                subscription.cancel();
            }
            subscription.request(1);
        }

        @Override
        public void onError(Throwable e) {
            whole.completeExceptionally(e);
        }

        @Override
        public void onComplete() {
            whole.complete(text.toString());
        }
    }

    @Test
    void complete_continuesTheTextAsItIs() {
        llm.init(SpeakingModels.A);

        ChatAnswer answer = llm.complete("hello world", tokens(4));

        assertThat(answer.usage().promptTokens()).isLessThan(llm.chat(HELLO, tokens(4)).usage().promptTokens());
    }

    @Test
    void requestBeforeInit_loadsTheModelThatWasChosenLast() {
        llm.init(SpeakingModels.B);
        llm.close();

        try (var next = builder().build()) {
            assertThat(next.status().state()).isEqualTo(LlmState.DISABLED);
            next.chat(HELLO, tokens(2));
            assertThat(next.status().modelId()).contains(SpeakingModels.B);
        }
    }

    @Test
    void readOnlyPreference_isReadAndNotChanged() {
        llm.init(SpeakingModels.B);
        llm.close();

        try (var once = builder().readOnlyPreference().build()) {
            once.init();
            assertThat(once.status().modelId()).contains(SpeakingModels.B);
            once.switchModel(SpeakingModels.A);
        }
        assertThat(new ModelPreference(folder.resolve("state").resolve("model")).read()).contains(SpeakingModels.B);
    }

    @Test
    void fileByItsRelativePath_isRememberedByItsFullOne() {
        Path file = folder.resolve("models").resolve(SpeakingModels.A).toAbsolutePath();
        Path root = Path.of("").toAbsolutePath();

        llm.init(root.relativize(file).toString());

        assertThat(llm.status().modelId()).contains(file.toString());
        assertThat(new ModelPreference(folder.resolve("state").resolve("model")).read()).contains(file.toString());
    }

    @Test
    void preferenceThatCannotBeRead_isNoObstacle() throws Exception {
        Path file = folder.resolve("broken");
        Files.createDirectory(file);

        try (var next = builder().preferenceFile(file).build()) {
            next.init(SpeakingModels.A);
            assertThat(next.status().state()).isEqualTo(LlmState.IDLE);
        }
        assertThat(new ModelPreference(file).read()).isEmpty();
        assertThat(new ModelPreference(Files.write(folder.resolve("binary"), new byte[] {(byte) 0xFF, 10, 13, (byte) 0xC0})).read()).isEmpty();
    }

    @Test
    void progressRunsFromAboveZeroToOne_beforeReady() {
        llm.init(SpeakingModels.A);
        await(() -> events.stream().anyMatch(event -> event instanceof LlmEvent.Ready));

        List<LlmEvent> heard = List.copyOf(events);
        List<Double> fractions = heard.stream().filter(LlmEvent.Loading.class::isInstance).map(event -> ((LlmEvent.Loading) event).fraction()).toList();
        assertThat(fractions).isSorted().doesNotHaveDuplicates().allMatch(fraction -> fraction > 0).last().isEqualTo(1.0);
        int ready = heard.indexOf(heard.stream().filter(LlmEvent.Ready.class::isInstance).findFirst().orElseThrow());
        assertThat(heard.subList(ready, heard.size())).noneMatch(LlmEvent.Loading.class::isInstance);
    }

    @Test
    void listenerThatThrows_isAloneWithIt() {
        var heard = Collections.synchronizedList(new ArrayList<LlmEvent>());
        try (var noisy = builder().listener(Runnable::run, event -> {
            throw new IllegalStateException("provoked by the test");
        }).listener(Runnable::run, heard::add).build()) {
            noisy.init(SpeakingModels.A);
            await(() -> heard.stream().anyMatch(event -> event instanceof LlmEvent.Ready));
        }
    }

    @Test
    void switching_unloadsTheOldModelFirst() {
        llm.init(SpeakingModels.A);
        long bytes = llm.ledger().totalBytes();

        llm.switchModel(SpeakingModels.B);
        await(() -> events.stream().filter(LlmEvent.Ready.class::isInstance).count() == 2);

        List<LlmEvent> heard = List.copyOf(events);
        assertThat(heard).contains(new LlmEvent.Switching(SpeakingModels.A, SpeakingModels.B),
                new LlmEvent.Unloaded(SpeakingModels.A, bytes, "switching to " + SpeakingModels.B));
        int unloaded = heard.indexOf(new LlmEvent.Unloaded(SpeakingModels.A, bytes, "switching to " + SpeakingModels.B));
        assertThat(heard.subList(0, unloaded)).noneMatch(event -> event instanceof LlmEvent.Loading(var id, var _) && id.equals(SpeakingModels.B));
        assertThat(llm.ledger().entries()).allMatch(entry -> entry.owner().contains("qwen2"));
        assertThat(llm.chat(HELLO, tokens(2)).usage().generatedTokens()).isPositive();
    }

    @Test
    void switchToABrokenModel_leavesTheOldOneAndSaysWhy() throws Exception {
        llm.init(SpeakingModels.A);
        Path garbage = Files.write(folder.resolve("garbage.gguf"), new byte[4096]);
        Path cut = folder.resolve("cut.gguf");
        byte[] bytes = Files.readAllBytes(folder.resolve("models").resolve(SpeakingModels.B));
        Files.write(cut, Arrays.copyOf(bytes, bytes.length - 100_000));

        for (Path broken : List.of(garbage, cut)) {
            assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> llm.switchModel(broken.toString()));
            assertThat(llm.status().state()).isEqualTo(LlmState.IDLE);
            assertThat(llm.status().modelId()).contains(SpeakingModels.A);
            assertThat(llm.chat(HELLO, tokens(2)).usage().generatedTokens()).isPositive();
        }
        assertThatIllegalArgumentException().isThrownBy(() -> llm.switchModel("no-such-model"));
        assertThat(llm.status().modelId()).contains(SpeakingModels.A);
    }

    @Test
    void failedLoad_leavesNothingAndCanBeTriedAgain() throws Exception {
        Path late = folder.resolve("models").resolve("late.gguf");
        Files.write(late, new byte[4096]);

        assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> llm.init(late.toString()));
        assertThat(llm.status().state()).isEqualTo(LlmState.ERROR);
        assertThat(llm.status().reason()).contains("late.gguf");
        assertThat(llm.ledger().totalBytes()).isZero();

        Files.copy(folder.resolve("models").resolve(SpeakingModels.A), late, StandardCopyOption.REPLACE_EXISTING);
        llm.init(late.toString());
        assertThat(llm.status().state()).isEqualTo(LlmState.IDLE);
    }

    @Test
    void unload_givesEverythingBack_andTheNextRequestLoadsAgain() {
        llm.init(SpeakingModels.A);
        llm.unload();

        assertThat(llm.status().state()).isEqualTo(LlmState.DISABLED);
        assertThat(llm.ledger().totalBytes()).isZero();
        llm.unload();

        assertThat(llm.chat(HELLO, tokens(2)).usage().generatedTokens()).isPositive();
        assertThat(llm.status().modelId()).contains(SpeakingModels.A);
    }

    @Test
    void idleModel_isUnloaded_andLookingAtItDoesNotKeepIt() {
        try (var idle = builder().idleUnload(Duration.ofMillis(300)).build()) {
            idle.init(SpeakingModels.A);
            await(() -> {
                idle.status();
                idle.memory();
                return idle.status().state() == LlmState.DISABLED;
            });
            assertThat(idle.ledger().totalBytes()).isZero();
            assertThat(idle.status().reason()).contains("idle");
            assertThat(idle.chat(HELLO, tokens(2)).usage().generatedTokens()).isPositive();
        }
    }

    @Test
    void requestsDuringASwitch_runOnTheNewModel() throws Exception {
        llm.init(SpeakingModels.A);
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            var long1 = llm.stream(HELLO, tokens(200));
            var switching = llm.switchModelAsync(SpeakingModels.B);
            var answers = new ArrayList<Future<ChatAnswer>>();
            for (int i = 0; i < 10; i++) {
                answers.add(pool.submit(() -> llm.chat(HELLO, tokens(3))));
            }
            switching.get(20, TimeUnit.SECONDS);
            for (var answer : answers) {
                assertThat(answer.get(20, TimeUnit.SECONDS).usage().generatedTokens()).isPositive();
            }
            // The one that ran was waited for.
            ChatAnswer drained = ChatAnswer.of(long1);
            assertThat(drained.finishReason()).isNotEqualTo(FinishReason.CANCELLED);
        }
    }

    @Test
    void promptPolicy_cancelsWhatRunsAndRefusesWhatComes() throws Exception {
        try (var prompt = builder().switchPolicy(SwitchPolicy.prompt()).options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1)
                .contextSize(ContextSize.of(16384)).build()).build()) {
            prompt.init(SpeakingModels.A);
            var running = prompt.stream(HELLO, ChatOptions.builder().sampling(SamplingOptions.greedy()).build());
            running.next();
            prompt.switchModel(SpeakingModels.B);
            assertThat(ChatAnswer.of(running).finishReason()).isIn(FinishReason.CANCELLED, FinishReason.EOG);
            assertThat(prompt.status().modelId()).contains(SpeakingModels.B);
        }
    }

    @Test
    void close_endsRequestsWithATypedError() {
        llm.close();
        llm = builder().options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).contextSize(ContextSize.of(16384)).build()).build();
        llm.init(SpeakingModels.A);
        ChatOptions endless = ChatOptions.builder().ignoreEog(true).build();
        var streams = List.of(llm.stream(HELLO, endless), llm.stream(HELLO, endless), llm.stream(HELLO, endless));

        llm.close();
        llm.close();

        for (var stream : streams) {
            assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> stream.forEachRemaining(_ -> { }));
        }
        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> llm.chat(HELLO));
        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> llm.init(SpeakingModels.A));
        assertThat(llm.status().state()).isEqualTo(LlmState.DISABLED);
        assertThat(llm.ledger().totalBytes()).isZero();
    }

    @Test
    void images_areRefusedWithTheReason() {
        llm.init(SpeakingModels.A);
        var message = ChatMessage.user("what is this?", Image.of(new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB)));

        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> llm.chat(List.of(message)))
                .withMessageContaining("projector");
    }

    @Test
    void placementAndPlan_sayWhereItIs() {
        llm.init(SpeakingModels.A);

        assertThat(llm.placement().orElseThrow().target()).isEqualTo(PlacementTarget.CPU);
        assertThat(llm.placement().orElseThrow().fallbacks()).isEmpty();
        var plan = llm.plan(SpeakingModels.A, EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).build());
        assertThat(plan.bytesByDevice().keySet()).isEqualTo(llm.ledger().bytesByDevice().keySet());
        assertThat(plan.totalBytes() - llm.ledger().totalBytes()).isBetween(0L, 64L);
    }

    @Test
    void runtimeInfo_namesWhatIsThereAndWhatIsNot() {
        RuntimeInfo info = llm.runtimeInfo();

        assertThat(info.failure()).isEmpty();
        assertThat(info.devices()).anyMatch(device -> device.name().equals("CPU") && device.totalBytes() > 0);
        assertThat(info.absentBackends()).containsKey("Metal");
        assertThat(info.versions()).isPresent();
    }

    private static void await(Callable<Boolean> condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        try {
            while (!condition.call()) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(5);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
