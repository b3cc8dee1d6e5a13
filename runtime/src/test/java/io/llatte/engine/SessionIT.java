package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.endless;
import static io.llatte.engine.Engines.greedy;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.ChildJvm;
import io.llatte.ContextOverflowException;
import io.llatte.EngineBusyException;
import io.llatte.EngineClosedException;
import io.llatte.LlatteException;
import io.llatte.SavedStateException;
import io.llatte.SpeakingModels;
import io.llatte.llama.FinishReason;
import io.llatte.llama.KvType;
import io.llatte.llama.Llama;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Conversations that are saved, and go on in another engine or process.
@Timeout(120)
class SessionIT {

    /// The shim's header: magic, version, length, checksum, fingerprint.
    private static final int NATIVE_HEADER_BYTES = 32;
    private static final long FNV_PRIME = 0x100000001b3L;

    private static final Prompt CONVERSATION = new Prompt.Text(WORDS);

    @TempDir
    Path temp;

    private final DeviceArena arena = DeviceArena.open();
    private Path file;

    @BeforeEach
    void nameFile() {
        file = temp.resolve("cat.session");
    }

    @AfterEach
    void closeAll() {
        arena.close();
        assertThat(Llama.openHandles()).isZero();
    }

    private InProcessEngine engine(int sequences) {
        return Engines.load(arena, temp, options(1024).sequences(sequences).build());
    }

    /// Asks, and returns how many tokens of the prompt were there.
    private static int cachedFor(Engine engine, String prompt) {
        try (TokenStream stream = start(engine, greedy(prompt, 1))) {
            stream.forEachRemaining(_ -> { });
            return stream.usage().cachedTokens();
        }
    }

    private SavedSession saved() throws IOException {
        return saved(WORDS);
    }

    private SavedSession saved(String conversation) throws IOException {
        try (var engine = engine(2)) {
            read(start(engine, greedy(conversation, 10)));
            return engine.saveSession(new Prompt.Text(conversation), file);
        }
    }

    @Test
    void anotherEngine_evaluatesOnlyWhatFollows_andAnswersTheSame() throws IOException {
        SavedSession saved = saved();
        try (var engine = engine(2); var fresh = engine(2)) {
            int tokens = engine.model().vocab().tokenize(WORDS).length;
            assertThat(saved).isEqualTo(new SavedSession(tokens, Files.size(file)));
            assertThat(engine.restoreSession(file)).isEqualTo(saved);

            List<Integer> answer = read(start(engine, greedy(WORDS + "and slept", 30)));
            int follows = engine.model().vocab().tokenize(WORDS + "and slept").length - tokens;
            assertThat(engine.statistics().evaluatedTokens()).isEqualTo(follows + 29);
            assertThat(engine.statistics().cachedTokens()).isEqualTo(tokens);
            assertThat(answer).isEqualTo(read(start(fresh, greedy(WORDS + "and slept", 30))));
        }
    }

