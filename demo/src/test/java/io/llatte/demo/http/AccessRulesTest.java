package io.llatte.demo.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccessRulesTest {

    private static final AccessRules LOCAL = new AccessRules(Optional.empty(), true, List.of(), List.of());

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "localhost:8484", "127.0.0.1:80", "[::1]:8484", "LOCALHOST"})
    void ownNames_areAllowed(String host) {
        assertThat(LOCAL.allowsHost(host)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "example.org", "localhost.example.org", "127.0.0.1.example.org:8484", "evil:localhost"})
    void otherNames_areNot(String host) {
        assertThat(LOCAL.allowsHost(host)).isFalse();
    }

    @Test
    void namesOfAProxy_areAllowedWhereTheyWereSaid() {
        var rules = new AccessRules(Optional.empty(), true, List.of(), List.of("Llm.Example.org"));
        assertThat(rules.allowsHost("llm.example.org:443")).isTrue();
        assertThat(rules.allowsHost("example.org")).isFalse();
    }

    @Test
    void ownPages_areAllowedAndOthersOnlyWhereTheyWereSaid() {
        assertThat(LOCAL.allowsOrigin("http://localhost:8484", "localhost:8484")).isTrue();
        assertThat(LOCAL.allowsOrigin("http://localhost:9999", "localhost:8484")).isFalse();
        assertThat(LOCAL.allowsOrigin("null", "localhost:8484")).isFalse();
        var rules = new AccessRules(Optional.empty(), true, List.of("https://example.org"), List.of());
        assertThat(rules.allowsOrigin("https://example.org", "localhost:8484")).isTrue();
        assertThat(rules.allowsOrigin("https://example.org.evil.net", "localhost:8484")).isFalse();
    }

    @Test
    void key_isNeededExactly() {
        var rules = new AccessRules(Optional.of("sécret"), false, List.of(), List.of());
        assertThat(rules.allowsKey("Bearer sécret")).isTrue();
        assertThat(rules.allowsKey("bearer sécret ")).isTrue();
        for (String wrong : List.of("", "Bearer", "Bearer ", "Bearer sécre", "Bearer sécretx", "Basic sécret", "sécret")) {
            assertThat(rules.allowsKey(wrong)).as(wrong).isFalse();
        }
        assertThat(rules.toString()).doesNotContain("sécret");
    }

    @Test
    void withoutAKey_allMayAsk() {
        assertThat(LOCAL.allowsKey("")).isTrue();
    }

    @Test
    void blankKey_isRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new AccessRules(Optional.of(" "), true, List.of(), List.of()));
    }
}
