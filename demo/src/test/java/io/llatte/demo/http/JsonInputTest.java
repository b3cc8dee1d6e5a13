package io.llatte.demo.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonInputTest {

    private static JsonInput parse(String text) {
        return JsonInput.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void assertBad(String param, Runnable read) {
        assertThatExceptionOfType(HttpFailure.class).isThrownBy(read::run).satisfies(failure -> {
            assertThat(failure.status()).isEqualTo(400);
            assertThat(failure.toJson().at("/error/param").asText()).isEqualTo(param);
            assertThat(failure.getMessage()).contains(param);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "1", "\"a\"", "{\"a\": 1} x", "{\"a\": 1, \"a\": 2}", "{\"a\": NaN}", "{'a': 1}", "{\"a\": 01}"})
    void whatIsNoObject_isRefused(String text) {
        assertThatExceptionOfType(HttpFailure.class).isThrownBy(() -> parse(text)).matches(failure -> failure.status() == 400);
    }

    @Test
    void deepNesting_isRefused() {
        assertThatExceptionOfType(HttpFailure.class).isThrownBy(() -> parse("{\"a\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}"));
    }

    @Test
    void valuesOfTheWrongKind_nameTheirPlace() {
        JsonInput body = parse("{\"text\": 1, \"number\": \"1\", \"whole\": 1.5, \"flag\": 0, \"list\": {}, \"objects\": [{}, 1], \"texts\": [\"a\", 2]}");
        assertBad("text", () -> body.string("text"));
        assertBad("number", () -> body.number("number", 0, 1));
        assertBad("whole", () -> body.integer("whole", 0, 9));
        assertBad("flag", () -> body.bool("flag", true));
        assertBad("list", () -> body.objects("list"));
        assertBad("objects[1]", () -> body.objects("objects"));
        assertBad("texts[1]", () -> body.strings("texts"));
        assertBad("missing", () -> body.requiredString("missing"));
    }

    @Test
    void placesWithinPlaces_areNamedWhole() {
        JsonInput inner = parse("{\"messages\": [{}, {\"function\": {\"name\": 5}}]}").objects("messages").get(1).requiredObject("function");
        assertBad("messages[1].function.name", () -> inner.requiredString("name"));
    }

    @Test
    void numbersOutOfRange_areRefusedWithTheRange() {
        JsonInput body = parse("{\"n\": 17, \"huge\": 1e400, \"long\": 99999999999999999999}");
        assertThatExceptionOfType(HttpFailure.class).isThrownBy(() -> body.integer("n", 1, 16)).withMessageContaining("1 to 16, and is 17");
        assertBad("huge", () -> body.number("huge", 0, 2));
        assertBad("huge", () -> body.integer("huge", 0, 2));
        assertBad("long", () -> body.integer("long", 0, 2));
    }

    @Test
    void nothingAndNull_areTheSame() {
        JsonInput body = parse("{\"a\": null}");
        assertThat(body.has("a")).isFalse();
        assertThat(body.string("a")).isEmpty();
        assertThat(body.bool("b", true)).isTrue();
        assertThat(body.strings("a")).isEmpty();
    }

    @Test
    void wholeNumbersMayBeWrittenWithAPoint() {
        assertThat(parse("{\"n\": 3.0}").integer("n", 0, 9)).hasValue(3);
    }

    @Test
    void halfACharacter_isRefused() {
        assertBad("a", () -> parse("{\"a\": \"x\\ud83d\"}").string("a"));
        assertBad("a", () -> parse("{\"a\": \"\\ude00\\ud83d\"}").string("a"));
        assertThat(parse("{\"a\": \"\\ud83d\\ude00 \\u0000 \\uffff\"}").string("a")).hasValue("\ud83d\ude00 \u0000 \uffff");
    }
}
