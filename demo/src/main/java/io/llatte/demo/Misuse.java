package io.llatte.demo;

import java.util.Locale;
import java.util.function.Supplier;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// The command line is wrong in a way that only the command itself can see.
final class Misuse extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private static final Pattern PARAMETER = Pattern.compile("^[a-z]+([A-Z][a-z]*)*(?= must )");
    private static final Pattern CAPITAL = Pattern.compile("[A-Z]");

    Misuse(String message) {
        super(message);
    }

    static void unless(boolean holds, String message) {
        if (!holds) {
            throw new Misuse(message);
        }
    }

    /// Builds options of the library; what it says of `topP` is said of `--top-p`.
    ///
    /// @throws Misuse if it refuses them
    static <T> T ofOption(Supplier<T> build) {
        try {
            return build.get();
        } catch (IllegalArgumentException e) {
            throw new Misuse(PARAMETER.matcher(e.getMessage()).replaceFirst(Misuse::option));
        }
    }

    private static String option(MatchResult parameter) {
        return "--" + CAPITAL.matcher(parameter.group()).replaceAll(capital -> "-" + capital.group().toLowerCase(Locale.ROOT));
    }
}
