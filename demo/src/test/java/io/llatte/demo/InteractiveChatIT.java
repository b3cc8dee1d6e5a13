package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.model.ModelStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// A user at a terminal, whose keys are bytes and whose screen is what came out.
class InteractiveChatIT {

    private static final char CTRL_C = 3;
    private static final char CTRL_D = 4;

    @TempDir
    private Path folder;
    private String model;
    private PipedOutputStream keys;
    private ByteArrayOutputStream screen;
    private ExternalTerminal terminal;
    private CompletableFuture<Void> chat;
    private int seen;

    @BeforeEach
    void findModel() {
        model = TestModel.tiny();
    }

    @AfterEach
    void leave() throws Exception {
        if (chat != null) {
            for (int i = 0; i < 100 && !chat.isDone(); i++) {
                type(String.valueOf(i % 2 == 0 ? CTRL_C : CTRL_D));
                TimeUnit.MILLISECONDS.sleep(200);
            }
            chat.get(10, TimeUnit.SECONDS);
            terminal.close();
        }
    }

    private void start(int maxTokens, String... options) throws IOException {
        startAt("ansi", maxTokens, options);
    }

    private void startAt(String type, int maxTokens, String... options) throws IOException {
        keys = new PipedOutputStream();
        screen = new ByteArrayOutputStream();
        terminal = new ExternalTerminal("test", type, new PipedInputStream(keys, 65_536), screen, StandardCharsets.UTF_8);
        var sampling = new SamplingOptions();
        var engine = new EngineOptions();
        new CommandLine(sampling).parseArgs("--temperature", "0");
        new CommandLine(engine).parseArgs(options);
        ModelStore store = ModelStore.builder().folder(folder.resolve("models")).build();
        var interactive = new InteractiveChat(store, sampling, engine, null, maxTokens, folder.resolve("state").resolve("history"));
        chat = CompletableFuture.runAsync(() -> interactive.run(model, terminal), task -> Thread.ofPlatform().start(task));
        await("Ctrl-D leaves]");
    }

    private void type(String text) throws IOException {
        keys.write(text.getBytes(StandardCharsets.UTF_8));
        keys.flush();
    }

    private void line(String text) throws IOException {
        type(text + "\r");
    }

    /// Waits for a text that was not on the screen before, and returns what came up to it.
    private String await(String text) {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (true) {
            String all = screen.toString(StandardCharsets.UTF_8);
            int found = all.indexOf(text, seen);
            if (found >= 0) {
                String shown = all.substring(seen, found + text.length());
                seen = found + text.length();
                return shown;
            }
            if (System.nanoTime() > deadline || chat.isCompletedExceptionally()) {
                throw new AssertionError("waited for: " + text + "\nscreen:\n" + all, chat.isCompletedExceptionally() ? chat.exceptionNow() : null);
            }
            LockSupport.parkNanos(10_000_000);
        }
    }

    @Test
    void question_isAnsweredWithStatistics() throws IOException {
        startAt("dumb", 8);
        line("Hello");
        assertThat(await("of 256")).contains("8 tokens, ", "tokens/s, first after ", "(0 cached), context ").doesNotContain("\u001b[2m");
        line("Again");
        assertThat(await("of 256")).doesNotContain("(0 cached)");
    }

    @Test
    void ctrlC_stopsTheAnswerAndKeepsTheChat() throws Exception {
        start(Integer.MAX_VALUE, "--context", "20000");
        line("Hello");
        await("Hello");
        TimeUnit.MILLISECONDS.sleep(500);
        type(String.valueOf(CTRL_C));
        await("stopped]");
        line("/help");
        await("/exit");
    }

    @Test
    void ctrlD_leaves() throws Exception {
        start(8);
        type(String.valueOf(CTRL_D));
        chat.get(30, TimeUnit.SECONDS);
    }

    @Test
    void exit_leaves() throws Exception {
        start(8);
        line("/exit");
        chat.get(30, TimeUnit.SECONDS);
    }

    @Test
    void conversation_isSavedForgottenAndLoaded() throws IOException {
        start(8);
        line("Hello");
        await("of 256");
        Path file = folder.resolve("chat.json");
        line("/save " + file);
        await("saved 2 turns");
        var saved = new ObjectMapper().readTree(Files.readAllBytes(file));
        assertThat(saved.at("/messages/0/content").asText()).isEqualTo("Hello");
        line("/clear");
        await("forgotten");
        line("/load " + file);
        await("2 turns");
        line("/load " + folder.resolve("none.json"));
        await("llatte: ");
        line("/load");
        await("needs a file");
    }

    @Test
    void textOfSeveralLines_isOneTurn() throws IOException {
        start(4);
        line("first \\");
        line("second");
        await("of 256");
        line("\"\"\"third");
        line("fourth\"\"\"");
        await("of 256");
        Path file = folder.resolve("chat.json");
        line("/save " + file);
        await("saved 4 turns");
        var saved = new ObjectMapper().readTree(Files.readAllBytes(file));
        assertThat(saved.at("/messages/0/content").asText()).isEqualTo("first \nsecond");
        assertThat(saved.at("/messages/2/content").asText()).isEqualTo("third\nfourth");
    }

    @Test
    void fullContext_isToldAndTheTextKept() throws IOException {
        start(8, "--context", "256");
        line("/system " + "word ".repeat(500));
        await("system: ");
        line("My precious question");
        assertThat(await("Your text is kept")).contains("/clear", "--context");
        await("My precious question");
        line("");
    }

    @Test
    void unknownModel_keepsTheOldOne() throws IOException {
        start(8);
        line("/model " + folder.resolve("none.gguf"));
        await("there is no model and no file");
        Path broken = Files.writeString(folder.resolve("broken.gguf"), "not a model");
        line("/model " + broken);
        await("llama-dense.gguf: ");
        line("Hello");
        await("of 256");
        line("/model " + model);
        await("llama-dense.gguf: ");
    }

    @Test
    void commands_areCompleted() throws IOException {
        start(8);
        type("/hel\t\r");
        await("/model");
        line("/nonsense");
        await("there is no command /nonsense");
        line("/stats");
        await("tokens evaluated");
    }

    @Test
    void history_isKept() throws Exception {
        start(8);
        line("/stats");
        await("tokens evaluated");
        line("/exit");
        chat.get(30, TimeUnit.SECONDS);
        assertThat(folder.resolve("state").resolve("history")).content().contains("/stats");
    }
}
