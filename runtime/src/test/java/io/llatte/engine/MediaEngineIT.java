package io.llatte.engine;

import static io.llatte.engine.Engines.endless;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.llatte.MediaException;
import io.llatte.ModelLoadException;
import io.llatte.Pictures;
import io.llatte.SpeakingModels;
import io.llatte.llama.Audio;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Image;
import io.llatte.llama.Llama;
import io.llatte.llama.LlamaCppSource;
import io.llatte.llama.Media;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Requests with pictures, beside others and one after the other.
@Timeout(120)
class MediaEngineIT {

    private static final Image RED = Image.of(Pictures.noise(40, 40, 1));
    private static final Image BLUE = Image.of(Pictures.noise(40, 40, 2));

    @TempDir
    Path temp;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void closeAll() {
        arena.close();
        assertThat(Llama.openHandles()).isZero();
    }

    private InProcessEngine engine(EngineOptions.Builder options) {
        Path projector = temp.resolve("mmproj-mlp-1.gguf");
        if (!Files.exists(projector)) {
            Pictures.projector("mlp-1", temp);
        }
        return Engines.load(arena, temp, options.build());
    }

    private static GenerationRequest about(String text, int maxTokens, Media... media) {
        return endless(new Prompt.Chat(List.of(ChatMessage.user(text, media))), maxTokens).build();
    }

    private static List<Integer> answer(Engine engine, String text, Media... media) {
        return read(start(engine, about(text, 12, media)));
    }

    /// How probable the model finds its first token: a tiny model says the same about everything, and is not equally sure of it.
    private static float sureness(Engine engine, String text, Media... media) {
        return sureness(start(engine, asked(text, media)));
    }

    private static GenerationRequest asked(String text, Media... media) {
        return endless(new Prompt.Chat(List.of(ChatMessage.user(text, media))), 1).topLogprobs(OptionalInt.of(1)).build();
    }

    private static float sureness(TokenStream stream) {
        try (stream) {
            return stream.next().logprobs().orElseThrow().token().logprob();
        }
    }

    @Test
    void pictures_makeADifference() {
        try (var engine = engine(options(1024).sequences(1).reproducible(true))) {
            float red = sureness(engine, "what?", RED);
            assertThat(red).isEqualTo(sureness(engine, "what?", RED));
            assertThat(List.of(red, sureness(engine, "what?", BLUE), sureness(engine, "what?"), sureness(engine, "what?", RED, BLUE),
                    sureness(engine, "what?", BLUE, RED))).doesNotHaveDuplicates();
        }
    }

    @Test
    void sounds_areHeardOnce() throws IOException {
        Pictures.projector("qwen2a", temp);
        Audio speech = Audio.of(LlamaCppSource.folder("tools/mtmd").resolve("test-2.mp3"));
        Audio silence = Audio.of(new float[16_000], 16_000);
        try (var engine = Engines.load(arena, temp, options(2048).build())) {
            assertThat(engine.projector().orElseThrow().sampleRate()).isEqualTo(16_000);
            float heard = sureness(engine, "what?", speech);
            assertThat(heard).isNotEqualTo(sureness(engine, "what?", silence)).isNotEqualTo(sureness(engine, "what?"));
            TokenStream again = start(engine, asked("what?", speech));
            assertThat(sureness(again)).isCloseTo(heard, within(0.01f));
            assertThat(again.usage().cachedTokens()).isGreaterThan(700);
        }
    }

    @Test
    void samePictureAgain_isEncodedAndEvaluatedOnce() {
        try (var engine = engine(options(1024))) {
            TokenStream first = start(engine, about("what is there?", 4, RED));
            read(first);
            long evaluated = engine.statistics().evaluatedTokens();
            TokenStream again = start(engine, about("what is there?", 4, RED));
            read(again);
            assertThat(again.usage().promptTokens()).isEqualTo(first.usage().promptTokens()).isGreaterThan(16);
            assertThat(again.usage().cachedTokens()).isEqualTo(first.usage().promptTokens() - 1);
            assertThat(engine.statistics().evaluatedTokens() - evaluated).isLessThan(8);
            assertThat(engine.projector().orElseThrow().encodes()).isEqualTo(1);

            TokenStream other = start(engine, about("what is there?", 4, BLUE));
            read(other);
            assertThat(other.usage().promptTokens()).isEqualTo(first.usage().promptTokens());
            assertThat(other.usage().cachedTokens()).as("nothing of the other picture").isLessThan(again.usage().cachedTokens() - 16);
            assertThat(engine.projector().orElseThrow().encodes()).isEqualTo(2);

            TokenStream secondTurn = start(engine, endless(new Prompt.Chat(List.of(ChatMessage.user("what is there?", RED),
                    ChatMessage.assistant("a cat"), ChatMessage.user("and now?", BLUE))), 4).build());
            read(secondTurn);
            assertThat(secondTurn.usage().cachedTokens()).isGreaterThanOrEqualTo(first.usage().promptTokens() - 16);
            assertThat(engine.projector().orElseThrow().encodes()).isEqualTo(2);
        }
    }

