package io.llatte.model;

import static io.llatte.model.TestModels.bytes;
import static io.llatte.model.TestModels.catalog;
import static io.llatte.model.TestModels.contains;
import static io.llatte.model.TestModels.sha256;
import static io.llatte.model.TestModels.work;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llatte.DownloadException;
import io.llatte.model.DownloadProgress.Phase;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UrlDownloadTest {

    private static final DownloadListener SILENT = progress -> { };

    @TempDir
    private Path temporary;
    private Path folder;
    private FileServer server;

    @BeforeEach
    void startServer() throws IOException {
        folder = temporary.resolve("models");
        server = new FileServer();
    }

    @AfterEach
    void stopServer() throws IOException {
        server.close();
    }

    private ModelStore.Builder builder(ModelCatalog catalog) {
        return ModelStore.builder().folder(folder).catalog(catalog).environment(Map.of("HF_HOME", temporary.resolve("hub").toString()));
    }

    private ModelStore store(ModelCatalog catalog) {
        return builder(catalog).stallTimeout(Duration.ofSeconds(20)).build();
    }

    private ModelStore store(byte[] content) {
        return store(catalog(content, new ModelSource.Url(server.uri("/tiny.gguf"))));
    }

    private void assertNothingUnderFinalName() {
        assertThat(folder.resolve("tiny.gguf")).doesNotExist();
    }

    @Test
    void pull_leavesTheFileAndNothingElse() throws IOException {
        byte[] content = bytes(1_000_000);
        server.put("/tiny.gguf", content);
        var progress = new ArrayList<DownloadProgress>();

        StoredModel model = store(content).pull("tiny", progress::add);

        assertThat(model.path()).isEqualTo(folder.resolve("tiny.gguf")).hasBinaryContent(content);
        assertThat(model.files()).containsExactly(model.path());
        assertThat(model.present()).isTrue();
        assertThat(work(folder)).doesNotExist();
        assertThat(progress).extracting(DownloadProgress::phase).containsSubsequence(Phase.DOWNLOADING, Phase.VERIFYING);
        assertThat(progress.getLast().bytes()).isEqualTo(content.length);
        assertThat(progress.getLast().fraction()).isEqualTo(1);
    }

    @Test
    void pull_ofAPresentModelAsksNobody() {
        byte[] content = bytes(1000);
        server.put("/tiny.gguf", content);
        ModelStore store = store(content);
        store.pull("tiny", SILENT);
        store.pull("default", SILENT);
        assertThat(server.requests()).hasSize(1);
        assertThat(store.find("tiny")).map(StoredModel::path).contains(store.path("tiny"));
        assertThat(store.list()).singleElement().matches(StoredModel::present);
    }

    @Test
    void wrongChecksum_namesBothAndLeavesNothing() {
        byte[] content = bytes(1000);
        server.put("/tiny.gguf", bytes(1001).clone());
        ModelStore store = store(catalog(1001, sha256(content), new ModelSource.Url(server.uri("/tiny.gguf"))));
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining(sha256(content)).hasMessageContaining(sha256(bytes(1001)));
        assertNothingUnderFinalName();
        assertThat(work(folder)).isEmptyDirectory();
    }

    @Test
    void largerThanTheCatalogSays_isRefused() {
        byte[] content = bytes(1000);
        server.put("/tiny.gguf", bytes(2000));
        assertThatThrownBy(() -> store(content).pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("larger than the 1000 bytes");
        assertNothingUnderFinalName();
    }

    @Test
    void notFound_namesTheStatus() {
        assertThatThrownBy(() -> store(bytes(10)).pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("404");
        assertNothingUnderFinalName();
    }

    @Test
    void nobodyListening_isNoNetwork() throws IOException {
        URI gone = server.uri("/tiny.gguf");
        server.close();
        ModelStore store = store(catalog(bytes(10), new ModelSource.Url(gone)));
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class).hasMessageStartingWith("no network");
        assertNothingUnderFinalName();
    }

    @Test
    void brokenConnection_isResumedByItself() {
        byte[] content = bytes(300_000);
        server.put("/tiny.gguf", content);
        server.breakAfter(150_000);
        assertThat(store(content).pull("tiny", SILENT).path()).hasBinaryContent(content);
        assertThat(server.requests()).anyMatch(request -> request.matches("/tiny.gguf bytes=\\d+-"));
    }

    @Test
    void truncatedForGood_keepsWhatCameForTheNextPull() throws IOException {
        byte[] content = bytes(1_000_000);
        server.put("/tiny.gguf", content);
        server.breakAfter(65_536);
        ModelStore store = store(content);
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("broke off after").hasMessageContaining("of 1000000 bytes");
        assertNothingUnderFinalName();
        long kept = Files.size(work(folder).resolve("tiny.gguf.part"));
        assertThat(kept).isPositive();

        server.breakAfter(Integer.MAX_VALUE);
        assertThat(store.pull("tiny", SILENT).path()).hasBinaryContent(content);
        assertThat(server.requests().getLast()).isEqualTo("/tiny.gguf bytes=" + kept + "-");
    }

    @Test
    void fileThatChangedMeanwhile_startsAnew() {
        byte[] content = bytes(1_000_000);
        server.put("/tiny.gguf", bytes(999_999));
        server.breakAfter(65_536);
        ModelStore store = store(content);
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class);

        server.put("/tiny.gguf", content);
        server.etag("\"2\"");
        server.breakAfter(Integer.MAX_VALUE);
        assertThat(store.pull("tiny", SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void silentConnection_isBrokenAndResumed() {
        byte[] content = bytes(300_000);
        server.put("/tiny.gguf", content);
        server.breakAfter(200_000);
        server.stall(true);
        ModelStore store = builder(store(content).catalog()).stallTimeout(Duration.ofSeconds(1)).build();
        assertThat(store.pull("tiny", SILENT).path()).hasBinaryContent(content);
        assertThat(server.requests()).containsExactly("/tiny.gguf", "/tiny.gguf bytes=200000-");
    }

    @Test
    void secondSource_isTriedAfterTheFirst() {
        byte[] content = bytes(1000);
        ModelStore store = store(catalog(content, new ModelSource.Url(server.uri("/missing")),
                new ModelSource.Url(server.put("/tiny.gguf", content))));
        assertThat(store.pull("tiny", SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void interruptedThread_stopsAndResumesLater() throws Exception {
        byte[] content = bytes(1_000_000);
        server.put("/tiny.gguf", content);
        server.delayMillis(50);
        ModelStore store = store(content);
        var started = new CountDownLatch(1);
        var failure = new AtomicReference<Throwable>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                store.pull("tiny", progress -> {
                    if (progress.bytes() > 0) {
                        started.countDown();
                    }
                });
            } catch (RuntimeException e) {
                failure.set(e);
            }
        });
        assertThat(started.await(30, TimeUnit.SECONDS)).isTrue();
        thread.interrupt();
        thread.join();
        assertThat(failure.get()).isInstanceOf(CancellationException.class);
        server.delayMillis(0);
        assertThat(store.pull("tiny", SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void killedProcess_isResumed() throws Exception {
        byte[] content = bytes(2_000_000);
        URI uri = server.put("/tiny.gguf", content);
        server.delayMillis(20);
        Path output = temporary.resolve("output");
        Process child = TestModels.startJava(output, PullProgram.class, folder.toString(), uri.toString(), "2000000", sha256(content));
        Path part = work(folder).resolve("tiny.gguf.part");
        TestModels.await("some bytes", () -> part.toFile().length() > 100_000);
        child.destroyForcibly().waitFor();
        long kept = Files.size(part);
        assertNothingUnderFinalName();

        server.delayMillis(0);
        assertThat(store(content).pull("tiny", SILENT).path()).hasBinaryContent(content);
        assertThat(server.requests().getLast()).isEqualTo("/tiny.gguf bytes=" + kept + "-");
    }

    @Test
    void secondProcess_failsAtOnceAndNamesTheFirst() throws Exception {
        byte[] content = bytes(2_000_000);
        URI uri = server.put("/tiny.gguf", content);
        server.delayMillis(20);
        Path output = temporary.resolve("output");
        Process child = TestModels.startJava(output, PullProgram.class, folder.toString(), uri.toString(), "2000000", sha256(content));
        try {
            TestModels.await("the download's start", () -> contains(output, "DOWNLOADING"));
            ModelStore store = store(content);
            assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                    .hasMessage("another process (pid %d) is downloading tiny; try again when it is done", child.pid());
            assertThatThrownBy(() -> store.remove("tiny")).isInstanceOf(DownloadException.class).hasMessageContaining("pid");

            server.delayMillis(0);
            var phases = new ArrayList<Phase>();
            ModelStore patient = builder(store.catalog()).lockPatience(Duration.ofSeconds(30)).build();
            assertThat(patient.pull("tiny", progress -> phases.add(progress.phase())).path()).hasBinaryContent(content);
            assertThat(phases).containsOnly(Phase.WAITING);
            assertThat(child.waitFor()).isZero();
            assertThat(server.requests()).hasSize(1);
        } finally {
            child.destroyForcibly();
        }
    }

    @Test
    void secondThread_waitsForTheFirst() {
        byte[] content = bytes(200_000);
        server.put("/tiny.gguf", content);
        server.delayMillis(20);
        ModelStore store = builder(store(content).catalog()).lockPatience(Duration.ofSeconds(30)).build();
        List<CompletableFuture<StoredModel>> pulls = List.of(CompletableFuture.supplyAsync(() -> store.pull("tiny", SILENT)),
                CompletableFuture.supplyAsync(() -> store.pull("tiny", SILENT)));
        assertThat(pulls).allSatisfy(pull -> assertThat(pull.join().path()).hasBinaryContent(content));
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void tooLittleDiskSpace_saysHowMuch() {
        byte[] content = bytes(1000);
        server.put("/tiny.gguf", content);
        ModelStore store = builder(store(content).catalog()).reservedBytes(Long.MAX_VALUE).build();
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("1000 bytes needed, 0 available");
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void folderThatCannotBeWritten_saysWhichVariableToSet() throws IOException {
        Files.writeString(folder, "a file where the folder should be");
        assertThatThrownBy(() -> store(bytes(10)).pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining(folder.toString()).hasMessageContaining("LLATTE_MODELS");
    }

    @Test
    void remove_deletesTheFileOnce() {
        byte[] content = bytes(1000);
        server.put("/tiny.gguf", content);
        ModelStore store = store(content);
        assertThat(store.remove("tiny")).isFalse();
        store.pull("tiny", SILENT);
        assertThat(store.remove("tiny")).isTrue();
        assertThat(store.find("tiny")).isEmpty();
        assertThat(store.remove("tiny")).isFalse();
    }

    @Test
    void unknownId_isMisuse() {
        ModelStore store = store(bytes(10));
        assertThatThrownBy(() -> store.pull("none", SILENT)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("tiny");
    }

    @Test
    void address_hasAPlaceOfItsOwn() throws IOException {
        byte[] content = bytes(1000);
        String first = server.put("/one/tiny.gguf", content).toString();
        String second = server.put("/two/tiny.gguf", bytes(2000)).toString();
        ModelStore store = store(bytes(10));
        assertThat(store.find(first)).isEmpty();
        StoredModel model = store.pull(first, SILENT);
        assertThat(model.path()).hasBinaryContent(content).startsWith(folder);
        assertThat(store.pull(second, SILENT).path()).hasBinaryContent(bytes(2000));
        server.close();
        assertThat(store.pull(first, SILENT)).isEqualTo(model);
        assertThat(store.list()).hasSize(3);
        assertThat(store.remove(first)).isTrue();
        assertThat(store.find(first)).isEmpty();
        assertThat(store.find(second)).isPresent();
    }

    @Test
    void addressWithoutAKnownSize_needsTheSpaceThatTheServerSays() {
        String uri = server.put("/a.gguf", bytes(1000)).toString();
        ModelStore store = builder(store(bytes(10)).catalog()).reservedBytes(Long.MAX_VALUE).build();
        assertThatThrownBy(() -> store.pull(uri, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("1000 bytes needed, 0 available");
    }

    @Test
    void redirect_toAnotherHostIsFollowed() throws IOException {
        try (var other = new FileServer()) {
            byte[] content = bytes(1000);
            server.answer("/tiny.gguf", 302, Map.of("Location", other.put("/elsewhere", content).toString()), "");
            assertThat(store(content).pull("tiny", SILENT).path()).hasBinaryContent(content);
        }
    }

    @Test
    void refusal_doesNotShowWhatMayBeSecret() {
        server.answer("/a.gguf?key=secret", 403, Map.of(), "");
        assertThatThrownBy(() -> store(bytes(10)).pull(server.uri("/a.gguf?key=secret").toString(), SILENT))
                .isInstanceOf(DownloadException.class).hasMessageContaining("403").hasMessageNotContaining("secret");
    }

    @Test
    void references_toFiles() throws IOException {
        Path file = Files.write(temporary.resolve("tiny.gguf"), bytes(10));
        ModelStore store = store(bytes(10));
        for (String reference : List.of(file.toString(), file.toUri().toString())) {
            assertThat(store.find(reference)).hasValueSatisfying(model -> {
                assertThat(model.path()).isEqualTo(file);
                assertThat(model.id()).isEqualTo("tiny");
                assertThat(model.model()).isPresent();
            });
        }
        assertThatThrownBy(() -> store.pull("/no/such.gguf", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessage("there is no file /no/such.gguf");
        for (String outside : List.of(file.toString(), folder.toString(), folder.resolve(".downloads/x").toString(), "./../tiny.gguf")) {
            assertThatThrownBy(() -> store.remove(outside)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(file).exists();

        Files.createDirectories(folder);
        Files.write(folder.resolve("own-00001-of-00002.gguf"), bytes(10));
        assertThat(store.find("own-00001-of-00002.gguf")).as("a part is missing").isEmpty();
        Files.write(folder.resolve("own-00002-of-00002.gguf"), bytes(20));
        assertThat(store.find("own-00002-of-00002.gguf")).map(StoredModel::sizeBytes).contains(30L);
        assertThat(store.list()).extracting(StoredModel::id).containsExactly("tiny", "own-00001-of-00002.gguf");
        assertThat(store.remove("own-00001-of-00002.gguf")).isTrue();
        assertThat(folder).isDirectoryNotContaining("glob:**.gguf");
    }
}
