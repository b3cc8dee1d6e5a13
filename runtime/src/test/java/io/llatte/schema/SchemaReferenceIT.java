package io.llatte.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.GrammarException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every case of llama.cpp's own test of its converter gives the same grammar here, or the same refusal. `native/test/schema_reference.cpp` writes
/// them down.
class SchemaReferenceIT {

    private static JsonNode reference() throws IOException {
        Path file = Path.of(System.getProperty("llatte.test.build"), "schema-reference.json");
        assumeTrue(Files.isRegularFile(file), () -> file + " is missing: build with -DLLATTE_TESTS=ON");
        return new ObjectMapper().readTree(file.toFile());
    }

    static Stream<Arguments> cases() throws IOException {
        return StreamSupport.stream(reference().spliterator(), false).map(one -> Arguments.of(one.get("name").asText(), one));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void convertsAsLlamaCppDoes(String name, JsonNode expected) {
        var schema = new JsonSchema(expected.get("schema").asText());
        if (expected.get("refused").asBoolean()) {
            assertThatExceptionOfType(GrammarException.class).isThrownBy(schema::toGrammar);
        } else {
            assertThat(trimmed(schema.toGrammar())).isEqualTo(expected.get("grammar").asText());
        }
    }

    /// As llama.cpp's test compares.
    private static String trimmed(String grammar) {
        return grammar.strip().replaceAll("(^|\n)[ \t]+", "$1");
    }

    @Test
    void noCaseIsLost() throws IOException {
        long refused = StreamSupport.stream(reference().spliterator(), false).filter(one -> one.get("refused").asBoolean()).count();

        assertThat(reference().size()).isGreaterThanOrEqualTo(81);
        assertThat(refused).isGreaterThanOrEqualTo(3);
    }
}
