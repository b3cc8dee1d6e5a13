package io.llatte.exit;

import io.llatte.ChatOptions;
import io.llatte.LocalLlm;
import io.llatte.SpeakingModels;
import io.llatte.engine.ContextSize;
import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.Batch;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Context;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Sampler;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// The child JVM: keeps native code busy on other threads, and ends. `ExitProgram WORK END FOLDER MILLISECONDS`.
public final class ExitProgram {

    static final int CODE = 7;
    static final String CLOSED = "closed by a hook";
    static final String REFUSED = "refused with ";

    /// What runs when the process ends.
    enum Work {
        ENGINE, ENGINE_CLOSED_BY_A_HOOK, GENERATION, BATCHES, LOADS, TOKENIZER
    }

    /// How it ends.
    enum End {
        EXIT, SIGTERM, MAIN_RETURNS
    }

    private static final CountDownLatch RUNNING = new CountDownLatch(4);
    private static final BlockingQueue<String> REFUSALS = new LinkedBlockingQueue<>();

    private ExitProgram() {
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path folder = Path.of(arguments[2]);
        switch (Work.valueOf(arguments[0])) {
            case ENGINE -> engine(folder);
            case ENGINE_CLOSED_BY_A_HOOK -> {
                LocalLlm llm = engine(folder);
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    llm.close();
                    System.out.println(CLOSED);
                }));
            }
            case GENERATION -> generation(folder);
            case BATCHES -> batches(folder);
            case LOADS -> loads(folder);
            case TOKENIZER -> tokenizer(folder);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> tell(REFUSALS)));
        RUNNING.await();
        Thread.sleep(Integer.parseInt(arguments[3]));
        switch (End.valueOf(arguments[1])) {
            case EXIT -> System.exit(CODE);
            case SIGTERM -> {
                new ProcessBuilder("kill", "-TERM", String.valueOf(ProcessHandle.current().pid())).inheritIO().start();
                new CountDownLatch(1).await();
            }
            case MAIN_RETURNS -> { }
        }
    }

    /// Four answers without end, whose readers begin another one whatever happens.
    private static LocalLlm engine(Path folder) {
        LocalLlm llm = LocalLlm.builder().store(SpeakingModels.store(folder)).withoutPreference()
                .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).contextSize(ContextSize.of(4096)).threads(2).build()).build();
        llm.init(SpeakingModels.A);
        ChatOptions endless = ChatOptions.builder().maxTokens(3000).ignoreEog(true).build();
        forever(4, () -> {
            try (var stream = llm.stream(List.of(ChatMessage.user("tell me of the moon")), endless)) {
                stream.next();
                RUNNING.countDown();
                stream.forEachRemaining(_ -> { });
            }
        });
        return llm;
    }

    /// The default model, where it is there: its decodes take long enough to be met by an end.
    private static Path file(Path folder) {
        Path whole = Path.of(System.getProperty("llatte.test.model", ""));
        return Files.isRegularFile(whole) ? whole : SpeakingModels.add(folder, SpeakingModels.A);
    }

    private static Model load(Path folder) {
        return Model.load(file(folder), ModelOptions.cpuOnly(), DeviceArena.open());
    }

    private static Context context(Path folder) {
        return load(folder).newContext(ContextOptions.builder().contextLength(4096).microBatchSize(512).threads(2).batchThreads(2).build());
    }

    private static void generation(Path folder) {
        Context context = context(folder);
        var sampler = Sampler.greedy(context.model());
        forever(1, () -> {
            context.sequence(0).clear();
            try (var stream = context.sequence(0).generate(new int[] {1, 2, 3}, sampler, 2000)) {
                while (stream.nextId() >= 0) {
                    RUNNING.countDown();
                }
            }
        });
    }

    /// The low-level loop of somebody who catches everything and goes on.
    private static void batches(Path folder) {
        Context context = context(folder);
        Batch batch = context.newBatch();
        forever(1, () -> {
            context.clear();
            batch.clear();
            for (int i = 0; i < 512; i++) {
                batch.add(1 + i % 100, i, 0, i == 511);
            }
            context.decode(batch);
            RUNNING.countDown();
        });
    }

    private static void loads(Path folder) {
        Path file = file(folder);
        forever(2, () -> {
            RUNNING.countDown();
            try (var arena = DeviceArena.open()) {
                Model.load(file, ModelOptions.cpuOnly(), _ -> true, arena).newContext(ContextOptions.builder().contextLength(256).build());
            }
        });
    }

    private static void tokenizer(Path folder) {
        Model model = load(folder);
        String text = "a small cat sat on the mat and looked at the moon ".repeat(500);
        forever(2, () -> {
            model.vocab().tokenize(text);
            RUNNING.countDown();
        });
    }

    /// Says what the work that was running ended with, which it would not without an end.
    private static void tell(BlockingQueue<String> refusals) {
        try {
            System.out.println(REFUSED + refusals.poll(10, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void forever(int threads, Runnable work) {
        for (int i = 0; i < threads; i++) {
            Thread.ofPlatform().daemon().start(() -> {
                while (true) {
                    try {
                        work.run();
                    } catch (RuntimeException ending) {
                        // It goes on whatever is thrown: that must not bring the process down.
                        REFUSALS.add(ending.getClass().getSimpleName());
                    }
                }
            });
        }
    }
}
