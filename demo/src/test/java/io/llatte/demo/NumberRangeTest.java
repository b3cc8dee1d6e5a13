package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/// Ranges of numbers on the command line, as `llama-bench` reads them.
class NumberRangeTest {

    private static List<Integer> values(String text) {
        return NumberRange.parse(text).values();
    }

    @Test
    void range_hasTheNumbersThatLlamaBenchGivesIt() {
        assertThat(values("8")).containsExactly(8);
        assertThat(values("-1")).containsExactly(-1);
        assertThat(values("3-5")).containsExactly(3, 4, 5);
        assertThat(values("1-10+4")).containsExactly(1, 5, 9);
        assertThat(values("1-64*2")).containsExactly(1, 2, 4, 8, 16, 32, 64);
        assertThat(values("5-5*1000")).containsExactly(5);
        assertThat(values("2000000000-2147483647*2")).containsExactly(2_000_000_000);
    }

    @ParameterizedTest
    @CsvSource({"x, no range", "'', no range", "1-, no range", "1-8/2, no range", "1-8*, no range", "8-1, backwards", "0-8*2, after 0 comes 0",
        "4-8*1, after 4 comes 4", "1-8+0, after 1 comes 1", "0-2147483647, more than 1000", "99999999999, more than 2147483647"})
    void badRange_isRefusedWithItsNumbers(String text, String why) {
        assertThatIllegalArgumentException().isThrownBy(() -> NumberRange.parse(text)).withMessageContaining(why);
    }

    @Test
    void badRange_isMisuseOfTheCommand() {
        var command = new CommandLine(new BenchCommand()).setCaseInsensitiveEnumValuesAllowed(true);
        assertThat(command.parseArgs("-p", "128,512-2048*2", "-n", "64", "--parallel", "1-4").matchedOptions()).hasSize(3);
        for (String option : List.of("-p", "-n", "--parallel", "-t", "-b", "-ub", "-ngl")) {
            assertThat(catchThrowable(() -> command.parseArgs(option, "8,4-2")))
                    .isInstanceOf(CommandLine.ParameterException.class).hasMessageContaining("runs backwards");
        }
    }
}
