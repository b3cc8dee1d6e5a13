package io.llatte.demo;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.llatte.schema.Description;
import io.llatte.tools.ToolMethod;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;

/// Tools that a model may call from the console: none of them reads or changes anything but the clock.
public final class ConsoleTools {

    /// What can be done with two numbers.
    public enum Operation { ADD, SUBTRACT, MULTIPLY, DIVIDE }

    ConsoleTools() {
    }

    @ToolMethod("The date, the time and the day of the week, now")
    public String now(@JsonProperty("zone") @Description("a time zone such as Europe/Paris; null for the user's own") Optional<String> zone) {
        ZoneId place = zone.map(ZoneId::of).orElseGet(ZoneId::systemDefault);
        return ZonedDateTime.now(place).format(DateTimeFormatter.ofPattern("EEEE, yyyy-MM-dd HH:mm:ss VV", Locale.ENGLISH));
    }

    @ToolMethod("Calculates with two numbers")
    public String calculate(@JsonProperty("left") BigDecimal left, @JsonProperty("operation") Operation operation,
                            @JsonProperty("right") BigDecimal right) {
        BigDecimal result = switch (operation) {
            case ADD -> left.add(right, MathContext.DECIMAL64);
            case SUBTRACT -> left.subtract(right, MathContext.DECIMAL64);
            case MULTIPLY -> left.multiply(right, MathContext.DECIMAL64);
            case DIVIDE -> left.divide(right, MathContext.DECIMAL64);
        };
        return result.toString();
    }
}
