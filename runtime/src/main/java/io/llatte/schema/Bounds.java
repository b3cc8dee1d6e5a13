package io.llatte.schema;

import static io.llatte.schema.AnnotationSet.constraintName;
import static io.llatte.schema.AnnotationSet.element;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.AnswerFormatException;
import java.lang.annotation.Annotation;
import java.math.BigDecimal;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// What validation's annotations allow. Bounds of numbers are null where there are none.
final class Bounds {

    private final String path;
    private int minSize;
    private int maxSize = Integer.MAX_VALUE;
    private BigDecimal min;
    private boolean minExcluded;
    private BigDecimal max;
    private boolean maxExcluded;
    private String pattern;
    private Pattern compiled;
    private boolean notBlank;

    private Bounds(String path) {
        this.path = path;
    }

    static Bounds of(AnnotationSet annotations, String path) {
        var bounds = new Bounds(path);
        annotations.all().forEach(bounds::add);
        if (bounds.minSize > bounds.maxSize) {
            throw new IllegalArgumentException("%s: at least %d and at most %d".formatted(path, bounds.minSize, bounds.maxSize));
        }
        bounds.checkRange();
        return bounds;
    }

    private void add(Annotation annotation) {
        switch (constraintName(annotation)) {
            case "Size" -> {
                atLeast((int) element(annotation, "min"));
                maxSize = Math.min(maxSize, (int) element(annotation, "max"));
            }
            case "NotEmpty" -> atLeast(1);
            case "NotBlank" -> {
                atLeast(1);
                notBlank = true;
            }
            case "Min" -> from(BigDecimal.valueOf((long) element(annotation, "value")), false);
            case "Max" -> to(BigDecimal.valueOf((long) element(annotation, "value")), false);
            case "DecimalMin" -> from(decimal(annotation), !(boolean) element(annotation, "inclusive"));
            case "DecimalMax" -> to(decimal(annotation), !(boolean) element(annotation, "inclusive"));
            case "Positive" -> from(BigDecimal.ZERO, true);
            case "PositiveOrZero" -> from(BigDecimal.ZERO, false);
            case "Negative" -> to(BigDecimal.ZERO, true);
            case "NegativeOrZero" -> to(BigDecimal.ZERO, false);
            case "Pattern" -> matching(annotation);
            case "Size.List", "Min.List", "Max.List", "DecimalMin.List", "DecimalMax.List", "Pattern.List" ->
                throw new IllegalArgumentException("%s: one @%s can be followed, not several".formatted(path,
                        constraintName(annotation).replace(".List", "")));
            default -> { }      // what no schema says: @NotNull always holds, @Email is the application's
        }
    }

    private BigDecimal decimal(Annotation annotation) {
        try {
            return new BigDecimal((String) element(annotation, "value"));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("%s: %s is no number".formatted(path, element(annotation, "value")), e);
        }
    }

    private void matching(Annotation annotation) {
        if (((Object[]) element(annotation, "flags")).length > 0) {
            throw new IllegalArgumentException(path + ": a schema's pattern has no flags");
        }
        String regexp = (String) element(annotation, "regexp");
        try {
            compiled = Pattern.compile(regexp);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("%s: %s is no pattern: %s".formatted(path, regexp, e.getDescription()), e);
        }
        pattern = JsonPattern.of(regexp, path);
    }

    private void atLeast(int size) {
        minSize = Math.max(minSize, size);
    }

    private void from(BigDecimal least, boolean excluded) {
        if (min == null || least.compareTo(min) > 0 || least.compareTo(min) == 0 && excluded) {
            min = least;
            minExcluded = excluded;
        }
    }

    private void to(BigDecimal most, boolean excluded) {
        if (max == null || most.compareTo(max) < 0 || most.compareTo(max) == 0 && excluded) {
            max = most;
            maxExcluded = excluded;
        }
    }

    /// The range of a type besides.
    Bounds within(long least, long most) {
        from(BigDecimal.valueOf(least), false);
        to(BigDecimal.valueOf(most), false);
        checkRange();
        return this;
    }

    private void checkRange() {
        if (min != null && max != null && (min.compareTo(max) > 0 || min.compareTo(max) == 0 && (minExcluded || maxExcluded))) {
            throw new IllegalArgumentException("%s: no number is %s %s and %s %s".formatted(path, minExcluded ? "above" : "at least", min,
                    maxExcluded ? "below" : "at most", max));
        }
    }

    /// Refuses an annotation that says nothing of this type.
    Bounds only(boolean sizes, boolean ranges, boolean patterns) {
        boolean sized = minSize > 0 || maxSize < Integer.MAX_VALUE;
        if (!sizes && sized || !ranges && (min != null || max != null) || !patterns && (pattern != null || notBlank)) {
            throw new IllegalArgumentException(path + ": an annotation bounds what this type does not have");
        }
        if (pattern != null && sized) {
            throw new IllegalArgumentException(path + ": say the length in the pattern; llama.cpp follows one of the two");
        }
        return this;
    }

    void describeText(ObjectNode schema) {
        if (notBlank && pattern == null && minSize == 1 && maxSize == Integer.MAX_VALUE) {
            schema.put("pattern", JsonPattern.NOT_BLANK);
        } else if (pattern != null) {
            schema.put("pattern", pattern);
        } else {
            describeSize(schema, "minLength", "maxLength");
        }
    }

    void describeSize(ObjectNode schema, String least, String most) {
        if (minSize > 0) {
            schema.put(least, minSize);
        }
        if (maxSize < Integer.MAX_VALUE) {
            schema.put(most, maxSize);
        }
    }

    void describeRange(ObjectNode schema) {
        if (min != null) {
            schema.put(minExcluded ? "exclusiveMinimum" : "minimum", min);
        }
        if (max != null) {
            schema.put(maxExcluded ? "exclusiveMaximum" : "maximum", max);
        }
    }

    void checkText(String text, String at) {
        if (text.length() < minSize || text.codePointCount(0, text.length()) > maxSize) {
            throw new AnswerFormatException("%s has %d characters: at least %d and at most %d are allowed".formatted(at,
                    text.codePointCount(0, text.length()), minSize, maxSize));
        }
        if (notBlank && text.isBlank() || compiled != null && !compiled.matcher(text).matches()) {
            throw new AnswerFormatException("%s is %s".formatted(at, compiled == null ? "blank" : "not of the pattern " + compiled));
        }
    }

    void checkSize(int size, String at) {
        if (size < minSize || size > maxSize) {
            throw new AnswerFormatException("%s has %d elements: at least %d and at most %d are allowed".formatted(at, size, minSize, maxSize));
        }
    }

    void checkRange(BigDecimal number, String at) {
        boolean low = min != null && (number.compareTo(min) < 0 || minExcluded && number.compareTo(min) == 0);
        boolean high = max != null && (number.compareTo(max) > 0 || maxExcluded && number.compareTo(max) == 0);
        if (low || high) {
            throw new AnswerFormatException("%s is %s %s".formatted(at, low ? minExcluded ? "not above" : "below"
                    : maxExcluded ? "not below" : "above", low ? min : max));
        }
    }
}
