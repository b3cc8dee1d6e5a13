package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.ChatOptions;
import io.llatte.LocalLlm;
import io.llatte.llama.SamplingOptions;
import io.llatte.model.ModelStore;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
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
        startWith(type, Map.of(), maxTokens, options);
    }

    /// @param environment what the store downloads with
    private void startWith(String type, Map<String, String> environment, int maxTokens, String... options) throws IOException {
        keys = new PipedOutputStream();
        screen = new ByteArrayOutputStream();
        terminal = new ExternalTerminal("test", type, new PipedInputStream(keys, 65_536), screen, StandardCharsets.UTF_8);
        var engine = new EngineArguments();
        new CommandLine(engine).parseArgs(options);
        ModelStore store = ModelStore.builder().folder(folder.resolve("models")).environment(environment).build();
        LocalLlm.Builder llm = LocalLlm.builder().store(store).options(engine.options()).preferenceFile(preference());
        ChatOptions chatOptions = ChatOptions.builder().maxTokens(maxTokens).sampling(SamplingOptions.greedy()).build();
        chat = CompletableFuture.runAsync(() -> {
            try (var chatModel = new ChatModel(llm, Optional.empty())) {
                new InteractiveChat(chatModel, chatOptions, null, folder.resolve("state").resolve("history")).run(Optional.of(model), terminal);
            }
        }, task -> Thread.ofPlatform().start(task));
        await("Ctrl-D leaves]");
    }

    private Path preference() {
        return folder.resolve("state").resolve("model");
    }

    /// Another model, of another architecture, in the store.
    private String other() throws IOException {
        Path file = Path.of(model).resolveSibling("qwen2-dense.gguf");
        assumeTrue(Files.isRegularFile(file), () -> file + " is missing: ./llatte test builds it");
        Path models = Files.createDirectories(folder.resolve("models"));
        return Files.copy(file, models.resolve("qwen2-dense.gguf")).getFileName().toString();
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
    void image_isSeenWithTheNextQuestion() throws Exception {
        Path projector = Path.of(model).resolveSibling("mmproj-mlp-1.gguf");
        assumeTrue(Files.isRegularFile(projector), () -> projector + " is missing: ./llatte test builds it");
        start(4, "--projector", projector.toString());
        line("Hello");
        int plain = tokens(await("of 256"));
        line("/clear");
        await("forgotten");
        Path picture = folder.resolve("picture.png");
        ImageIO.write(new BufferedImage(30, 20, BufferedImage.TYPE_INT_RGB), "png", picture.toFile());
        line("/image " + picture);
        await("to be seen with the next question");
        line("Hello");
        assertThat(tokens(await("of 256")) - plain).as("16 patches, and where the text is cut a space").isBetween(16, 18);
        line("/image " + folder.resolve("none.png"));
        await("llatte: ");
        line("/image " + Files.writeString(folder.resolve("text.png"), "no picture"));
        await("10 bytes are no PNG");
        line("/image");
        await("needs a file");
    }

    private static int tokens(String shown) {
        var matcher = Pattern.compile("(\\d+) of 256").matcher(shown);
        assertThat(matcher.find()).as(shown).isTrue();
        return Integer.parseInt(matcher.group(1));
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
    void switchThatFails_isOneLineAndKeepsModelAndConversation() throws IOException {
        start(8);
        line("Hello");
        await("of 256");
        Path broken = Files.writeString(folder.resolve("broken.gguf"), "not a model");
        for (String wrong : List.of(folder.resolve("none.gguf").toString(), broken.toString())) {
            line("/model " + wrong);
            assertThat(await("llama-dense.gguf goes on").lines().filter(line -> line.contains("llatte: "))).hasSize(1);
        }
        line("Again");
        await("of 256");
        Path file = folder.resolve("chat.json");
        line("/save " + file);
        await("saved 4 turns");
        assertThat(preference()).hasContent(model);
    }

    @Test
    void switch_keepsTheConversationAndIsRemembered() throws IOException {
        String other = other();
        start(8);
        line("Hello");
        await("of 256");
        line("/model");
        assertThat(await("context 256 of 256")).contains("* llama-dense.gguf", "  " + other, "gemma3-270m", "not downloaded");
        line("/model " + other);
        await(other + ": ");
        await("context 256 of 256");
        assertThat(preference()).hasContent(other);
        line("/model");
        assertThat(await("context 256 of 256")).contains("* " + other).doesNotContain("* llama");
        line("Again");
        await("of 256");
        Path file = folder.resolve("chat.json");
        line("/save " + file);
        await("saved 4 turns");
        assertThat(new ObjectMapper().readTree(Files.readAllBytes(file)).at("/model").asText()).isEqualTo(other);
    }

    @Test
    void ctrlC_cancelsASwitchAndKeepsTheOldModel() throws Exception {
        try (var silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            String address = "http://127.0.0.1:" + silent.getLocalPort();
            var environment = new HashMap<>(System.getenv());
            environment.putAll(Map.of("PIP_INDEX_URL", address + "/simple", "PIP_CONFIG_FILE", "/dev/null", "PIP_NO_INDEX", "", "PIP_FIND_LINKS", "",
                    "HF_ENDPOINT", address, "no_proxy", "127.0.0.1"));
            startWith("ansi", environment, 8);
            line("/model gemma3-270m");
            silent.setSoTimeout(30_000);
            silent.accept();        // and no answer
            type(String.valueOf(CTRL_C));
            await("interrupted; llama-dense.gguf goes on");
            line("Hello");
            await("of 256");
        }
    }

    @Test
    void unloadedModel_isLoadedByTheNextQuestion() throws IOException {
        start(8);
        line("/unload");
        await("is unloaded, ");
        line("/unload");
        await("no model is loaded]");
        line("/stats");
        assertThat(await("on average]")).contains("no model is loaded; the next question loads one", "weights 0 B", "status: disabled");
        line("Hello");
        await("of 256");
        line("/stats");
        await("llama-dense.gguf: ");
    }

    @Test
    void stats_showPlacementMemoryAndStatus() throws IOException {
        start(8, "--policy", "cpu-only");
        line("Hello");
        await("of 256");
        line("/stats");
        assertThat(await("last answer: ")).contains("placement: cpu, policy cpu-only, 0 of 3 layers on GPUs", "CPU: weights ", "KV cache ", "compute ",
                "unaccounted ", " free of ", "status: idle for ", "llama-dense.gguf is loaded", "1 answers, 8 tokens");
    }

    @Test
    void answersFollowASchema_untilItIsOff() throws IOException {
        model = TestModel.real();
        Path file = Files.writeString(folder.resolve("day.json"), "{\"enum\": [\"monday\"]}");
        start(40, "--context", "512");
        line("/json");
        await("answers are free text");
        line("/json " + file);
        await("answers are JSON of the schema");
        line("Which day?");
        await("Which day?");
        assertThat(await("tokens/s")).contains("\"monday\"");
        line("/json {\"enum\": [12345]}");
        await("answers are JSON of the schema");
        line("Which number?");
        await("Which number?");
        assertThat(await("tokens/s")).contains("12345");
        line("/json {\"type\": \"nothing\"}");
        await("unrecognized type nothing");
        line("/json " + folder.resolve("missing.json"));
        await("missing.json");
        line("/json off");
        await("answers are free text");
    }

    @Test
    void toolsAndThinking_areTurnedOnAndOff() throws IOException {
        start(8, "--context", "2048");
        line("/tools");
        await("the model may call no tools");
        line("/tools on");
        await("the model may call calculate, now");
        line("What time is it?");
        await("What time is it?");
        await("tokens/s");
        line("/tools perhaps");
        await("/tools is on or off, not perhaps");
        line("/tools off");
        await("the model may call no tools");
        line("/think off");
        await("is told not to think");
        line("/think on");
        await("may think before it answers");
    }

    @Test
    void commands_areCompleted() throws IOException {
        start(8);
        type("/hel\t\r");
        await("/model");
        line("/nonsense");
        await("there is no command /nonsense");
        line("/stats");
        await("tokens/s on average");
    }

    @Test
    void history_isKept() throws Exception {
        start(8);
        line("/stats");
        await("tokens/s on average");
        line("/exit");
        chat.get(30, TimeUnit.SECONDS);
        assertThat(folder.resolve("state").resolve("history")).content().contains("/stats");
    }
}
