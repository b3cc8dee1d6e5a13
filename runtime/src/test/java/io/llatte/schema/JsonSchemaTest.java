package io.llatte.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.Size;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonSchemaTest {

    enum Color { RED, @JsonProperty("dark-blue") BLUE }

    record Plain(boolean yes, int number, long large, double real, String text, Color color) { }

    record Dates(LocalDate day, Instant moment, UUID id) { }

    record Many(List<String> names, Set<Color> colors, int[] numbers, Map<String, BigDecimal> prices, Optional<String> note, OptionalInt age) { }

    record Bounded(@Size(min = 2, max = 5) String name, @NotEmpty List<@Size(max = 3) String> tags, @Min(1) @Max(5) int stars, @Positive long count,
                   @DecimalMax(value = "9.5", inclusive = false) double mark, @Pattern(regexp = "\\d{5}") String zip, @Positive OptionalInt age) { }

    record Described(@Description("in the nominative") String city, @JsonProperty("dayOfMonth") @JsonPropertyDescription("from 1") int day) { }

    sealed interface Figure permits Circle, Polygon { }

    sealed interface Polygon extends Figure permits Square { }

    record Circle(double radius) implements Figure { }

    record Square(double side) implements Polygon { }

    record Page<T>(List<T> items, Optional<T> first) { }

    record Pages(Page<Circle> circles) { }

    record Tree(String name, List<Branch> branches) { }

    record Branch(Optional<Tree> tree) { }

    sealed interface Clash permits Tagged { }

    record Tagged(String type) implements Clash { }

    sealed interface Twice permits First.Same, Second.Same { }

    interface First {
        record Same() implements Twice { }
    }

    interface Second {
        record Same() implements Twice { }
    }

    record Holder(Deep deep) { }

    record Deep(Map<Integer, String> byNumber) { }

    @SuppressWarnings("rawtypes")
    record Raw(List list) { }

    record Anything(Object value) { }

    record Open(List<? extends Number> numbers) { }

    record Wrong(@Size(max = 3) int number) { }

    record Empty(@Min(3) @Max(2) int number) { }

    record Sided(int value) {
        static String pairUp(@Description("how many") int count, List<String> names) {
            return names + " " + count;
        }
    }

    private static String of(Type type) {
        return JsonSchema.of(type).text();
    }

    @Test
    void plainComponents_inTheirOrder() {
        assertThat(of(Plain.class)).isEqualTo("""
                {"type":"object","properties":{"yes":{"type":"boolean"},"number":{"type":"integer","minimum":-2147483648,"maximum":2147483647},\
                "large":{"type":"integer"},"real":{"type":"number"},"text":{"type":"string"},"color":{"type":"string","enum":["RED","dark-blue"]}},\
                "required":["yes","number","large","real","text","color"],"additionalProperties":false}""");
    }

    @Test
    void formats() {
        assertThat(of(Dates.class)).contains("\"day\":{\"type\":\"string\",\"format\":\"date\"}",
                "\"moment\":{\"type\":\"string\",\"format\":\"date-time\"}",
                "\"id\":{\"type\":\"string\",\"format\":\"uuid\"}");
    }

    @Test
    void listsMapsAndOptionals() {
        assertThat(of(Many.class)).contains("\"names\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
                "\"colors\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\"",
                "\"numbers\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"",
                "\"prices\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\"}}",
                "\"note\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
                "\"required\":[\"names\",\"colors\",\"numbers\",\"prices\",\"note\",\"age\"]");
    }

    @Test
    void validation_becomesBounds_atTypeArgumentsToo() {
        assertThat(of(Bounded.class)).contains("\"name\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":5}",
                "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":3},\"minItems\":1}",
                "\"stars\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}", "\"count\":{\"type\":\"integer\",\"exclusiveMinimum\":0}",
                "\"mark\":{\"type\":\"number\",\"exclusiveMaximum\":9.5}", "\"zip\":{\"type\":\"string\",\"pattern\":\"^[0-9]{5}$\"}",
                "\"age\":{\"anyOf\":[{\"type\":\"integer\",\"exclusiveMinimum\":0");
    }

    @Test
    void namesAndDescriptions_oursAndJacksons() {
        assertThat(of(Described.class)).contains("\"city\":{\"type\":\"string\",\"description\":\"in the nominative\"}", "\"dayOfMonth\":{",
                "\"description\":\"from 1\"}").doesNotContain("\"day\"");
    }

    @Test
    void sealedInterfaces_areToldApartByType() {
        assertThat(of(Figure.class)).isEqualTo("""
                {"anyOf":[{"type":"object","properties":{"type":{"const":"Circle"},"radius":{"type":"number"}},"required":["type","radius"],\
                "additionalProperties":false},{"type":"object","properties":{"type":{"const":"Square"},"side":{"type":"number"}},\
                "required":["type","side"],"additionalProperties":false}]}""");
    }

    @Test
    void genericRecords_areFilledIn() {
        assertThat(of(Pages.class)).contains("\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"radius\"");
    }

    @Test
    void parameters_areAnObject() throws Exception {
        var method = Sided.class.getDeclaredMethod("pairUp", int.class, List.class);
        if (method.getParameters()[0].isNamePresent()) {
            assertThat(JsonSchema.ofParameters(method).text()).contains("\"count\":{\"type\":\"integer\"",
                    "\"required\":[\"count\",\"names\"]", "how many");
            assertThat(TypedReader.ofParameters(method).read("{\"count\": 2, \"names\": [\"a\"]}")).containsExactly(2, List.of("a"));
        } else {
            assertThatIllegalArgumentException().isThrownBy(() -> JsonSchema.ofParameters(method)).withMessageContaining("-parameters");
        }
    }

    @Test
    void whatContainsItself_isRefused_withTheCycle() {
        assertThatIllegalArgumentException().isThrownBy(() -> of(Tree.class))
                .withMessageContaining("Tree.branches[].tree").withMessageContaining("Tree → Branch → Tree");
    }

    @Test
    void whatHasNoSchema_isRefused_withThePath() {
        assertThatIllegalArgumentException().isThrownBy(() -> of(Holder.class)).withMessageContaining("Holder.deep.byNumber")
                .withMessageContaining("Integer");
        assertThatIllegalArgumentException().isThrownBy(() -> of(Anything.class)).withMessageContaining("Anything.value")
                .withMessageContaining("Object");
        assertThatIllegalArgumentException().isThrownBy(() -> of(Raw.class)).withMessageContaining("Raw.list");
        assertThatIllegalArgumentException().isThrownBy(() -> of(Open.class)).withMessageContaining("Open.numbers").withMessageContaining("?");
        assertThatIllegalArgumentException().isThrownBy(() -> of(StringBuilder.class)).withMessageContaining("StringBuilder");
        assertThatIllegalArgumentException().isThrownBy(() -> of(Page.class)).withMessageContaining("raw");
        assertThatIllegalArgumentException().isThrownBy(() -> of(Clash.class)).withMessageContaining("Tagged");
        assertThatIllegalArgumentException().isThrownBy(() -> of(Twice.class)).withMessageContaining("two records named Same");
        assertThatIllegalArgumentException().isThrownBy(() -> of(Wrong.class)).withMessageContaining("Wrong.number");
        assertThatIllegalArgumentException().isThrownBy(() -> of(Empty.class)).withMessageContaining("at least 3 and at most 2");
    }

    record NotBlankName(@NotBlank String name) { }

    @Test
    void notBlank_isAPattern() {
        assertThat(of(NotBlankName.class)).contains("\"pattern\":\"^[^ ");
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', value = {"a.c, `^a[^\"\\\\\\x00-\\x1F]c$`", "\\w+@\\w+\\.org, ^[A-Za-z0-9_]+@[A-Za-z0-9_]+(\\.)org$",
        "^a|b$, ^(a|b)$",
        "(?:x|y){2;3}, `^((x|y){2;3})$`", "é+, ^[é]+$", "[\\d.-]+, ^[0-9.-]+$", "a\\$, ^a(\\$)$"})
    void patterns_areSaidAsLlamaCppReadsThem(String regexp, String expected) {
        assertThat(JsonPattern.of(regexp.replace(';', ','), "")).isEqualTo(expected.replace(';', ','));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\bword", "(?=a)b", "a\"b", "\\\\", "a^b", "(?i)a", "a*?", "\\p{L}", "[a-z&&[^b]]", "(a)\\1", "[\\\\]"})
    void patternsThatBoundNothing_areRefused(String regexp) {
        assertThatIllegalArgumentException().isThrownBy(() -> JsonPattern.of(regexp, "Here.it")).withMessageContaining("Here.it");
    }
}
