package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StopStringsTest {

    @Test
    void withoutStops_textPassesUnchanged() {
        var stops = new StopStrings(List.of());

        assertThat(stops.accept("hello")).isEqualTo("hello");
        assertThat(stops.isHolding()).isFalse();
        assertThat(stops.isMatched()).isFalse();
    }

    @Test
    void stopWithinOnePiece_endsTheTextBeforeIt() {
        var stops = new StopStrings(List.of("END"));

        assertThat(stops.accept("one END two")).isEqualTo("one ");
        assertThat(stops.isMatched()).isTrue();
    }

    @Test
    void stopSplitAcrossPieces_isHeldBackUntilItIsKnown() {
        var stops = new StopStrings(List.of("</answer>"));

        assertThat(stops.accept("42</ans")).isEqualTo("42");
        assertThat(stops.isHolding()).isTrue();
        assertThat(stops.accept("wer>")).isEmpty();
        assertThat(stops.isMatched()).isTrue();
    }

    @Test
    void whatOnlyLooksLikeAStop_comesOutLater() {
        var stops = new StopStrings(List.of("</answer>"));

        assertThat(stops.accept("a</an")).isEqualTo("a");
        assertThat(stops.accept("gle>")).isEqualTo("</angle>");
        assertThat(stops.isMatched()).isFalse();
    }

    @Test
    void atTheEnd_whatIsHeldBackIsNotLost() {
        var stops = new StopStrings(List.of("STOP"));

        assertThat(stops.accept("text ST")).isEqualTo("text ");
        assertThat(stops.flush()).isEqualTo("ST");
    }

    @Test
    void earliestOfSeveralStops_counts() {
        var stops = new StopStrings(List.of("bbb", "aa"));

        assertThat(stops.accept("x aa bbb")).isEqualTo("x ");
    }

    @Test
    void overlappingStart_isHeldFromItsLongestForm() {
        var stops = new StopStrings(List.of("aab"));

        assertThat(stops.accept("aa")).isEmpty();
        assertThat(stops.accept("a")).isEqualTo("a");
        assertThat(stops.accept("b")).isEmpty();
        assertThat(stops.isMatched()).isTrue();
    }
}
