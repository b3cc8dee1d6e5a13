package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class UserPathsTest {

    private static final Path HOME = Path.of("/home/u");

    @Test
    void history_isWhereTheSystemWantsState() {
        assertThat(UserPaths.history("Linux", HOME, Map.of())).isEqualTo(HOME.resolve(".local/state/llatte/history"));
        assertThat(UserPaths.history("Linux", HOME, Map.of("XDG_STATE_HOME", "/s"))).isEqualTo(Path.of("/s/llatte/history"));
        assertThat(UserPaths.history("Windows 11", HOME, Map.of("LOCALAPPDATA", "/l"))).isEqualTo(Path.of("/l/llatte/history"));
    }
}
