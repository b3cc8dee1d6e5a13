package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.GgufFile;
import io.llatte.llama.Batch;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.ChatTemplate;
import io.llatte.llama.Context;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.GenerateOptions;
import io.llatte.llama.Logits;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Sampler;
import io.llatte.llama.Generation;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// Handles used after they were closed, closed twice, closed while they are in use, and used by threads at once.
final class LifetimeHazards extends Hazards {

    private static final GenerateOptions ENDLESS = GenerateOptions.builder().ignoreEog(true).build();

    void everyUseOfAClosedContext() throws Exception {
        Context context = llama().newContext(small().build());
        Batch batch = context.newBatch().add(1, 0, 0, true);
        context.decode(batch);
        Logits logits = context.logits(-1);
        byte[] state = context.sequence(0).save();
        Generation tokens = context.sequence(1).generate(new int[] {1, 2}, Sampler.greedy(context.model()), ENDLESS);
        tokens.nextId();
        context.close();
        context.close();
        for (ThrowingCallable use : List.<ThrowingCallable>of(() -> context.decode(batch), () -> context.encode(batch), () -> context.logits(-1),
                () -> context.embeddings(0), () -> context.sequenceEmbeddings(0), () -> context.setThreads(1, 1), context::clear, context::memory,
                context::counters, context::handle, () -> logits.get(0), logits::toArray, logits::argmax, logits::segment,
                () -> context.sequence(0).firstPosition(), () -> context.sequence(0).length(), () -> context.sequence(0).clear(),
                () -> context.sequence(0).removeFrom(0), () -> context.sequence(0).copyTo(context.sequence(1)),
                () -> context.sequence(0).shift(0, -1, 1), () -> context.sequence(0).save(), () -> context.sequence(0).restore(state),
                () -> context.sequence(0).generate(new int[] {1}, Sampler.greedy(context.model()), 1),
                () -> Sampler.greedy(context.model()).sample(context, -1))) {
            assertThatIllegalStateException().isThrownBy(use);
        }
        context.cancel();
        assertThat(context.isOpen()).isFalse();
        survived(tokens::nextId);
        survived(tokens::hasNext);
        tokens.cancel();
        tokens.close();
        tokens.close();
        onAnotherThread(() -> assertThatIllegalStateException().isThrownBy(() -> context.decode(batch)));
    }

    void everyUseOfAClosedModel() throws Exception {
        Model model = speaking();
        Context context = model.newContext(small().build());
        var vocab = model.vocab();
        var decoder = vocab.newDecoder();
        Sampler sampler = Sampler.builder(model).grammar("root ::= \"a\"").greedy().build();
        model.close();
        model.close();
        for (ThrowingCallable use : List.<ThrowingCallable>of(() -> model.newContext(ContextOptions.defaults()), model::handle, model::chatTemplateSource,
                () -> vocab.tokenize("a"), () -> vocab.detokenize(1, 2), () -> vocab.pieceBytes(77, true), () -> vocab.piece(78), () -> vocab.text(1),
                () -> vocab.score(1), () -> vocab.isEog(1), () -> vocab.isControl(1), vocab::bos, vocab::eos, vocab::eot, vocab::newline,
                vocab::addsBos, vocab::addsEos, () -> decoder.accept(79), () -> Sampler.greedy(model), () -> Sampler.builder(model).topK(1).build(),
                () -> sampler.sample(context, -1), () -> sampler.accept(1), sampler::copy, () -> ChatTemplate.of(model),
                () -> ChatTemplate.of(model, "{{ messages }}"), () -> context.decode(context.newBatch().add(1, 0, 0, true)))) {
            assertThatIllegalStateException().isThrownBy(use);
        }
        assertThat(model.isOpen()).isFalse();
        assertThat(context.isOpen()).isFalse();
        sampler.close();
        sampler.close();
        onAnotherThread(() -> assertThatIllegalStateException().isThrownBy(() -> vocab.tokenize("a")));
    }

    void everyUseOfAClosedSampler() {
        Context context = llama().newContext(small().build());
        context.decode(rows(context, 2));
        Sampler sampler = Sampler.greedy(context.model());
        sampler.close();
        sampler.close();
        for (ThrowingCallable use : List.<ThrowingCallable>of(() -> sampler.sample(context, -1), () -> sampler.accept(1), sampler::reset, sampler::copy,
                sampler::stages)) {
            assertThatIllegalStateException().isThrownBy(use);
        }
        assertThatIllegalStateException().isThrownBy(() -> context.sequence(0).generate(new int[] {1}, sampler, 3).nextId());
        checkUsable(context);
    }

    void everyUseOfAClosedTemplateOrArena() {
        var template = ChatTemplate.parse("{{ messages[0].content }}", "", "");
        var rendered = template.render(io.llatte.llama.ChatRequest.of(List.of(ChatMessage.user("a"))));
        template.close();
        template.close();
        assertThatIllegalStateException().isThrownBy(() -> template.render(List.of(ChatMessage.user("a"))));
        assertThatIllegalStateException().isThrownBy(template::source);
        survived(() -> ChatTemplate.parse(rendered, "a", false));

        var closed = DeviceArena.open();
        closed.close();
        closed.close();
        assertThatIllegalStateException().isThrownBy(() -> Model.load(tiny("llama-dense"), closed));
        assertThatIllegalStateException().isThrownBy(() -> closed.newChild("child"));
    }

