package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.endless;
import static io.llatte.engine.Engines.greedy;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.ContextOverflowException;
import io.llatte.EngineBusyException;
import io.llatte.EngineClosedException;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.FinishReason;
import io.llatte.llama.Llama;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Many requests at once on one context.
@Timeout(60)
class InProcessEngineIT {

    @TempDir
    Path temp;

    private final DeviceArena arena = DeviceArena.open();

    @AfterEach
    void closeAll() {
        arena.close();
        assertThat(Llama.openHandles()).isZero();
    }

    private InProcessEngine engine(EngineOptions options) {
        return Engines.load(arena, temp, options);
    }

    private static List<TokenStream> startAll(Engine engine, int count, int maxTokens) {
        return IntStream.range(0, count).mapToObj(i -> start(engine, greedy("cat " + i + " " + WORDS.substring(i), maxTokens))).toList();
    }

    @Test
    void eightRequests_shareTheirDecodes() {
        try (var engine = engine(options(4096).build())) {
            List<List<Integer>> answers = startAll(engine, 8, 100).stream().map(Engines::read).toList();

            assertThat(answers).allSatisfy(ids -> assertThat(ids).hasSize(100));
            assertThat(engine.statistics().generatedTokens()).isEqualTo(800);
            assertThat(engine.statistics().decodes()).as("one for all eight, not one for each").isLessThan(300);
        }
    }

    @Test
    void moreRequestsThanSequences_waitAndAreAllAnswered() {
        try (var engine = engine(options(1024).sequences(3).build())) {
            assertThat(startAll(engine, 20, 20).stream().map(Engines::read).toList()).allSatisfy(ids -> assertThat(ids).hasSize(20));
        }
    }

    @Test
    void reproducible_givesTheAnswerThatARequestGetsAlone() {
        List<List<Integer>> alone = new ArrayList<>();
        try (var engine = engine(options(1024).reproducible(true).build())) {
            for (int i = 0; i < 6; i++) {
                alone.add(read(startAll(engine, i + 1, 40).get(i)));
            }
        }
        try (var engine = engine(options(1024).reproducible(true).build())) {
            assertThat(startAll(engine, 6, 40).stream().map(Engines::read).toList()).isEqualTo(alone);
        }
    }

    @Test
    void fullQueue_refusesWithNumbers_andRecovers() {
        try (var engine = engine(options(1024).sequences(1).queueLimit(2).build())) {
            TokenStream running = start(engine, greedy(WORDS, 900));
            running.next();
            List<TokenStream> waiting = startAll(engine, 2, 5);

            assertThatExceptionOfType(EngineBusyException.class).isThrownBy(() -> start(engine, greedy(WORDS, 5)))
                    .satisfies(e -> assertThat(e.limit()).isEqualTo(2));

            waiting.getFirst().close();
            assertThat(waiting.getFirst().finishReason()).isEqualTo(FinishReason.CANCELLED);
            TokenStream next = start(engine, greedy(WORDS, 5));
            running.close();
            assertThat(read(waiting.get(1))).hasSize(5);
            assertThat(read(next)).hasSize(5);
        }
    }

    @Test
    void higherPriority_isAdmittedFirst() {
        var ended = new CopyOnWriteArrayList<String>();
        try (var engine = engine(options(1024).sequences(1).build())) {
            TokenStream running = start(engine, greedy(WORDS, 900));
            running.next();
            TokenStream low = engine.generate(greedy(WORDS, 5), _ -> ended.add("low"));
            TokenStream high = engine.generate(endless(new Prompt.Text(WORDS), 5).priority(1).build(), _ -> ended.add("high"));
            running.close();
            read(low);
            read(high);
        }
        assertThat(ended).containsExactly("high", "low");
    }

