package io.llatte.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.llama.ToolCall;
import io.llatte.llama.ToolDefinition;
import io.llatte.schema.Description;
import io.llatte.schema.JsonSchema;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// Methods and functions that are called with what a model wrote.
class ToolboxTest {

    public enum Unit { CELSIUS, FAHRENHEIT }

    public record Report(String city, int degrees, Unit unit) {
    }

    public static final class Weather {

        @ToolMethod("The weather in a city")
        public Report weather(@JsonProperty("city") @Description("its English name") String city, @JsonProperty("unit") Unit unit,
                              @JsonProperty("day") Optional<LocalDate> day) {
            if (city.equals("Atlantis")) {
                throw new IllegalStateException("it has sunk");
            }
            return new Report(city, day.isPresent() ? 20 : 10, unit);
        }

        @ToolMethod(value = "Says hello", name = "greet")
        public String hello() {
            return "Hello";
        }

        @ToolMethod("Does something")
        public void act(@JsonProperty("times") List<Integer> times) {
        }

        @ToolMethod("Fails without a word")
        public int broken() {
            throw new StackOverflowError();
        }

        public String notATool() {
            return "";
        }
    }

    private final Toolbox tools = Toolbox.of(new Weather());

    private ToolResult call(String name, String arguments) {
        return tools.call(new ToolCall("id1", name, arguments));
    }

    @Test
    void methods_areDefinedByTheirParameters() throws Exception {
        assertThat(tools.definitions()).extracting(ToolDefinition::name).containsExactly("act", "broken", "greet", "weather");
        ToolDefinition weather = tools.definitions().getLast();
        assertThat(weather.description()).isEqualTo("The weather in a city");
        var schema = new ObjectMapper().readTree(weather.parameters());
        assertThat(schema.at("/properties/city/description").asText()).isEqualTo("its English name");
        assertThat(schema.at("/properties/unit/enum").toString()).isEqualTo("[\"CELSIUS\",\"FAHRENHEIT\"]");
        assertThat(schema.path("required").toString()).contains("city", "unit");
    }

    @Test
    void results_areTextOrJson() {
        assertThat(call("weather", "{\"city\":\"Rome\",\"unit\":\"CELSIUS\",\"day\":null}").text())
                .isEqualTo("{\"city\":\"Rome\",\"degrees\":10,\"unit\":\"CELSIUS\"}");
        assertThat(call("weather", "{\"city\":\"Rome\",\"unit\":\"CELSIUS\",\"day\":\"2026-01-02\"}").text()).contains("20");
        assertThat(call("greet", "{}")).isEqualTo(new ToolResult(new ToolCall("id1", "greet", "{}"), "Hello", false));
        assertThat(call("greet", "").text()).isEqualTo("Hello");
        assertThat(call("act", "{\"times\":[1,2]}").text()).isEqualTo("done");
        assertThat(call("greet", "{}").message().toolCallId()).isEqualTo("id1");
    }

    @Test
    void whatGoesWrong_isToldToTheModel() {
        assertThat(call("weather", "{\"city\":\"Atlantis\",\"unit\":\"CELSIUS\",\"day\":null}")).satisfies(result -> {
            assertThat(result.failed()).isTrue();
            assertThat(result.text()).contains("it has sunk");
        });
        assertThat(call("weather", "{\"city\":\"Rome\"").text()).contains("no JSON");
        assertThat(call("weather", "{\"city\":\"Rome\",\"unit\":\"KELVIN\",\"day\":null}").text()).contains("unit");
        assertThat(call("greet", "{\"n\":1e999}").text()).contains("1e999");
        assertThat(call("greet", "[]").failed()).isTrue();
        assertThat(call("broken", "{}")).satisfies(result -> assertThat(result.failed()).isTrue());
        assertThat(call("forecast", "{}").text()).contains("no tool forecast").contains("act, broken, greet, weather");
    }

    @Test
    void functions_haveSchemasOfTheirOwn() {
        var own = Toolbox.builder().tool(Tool.of("echo", "Says it again", new JsonSchema("{\"type\":\"object\"}"), arguments -> arguments)).build();
        assertThat(own.call(new ToolCall("", "echo", "{\"a\":1}")).text()).isEqualTo("{\"a\":1}");
        assertThatIllegalArgumentException().isThrownBy(() -> Toolbox.of(new Weather(), new Weather())).withMessageContaining("act");
        assertThatIllegalArgumentException().isThrownBy(() -> Toolbox.of("text")).withMessageContaining("String");
        assertThatIllegalArgumentException().isThrownBy(() -> Toolbox.builder().maxRounds(0));
    }
}
