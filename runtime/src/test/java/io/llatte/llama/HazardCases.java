package io.llatte.llama;

import io.llatte.ContextOverflowException;
import io.llatte.GrammarException;
import io.llatte.LlatteException;
import io.llatte.ModelLoadException;
import io.llatte.SavedStateException;
import io.llatte.TemplateException;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

/// What ends a process that calls llama.cpp directly, done through the public API. Each case prints `ok NAME`, or `FAIL NAME` with what came
/// instead of its typed exception.
final class HazardCases {

    private final Map<String, Runnable> cases = new LinkedHashMap<>();
    private final DeviceArena arena = DeviceArena.open();
    private final Model model = Model.load(TinyModels.llama(), arena);
    private final Model mamba = Model.load(TinyModels.mamba(), arena);
    private final Model llada = Model.load(TinyModels.llada(), arena);

    public static void main(String[] args) throws Exception {
        var hazards = new HazardCases();
        hazards.decode();
        hazards.contexts();
        hazards.samplers();
        hazards.sequences();
        hazards.states();
        hazards.files();
        hazards.vocabularies();
        hazards.templates();
        hazards.closedHandles();
        hazards.threads();
        hazards.runAll();
    }

    private void runAll() {
        int failed = 0;
        for (var entry : cases.entrySet()) {
            System.out.println("run " + entry.getKey());
            try {
                entry.getValue().run();
                System.out.println("ok " + entry.getKey());
            } catch (Throwable e) {
                failed++;
                System.out.println("FAIL " + entry.getKey() + ": " + e);
            }
        }
        // Whatever was provoked, the model still works.
        try (var context = context(256)) {
            context.decode(context.newBatch().add(1, 0, 0, true));
            context.logits(-1).argmax();
        }
        arena.close();
        System.out.println("done " + cases.size() + " failed " + failed);
        System.exit(failed == 0 ? 0 : 1);
    }

    private interface Call {
        void run() throws Exception;
    }

    private void refused(String name, Class<? extends Exception> expected, Call call) {
        cases.put(name, () -> {
            try {
                call.run();
            } catch (Exception e) {
                if (expected.isInstance(e)) {
                    return;
                }
                throw new AssertionError("expected " + expected.getSimpleName() + ", got " + e, e);
            }
            throw new AssertionError("expected " + expected.getSimpleName() + ", and nothing was refused");
        });
    }

    private void survives(String name, Call call) {
        cases.put(name, () -> {
            try {
                call.run();
            } catch (Exception e) {
                throw new AssertionError(e.toString(), e);
            }
        });
    }

    private Context context(int length) {
        return model.newContext(ContextOptions.builder().contextLength(length).batchSize(32).maxSequences(2).threads(1).batchThreads(1).build());
    }

    private Batch batch(int tokens) {
        Batch batch = new Batch(tokens);
        for (int i = 0; i < tokens; i++) {
            batch.add(1, i, 0, i == tokens - 1);
        }
        return batch;
    }

    private void decode() {
        refused("decode: more tokens than n_batch", IllegalArgumentException.class, () -> context(256).decode(batch(33)));
        refused("decode: no tokens", IllegalArgumentException.class, () -> context(256).decode(new Batch(1)));
        refused("decode: a token beyond the vocabulary", IllegalArgumentException.class,
                () -> context(256).decode(new Batch(1).add(Integer.MAX_VALUE, 0, 0, true)));
        refused("decode: a negative token", IllegalArgumentException.class, () -> context(256).decode(new Batch(1).add(-1, 0, 0, true)));
        refused("decode: a negative position", IllegalArgumentException.class,
                () -> context(256).decode(new Batch(1).add(1, Integer.MIN_VALUE, 0, true)));
        refused("decode: a sequence at the limit", IllegalArgumentException.class, () -> context(256).decode(new Batch(1).add(1, 0, 2, true)));
        refused("decode: a negative sequence", IllegalArgumentException.class, () -> context(256).decode(new Batch(1).add(1, 0, -1, true)));
        refused("decode: a gap in the positions", LlatteException.class, () -> {
            var context = context(256);
            context.decode(new Batch(1).add(1, 0, 0, true));
            context.decode(new Batch(1).add(1, 7, 0, true));
        });
        refused("decode: a full cache", ContextOverflowException.class, () -> {
            var context = context(512);
            for (int i = 0; i <= context.sequenceLength(); i++) {
                context.decode(new Batch(1).add(1, i, 0, false));
            }
        });
        refused("decode: non-causal over n_ubatch", IllegalArgumentException.class, () -> {
            var context = llada.newContext(ContextOptions.builder().contextLength(256).batchSize(32).microBatchSize(8).build());
            context.decode(batch(9));
        });
        refused("encode: over n_ubatch", IllegalArgumentException.class, () -> {
            var context = llada.newContext(ContextOptions.builder().contextLength(256).batchSize(32).microBatchSize(8).build());
            context.encode(batch(9));
        });
        refused("encode: a model without an encoder", IllegalStateException.class, () -> context(256).encode(batch(1)));
    }

