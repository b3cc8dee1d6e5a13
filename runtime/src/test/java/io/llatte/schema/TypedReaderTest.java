package io.llatte.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.AnswerFormatException;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.Size;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TypedReaderTest {

    record Stop(String city, int days) {
        Stop {
            if (days > 1000) {
                throw new IllegalArgumentException(days + " days are too many");
            }
        }
    }

    record Trip(List<Stop> stops, Optional<String> note) { }

    record Everything(byte b, short s, long l, float f, double d, boolean yes, char c, BigInteger whole, BigDecimal exact, LocalDate day,
                      LocalTime time, LocalDateTime both, Instant moment, UUID id, URI link, Set<String> set, int[][] grid,
                      Map<String, Stop> map, OptionalInt age) { }

    record Range(@DecimalMax("1.5") double value, @Size(max = 2) String text) { }

    private static final String EVERYTHING = """
            {"b": -128, "s": 5, "l": 9007199254740993, "f": 1.5, "d": 1e3, "yes": true, "c": "é", "whole": 123456789012345678901234567890,
            "exact": 1.10,
            "day": "2024-02-29", "time": "12:30:00", "both": "2024-02-29T12:30:00", "moment": "2024-02-29T12:30:00.500+02:00",
            "id": "123e4567-e89b-12d3-a456-426614174000", "link": "https://example.org/a?b=c", "set": ["a", "b", "a"], "grid": [[1, 2], [3]],
            "map": {"x": {"city": "Rome", "days": 2}}, "age": null}""";

    @Test
    void records_areReadAsTheyAre() {
        Trip trip = TypedReader.of(Trip.class).read("{\"stops\": [{\"city\": \"Rome\", \"days\": 2}], \"note\": null}");

        assertThat(trip).isEqualTo(new Trip(List.of(new Stop("Rome", 2)), Optional.empty()));
    }

    @Test
    void everyKindOfValue() {
        Everything all = TypedReader.of(Everything.class).read(EVERYTHING);

        assertThat(all.l()).isEqualTo(9007199254740993L);
        assertThat(all.whole()).isEqualTo(new BigInteger("123456789012345678901234567890"));
        assertThat(all.exact()).isEqualTo(new BigDecimal("1.10"));
        assertThat(all.d()).isEqualTo(1000);
        assertThat(all.c()).isEqualTo('é');
        assertThat(all.moment()).isEqualTo(Instant.parse("2024-02-29T10:30:00.500Z"));
        assertThat(all.set()).containsExactly("a", "b");
        assertThat(Arrays.deepToString(all.grid())).isEqualTo("[[1, 2], [3]]");
        assertThat(all.map()).containsEntry("x", new Stop("Rome", 2));
        assertThat(all.age()).isEmpty();
    }

    @Test
    void sealedTypes_areReadByTheirTag() {
        var reader = TypedReader.of(JsonSchemaTest.Figure.class);

        assertThat(reader.read("{\"type\": \"Square\", \"side\": 2}")).isEqualTo(new JsonSchemaTest.Square(2));
        assertThatExceptionOfType(AnswerFormatException.class).isThrownBy(() -> reader.read("{\"type\": \"Cube\", \"side\": 2}"))
                .withMessageContaining("$.type").withMessageContaining("Circle");
        assertThatExceptionOfType(AnswerFormatException.class).isThrownBy(() -> reader.read("{\"side\": 2}")).withMessageContaining("missing");
    }

    @Test
    void genericTypes_byType() throws Exception {
        TypedReader<JsonSchemaTest.Page<JsonSchemaTest.Circle>> reader = TypedReader.of(JsonSchemaTest.Pages.class.getDeclaredMethod("circles")
                .getGenericReturnType());

        assertThat(reader.read("{\"items\": [{\"radius\": 1}], \"first\": null}").items()).containsExactly(new JsonSchemaTest.Circle(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "5", "null", "{\"stops\": []}", "{\"stops\": [], \"note\": null, \"more\": 1}",
        "{\"stops\": [], \"note\": null} x",
        "{\"stops\": [{\"city\": \"Rome\", \"days\": \"2\"}], \"note\": null}", "{\"stops\": [{\"city\": \"Rome\", \"days\": 2.5}], \"note\": null}",
        "{\"stops\": [{\"city\": null, \"days\": 2}], \"note\": null}", "{\"stops\": [{\"city\": \"Rome\", \"days\": 3000000000}], \"note\": null}",
        "{\"stops\": {}, \"note\": null}", "{\"stops\": [{\"city\": \"Rome\", \"days\": 1e99999999999}], \"note\": null}"})
    void whatIsNotTheType_isRefused(String json) {
        assertThatExceptionOfType(AnswerFormatException.class).isThrownBy(() -> TypedReader.of(Trip.class).read(json));
    }

    @Test
    void refusals_nameThePath() {
        var reader = TypedReader.of(Trip.class);

        assertThatExceptionOfType(AnswerFormatException.class)
                .isThrownBy(() -> reader.read("{\"stops\": [{\"city\": \"Rome\", \"days\": 2}, {\"city\": 7, \"days\": 2}], \"note\": null}"))
                .withMessageContaining("$.stops[1].city").withMessageContaining("7");
        assertThatExceptionOfType(AnswerFormatException.class)
                .isThrownBy(() -> reader.read("{\"stops\": [{\"city\": \"Rome\", \"days\": 2000}], \"note\": null}"))
                .withMessageContaining("$.stops[0]").withMessageContaining("2000 days are too many");
    }

    @Test
    void whatAGrammarDoesNotBound_isChecked() {
        var reader = TypedReader.of(Range.class);

        assertThat(reader.read("{\"value\": 1.5, \"text\": \"😀😀\"}").text()).hasSize(4);
        assertThatExceptionOfType(AnswerFormatException.class).isThrownBy(() -> reader.read("{\"value\": 1.51, \"text\": \"\"}"))
                .withMessageContaining("above 1.5");
        assertThatExceptionOfType(AnswerFormatException.class).isThrownBy(() -> reader.read("{\"value\": 1, \"text\": \"abc\"}"))
                .withMessageContaining("3 characters");
        for (String day : List.of("2023-02-29", "0000-13-01", "today")) {
            assertThatExceptionOfType(AnswerFormatException.class)
                    .isThrownBy(() -> TypedReader.of(Everything.class).read(EVERYTHING.replace("2024-02-29\"", day + "\"")))
                    .withMessageContaining("$.day");
        }
        assertThatExceptionOfType(AnswerFormatException.class)
                .isThrownBy(() -> TypedReader.of(Everything.class).read(EVERYTHING.replace("1e3", "1e999")))
                .withMessageContaining("Double");
    }
}