    @Test
    void manyAtOnce_answerAsEachAlone() {
        List<Float> alone = new ArrayList<>();
        try (var engine = engine(options(2048).reproducible(true))) {
            for (int i = 0; i < 6; i++) {
                alone.add(sureness(engine, "number " + i, i % 2 == 0 ? RED : BLUE));
            }
        }
        // Other shapes of batches round otherwise.
        try (var engine = engine(options(2048).sequences(6))) {
            List<TokenStream> running = IntStream.range(0, 6).mapToObj(i -> start(engine, asked("number " + i, i % 2 == 0 ? RED : BLUE))).toList();
            for (int i = 0; i < 6; i++) {
                assertThat(sureness(running.get(i))).isCloseTo(alone.get(i), within(2e-3f));
            }
            assertThat(engine.projector().orElseThrow().encodes()).isEqualTo(2);
        }
    }

    @Test
    void pictureLargerThanAStep_isEvaluatedInSeveral() {
        float whole;
        try (var engine = engine(options(1024).reproducible(true))) {
            whole = sureness(engine, "what?", RED);
        }
        try (var engine = engine(options(1024).sequences(1).microBatchSize(7))) {
            assertThat(sureness(engine, "what?", RED)).isCloseTo(whole, within(2e-3f));
        }
    }

    @Test
    void requestsThatAreSetBack_seeTheirPicturesAgain() {
        try (var engine = engine(options(512).sequences(4))) {
            List<TokenStream> running = IntStream.range(0, 4).mapToObj(i -> start(engine, about("number " + i, 150, i % 2 == 0 ? RED : BLUE))).toList();
            assertThat(running.stream().map(Engines::read).toList()).allSatisfy(ids -> assertThat(ids).hasSize(150));
            assertThat(engine.statistics().preemptions()).isPositive();
            assertThat(engine.projector().orElseThrow().encodes()).isEqualTo(2);
        }
    }

    @Test
    void pictureThatAttendsToItself_needsAMicroBatch() {
        Pictures.projector("gemma3", temp);
        try (var engine = Engines.load(arena, temp, "gemma3-dense.gguf", options(512).sequences(2).build())) {
            assertThat(answer(engine, "what?", RED)).hasSize(12);
            assertThat(sureness(engine, "what?", RED)).isNotEqualTo(sureness(engine, "what?", BLUE));
        }
        try (var engine = Engines.load(arena, temp, "gemma3-dense.gguf", options(512).sequences(2).microBatchSize(8).build())) {
            assertThatExceptionOfType(MediaException.class).isThrownBy(() -> answer(engine, "what?", RED)).withMessageContaining("16")
                    .withMessageContaining("8");
            assertThat(answer(engine, "what?")).hasSize(12);
        }
    }

    @Test
    void whatCannotBe_isRefused() {
        try (var engine = engine(options(256))) {
            assertThatIllegalArgumentException().isThrownBy(() -> engine.generate(endless(new Prompt.Chat(List.of(ChatMessage.user("a", RED))), 4)
                    .overflow(OverflowPolicy.SHIFT).build(), _ -> { })).withMessageContaining("shifted");
            assertThatExceptionOfType(UnsupportedOperationException.class)
                    .isThrownBy(() -> engine.saveSession(new Prompt.Chat(List.of(ChatMessage.user("a", RED))), temp.resolve("session")));
            assertThatExceptionOfType(MediaException.class).isThrownBy(() -> answer(engine, "a", Image.of(Pictures.pngHeader(10_000, 10_000))));
            assertThat(answer(engine, "a", RED)).hasSize(12);
        }
        try (var engine = engine(options(256).projector(new ProjectorSource.None()))) {
            assertThat(engine.projector()).isEmpty();
            assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> answer(engine, "a", RED)).withMessageContaining("projector");
        }
        Path model = temp.resolve(SpeakingModels.A);
        assertThatExceptionOfType(ModelLoadException.class).isThrownBy(() -> engine(options(256).projector(model)));
    }

    @Test
    void oldestTurns_goWithTheirPictures() {
        try (var engine = engine(options(256).sequences(1))) {
            var turns = new ArrayList<ChatMessage>();
            for (int i = 0; i < 12; i++) {
                turns.add(ChatMessage.user("turn " + i, i % 2 == 0 ? RED : BLUE));
                turns.add(ChatMessage.assistant("yes"));
            }
            turns.add(ChatMessage.user("and?"));
            var stream = start(engine, endless(new Prompt.Chat(turns), 8).overflow(OverflowPolicy.DROP_OLDEST_TURNS).build());
            assertThat(read(stream)).hasSize(8);
            assertThat(stream.usage().promptTokens()).isLessThan(256);
        }
    }

    @Test
    void projector_isPlannedAndChargedWithTheModel() {
        long without;
        try (var engine = engine(options(256).projector(new ProjectorSource.None()))) {
            without = arena.ledger().totalBytes();
        }
        try (var engine = engine(options(256))) {
            long its = engine.projector().orElseThrow().memory().stream().mapToLong(usage -> usage.totalBytes()).sum();
            assertThat(arena.ledger().totalBytes() - without).isEqualTo(its).isPositive();
        }
        assertThat(arena.ledger().totalBytes()).isZero();
    }
}