    private void contexts() {
        refused("context: n_seq_max over n_batch", IllegalArgumentException.class,
                () -> ContextOptions.builder().batchSize(4).maxSequences(5).build());
        refused("context: n_seq_max over llama.cpp's limit", IllegalArgumentException.class,
                () -> model.newContext(ContextOptions.builder().batchSize(2048).maxSequences(2000).build()));
        refused("context: absurd threads", IllegalArgumentException.class, () -> ContextOptions.builder().threads(Integer.MAX_VALUE).build());
        refused("context: absurd length", IllegalArgumentException.class,
                () -> model.newContext(ContextOptions.builder().contextLength(Integer.MAX_VALUE).build()));
        refused("context: a quantised value cache without flash attention", IllegalArgumentException.class, () -> model.newContext(
                ContextOptions.builder().contextLength(256).valueType(KvType.Q4_0).flashAttention(FlashAttention.DISABLED).build()));
        refused("context: a vocabulary-only model", IllegalStateException.class, () -> Model.load(TinyModels.llama(),
                ModelOptions.builder().vocabularyOnly(true).build(), arena).newContext(ContextOptions.defaults()));
        survives("context: threads changed to the limit and back", () -> {
            var context = context(256);
            context.setThreads(512, 512);
            context.setThreads(1, 1);
            context.decode(batch(4));
        });
        refused("context: threads changed to zero", IllegalArgumentException.class, () -> context(256).setThreads(0, 1));
    }

    private void samplers() {
        refused("sampling: without logits", IllegalStateException.class, () -> Sampler.greedy(model).sample(context(256), -1));
        refused("sampling: a row without output", IllegalArgumentException.class, () -> {
            var context = context(256);
            context.decode(batch(4));
            Sampler.greedy(model).sample(context, 0);
        });
        refused("sampling: a row far beyond", IllegalArgumentException.class, () -> {
            var context = context(256);
            context.decode(batch(4));
            Sampler.greedy(model).sample(context, Integer.MAX_VALUE);
        });
        refused("sampling: no selecting stage", IllegalStateException.class, () -> {
            var context = context(256);
            context.decode(batch(4));
            Sampler.builder(model).topK(3).build().sample(context, -1);
        });
        refused("sampling: an accepted token beyond the vocabulary", IllegalArgumentException.class,
                () -> Sampler.builder(model).penalties(64, 1.1f, 0, 0).greedy().build().accept(1 << 30));
        for (var grammar : Map.of("unparsable", "root ::= (", "without a root", "other ::= \"a\"", "left-recursive", "root ::= root \"a\"",
                "deeper than the stack", "root ::= " + "(".repeat(200_000) + "\"a\"" + ")".repeat(200_000),
                "a chain of rules deeper than the stack", chain(100_000), "repeated beyond measure", "root ::= \"a\"{99999999}").entrySet()) {
            refused("grammar: " + grammar.getKey(), GrammarException.class,
                    () -> Sampler.builder(model).grammar(grammar.getValue()).greedy().build());
        }
        refused("grammar: a token that it does not allow is accepted", GrammarException.class, () -> {
            try (var sampler = Sampler.builder(model).grammar("root ::= \"impossible\"").greedy().build()) {
                for (int i = 0; i < 10; i++) {
                    sampler.accept(1);
                }
            }
        });
        refused("grammar: no token continues it", GrammarException.class, () -> {
            // Pieces of the tiny vocabulary are hexadecimal numbers: none begins with this.
            var context = context(256);
            context.decode(batch(4));
            try (var sampler = Sampler.builder(model).grammar("root ::= \"\\u4e16\\u754c\"").greedy().build()) {
                for (int i = 0; i < 10; i++) {
                    sampler.sample(context, -1);
                }
            }
        });
        refused("schema: not JSON", GrammarException.class, () -> Sampler.builder(model).jsonSchema("{").greedy().build());
    }

    private static String chain(int rules) {
        var grammar = new StringBuilder("root ::= r0\n");
        for (int i = 0; i < rules; i++) {
            grammar.append('r').append(i).append(" ::= r").append(i + 1).append('\n');
        }
        return grammar.append('r').append(rules).append(" ::= \"a\"\n").toString();
    }

