package io.llatte.model;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// The Hugging Face hub as its own library sees it: one server that describes files and lists them, another that has their bytes.
final class HubServer implements AutoCloseable {

    static final String REPOSITORY = "owner/tiny-GGUF";
    static final String COMMIT = "1234567890abcdef1234567890abcdef12345678";

    final FileServer hub = new FileServer();
    final FileServer bytes = new FileServer();
    private final Map<String, byte[]> files = new TreeMap<>();

    HubServer() throws IOException {
        // Fields start the servers.
    }

    /// What makes a process use this hub, with its cache in a folder.
    Map<String, String> environment(Path home) {
        return Map.of("HF_ENDPOINT", hub.uri("").toString(), "HF_HOME", home.toString(), "HF_HUB_CACHE", "", "HF_TOKEN", "",
                "HF_HUB_OFFLINE", "", "LLATTE_OFFLINE", "", "XDG_CONFIG_HOME", home.resolve("config").toString());
    }

    /// Puts a large file into the branch `main`.
    void put(String file, byte[] content) {
        put(file, content, COMMIT);
    }

    void put(String file, byte[] content, String commit) {
        String sha256 = TestModels.sha256(content);
        String blob = bytes.put("/blobs/" + sha256, content).toString();
        var headers = new HashMap<>(Map.of("X-Repo-Commit", commit, "X-Linked-ETag", "\"" + sha256 + "\"", "X-Linked-Size",
                String.valueOf(content.length), "ETag", "\"0123456789\"", "Location", blob + "?signature=secret"));
        bytes.put("/blobs/" + sha256 + "?signature=secret", content);
        for (String revision : new String[] {"main", commit}) {
            hub.answer("/%s/resolve/%s/%s".formatted(REPOSITORY, revision, file), 302, headers, "");
        }
        files.put(file, content);
        list("main");
    }

    private void list(String revision) {
        hub.answer("/api/models/%s/tree/%s?recursive=true".formatted(REPOSITORY, revision), 200, Map.of("Content-Type", "application/json"),
                files.entrySet().stream().map(file -> """
                        {"type":"file","oid":"%s","size":%d,"path":"%s",
                         "lfs":{"oid":"%s","size":%d,"pointerSize":134}}""".formatted("0".repeat(40), file.getValue().length, file.getKey(),
                        TestModels.sha256(file.getValue()), file.getValue().length))
                        .collect(Collectors.joining(",", "[{\"type\":\"directory\",\"oid\":\"0\",\"size\":0,\"path\":\"folder\"},", "]")));
    }

    /// Lets the bytes of a file be others than those that are described.
    void spoil(byte[] content, byte[] other) {
        bytes.put("/blobs/" + TestModels.sha256(content) + "?signature=secret", other);
    }

    void refuse(String file, int status, String code) {
        hub.answer("/%s/resolve/main/%s".formatted(REPOSITORY, file), status,
                Map.of("X-Error-Code", code, "X-Error-Message", "no, " + code), "");
    }

    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        hub.close();
        bytes.close();
    }
}
