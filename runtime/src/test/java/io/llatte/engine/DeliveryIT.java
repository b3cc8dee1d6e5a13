package io.llatte.engine;

import static io.llatte.engine.Engines.WORDS;
import static io.llatte.engine.Engines.endless;
import static io.llatte.engine.Engines.greedy;
import static io.llatte.engine.Engines.options;
import static io.llatte.engine.Engines.read;
import static io.llatte.engine.Engines.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.llatte.llama.FinishReason;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// When readers hear of their tokens.
@Timeout(60)
class DeliveryIT {

    @TempDir
    Path temp;

    private InProcessEngine engine(DeviceArena arena, Duration delay) {
        return Engines.load(arena, temp, options(2048).deliveryDelay(delay).build());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 16, 1000})
    void answersAreTheSame_howeverLongTokensMayWait(long millis) {
        try (var arena = DeviceArena.open(); var engine = engine(arena, Duration.ofMillis(millis));
             var other = engine(arena, Duration.ZERO)) {
            List<TokenStream> streams = IntStream.range(0, 8).mapToObj(i -> start(engine, greedy(i + " " + WORDS, 50))).toList();
            for (int i = 0; i < 8; i++) {
                assertThat(read(streams.get(i))).isEqualTo(read(start(other, greedy(i + " " + WORDS, 50))));
            }
        }
    }

    @Test
    void theFirstToken_doesNotWaitForMore() {
        try (var arena = DeviceArena.open(); var engine = engine(arena, Duration.ofSeconds(1));
             TokenStream stream = start(engine, endless(new Prompt.Text("cat"), Integer.MAX_VALUE).build())) {
            stream.next();
            assertThat(stream.finishReason()).isNull();
        }
    }

    @Test
    void aReaderThatLetItsSequencePause_isWokenForWhatIsThere() {
        try (var arena = DeviceArena.open(); var engine = engine(arena, Duration.ofSeconds(1));
             TokenStream slow = start(engine, endless(new Prompt.Text("cat"), 1000).build())) {
            slow.next();
            // It generates 256 tokens ahead and pauses; each time the reader has caught up with it, it goes on.
            int read = 1;
            for (; slow.hasNext(); read++) {
                slow.next();
            }
            assertThat(read).isEqualTo(1000);
            assertThat(slow.finishReason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void wrongDelays_areRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> EngineOptions.builder().deliveryDelay(Duration.ofMillis(-1)).build());
        assertThatIllegalArgumentException().isThrownBy(() -> EngineOptions.builder().deliveryDelay(Duration.ofMillis(1001)).build())
                .withMessageContaining("1 s");
    }
}
