package io.llatte.model;

import static io.llatte.model.HubServer.COMMIT;
import static io.llatte.model.HubServer.REPOSITORY;
import static io.llatte.model.TestModels.bytes;
import static io.llatte.model.TestModels.contains;
import static io.llatte.model.TestModels.sha256;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.llatte.DownloadException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HubDownloadTest {

    private static final DownloadListener SILENT = progress -> { };
    private static final String FILE = "tiny-Q8_0.gguf";
    private static final String REFERENCE = "hf:" + REPOSITORY + ":" + FILE;

    @TempDir
    private Path home;
    private HubServer server;

    @BeforeEach
    void startServer() throws IOException {
        server = new HubServer();
    }

    @AfterEach
    void stopServer() throws IOException {
        server.close();
    }

    private ModelStore.Builder builder(Map<String, String> more) {
        var environment = new HashMap<>(server.environment(home));
        environment.putAll(more);
        return ModelStore.builder().folder(home.resolve("models")).environment(environment).stallTimeout(Duration.ofSeconds(20));
    }

    private ModelStore store() {
        return builder(Map.of()).build();
    }

    private Path repository() {
        return home.resolve("hub").resolve("models--owner--tiny-GGUF");
    }

    private Path incomplete(byte[] content) {
        return repository().resolve("blobs").resolve(sha256(content) + ".llatte.incomplete");
    }

    private void assertNothingUnderFinalName(byte[] content) {
        assertThat(repository().resolve("blobs").resolve(sha256(content))).doesNotExist();
        assertThat(repository().resolve("snapshots")).satisfiesAnyOf(folder -> assertThat(folder).doesNotExist(),
                folder -> assertThat(folder).isEmptyDirectory());
        assertThat(store().find(REFERENCE)).isEmpty();
    }

    @Test
    void pull_leavesTheFileInTheHubsLayout() throws IOException {
        byte[] content = bytes(1_000_000);
        server.put(FILE, content);
        var progress = new ArrayList<DownloadProgress>();

        StoredModel model = store().pull(REFERENCE, progress::add);

        assertThat(model.id()).isEqualTo(REFERENCE);
        assertThat(model.path()).isEqualTo(repository().resolve("snapshots").resolve(COMMIT).resolve(FILE)).hasBinaryContent(content);
        assertThat(Files.readSymbolicLink(model.path())).isEqualTo(Path.of("../../blobs/" + sha256(content)));
        assertThat(repository().resolve("refs/main")).hasContent(COMMIT);
        assertThat(repository().resolve("blobs")).isDirectoryNotContaining("glob:**incomplete");
        assertThat(model.sizeBytes()).isEqualTo(content.length);
        assertThat(progress.getLast().phase()).isEqualTo(DownloadProgress.Phase.VERIFYING);
        assertThat(progress.getLast().fraction()).isEqualTo(1);
        assertThat(server.bytes.servedBytes()).isEqualTo(content.length);
    }

    @Test
    void pull_ofAPresentFileAsksNobody() throws IOException {
        server.put(FILE, bytes(1000));
        StoredModel model = store().pull(REFERENCE, SILENT);
        server.close();
        assertThat(store().pull(REFERENCE, progress -> {
            throw new AssertionError("nothing is to be said");
        })).isEqualTo(model);
        assertThat(store().find("hf:" + REPOSITORY)).contains(model);
        assertThat(store().find("hf:" + REPOSITORY + "@" + COMMIT)).map(StoredModel::path).contains(model.path());
        assertThat(store().find("hf:" + REPOSITORY + ":Q4_K_M")).isEmpty();
        assertThat(store().list()).extracting(StoredModel::id).contains(REFERENCE);
    }

    @Test
    void token_goesToTheHubAndNotWhereItRedirects() throws IOException {
        byte[] content = bytes(1000);
        server.put(FILE, content);
        builder(Map.of("HF_TOKEN", "hf_secret")).build().pull(REFERENCE, SILENT);
        assertThat(server.hub.authorizations()).isNotEmpty().containsOnly("Bearer hf_secret");
        assertThat(server.bytes.authorizations()).containsOnly("");
    }

    @Test
    void token_isTheOneThatALoginLeft() throws IOException {
        Files.writeString(home.resolve("token"), "hf_file\n");
        server.put(FILE, bytes(1000));
        store().pull(REFERENCE, SILENT);
        assertThat(server.hub.authorizations()).containsOnly("Bearer hf_file");
    }

    @Test
    void renamedRepository_isFollowed() {
        byte[] content = bytes(1000);
        server.put(FILE, content);
        server.hub.answer("/old/name/resolve/main/" + FILE, 307, Map.of("Location", "/" + REPOSITORY + "/resolve/main/" + FILE), "");
        server.hub.answer("/old/name/resolve/" + COMMIT + "/" + FILE, 307,
                Map.of("Location", "/" + REPOSITORY + "/resolve/" + COMMIT + "/" + FILE), "");
        assertThat(store().pull("hf:old/name:" + FILE, SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void smallFile_thatTheHubServesItself() {
        byte[] content = bytes(1000);
        server.hub.put("/" + REPOSITORY + "/resolve/main/" + FILE, content);
        server.hub.answer("/" + REPOSITORY + "/resolve/main/" + FILE, 200, Map.of("X-Repo-Commit", COMMIT, "ETag", "\"" + "a".repeat(40) + "\"",
                "X-Linked-Size", "1000"), "");
        server.hub.put("/" + REPOSITORY + "/resolve/" + COMMIT + "/" + FILE, content);
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void choice_isLlamaCpps() {
        server.put("a-Q2_K.gguf", bytes(10));
        server.put("mmproj-Q4_K_M.gguf", bytes(11));
        server.put("folder/b-q4_k_m.gguf", bytes(12));
        server.put("c-Q8_0.gguf", bytes(13));
        ModelStore store = store();
        assertThat(store.pull("hf:" + REPOSITORY + ":q8_0", SILENT).path()).hasBinaryContent(bytes(13));
        assertThat(store.find("hf:" + REPOSITORY)).map(StoredModel::sizeBytes).contains(13L);
        store.remove("hf:" + REPOSITORY + ":q8_0");
        assertThat(store.pull("hf:" + REPOSITORY, SILENT).id()).isEqualTo("hf:" + REPOSITORY + ":folder/b-q4_k_m.gguf");
        assertThatThrownBy(() -> store.pull("hf:" + REPOSITORY + ":IQ1_S", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessage("%s has no IQ1_S model; it has a-Q2_K.gguf, c-Q8_0.gguf, folder/b-q4_k_m.gguf", REPOSITORY);
    }

    @Test
    void listOfSeveralPages_isReadToItsEnd() {
        server.put(FILE, bytes(10));
        String tree = "/api/models/%s/tree/main?recursive=true".formatted(REPOSITORY);
        server.hub.answer(tree + "&cursor=2", 200, Map.of(), "[{\"type\":\"file\",\"path\":\"" + FILE + "\"}]");
        server.hub.answer(tree, 200, Map.of("Link", "<" + server.hub.uri(tree + "&cursor=2") + ">; rel=\"next\""),
                "[{\"type\":\"file\",\"path\":\"README.md\"}]");
        assertThat(store().pull("hf:" + REPOSITORY, SILENT).path()).hasBinaryContent(bytes(10));
    }

    @Test
    void nameThatLeavesTheCache_isNone() {
        server.hub.answer("/api/models/%s/tree/main?recursive=true".formatted(REPOSITORY), 200, Map.of(),
                "[{\"type\":\"file\",\"path\":\"../../../evil.gguf\"}]");
        assertThatThrownBy(() -> store().pull("hf:" + REPOSITORY, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessage("%s has no GGUF model; it has no files", REPOSITORY);
        assertThat(server.hub.requests()).hasSize(1);
    }

    @Test
    void splitModel_comesWhole() throws IOException {
        List<byte[]> parts = List.of(bytes(300_000), bytes(200_000), bytes(100_000));
        for (int i = 0; i < 3; i++) {
            server.put("big-Q4_K_M-0000%d-of-00003.gguf".formatted(i + 1), parts.get(i));
        }
        var progress = new ArrayList<DownloadProgress>();
        ModelStore store = store();
        StoredModel model = store.pull("hf:" + REPOSITORY + ":Q4_K_M", progress::add);
        assertThat(model.path().getFileName()).hasToString("big-Q4_K_M-00001-of-00003.gguf");
        assertThat(model.files()).hasSize(3).allSatisfy(file -> assertThat(file).isRegularFile());
        assertThat(model.sizeBytes()).isEqualTo(600_000);
        assertThat(progress).extracting(DownloadProgress::totalBytes).containsOnly(600_000L);
        assertThat(progress.getLast().bytes()).isEqualTo(600_000);

        Files.delete(model.files().get(1));
        assertThat(store.find("hf:" + REPOSITORY)).isEmpty();
        assertThat(store.pull("hf:" + REPOSITORY, SILENT)).isEqualTo(model);
        assertThat(server.bytes.servedBytes()).isEqualTo(600_000);
        assertThat(store.remove("hf:" + REPOSITORY)).isTrue();
        assertThat(repository().resolve("blobs")).isEmptyDirectory();
    }

    @Test
    void brokenConnection_isResumedByItself() {
        byte[] content = bytes(300_000);
        server.put(FILE, content);
        server.bytes.breakAfter(150_000);
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void truncatedForGood_keepsWhatCame() throws IOException {
        byte[] content = bytes(1_000_000);
        server.put(FILE, content);
        server.bytes.breakAfter(65_536);
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("broke off after").hasMessageContaining("of 1000000 bytes").hasMessageNotContaining("secret");
        assertNothingUnderFinalName(content);
        long kept = Files.size(incomplete(content));
        assertThat(kept).isPositive();

        server.bytes.breakAfter(Integer.MAX_VALUE);
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
        assertThat(server.bytes.requests().getLast()).endsWith(" bytes=" + kept + "-");
    }

    @Test
    void silentConnection_isBroken() {
        byte[] content = bytes(300_000);
        server.put(FILE, content);
        server.bytes.breakAfter(0);
        server.bytes.stall(true);
        ModelStore store = builder(Map.of()).stallTimeout(Duration.ofSeconds(1)).build();
        assertThatThrownBy(() -> store.pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("nothing came for 1.0 s");
        assertNothingUnderFinalName(content);
    }

    @Test
    void serverThatNeverAnswers_isGivenUp() throws IOException {
        try (var silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            ModelStore store = builder(Map.of("HF_ENDPOINT", "http://127.0.0.1:" + silent.getLocalPort()))
                    .stallTimeout(Duration.ofMillis(300)).build();
            assertThatThrownBy(() -> store.pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                    .hasMessageContaining("no answer within 0.3 s");
        }
    }

    @Test
    void wrongBytes_areNamedAndDeleted() {
        byte[] content = bytes(1000);
        byte[] other = content.clone();
        other[7]++;
        server.put(FILE, content);
        server.spoil(content, other);
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining(sha256(content)).hasMessageContaining(sha256(other));
        assertNothingUnderFinalName(content);
        assertThat(incomplete(content)).doesNotExist();

        server.spoil(content, content);
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void rangeThatIsRefused_startsAgain() throws IOException {
        byte[] content = bytes(100_000);
        server.put(FILE, content);
        Files.createDirectories(incomplete(content).getParent());
        Files.write(incomplete(content), bytes(5000));
        server.bytes.refuseRanges(true);
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
        assertThat(server.bytes.requests()).hasSize(2);
    }

    @Test
    void moreThanThereShouldBe_startsAgain() throws IOException {
        byte[] content = bytes(1000);
        server.put(FILE, content);
        Files.createDirectories(incomplete(content).getParent());
        Files.write(incomplete(content), bytes(5000));
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void branchThatMoved_startsAgainWithTheNewFile() throws IOException {
        byte[] old = bytes(500_000);
        server.put(FILE, old);
        server.bytes.breakAfter(65_536);
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class);

        byte[] content = bytes(500_001);
        String commit = "f".repeat(40);
        server.put(FILE, content, commit);
        server.bytes.breakAfter(Integer.MAX_VALUE);
        StoredModel model = store().pull(REFERENCE, SILENT);
        assertThat(model.path()).hasBinaryContent(content).hasParentRaw(repository().resolve("snapshots").resolve(commit));
    }

    @Test
    void missingFile_namesThoseThatExist() {
        server.put(FILE, bytes(10));
        assertThatThrownBy(() -> store().pull("hf:" + REPOSITORY + ":other.gguf", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessage("%s has no file other.gguf at main (status 404); it has %s", REPOSITORY, FILE);
        assertThat(repository().resolve("snapshots")).doesNotExist();
    }

    @Test
    void refusals_sayWhatToDo() {
        server.refuse(FILE, 401, "RepoNotFound");
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("no repository " + REPOSITORY).hasMessageContaining("set HF_TOKEN").hasMessageContaining("401");
        server.refuse(FILE, 403, "GatedRepo");
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("licence of " + REPOSITORY).hasMessageContaining(server.hub.uri("/" + REPOSITORY).toString());
        server.refuse(FILE, 404, "RevisionNotFound");
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).hasMessageContaining("no branch, tag or commit main");
        server.refuse(FILE, 503, "");
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).hasMessageContaining("503").hasMessageContaining("try again later");
        byte[] content = bytes(10);
        server.put(FILE, content);
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
    }

    @Test
    void tokenIsNeverShown() {
        server.refuse(FILE, 403, "Forbidden");
        assertThatThrownBy(() -> builder(Map.of("HF_TOKEN", "hf_secret")).build().pull(REFERENCE, SILENT))
                .hasMessageContaining("HF_TOKEN").hasMessageNotContaining("hf_secret");
    }

    @Test
    void serverThatIsNoHub_isToldFromOne() {
        server.hub.put("/" + REPOSITORY + "/resolve/main/" + FILE, bytes(10));
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("without X-Repo-Commit").hasMessageContaining("HF_ENDPOINT");
    }

    @Test
    void endlessRedirects_end() {
        String path = "/" + REPOSITORY + "/resolve/main/" + FILE;
        server.hub.answer(path, 302, Map.of("Location", path), "");
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class).hasMessageContaining("redirects");
    }

    @Test
    void nobodyListening_isNoNetwork() throws IOException {
        server.close();
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class).hasMessageStartingWith("no network");
    }

    @Test
    void tooLittleDiskSpace_saysHowMuch() {
        byte[] content = bytes(1000);
        server.put(FILE, content);
        ModelStore store = builder(Map.of()).reservedBytes(Long.MAX_VALUE).build();
        assertThatThrownBy(() -> store.pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("1000 bytes needed, 0 available");
        assertThat(server.bytes.requests()).isEmpty();
        assertNothingUnderFinalName(content);
    }

    @Test
    void diskThatFillsMeanwhile_saysHowMuchIsMissing() throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "a device that is always full");
        byte[] content = bytes(1000);
        server.put(FILE, content);
        Files.createDirectories(incomplete(content).getParent());
        Files.createSymbolicLink(incomplete(content), Path.of("/dev/full"));
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining("No space left").hasMessageContaining("1000 bytes are missing");
        assertNothingUnderFinalName(content);
        Files.delete(incomplete(content));
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
    }

    @ParameterizedTest
    @ValueSource(strings = {"LLATTE_OFFLINE", "HF_HUB_OFFLINE"})
    void offline_findsWhatIsHereAndAsksNobody(String variable) {
        server.put(FILE, bytes(1000));
        StoredModel model = store().pull(REFERENCE, SILENT);
        int requests = server.hub.requests().size();
        ModelStore offline = builder(Map.of(variable, "1")).build();
        assertThat(offline.isOffline()).isTrue();
        assertThat(offline.pull("hf:" + REPOSITORY, SILENT)).isEqualTo(model);
        for (String missing : List.of("hf:" + REPOSITORY + ":Q4_K_M", "qwen3-0.6b", "default", server.bytes.uri("/a.gguf").toString())) {
            assertThatThrownBy(() -> offline.pull(missing, SILENT)).isInstanceOf(DownloadException.class)
                    .hasMessageContaining("offline (" + variable + " is set)");
        }
        assertThatThrownBy(() -> builder(Map.of()).offline(true).build().pull("qwen3-0.6b", SILENT)).hasMessageContaining("builder");
        assertThat(server.hub.requests()).hasSize(requests);
    }

    @Test
    void catalogModel_ofTheHub() {
        byte[] content = bytes(1000);
        server.put(FILE, content);
        ModelStore store = builder(Map.of()).catalog(TestModels.catalog(content, new ModelSource.Hub(REPOSITORY, FILE, "main"))).build();
        assertThat(store.find("tiny")).isEmpty();
        assertThat(store.path("tiny")).isEqualTo(repository().resolve("snapshots/main/" + FILE));
        StoredModel model = store.pull("tiny", SILENT);
        assertThat(model.id()).isEqualTo("tiny");
        assertThat(model.path()).hasBinaryContent(content).isEqualTo(store.path("tiny"));
        assertThat(store.find(REFERENCE)).contains(model);
        assertThat(store.list()).containsExactly(model);
        assertThat(store.remove("tiny")).isTrue();
        assertThat(store.find("tiny")).isEmpty();
        assertThat(store.remove("tiny")).isFalse();
    }

    @Test
    void pinThatTheHubDoesNotHave_isRefusedBeforeAnyByte() {
        server.put(FILE, bytes(1000));
        ModelStore store = builder(Map.of()).catalog(TestModels.catalog(1000, "0".repeat(64), new ModelSource.Hub(REPOSITORY, FILE, "main")))
                .build();
        assertThatThrownBy(() -> store.pull("tiny", SILENT)).isInstanceOf(DownloadException.class)
                .hasMessageContaining(sha256(bytes(1000))).hasMessageContaining("0".repeat(64));
        assertThat(server.bytes.requests()).isEmpty();
    }

    @Test
    void remove_keepsBytesThatAnotherCommitHas() throws IOException {
        byte[] content = bytes(1000);
        server.put(FILE, content);
        store().pull(REFERENCE, SILENT);
        String commit = "f".repeat(40);
        server.put(FILE, content, commit);
        store().pull("hf:%s@%s:%s".formatted(REPOSITORY, commit, FILE), SILENT);
        assertThat(server.bytes.requests()).hasSize(1);
        assertThat(store().remove(REFERENCE)).isTrue();
        assertThat(store().find("hf:%s@%s".formatted(REPOSITORY, commit))).map(StoredModel::path).hasValueSatisfying(
                file -> assertThat(file).hasBinaryContent(content));
    }

    @Test
    void interruptedThread_stopsAndResumesLater() throws Exception {
        byte[] content = bytes(1_000_000);
        server.put(FILE, content);
        server.bytes.delayMillis(50);
        var started = new CountDownLatch(1);
        var failure = new AtomicReference<Throwable>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                store().pull(REFERENCE, progress -> {
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
        long kept = Files.size(incomplete(content));
        assertThat(kept).isPositive();
        server.bytes.delayMillis(0);
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
        assertThat(server.bytes.requests().getLast()).endsWith(" bytes=" + kept + "-");
    }

    /// Each child is killed when it has just written a random number of bytes; no byte is ever sent twice.
    @Test
    void processKilledAtTwentyOffsets_isResumedAtEach() throws Exception {
        byte[] content = bytes(700_000);
        server.put(FILE, content);
        server.bytes.stall(true);
        for (int offset : new Random(20).ints(20, 1, content.length).toArray()) {
            Path target = home.resolve("kill" + offset);
            Path cached = target.resolve("hub").resolve(repository().getFileName());
            Path part = cached.resolve("blobs").resolve(incomplete(content).getFileName());
            server.bytes.breakAfter(offset);
            long servedBefore = server.bytes.servedBytes();
            Process child = TestModels.startJava(home.resolve("output" + offset), server.environment(target), PullProgram.class,
                    target.resolve("models").toString(), REFERENCE);
            TestModels.await("byte %d of %s".formatted(offset, part), () -> part.toFile().length() == offset);
            child.destroyForcibly().waitFor();
            assertThat(cached.resolve("snapshots")).doesNotExist();

            server.bytes.breakAfter(Integer.MAX_VALUE);
            ModelStore store = builder(server.environment(target)).build();
            assertThat(store.find(REFERENCE)).isEmpty();
            assertThat(store.pull(REFERENCE, SILENT).path()).as("after %d bytes", offset).hasBinaryContent(content);
            assertThat(server.bytes.requests().getLast()).endsWith(" bytes=" + offset + "-");
            assertThat(server.bytes.servedBytes() - servedBefore).isEqualTo(content.length);
        }
    }

    @Test
    void threadThatIsInterruptedAlready_doesNothing() {
        server.put(FILE, bytes(1000));
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(server.bytes.requests()).isEmpty();
    }

    @Test
    void secondProcess_failsAtOnceAndNamesTheFirst() throws Exception {
        byte[] content = bytes(500_000);
        server.put(FILE, content);
        server.bytes.breakAfter(100_000);
        server.bytes.stall(true);
        Path output = home.resolve("output");
        Process child = TestModels.startJava(output, server.environment(home), PullProgram.class, home.resolve("models").toString(), REFERENCE);
        try {
            TestModels.await("the download's start", () -> contains(output, "DOWNLOADING"));
            assertThatThrownBy(() -> store().pull(REFERENCE, SILENT)).isInstanceOf(DownloadException.class)
                    .hasMessage("another process (pid %d) is downloading %s; try again when it is done", child.pid(), FILE);
        } finally {
            child.destroyForcibly().waitFor();
        }
        server.bytes.breakAfter(Integer.MAX_VALUE);
        assertThat(store().pull(REFERENCE, SILENT).path()).hasBinaryContent(content);
    }
}
