package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.endless;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.start;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.llatte.llama.ExactLogprobs;
import io.llatte.llama.Logprobs;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.Speculation.DraftModel;
import io.llatte.llama.Token;
import io.llatte.llama.TokenLogprob;
import io.llatte.llama.TokenStream;
import io.llatte.llama.Vocab;
import io.llatte.memory.DeviceArena;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// How probable the model found the tokens of an engine's answers.
@Timeout(60)
class EngineLogprobsIT {

    @TempDir
    Path temp;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void closeAll() {
        arena.close();
    }

    private static GenerationRequest.Builder request(String text) {
        return endless(new Prompt.Text(text), 40);
    }

    private static List<Token> read(TokenStream stream) {
        try (stream) {
            List<Token> all = new ArrayList<>();
            stream.forEachRemaining(all::add);
            return all;
        }
    }

    @Test
    void answersSideBySide_haveTheModelsOwnNumbers_whereTheyAskedForThem() {
        try (var engine = Engines.load(arena, temp, options(4096).build())) {
            List<TokenStream> streams = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                SamplingOptions sampling = i % 2 == 0 ? SamplingOptions.greedy() : SamplingOptions.builder().temperature(2.5f).seed(i).build();
                streams.add(start(engine, request("cat " + i).sampling(sampling).topLogprobs(i == 7 ? OptionalInt.empty() : OptionalInt.of(i)).build()));
            }
            for (int i = 0; i < 7; i++) {
                List<Token> answer = read(streams.get(i));
                assertThat(answer).hasSize(40);
                ExactLogprobs.check(engine.model(), engine.model().vocab().tokenize("cat " + i), answer, i);
                if (i % 2 == 0 && i > 0) {
                    assertThat(answer).allSatisfy(token ->
                            assertThat(token.logprobs().orElseThrow().alternatives().getFirst().id()).isEqualTo(token.id()));
                }
            }
            assertThat(read(streams.get(7))).noneMatch(token -> token.logprobs().isPresent());
        }
    }

    @Test
    void tokensThatWereGuessedAhead_haveThem() {
        try (var engine = Engines.load(arena, temp, options(1024).build())) {
            List<Token> answer = read(start(engine, request(WORDS).speculation(new DraftModel(engine.model(), 4, 0)).topLogprobs(OptionalInt.of(3)).build()));
            ExactLogprobs.check(engine.model(), engine.model().vocab().tokenize(WORDS), answer, 3);
        }
    }

    private static String textOf(List<Token> answer) {
        return answer.stream().map(Token::text).collect(Collectors.joining());
    }

    /// The bytes that the log-probabilities name, as text. Control tokens have names, and no text.
    private static String bytesOf(List<Token> answer, Vocab vocab) {
        var bytes = new ByteArrayOutputStream();
        answer.stream().filter(token -> vocab.pieceBytes(token.id(), false).length > 0)
                .forEach(token -> bytes.writeBytes(token.logprobs().orElseThrow().token().bytes()));
        return bytes.toString(UTF_8);
    }

    @Test
    void bytes_areThoseOfTheText() {
        try (var engine = Engines.load(arena, temp, options(1024).build())) {
            Vocab vocab = engine.model().vocab();
            for (int seed = 0; seed < 20; seed++) {
                SamplingOptions wild = SamplingOptions.builder().temperature(3).seed(seed).build();
                List<Token> answer = read(start(engine, request("cat").sampling(wild).topLogprobs(OptionalInt.of(0)).build()));
                assertThat(bytesOf(answer, vocab)).isEqualTo(textOf(answer));
            }
        }
    }

    @Test
    void stopString_isCutFromTheText_andTokensBeforeItKeepTheirNumbers() {
        try (var engine = Engines.load(arena, temp, options(1024).build())) {
            List<Token> whole = read(start(engine, request("cat").topLogprobs(OptionalInt.of(2)).build()));
            String text = textOf(whole);
            String stop = text.substring(text.length() / 2, text.length() / 2 + 12);
            List<Token> answer = read(start(engine, request("cat").stop(List.of(stop)).topLogprobs(OptionalInt.of(2)).build()));
            assertThat(textOf(answer)).isEqualTo(text.substring(0, text.indexOf(stop)));
            assertThat(answer).hasSizeBetween(1, whole.size() - 1);
            for (int i = 0; i < answer.size(); i++) {
                assertThat(answer.get(i).logprobs().orElseThrow().token().id()).isEqualTo(answer.get(i).id()).isEqualTo(whole.get(i).id());
            }
            ExactLogprobs.check(engine.model(), engine.model().vocab().tokenize("cat"), answer, 2);
        }
    }

    @Test
    void readerThatFallsBehind_findsThemAll() {
        try (var engine = Engines.load(arena, temp, options(2048).build());
             TokenStream slow = start(engine, endless(new Prompt.Text("cat"), 1000).topLogprobs(OptionalInt.of(1)).build())) {
            // It pauses after 256, and another request comes and goes meanwhile.
            assertThat(read(start(engine, request("dog").build()))).hasSize(40);
            List<Token> answer = read(slow);
            assertThat(answer).hasSize(1000).allSatisfy(token -> {
                Logprobs logprobs = token.logprobs().orElseThrow();
                assertThat(logprobs.token().id()).isEqualTo(token.id());
                assertThat(logprobs.alternatives()).containsExactly(logprobs.token());
            });
        }
    }

    @Test
    void textsOfAlternatives_areThereAfterTheModelHasGone() {
        TokenStream stream;
        try (var engine = Engines.load(arena, temp, options(1024).build())) {
            stream = start(engine, request("cat").topLogprobs(OptionalInt.of(5)).build());
            while (stream.finishReason() == null && stream.usage().generatedTokens() < 40) {
                Thread.onSpinWait();
            }
        }
        List<Token> answer = read(stream);
        assertThat(answer).hasSize(40).allSatisfy(token -> assertThat(token.logprobs().orElseThrow().alternatives())
                .hasSize(5).extracting(TokenLogprob::text).noneMatch(String::isEmpty));
    }

    @Test
    void wrongNumbers_areRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> request("cat").topLogprobs(OptionalInt.of(21)).build()).withMessageContaining("21");
    }
}
