package io.llatte.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubCacheTest {

    private static final String REPOSITORY = "owner/name";
    private static final String COMMIT = "1".repeat(40);

    @TempDir
    private Path folder;

    private static Path blob(HubCache cache, String etag, String content) throws IOException {
        Path blob = cache.blob(REPOSITORY, etag);
        Files.createDirectories(blob.getParent());
        return Files.writeString(blob, content);
    }

    /// A zip archive is a file system without links.
    @Test
    void whereThereAreNoLinks_theFileItselfIsThere() throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(folder.resolve("a.zip"), Map.of("create", "true"))) {
            var cache = new HubCache(zip.getPath("/hub"));
            Path first = cache.snapshot(REPOSITORY, COMMIT, "a.gguf");
            Path blob = blob(cache, "e1", "one");
            cache.link(blob, first, true);
            cache.remember(REPOSITORY, "main", COMMIT);
            assertThat(Files.readString(first)).isEqualTo("one");
            assertThat(Files.exists(blob)).isFalse();

            Path second = cache.snapshot(REPOSITORY, COMMIT, "b.gguf");
            Path other = blob(cache, "e2", "two");
            cache.link(other, second, false);
            assertThat(Files.readString(second)).isEqualTo(Files.readString(other)).isEqualTo("two");
            assertThat(cache.files(REPOSITORY, "main")).containsExactly("a.gguf", "b.gguf");
            assertThat(cache.revisions()).isEqualTo(Map.of(REPOSITORY, List.of("main")));
            assertThat(cache.remove(REPOSITORY, Optional.of(COMMIT), List.of("a.gguf"))).isTrue();
            assertThat(cache.files(REPOSITORY, "main")).containsExactly("b.gguf");
        }
    }

    @Test
    void linkThatLeadsNowhere_isReplaced() throws IOException {
        var cache = new HubCache(folder);
        Path snapshot = cache.snapshot(REPOSITORY, COMMIT, "sub/a.gguf");
        Files.createDirectories(snapshot.getParent());
        Files.createSymbolicLink(snapshot, Path.of("../../nowhere"));
        cache.link(blob(cache, "e1", "one"), snapshot, true);
        assertThat(snapshot).hasContent("one");
        assertThat(Files.readSymbolicLink(snapshot)).isEqualTo(Path.of("../../../blobs/e1"));
    }

    @Test
    void refThatIsNoCommit_isNone() throws IOException {
        var cache = new HubCache(folder);
        Path ref = folder.resolve("models--owner--name/refs/main");
        Files.createDirectories(ref.getParent());
        Files.writeString(ref, "../../evil");
        assertThat(cache.commit(REPOSITORY, "main")).isEmpty();
        Files.writeString(ref, COMMIT + "\n");
        assertThat(cache.commit(REPOSITORY, "main")).contains(COMMIT);
        assertThat(cache.commit(REPOSITORY, COMMIT)).contains(COMMIT);
    }
}