    @Test
    void aLocaleWithOtherDigits_changesNothing() throws IOException {
        Locale before = Locale.getDefault();
        Locale.setDefault(Locale.forLanguageTag("fa"));
        try (var engine = engine(2)) {
            SavedSession saved = saved();
            Locale.setDefault(before);
            assertThat(engine.restoreSession(file)).isEqualTo(saved);
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void anotherProcess_goesOn() throws IOException, InterruptedException {
        int tokens = saved().tokens();
        List<Integer> answer;
        try (var engine = engine(1)) {
            answer = read(start(engine, greedy(WORDS + "and slept", 30)));
        }
        ChildJvm.Result result = ChildJvm.run(GoesOn.class, Map.of(), temp.toString(), file.toString());
        assertThat(result.lines()).as(result.output()).contains(tokens + " " + answer);
        assertThat(result.exitCode()).isZero();
    }

    /// A process that takes up the conversation.
    static final class GoesOn {

        public static void main(String[] args) throws IOException {
            try (var arena = DeviceArena.open(); var engine = Engines.load(arena, Path.of(args[0]), options(1024).build())) {
                engine.restoreSession(Path.of(args[1]));
                TokenStream stream = start(engine, greedy(WORDS + "and slept", 30));
                List<Integer> answer = read(stream);
                System.out.println(stream.usage().cachedTokens() + " " + answer);
            }
        }
    }

    @Test
    void whatFollowsInTheCache_isNotSaved() throws IOException {
        try (var engine = engine(2)) {
            read(start(engine, greedy(WORDS + "a secret", 10)));
            SavedSession saved = engine.saveSession(CONVERSATION, file);
            assertThat(saved.tokens()).isLessThanOrEqualTo(engine.model().vocab().tokenize(WORDS).length);

            // It is still there.
            assertThat(cachedFor(engine, WORDS + "a secret more")).isGreaterThan(saved.tokens());
        }
        try (var engine = engine(2)) {
            int tokens = engine.restoreSession(file).tokens();
            assertThat(cachedFor(engine, WORDS + "a secret more")).isEqualTo(tokens);
        }
    }

    @Test
    void aConversationThatRuns_isSaved_andRunsOn() throws IOException {
        try (var engine = engine(2); TokenStream running = start(engine, endless(CONVERSATION, 400).build())) {
            running.next();
            int saved = engine.saveSession(CONVERSATION, file).tokens();
            assertThat(saved).isEqualTo(engine.model().vocab().tokenize(WORDS).length);
            running.forEachRemaining(_ -> { });
            assertThat(running.finishReason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mamba-dense.gguf", "falcon-h1-dense.gguf", "gemma3-dense.gguf"})
    void cachesThatCannotBeCut_areSavedWhole(String model) throws IOException {
        int saved;
        try (var engine = Engines.load(arena, temp, model, options(1024).sequences(2).build())) {
            read(start(engine, greedy(WORDS, 1)));
            saved = engine.saveSession(new Prompt.Text(WORDS + "and slept"), file).tokens();
            assertThat(saved).isEqualTo(engine.model().vocab().tokenize(WORDS).length);
        }
        try (var engine = Engines.load(arena, temp, model, options(1024).sequences(2).build());
             var fresh = Engines.load(arena, temp, model, options(1024).sequences(2).build())) {
            engine.restoreSession(file);
            List<Integer> answer = read(start(engine, greedy(WORDS + "and slept", 30)));
            assertThat(engine.statistics().cachedTokens()).isEqualTo(saved);
            assertThat(answer).isEqualTo(read(start(fresh, greedy(WORDS + "and slept", 30))));
        }
    }

    @Test
    void restoring_takesTheRoomOfWhatIsOnlyKept() throws IOException {
        int tokens = saved(WORDS.repeat(2)).tokens();
        try (var engine = Engines.load(arena, temp, options(256).sequences(4).build())) {
            for (int i = 0; i < 3; i++) {
                read(start(engine, greedy(i + " " + WORDS, 40)));
            }
            assertThat(engine.statistics().usedCells()).isGreaterThan(256 - tokens);
            engine.restoreSession(file);
            assertThat(engine.statistics().usedCells()).isBetween(tokens, 256);
            assertThat(engine.statistics().evictions()).isPositive();
            assertThat(cachedFor(engine, WORDS.repeat(2) + "and slept")).isEqualTo(tokens);
        }
    }

    @Test
    void whatDoesNotFit_isRefused_andTheEngineAnswers() throws IOException {
        int tokens = saved(WORDS.repeat(4)).tokens();
        assertThat(tokens).isGreaterThan(256);
        try (var engine = Engines.load(arena, temp, options(256).sequences(1).build())) {
            assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> engine.restoreSession(file))
                    .withMessageContainingAll("256", tokens + " tokens");
            assertThat(read(start(engine, greedy("cat", 5)))).hasSize(5);
        }
        try (var engine = engine(1); TokenStream running = start(engine, endless(new Prompt.Text("cat"), 900).build())) {
            running.next();
            assertThatExceptionOfType(EngineBusyException.class).isThrownBy(() -> engine.restoreSession(file)).withMessageContaining("all 1 ");
        }
    }

    @Test
    void otherModelsAndCaches_areRefused() throws IOException {
        saved();
        try (var other = Engines.load(arena, temp, SpeakingModels.B, options(1024).build());
             var types = Engines.load(arena, temp, options(1024).keyType(KvType.Q8_0).build());
             var parts = Engines.load(arena, temp, options(1024).sequences(2).unifiedKv(false).build())) {
            assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> other.restoreSession(file))
                    .withMessageContaining("another model: its fingerprint is ");
            assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> types.restoreSession(file))
                    .withMessageContaining("it had keys F16, values F16, parts 1, window 0, and this one has keys Q8_0, values F16");
            assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> parts.restoreSession(file)).withMessageContaining("parts 2");
        }
    }

    @Test
    void alteredFiles_areRefused_andNothingOfTheCacheIsLost() throws IOException {
        saved();
        byte[] whole = Files.readAllBytes(file);
        var random = RandomGenerator.of("L64X128MixRandom");
        // Its only sequence holds something: what is refused must not take its room first.
        try (var engine = engine(1)) {
            read(start(engine, greedy("cat " + WORDS, 10)));
            int kept = engine.statistics().usedCells();
            for (int i = 0; i < 300; i++) {
                byte[] altered = whole.clone();
                altered[i < 160 ? i : random.nextInt(altered.length)] ^= (byte) (1 << random.nextInt(8));
                Files.write(file, altered);
                assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> engine.restoreSession(file));
            }
            for (int length : new int[] {0, 1, 155, 156, 157, whole.length / 2, whole.length - 1, whole.length + 1}) {
                Files.write(file, Arrays.copyOf(whole, length));
                assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> engine.restoreSession(file))
                        .withMessageContaining(length + " bytes");
            }
            assertThat(engine.statistics().usedCells()).isEqualTo(kept);
            assertThat(engine.statistics().evictions()).isZero();
            assertThat(cachedFor(engine, "cat " + WORDS)).isPositive();
        }
    }

    /// Every checksum is right, and llama.cpp's own bytes are wrong: it refuses or takes them, and the engine goes on.
    @ParameterizedTest
    @ValueSource(strings = {SpeakingModels.A, "mamba-dense.gguf", "falcon-h1-dense.gguf", "gemma3-dense.gguf"})
    void forgedFiles_endNothing(String model) throws IOException {
        SessionFile session;
        try (var engine = Engines.load(arena, temp, model, options(1024).sequences(2).build())) {
            read(start(engine, greedy(WORDS, 1)));
            engine.saveSession(CONVERSATION, file);
            session = SessionFile.read(file, engine.origin(), 1024);
        }
        try (var engine = Engines.load(arena, temp, model, options(1024).sequences(2).build())) {
            int refused = 0;
            for (int at = NATIVE_HEADER_BYTES; at < NATIVE_HEADER_BYTES + 64; at += Integer.BYTES) {
                for (int value : new int[] {-1, 0, 2, 1 << 26, Integer.MAX_VALUE}) {
                    new SessionFile(session.origin(), session.tokens(), forged(session.state(), at, value)).write(file);
                    try {
                        engine.restoreSession(file);
                    } catch (LlatteException e) {
                        refused++;
                    }
                    assertThat(read(start(engine, greedy("cat", 2)))).hasSize(2);
                }
            }
            assertThat(refused).isPositive();
        }
    }

    /// Other bytes of llama.cpp's in a state, behind the shim's header with the checksum that they have.
    private static byte[] forged(byte[] state, int at, int value) {
        ByteBuffer bytes = ByteBuffer.wrap(state.clone()).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
        int end = NATIVE_HEADER_BYTES + (int) bytes.getLong(2 * Integer.BYTES);
        long hash = 0xcbf29ce484222325L;
        int next = NATIVE_HEADER_BYTES;
        for (; next + Long.BYTES <= end; next += Long.BYTES) {
            hash = (hash ^ bytes.getLong(next)) * FNV_PRIME;
            hash ^= hash >>> 32;
        }
        for (; next < end; next++) {
            hash = (hash ^ Byte.toUnsignedLong(bytes.get(next))) * FNV_PRIME;
        }
        return bytes.putLong(2 * Integer.BYTES + Long.BYTES, hash ^ hash >>> 29).array();
    }

    @Test
    void savesAtTheSameTime_leaveOneWholeFile() throws Exception {
        try (var engine = engine(2)) {
            read(start(engine, greedy(WORDS, 1)));
            try (var all = Executors.newFixedThreadPool(8)) {
                Callable<SavedSession> save = () -> engine.saveSession(CONVERSATION, file);
                for (Future<SavedSession> saved : all.invokeAll(Collections.nCopies(64, save))) {
                    assertThat(saved.get().bytes()).isEqualTo(Files.size(file));
                }
            }
            assertThat(engine.restoreSession(file).tokens()).isPositive();
        }
        try (var files = Files.list(temp)) {
            assertThat(files).noneMatch(path -> path.toString().endsWith(".part"));
        }
    }

    @Test
    void nothingCached_isSaidWithNumbers() throws IOException {
        try (var engine = engine(2)) {
            int tokens = engine.model().vocab().tokenize(WORDS).length;
            assertThatExceptionOfType(SavedStateException.class).isThrownBy(() -> engine.saveSession(CONVERSATION, file))
                    .withMessageContaining(tokens + " tokens");
            assertThat(file).doesNotExist();
        }
        try (var engine = Engines.load(arena, temp, options(1024).reproducible(true).build())) {
            saved();
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> engine.restoreSession(file));
        }
    }

    @Test
    void closedEngines_andTheEnginesOwnThread_areRefused() throws IOException {
        saved();
        var own = new AtomicReference<Throwable>();
        var engine = engine(2);
        try (engine) {
            TokenStream stream = engine.generate(greedy("cat", 3), _ -> {
                try {
                    engine.restoreSession(file);
                } catch (Throwable e) {
                    own.set(e);
                }
            });
            read(stream);
            assertThat(own.get()).isInstanceOf(IllegalStateException.class);
        }
        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> engine.restoreSession(file));
        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> engine.saveSession(CONVERSATION, file));
    }
}