    @Test
    void promptThatCanNeverFit_isRefusedWithNumbers() {
        try (var engine = engine(options(256).build())) {
            String longText = WORDS.repeat(40);
            int tokens = engine.model().vocab().tokenize(longText).length;

            assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> start(engine, greedy(longText, 5))).satisfies(e -> {
                assertThat(e.requestedTokens()).isEqualTo(tokens + 1L);
                assertThat(e.availableTokens()).isEqualTo(256);
            });
            assertThat(read(start(engine, greedy("cat", 5)))).hasSize(5);
        }
    }

    @Test
    void contextsEnd_endsTheAnswer() {
        try (var engine = engine(options(256).build())) {
            TokenStream stream = start(engine, greedy("cat", Integer.MAX_VALUE));
            int prompt = engine.model().vocab().tokenize("cat").length;

            assertThat(read(stream)).hasSize(256 - prompt + 1);
            assertThat(stream.finishReason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void shift_goesOnBeyondTheContext() {
        try (var engine = engine(options(256).build())) {
            var request = endless(new Prompt.Text(WORDS), 1000).overflow(OverflowPolicy.SHIFT).build();
            TokenStream stream = start(engine, request);

            assertThat(read(stream)).hasSize(1000);
            assertThat(stream.usage().generatedTokens()).isEqualTo(1000);
            // What was shifted is no prefix of anything.
            assertThat(read(start(engine, greedy(WORDS, 5)))).hasSize(5);
        }
    }

    @Test
    void dropOldestTurns_keepsTheSystemsAndTheLast() {
        try (var engine = engine(options(512).build())) {
            var messages = new ArrayList<ChatMessage>();
            messages.add(ChatMessage.system("be short"));
            for (int i = 0; i < 20; i++) {
                messages.add(ChatMessage.user(WORDS + i));
                messages.add(ChatMessage.assistant(WORDS + i));
            }
            messages.add(ChatMessage.user("the last"));
            var refused = endless(new Prompt.Chat(messages), 10).build();
            assertThatExceptionOfType(ContextOverflowException.class).isThrownBy(() -> start(engine, refused));

            var dropping = endless(new Prompt.Chat(messages), 10).overflow(OverflowPolicy.DROP_OLDEST_TURNS).build();
            TokenStream stream = start(engine, dropping);
            assertThat(read(stream)).hasSize(10);
            assertThat(stream.usage().promptTokens()).isBetween(200, 502);
        }
    }

    // ---- what is evaluated once

    @Test
    void secondTurn_evaluatesOnlyWhatIsNew() {
        try (var engine = engine(options(4096).build())) {
            String first = WORDS.repeat(20);
            TokenStream stream = start(engine, greedy(first, 10));
            var answer = new StringBuilder();
            stream.forEachRemaining(token -> answer.append(token.text()));
            int promptTokens = engine.model().vocab().tokenize(first).length;
            long before = engine.statistics().evaluatedTokens();

            TokenStream second = start(engine, greedy(first + "and then", 1));
            read(second);

            assertThat(second.usage().cachedTokens()).isGreaterThanOrEqualTo(promptTokens - 1);
            assertThat(engine.statistics().evaluatedTokens() - before).isEqualTo(second.usage().promptTokens() - second.usage().cachedTokens());
        }
    }

    @Test
    void sharedBeginning_isEvaluatedOnce_byThirtyTwoAtATime() {
        try (var engine = engine(options(8192).sequences(32).build())) {
            String shared = WORDS.repeat(50);
            int sharedTokens = engine.model().vocab().tokenize(shared).length;
            List<TokenStream> streams = IntStream.range(0, 32).mapToObj(i -> start(engine, greedy(shared + "question " + i, 3))).toList();
            int own = 0;
            for (TokenStream stream : streams) {
                assertThat(read(stream)).hasSize(3);
                own += stream.usage().promptTokens() - sharedTokens + 4;
            }
            assertThat(sharedTokens).isGreaterThan(1000);
            assertThat(engine.statistics().evaluatedTokens()).isLessThan(sharedTokens + own + 32L * 3);
        }
    }

    @Test
    void oldConversation_isStillThere_afterAnotherBeganTheSameWay() {
        try (var engine = engine(options(4096).build())) {
            String shared = WORDS.repeat(10);
            read(start(engine, greedy(shared + "one two three " + WORDS, 5)));
            read(start(engine, greedy(shared + "four five six " + WORDS, 5)));

            TokenStream again = start(engine, greedy(shared + "one two three " + WORDS + "more", 5));
            read(again);
            int whole = engine.model().vocab().tokenize(shared + "one two three " + WORDS).length;
            assertThat(again.usage().cachedTokens()).isGreaterThanOrEqualTo(whole - 1);
        }
    }

    @Test
    void recurrentModel_sharesABeginning_andKeepsWhatTwoBeganWith() {
        try (var engine = Engines.load(arena, temp, "mamba-dense.gguf", options(4096).sequences(8).build())) {
            String shared = WORDS.repeat(10);
            int sharedTokens = engine.model().vocab().tokenize(shared).length;

            List<TokenStream> together = IntStream.range(0, 4).mapToObj(i -> start(engine, greedy(shared + "at once " + i, 3))).toList();
            assertThat(together).allSatisfy(stream -> assertThat(read(stream)).hasSize(3));
            assertThat(together.stream().skip(1)).allSatisfy(stream ->
                    assertThat(stream.usage().cachedTokens()).isGreaterThanOrEqualTo(sharedTokens - 4));

            // One after the other: the first finds no state at the end of the shared part and leaves one there for the second.
            read(start(engine, greedy(shared + "then one", 3)));
            TokenStream later = start(engine, greedy(shared + "then another", 3));
            read(later);
            assertThat(later.usage().cachedTokens()).isGreaterThanOrEqualTo(sharedTokens - 4);
        }
    }

    @Test
    void recurrentModel_goesOnFromItsOwnAnswer() {
        try (var engine = Engines.load(arena, temp, "mamba-dense.gguf", options(4096).build())) {
            TokenStream first = start(engine, greedy(WORDS, 10));
            var answer = new StringBuilder();
            first.forEachRemaining(token -> answer.append(token.text()));
            TokenStream again = start(engine, greedy(WORDS, 10));
            read(again);
            assertThat(again.usage().cachedTokens()).isEqualTo(again.usage().promptTokens() - 1);
        }
    }

    // ---- a cache that is too small

    @Test
    void fullCache_givesUpWhatIsOnlyKept_first() {
        try (var engine = engine(options(512).sequences(4).build())) {
            for (int i = 0; i < 6; i++) {
                assertThat(read(start(engine, greedy(i + " " + WORDS.repeat(3), 100)))).hasSize(100);
            }
            assertThat(engine.statistics().preemptions()).isZero();
            assertThat(engine.statistics().evictions()).isPositive();
            assertThat(engine.statistics().usedCells()).isLessThanOrEqualTo(512);
        }
    }

    @Test
    void fullCache_setsBackTheLastRequest_andAllAreAnswered() {
        try (var engine = engine(options(512).sequences(4).build())) {
            List<TokenStream> streams = startAll(engine, 4, 300);

            assertThat(streams.stream().map(Engines::read).toList()).allSatisfy(ids -> assertThat(ids).hasSize(300));
            assertThat(engine.statistics().preemptions()).isPositive();
        }
    }

    // ---- readers

    @Test
    void readerThatStops_pausesItsOwnAnswerOnly() throws Exception {
        try (var engine = engine(options(8192).sequences(2).build())) {
            TokenStream unread = start(engine, greedy("unread " + WORDS, 2000));
            assertThat(read(start(engine, greedy(WORDS, 1500)))).hasSize(1500);

            int ahead = unread.usage().generatedTokens();
            Thread.sleep(100);
            assertThat(unread.usage().generatedTokens()).as("paused").isEqualTo(ahead).isLessThan(600);
            assertThat(read(unread)).as("goes on when it is read").hasSize(2000);
        }
    }

    @Test
    void withoutWaitingForReaders_anUnreadAnswerEnds() throws Exception {
        try (var engine = engine(options(4096).build())) {
            TokenStream unread = start(engine, greedy(WORDS, 1500));
            engine.waitForReaders(false);
            while (unread.usage().generatedTokens() < 1500) {
                Thread.sleep(5);
            }
            assertThat(read(unread)).hasSize(1500);
        }
    }

    @Test
    void streamThatNobodyHolds_isCancelled() throws Exception {
        var ended = new CopyOnWriteArrayList<GenerationEnd>();
        try (var engine = engine(options(4096).build())) {
            abandon(engine, ended);
            for (int i = 0; ended.isEmpty() && i < 500; i++) {
                System.gc();
                Thread.sleep(10);
            }
            assertThat(ended).singleElement().satisfies(end -> assertThat(end.finishReason()).isEqualTo(FinishReason.CANCELLED));
        }
    }

    private static void abandon(Engine engine, List<GenerationEnd> ended) {
        engine.generate(greedy(WORDS, 3000), ended::add).next();
    }

    @Test
    void stopString_endsTheText_andTheRequest() {
        var ended = new CopyOnWriteArrayList<GenerationEnd>();
        try (var engine = engine(options(1024).build())) {
            var whole = new StringBuilder();
            start(engine, greedy(WORDS, 60)).forEachRemaining(token -> whole.append(token.text()));
            String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 3);
            var request = endless(new Prompt.Text(WORDS), 60).stop(List.of(stop)).build();
            var text = new StringBuilder();
            TokenStream stream = engine.generate(request, ended::add);
            stream.forEachRemaining(token -> text.append(token.text()));

            assertThat(text.toString()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
            assertThat(stream.finishReason()).isEqualTo(FinishReason.STOP);
            assertThat(ended).hasSize(1);
        }
    }

    @Test
    void interruptedReader_cancels_andStaysInterrupted() throws Exception {
        try (var engine = engine(options(8192).sequences(1).build())) {
            TokenStream first = start(engine, greedy(WORDS, 200));
            TokenStream waiting = start(engine, greedy(WORDS, 100));
            var seen = new CopyOnWriteArrayList<Object>();
            Thread reader = Thread.ofVirtual().start(() -> {
                seen.add(waiting.hasNext());
                seen.add(Thread.currentThread().isInterrupted());
            });
            reader.interrupt();
            assertThat(reader.join(Duration.ofSeconds(20))).isTrue();
            assertThat(seen).containsExactly(false, true);
            assertThat(waiting.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(read(first)).hasSize(200);
        }
    }

    // ---- ends

    @Test
    void closing_endsEveryRequest() {
        var engine = engine(options(4096).sequences(2).build());
        List<TokenStream> streams = startAll(engine, 5, 3000);
        streams.getFirst().next();
        engine.close();

        assertThat(streams).allSatisfy(stream -> assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> read(stream)));
        assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> start(engine, greedy("cat", 1)));
    }

    @Test
    void cancelling_isPerRequest() {
        try (var engine = engine(options(4096).build())) {
            List<TokenStream> streams = startAll(engine, 4, 500);
            streams.get(1).next();
            streams.get(1).cancel();
            streams.get(2).close();

            assertThat(read(streams.get(0))).hasSize(500);
            assertThat(read(streams.get(3))).hasSize(500);
            assertThat(streams.get(1).finishReason()).isIn(FinishReason.CANCELLED, null);
            assertThat(streams.get(2).hasNext()).isFalse();
            assertThat(streams.get(2).finishReason()).isEqualTo(FinishReason.CANCELLED);
        }
    }
}
