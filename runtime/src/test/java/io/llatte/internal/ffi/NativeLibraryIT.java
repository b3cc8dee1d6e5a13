package io.llatte.internal.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.ChildJvm;
import io.llatte.LlatteException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How the library is found. Each case is a process: a library is loaded once in one.
class NativeLibraryIT {

    @TempDir
    private Path temp;

    private static ChildJvm.Result load(Map<String, String> environment, String... properties) throws Exception {
        return ChildJvm.run(Loading.class, environment, properties);
    }

    /// Arguments: system properties as KEY=VALUE. Prints the folder, or the error.
    static final class Loading {
        public static void main(String[] args) {
            System.clearProperty("llatte.native.path");
            for (String argument : args) {
                String[] property = argument.split("=", 2);
                System.setProperty(property[0], property[1]);
            }
            try {
                NativeLibrary.load();
                System.out.println("loaded " + NativeLibrary.directory());
            } catch (LlatteException e) {
                System.out.println("refused " + e.getMessage());
            }
        }
    }

    @Test
    void fromThePackage_isExtractedOnceAndLoaded() throws Exception {
        assumeTrue(NativePackage.find(NativePlatform.current()) != null, "the natives package is not on the class path");
        Path cache = temp.resolve("cache");

        for (int round = 0; round < 2; round++) {
            var result = load(Map.of(), "llatte.native.cache=" + cache);
            assertThat(result.lines()).as(result.output()).anyMatch(line -> line.startsWith("loaded " + cache));
        }
        try (Stream<Path> folders = Files.list(cache).filter(Files::isDirectory)) {
            assertThat(folders).hasSize(1);
        }
    }

    @Test
    void movedFolder_isLoadedFromItsNewPlace() throws Exception {
        Path original = Path.of(System.getProperty("llatte.native.path"));
        Path moved = Files.createDirectories(temp.resolve("moved here"));
        try (Stream<Path> files = Files.list(original)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, moved.resolve(file.getFileName()));
            }
        }
        assertThat(load(Map.of("LLATTE_NATIVE_PATH", moved.toString())).lines()).contains("loaded " + moved);
    }

    @Test
    void givenFolderWithoutALibrary_isNotPassedOver() throws Exception {
        List<String> lines = load(Map.of("LLATTE_NATIVE_PATH", temp.toString())).lines();

        assertThat(lines).anyMatch(line -> line.startsWith("refused LLATTE_NATIVE_PATH is " + temp));
    }

    @Test
    void brokenLibrary_isRefusedByName() throws Exception {
        Path broken = Files.createDirectories(temp.resolve("broken"));
        for (String file : NativePlatform.current().coreLibraryFiles()) {
            Files.writeString(broken.resolve(file), "this is no library");
        }
        assertThat(load(Map.of(), "llatte.native.path=" + broken).lines())
                .anyMatch(line -> line.startsWith("refused Loading " + broken) && line.contains("ggml-base"));
    }
}
