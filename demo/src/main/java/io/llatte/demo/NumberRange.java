package io.llatte.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// A part of a list of numbers, as `llama-bench` reads them: `8`, `first-last`, `first-last+step` or `first-last*factor`. The last
/// one is in the range where a step meets it.
///
/// @param values what it stands for, rising
record NumberRange(List<Integer> values) {

    private static final Pattern FORM = Pattern.compile("(-?\\d+)(?:-(\\d+)(?:([+*])(\\d+))?)?");

    /// Nobody measures more of one thing, and a slip of the finger makes billions.
    private static final int MOST_VALUES = 1000;

    NumberRange {
        values = List.copyOf(values);
    }

    /// @throws IllegalArgumentException if it is none, runs backwards, stands still, or has more than 1000 numbers
    static NumberRange parse(String text) {
        Matcher form = FORM.matcher(text.strip());
        if (!form.matches()) {
            throw new IllegalArgumentException("'%s' is no number and no range: first-last, first-last+step or first-last*factor".formatted(text));
        }
        int first = number(form.group(1));
        if (form.group(2) == null) {
            return new NumberRange(List.of(first));
        }
        int last = number(form.group(2));
        if (last < first) {
            throw new IllegalArgumentException("'%s' runs backwards: %d is less than %d".formatted(text, last, first));
        }
        boolean multiplies = "*".equals(form.group(3));
        int step = form.group(4) == null ? 1 : number(form.group(4));
        List<Integer> values = new ArrayList<>();
        long value = first;
        while (value <= last) {
            values.add((int) value);
            long next = multiplies ? value * step : value + step;
            if (next <= value) {
                throw new IllegalArgumentException("'%s' stands still: after %d comes %d".formatted(text, value, next));
            }
            if (values.size() > MOST_VALUES) {
                throw new IllegalArgumentException("'%s' has more than %d numbers".formatted(text, MOST_VALUES));
            }
            value = next;
        }
        return new NumberRange(values);
    }

    private static int number(String digits) {
        try {
            return Integer.parseInt(digits);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("%s is more than %d".formatted(digits, Integer.MAX_VALUE), e);
        }
    }

    /// The numbers of all parts of a list, in their order.
    static List<Integer> all(List<NumberRange> parts) {
        return parts.stream().flatMap(part -> part.values().stream()).toList();
    }

    /// Makes it of a part of an option's list.
    static final class Converter implements ITypeConverter<NumberRange> {
        @Override
        public NumberRange convert(String value) {
            try {
                return parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
