package io.llatte.internal.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.BackendUnavailableException;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativePackageTest {

    private static final String FOLDER = "io/llatte/natives/linux-x86_64/";
    private static final int LIBRARY_BYTES = 3_000_000;

    @TempDir
    private Path temp;
    private URL manifest;

    @BeforeEach
    void writePackage() throws IOException {
        Path jar = temp.resolve("natives.jar");
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            put(out, FOLDER + "llatte-natives.properties", ("liba.so=00 %1$d\nlibb.so=00 %1$d\n".formatted(LIBRARY_BYTES)).getBytes());
            put(out, FOLDER + "liba.so", new byte[LIBRARY_BYTES]);
            put(out, FOLDER + "libb.so", new byte[LIBRARY_BYTES]);
        }
        manifest = URI.create("jar:" + jar.toUri() + "!/" + FOLDER + "llatte-natives.properties").toURL();
    }

    private static void put(JarOutputStream out, String name, byte[] bytes) throws IOException {
        out.putNextEntry(new JarEntry(name));
        out.write(bytes);
        out.closeEntry();
    }

    @Test
    void extract_fillsAFolderNamedByItsContent() throws IOException {
        Path cache = temp.resolve("cache");

        Path first = NativePackage.extract(manifest, cache);
        Path again = NativePackage.extract(manifest, cache);

        assertThat(again).isEqualTo(first);
        assertThat(first.getFileName().toString()).matches("[0-9a-f]{32}");
        assertThat(first.resolve("liba.so")).hasSize(LIBRARY_BYTES);
        assertThat(first.resolve("libb.so")).hasSize(LIBRARY_BYTES);
        assertOnlyFolderAndLock(cache);
    }

    @Test
    void damagedFolder_isFilledAgain() throws IOException {
        Path cache = temp.resolve("cache");
        Path folder = NativePackage.extract(manifest, cache);
        Files.write(folder.resolve("liba.so"), new byte[10]);
        assertThat(NativePackage.damage(folder)).hasValueSatisfying(damage -> assertThat(damage).contains("liba.so", "10 bytes"));

        assertThat(NativePackage.extract(manifest, cache)).isEqualTo(folder);
        assertThat(NativePackage.damage(folder)).isEmpty();

        Files.delete(folder.resolve("libb.so"));
        NativePackage.extract(manifest, cache);
        assertThat(folder.resolve("libb.so")).hasSize(LIBRARY_BYTES);
        assertOnlyFolderAndLock(cache);
    }

    @Test
    void eightProcessesAtOnce_allSeeAWholeFolder() throws Exception {
        Path cache = temp.resolve("cache");
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            processes.add(new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp", System.getProperty("java.class.path"), "-Xmx64m", "-XX:TieredStopAtLevel=1",
                    Extraction.class.getName(), manifest.toString(), cache.toString())
                    .redirectErrorStream(true).start());
        }
        for (Process process : processes) {
            String output = new String(process.getInputStream().readAllBytes());
            assertThat(process.waitFor()).as(output).isZero();
            assertThat(output.strip()).isEqualTo(String.valueOf(2L * LIBRARY_BYTES));
        }
        assertOnlyFolderAndLock(cache);
    }

    /// One process's part: it prints the bytes of the libraries that it sees.
    static final class Extraction {
        public static void main(String[] args) throws IOException {
            Path folder = NativePackage.extract(URI.create(args[0]).toURL(), Path.of(args[1]));
            System.out.println(Files.size(folder.resolve("liba.so")) + Files.size(folder.resolve("libb.so")));
        }
    }

    @Test
    void cacheThatCannotBeWritten_saysWhatToSet() throws IOException {
        Path file = Files.createFile(temp.resolve("not-a-folder"));

        assertThatExceptionOfType(BackendUnavailableException.class)
                .isThrownBy(() -> NativePackage.extract(manifest, file.resolve("cache")))
                .withMessageContaining("LLATTE_NATIVE_CACHE");
    }

    private static void assertOnlyFolderAndLock(Path cache) throws IOException {
        try (Stream<Path> entries = Files.list(cache)) {
            assertThat(entries.map(entry -> entry.getFileName().toString().replaceFirst("[0-9a-f]{32}", "X")))
                    .containsExactlyInAnyOrder("X", "X.lock");
        }
    }
}