    private void sequences() {
        refused("sequence: beyond the limit", IndexOutOfBoundsException.class, () -> context(256).sequence(2));
        refused("sequence: partial removal of a recurrent state", IllegalStateException.class, () -> {
            var context = mamba.newContext(ContextOptions.builder().contextLength(256).build());
            context.decode(batch(8));
            context.sequence(0).removeFrom(3);
        });
        survives("sequence: whole removal of a recurrent state", () -> {
            var context = mamba.newContext(ContextOptions.builder().contextLength(256).build());
            context.decode(batch(8));
            context.sequence(0).clear();
            if (context.sequence(0).length() != 0) {
                throw new AssertionError("the state was kept");
            }
        });
        refused("sequence: shift of a recurrent state", IllegalStateException.class, () -> {
            var context = mamba.newContext(ContextOptions.builder().contextLength(256).build());
            context.decode(batch(8));
            context.sequence(0).shift(0, -1, 1);
        });
        refused("sequence: a shift below zero", IllegalArgumentException.class, () -> {
            var context = context(256);
            context.decode(batch(8));
            context.sequence(0).shift(0, -1, Integer.MIN_VALUE);
        });
        refused("sequence: a model without a cache", IllegalStateException.class,
                () -> llada.newContext(ContextOptions.builder().contextLength(256).build()).sequence(0).clear());
    }

    private void states() {
        refused("state: a corrupt cell count", SavedStateException.class, () -> {
            var context = context(256);
            context.decode(batch(8));
            byte[] state = context.sequence(0).save();
            Arrays.fill(state, 32, 48, (byte) 0xFF);
            context.sequence(0).restore(state);
        });
        refused("state: empty", SavedStateException.class, () -> context(256).sequence(0).restore(new byte[0]));
        refused("state: random bytes", SavedStateException.class, () -> context(256).sequence(0).restore("not a state, at all, whatever it says".getBytes()));
        refused("state: another model's", SavedStateException.class, () -> {
            var other = mamba.newContext(ContextOptions.builder().contextLength(256).build());
            other.decode(batch(8));
            context(256).sequence(0).restore(other.sequence(0).save());
        });
        refused("state: larger than the context", LlatteException.class, () -> {
            var large = model.newContext(ContextOptions.builder().contextLength(1024).build());
            large.decode(batch(400));
            byte[] state = large.sequence(0).save();
            model.newContext(ContextOptions.builder().contextLength(256).build()).sequence(0).restore(state);
        });
        refused("state: another cache type's", LlatteException.class, () -> {
            var other = model.newContext(ContextOptions.builder().contextLength(256).keyType(KvType.F32).build());
            other.decode(batch(8));
            context(256).sequence(0).restore(other.sequence(0).save());
        });
    }

    private void files() {
        refused("file: missing", ModelLoadException.class, () -> Model.load(Path.of("/nowhere/at/all.gguf"), arena));
        refused("file: a folder", ModelLoadException.class, () -> Model.load(Path.of("/"), arena));
        refused("file: endless", ModelLoadException.class, () -> Model.load(Path.of("/dev/zero"), arena));
        refused("file: garbage", ModelLoadException.class, () -> Model.load(temporary(new byte[4096]), arena));
        refused("file: cut in half", ModelLoadException.class, () -> {
            byte[] bytes = Files.readAllBytes(TinyModels.llama());
            Model.load(temporary(Arrays.copyOf(bytes, bytes.length / 2)), arena);
        });
        refused("file: quantised to itself", IllegalArgumentException.class, () -> {
            Path copy = temporary(Files.readAllBytes(TinyModels.llama()));
            Path part = copy.resolveSibling(copy.getFileName() + ".part");
            Files.createLink(part, copy);
            try {
                Model.quantize(copy, copy, QuantizeOptions.to(Quantization.Q8_0));
            } finally {
                Files.deleteIfExists(part);
            }
        });
    }

    private static Path temporary(byte[] bytes) throws IOException {
        Path file = Files.createTempFile("llatte-hazard", ".gguf");
        file.toFile().deleteOnExit();
        return Files.write(file, bytes);
    }

    private void vocabularies() {
        Vocab vocab = model.vocab();
        for (int id : new int[] {-1, Integer.MIN_VALUE, vocab.size(), Integer.MAX_VALUE}) {
            refused("vocabulary: piece of " + id, IllegalArgumentException.class, () -> vocab.piece(id));
            refused("vocabulary: text of " + id, IllegalArgumentException.class, () -> vocab.text(id));
            refused("vocabulary: score of " + id, IllegalArgumentException.class, () -> vocab.score(id));
            refused("vocabulary: end of " + id, IllegalArgumentException.class, () -> vocab.isEog(id));
            refused("vocabulary: control of " + id, IllegalArgumentException.class, () -> vocab.isControl(id));
            refused("vocabulary: text of ids with " + id, IllegalArgumentException.class, () -> vocab.detokenize(1, id));
        }
        survives("vocabulary: an empty text, lone surrogates and NULs", () -> {
            vocab.tokenize("");
            vocab.tokenize("\ud800 \u0000 \udfff".repeat(100));
            vocab.detokenize();
        });
    }