    void samplerOfAnotherModel() throws IOException {
        Context context = llama().newContext(small().build());
        context.decode(rows(context, 2));
        Model other = Model.load(vocabulary("llama-spm"), ModelOptions.builder().vocabularyOnly(true).build(), arena);
        try (var sampler = Sampler.greedy(other)) {
            refused(() -> sampler.sample(context, -1));
            refused(() -> context.sequence(1).generate(new int[] {1}, sampler, 3).nextId());
        }
        checkUsable(context);
    }

    void closeWhileDecoding() throws Exception {
        Model model = llama();
        try (var pool = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < 40; round++) {
                Context context = model.newContext(ContextOptions.builder().contextLength(2048).batchSize(2048).threads(2).batchThreads(2).build());
                Batch batch = rows(context, 2048);
                var inside = new CountDownLatch(1);
                Future<?> decode = pool.submit(() -> {
                    inside.countDown();
                    survived(() -> context.decode(batch));
                });
                inside.await();
                TimeUnit.MICROSECONDS.sleep(round * 200L);
                if (round % 2 == 0) {
                    context.close();
                } else {
                    onAnotherThread(context::close);
                }
                decode.get(20, TimeUnit.SECONDS);
                assertThatIllegalStateException().isThrownBy(() -> context.decode(batch));
            }
        }
    }

    void modelClosedWhileItsContextsGenerate() throws Exception {
        try (var pool = Executors.newFixedThreadPool(4)) {
            for (int round = 0; round < 15; round++) {
                Model model = llama();
                List<Future<?>> readers = new ArrayList<>();
                var inside = new CountDownLatch(3);
                for (int reader = 0; reader < 3; reader++) {
                    readers.add(pool.submit(() -> survived(() -> {
                        try (var context = model.newContext(small().contextLength(1024).build()); var sampler = Sampler.greedy(model);
                             var tokens = context.sequence(0).generate(new int[] {1, 2, 3}, sampler, ENDLESS)) {
                            tokens.nextId();
                            inside.countDown();
                            while (tokens.nextId() >= 0) {
                                model.vocab().isEog(1);
                            }
                        } finally {
                            inside.countDown();
                        }
                    })));
                }
                inside.await();
                TimeUnit.MICROSECONDS.sleep(round * 300L);
                model.close();
                for (Future<?> reader : readers) {
                    reader.get(20, TimeUnit.SECONDS);
                }
                assertThat(model.isOpen()).isFalse();
            }
        }
    }

    /// What reads the model without a context: its vocabulary, and the grammars of samplers that are made, told and copied meanwhile.
    void modelClosedWhileItsVocabularyIsRead() throws Exception {
        Path file = GgufFile.read(tiny("llama-dense")).speaking().write(scratch.resolve("speaking.gguf"));
        try (var pool = Executors.newFixedThreadPool(4)) {
            for (int round = 0; round < 30; round++) {
                Model model = Model.load(file, ModelOptions.cpuOnly(), arena);
                var inside = new CountDownLatch(4);
                List<Future<?>> readers = new ArrayList<>();
                for (ThrowingCallable use : List.<ThrowingCallable>of(() -> model.vocab().isEog(2), () -> model.vocab().text(40),
                        () -> acceptOnce(Sampler.builder(model).grammar("root ::= [a-z]*").greedy().build()),
                        () -> decodeOnce(model.newContext(small().build())))) {
                    readers.add(pool.submit(() -> {
                        inside.countDown();
                        survived(() -> {
                            while (true) {
                                use.call();
                            }
                        });
                    }));
                }
                inside.await();
                TimeUnit.MICROSECONDS.sleep(500 + round * 200L);
                model.close();
                for (Future<?> reader : readers) {
                    reader.get(20, TimeUnit.SECONDS);
                }
            }
        }
    }

    private static void acceptOnce(Sampler sampler) {
        try (sampler; var copy = sampler.copy()) {
            copy.accept(70);
        }
    }

    private static void decodeOnce(Context context) {
        try (context) {
            context.decode(context.newBatch().add(1, 0, 0, true));
        }
    }

    void arenaClosedWhileAModelLoadsIntoIt() throws Exception {
        try (var pool = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < 30; round++) {
                var scope = DeviceArena.open();
                Future<?> load = pool.submit(() -> survived(() -> Model.load(tiny("llama-dense"), ModelOptions.cpuOnly(), scope)
                        .newContext(small().build())));
                TimeUnit.MICROSECONDS.sleep(round * 500L);
                scope.close();
                load.get(20, TimeUnit.SECONDS);
                assertThat(scope.ledger().totalBytes()).isZero();
            }
        }
    }

    void arenaClosedByTheLoadListener() {
        var scope = DeviceArena.open();
        survived(() -> Model.load(tiny("llama-dense"), ModelOptions.cpuOnly(), fraction -> {
            scope.close();
            return true;
        }, scope));
        assertThat(scope.ledger().totalBytes()).isZero();
    }

    void streamWhoseContextOrSamplerIsClosedInTheMiddle() throws Exception {
        Model model = llama();
        for (boolean contextFirst : List.of(true, false)) {
            Context context = model.newContext(small().build());
            Sampler sampler = Sampler.greedy(model);
            var tokens = context.sequence(0).generate(new int[] {1, 2}, sampler, ENDLESS);
            tokens.nextId();
            AutoCloseable closedFirst = contextFirst ? context : sampler;
            closedFirst.close();
            survived(() -> {
                while (tokens.nextId() >= 0) {
                    assertThat(context.isOpen()).isTrue();
                }
            });
            assertThat(tokens.nextId()).isEqualTo(-1);
            tokens.close();
            sampler.close();
        }
    }

    void eightThreadsInOneContext() throws Exception {
        Context context = llama().newContext(small().contextLength(2048).maxSequences(8).build());
        try (var shared = Sampler.builder(context.model()).penalties(64, 1.1f, 0, 0).temperature(1).dist(1).build();
             var pool = Executors.newFixedThreadPool(8)) {
            var stop = new AtomicBoolean();
            List<Callable<Void>> calls = new ArrayList<>();
            for (int thread = 0; thread < 8; thread++) {
                int id = thread;
                calls.add(() -> {
                    for (int round = 0; round < 30 && !stop.get(); round++) {
                        int step = round;
                        survived(() -> {
                            switch ((id + step) % 6) {
                                case 0 -> context.decode(context.newBatch().add(1, context.sequence(id).length(), id, true));
                                case 1 -> shared.sample(context, -1);
                                case 2 -> context.logits(-1).toArray();
                                case 3 -> context.sequence(id).restore(context.sequence(id).save());
                                case 4 -> context.sequence(id).clear();
                                default -> context.sequence(id).generate(new int[] {1, 2, 3}, shared, 4).forEachRemaining(token -> { });
                            }
                        });
                    }
                    return null;
                });
            }
            finish(pool, calls);
        }
        checkUsable(context);
    }

    void twoThreadsInOneStream() throws Exception {
        Context context = llama().newContext(small().build());
        try (var pool = Executors.newFixedThreadPool(3); var sampler = Sampler.greedy(context.model())) {
            for (int round = 0; round < 20; round++) {
                var tokens = context.sequence(0).generate(new int[] {1, 2, 3}, sampler, GenerateOptions.builder().ignoreEog(true).maxTokens(40).build());
                finish(pool, List.of(() -> drain(tokens), () -> drain(tokens), () -> {
                    TimeUnit.MILLISECONDS.sleep(2);
                    tokens.close();
                    return null;
                }));
            }
        }
        checkUsable(context);
    }

    private static Void drain(Generation tokens) {
        survived(() -> {
            while (tokens.nextId() >= 0) {
                Thread.onSpinWait();
            }
        });
        return null;
    }

    void virtualThreadsTakeTurns() throws Exception {
        Context context = llama().newContext(small().contextLength(2048).maxSequences(8).build());
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Void>> calls = new ArrayList<>();
            for (int thread = 0; thread < 40; thread++) {
                int id = thread % 8;
                calls.add(() -> {
                    survived(() -> {
                        try (var sampler = Sampler.greedy(context.model()); var tokens = context.sequence(id).generate(new int[] {1, 2, 3}, sampler, 5)) {
                            drain(tokens);
                        }
                    });
                    return null;
                });
            }
            finish(pool, calls);
        }
        checkUsable(context);
    }

    void interruptedThreads() {
        Context context = llama().newContext(small().build());
        Thread.currentThread().interrupt();
        survived(() -> context.decode(rows(context, 8)));
        survived(() -> context.sequence(0).save());
        survived(context::close);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(context.isOpen()).isFalse();
    }

    /// Garbage that nobody closed may leak until the arena goes, and never crashes.
    void objectsThatNobodyCloses() throws Exception {
        for (int round = 0; round < 5; round++) {
            Context context = llama().newContext(small().build());
            for (int i = 0; i < 50; i++) {
                context.clear();
                context.decode(rows(context, 4));
                context.clear();
                Sampler.greedy(context.model());
                ChatTemplate.parse("{{ messages }}", "", "");
                drain(context.sequence(0).generate(new int[] {1, 2}, Sampler.greedy(context.model()), 1));
            }
            System.gc();
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private static void onAnotherThread(ThrowingCallable call) throws Exception {
        try (var pool = Executors.newSingleThreadExecutor()) {
            pool.submit(() -> {
                try {
                    call.call();
                } catch (Throwable e) {
                    throw new AssertionError(e);
                }
            }).get(20, TimeUnit.SECONDS);
        }
    }

    private static void finish(ExecutorService pool, List<Callable<Void>> calls) throws InterruptedException, ExecutionException {
        for (Future<Void> call : pool.invokeAll(calls, 60, TimeUnit.SECONDS)) {
            call.get();
        }
    }
}
