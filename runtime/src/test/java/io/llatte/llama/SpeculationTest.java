package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import io.llatte.llama.Speculation.DraftModel;
import io.llatte.llama.Speculation.Lookup;
import io.llatte.llama.Speculation.Mtp;
import io.llatte.llama.Speculation.NGram;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpeculationTest {

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 1025, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void lengthsOutOfRange_areRefusedWithTheNumber(int length) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Mtp(length)).withMessageContaining(String.valueOf(length));
        assertThatIllegalArgumentException().isThrownBy(() -> new NGram(Lookup.MAP, length, 8)).withMessageContaining("match");
        assertThatIllegalArgumentException().isThrownBy(() -> new NGram(Lookup.MAP, 8, length)).withMessageContaining("maxTokens");
    }

    @Test
    void simpleLookup_thatCouldNeverDraft_isRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new NGram(Lookup.SIMPLE, 9, 8)).withMessageContaining("9");
        assertThat(new NGram(Lookup.MAP, 9, 8).match()).isEqualTo(9);
    }

    @Test
    void nulls_areRefused() {
        assertThatNullPointerException().isThrownBy(() -> new DraftModel(null));
        assertThatNullPointerException().isThrownBy(() -> new NGram(null, 1, 1));
        assertThatNullPointerException().isThrownBy(() -> GenerateOptions.builder().speculation(null).build());
    }

    @Test
    void defaults_areLlamaCpps() {
        assertThat(new NGram(Lookup.SIMPLE)).isEqualTo(new NGram(Lookup.SIMPLE, 12, 48));
        assertThat(new NGram(Lookup.MOD)).isEqualTo(new NGram(Lookup.MOD, 24, 64));
        assertThat(GenerateOptions.defaults().speculation()).isSameAs(Speculation.none());
        assertThat(Speculation.none().maxTokens()).isZero();
    }

    @Test
    void acceptanceRate_isAShare() {
        assertThat(new DraftStatistics(8, 6, Duration.ZERO).acceptanceRate()).isEqualTo(0.75);
        assertThat(DraftStatistics.NONE.acceptanceRate()).isZero();
    }
}