    private void templates() {
        for (var source : Map.of("empty", "", "unclosed", "{{ x", "brackets deeper than the stack", "{{" + "(".repeat(300_000),
                "blocks deeper than the stack", "{% if a %}".repeat(300_000), "filters of nothing", "{{ | | }}").entrySet()) {
            refused("template: " + source.getKey(), TemplateException.class, () -> ChatTemplate.parse(source.getValue(), "", ""));
        }
        refused("template: it raises", TemplateException.class,
                () -> ChatTemplate.parse("{{ raise_exception('no') }}", "", "").render(List.of(ChatMessage.user("x"))));
        refused("template: it calls what is not there", TemplateException.class,
                () -> ChatTemplate.parse("{{ nothing.at.all() }}", "", "").render(List.of(ChatMessage.user("x"))));
    }

    private void closedHandles() {
        refused("closed: model", IllegalStateException.class, () -> {
            var own = Model.load(TinyModels.llama(), arena);
            own.close();
            own.newContext(ContextOptions.defaults());
        });
        refused("closed: the model before its vocabulary", IllegalStateException.class, () -> {
            var own = Model.load(TinyModels.llama(), arena);
            Vocab vocab = own.vocab();
            own.close();
            vocab.tokenize("x");
        });
        refused("closed: the model before its sampler", IllegalStateException.class, () -> {
            var own = Model.load(TinyModels.llama(), arena);
            var sampler = Sampler.greedy(own);
            own.close();
            sampler.accept(1);
        });
        refused("closed: context", IllegalStateException.class, () -> {
            var context = context(256);
            context.close();
            context.close();
            context.decode(batch(1));
        });
        refused("closed: logits of a closed context", IllegalStateException.class, () -> {
            var context = context(256);
            context.decode(batch(1));
            Logits logits = context.logits(-1);
            context.close();
            logits.get(0);
        });
        refused("closed: a sequence of a closed context", IllegalStateException.class, () -> {
            var context = context(256);
            Sequence sequence = context.sequence(0);
            context.close();
            sequence.length();
        });
        refused("closed: sampler", IllegalStateException.class, () -> {
            var sampler = Sampler.greedy(model);
            sampler.close();
            sampler.close();
            sampler.reset();
        });
        refused("closed: template", IllegalStateException.class, () -> {
            var template = ChatTemplate.parse("{{ messages[0].content }}", "", "");
            template.close();
            template.close();
            template.source();
        });
        refused("closed: arena", IllegalStateException.class, () -> {
            var own = DeviceArena.open();
            own.close();
            own.close();
            Model.load(TinyModels.llama(), own);
        });
    }

    private void threads() {
        refused("threads: decode after another thread closed", IllegalStateException.class, () -> {
            var context = context(256);
            Thread closer = Thread.ofPlatform().start(context::close);
            closer.join();
            context.decode(batch(1));
        });
        survives("threads: closed while eight decode", () -> {
            for (int round = 0; round < 10; round++) {
                closeUnderEight();
            }
        });
        survives("threads: the model closed under a generation", () -> {
            var own = Model.load(TinyModels.llama(), arena);
            var context = own.newContext(ContextOptions.builder().contextLength(2048).threads(1).build());
            var tokens = context.sequence(0).generate(new int[] {1, 2, 3}, Sampler.greedy(own),
                    GenerateOptions.builder().ignoreEog(true).build());
            tokens.nextId();
            Thread closer = Thread.ofPlatform().start(own::close);
            while (tokens.nextId() >= 0) {
                Thread.onSpinWait();
            }
            closer.join();
        });
    }

    private void closeUnderEight() throws InterruptedException {
        var context = context(512);
        var started = new CountDownLatch(8);
        List<Thread> decoders = IntStream.range(0, 8).mapToObj(i -> Thread.ofPlatform().start(() -> {
            Batch batch = batch(16);
            started.countDown();
            while (true) {
                try {
                    context.sequence(0).clear();
                    context.decode(batch);
                } catch (IllegalStateException closed) {
                    if (!context.isOpen()) {
                        return;
                    }
                } catch (LlatteException outOfTurn) {
                    // Another thread's tokens came between clear and decode.
                    continue;
                }
            }
        })).toList();
        started.await();
        Thread.sleep(5);
        context.close();
        for (Thread decoder : decoders) {
            decoder.join();
        }
    }
}
