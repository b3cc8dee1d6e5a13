package io.llatte.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.DownloadException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What the hub says of its repositories.
final class HubClient {

    private static final Pattern NEXT_PAGE = Pattern.compile("<([^>]+)>\\s*;\\s*rel=\"?next\"?");
    private static final int NAMES_IN_A_MESSAGE = 12;
    private static final int MAX_PAGES = 100;

    private final URI endpoint;
    private final String shownEndpoint;
    private final boolean hasToken;
    private final WebClient client;

    HubClient(URI endpoint, boolean hasToken, WebClient client) {
        this.endpoint = endpoint;
        this.shownEndpoint = WebClient.display(endpoint);
        this.hasToken = hasToken;
        this.client = client;
    }

    /// A file as the hub describes it.
    ///
    /// @param file its path inside the repository
    /// @param commit the commit that was looked at
    /// @param etag what names its bytes; of a large file the checksum
    /// @param spec size and checksum, as far as the hub has said them
    record Remote(String file, String commit, String etag, FileSpec spec) {
    }

    /// Asks for a file without fetching it.
    ///
    /// @throws DownloadException if there is none, or the user may not have it, or the hub is out of reach
    Remote describe(String repository, String revision, String file) {
        URI uri = address(repository, revision, file);
        // A redirect to another host is where the bytes are; what describes them is said here.
        HttpResponse<Void> response = send("HEAD", uri, false, HttpResponse.BodyHandlers.discarding());
        if (response.statusCode() >= 400) {
            throw refused(response, repository, revision, Optional.of(file));
        }
        Optional<String> etag = header(response, "X-Linked-Etag").or(() -> header(response, "ETag"))
                .map(tag -> tag.replaceFirst("^W/", "").replace("\"", "")).filter(tag -> tag.matches("\\w[\\w.-]{0,199}"));
        Optional<String> commit = header(response, "X-Repo-Commit").filter(HubNames::isCommit);
        if (etag.isEmpty() || commit.isEmpty()) {
            throw new DownloadException("%s answered with status %d but without %s, so it is no hub; look at HF_ENDPOINT and the proxy"
                    .formatted(WebClient.display(uri), response.statusCode(), etag.isEmpty() ? "an ETag" : "X-Repo-Commit"));
        }
        Optional<String> size = header(response, "X-Linked-Size")
                .or(() -> response.statusCode() / 100 == 3 ? Optional.empty() : header(response, "Content-Length"));
        return new Remote(file, commit.get(), etag.get(), new FileSpec(HubNames.lastName(file),
                size.filter(s -> s.matches("\\d{1,18}")).map(s -> OptionalLong.of(Long.parseLong(s))).orElse(OptionalLong.empty()),
                etag.filter(tag -> tag.matches("[0-9a-f]{64}"))));
    }

    /// The paths of a repository's files in the hub's order.
    List<String> files(String repository, String revision) {
        var files = new ArrayList<String>();
        URI page = URI.create("%s/api/models/%s/tree/%s?recursive=true".formatted(endpoint, repository, encode(revision)));
        for (int pages = 0; page != null && pages < MAX_PAGES; pages++) {
            HttpResponse<String> response = send("GET", page, true, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw refused(response, repository, revision, Optional.empty());
            }
            for (JsonNode entry : parse(response)) {
                String path = entry.path("path").asText();
                if (entry.path("type").asText().equals("file") && HubNames.isFile(path)) {
                    files.add(path);
                }
            }
            Matcher next = NEXT_PAGE.matcher(header(response, "Link").orElse(""));
            page = next.find() ? page.resolve(next.group(1)) : null;
        }
        return files;
    }

    private static JsonNode parse(HttpResponse<String> response) {
        try {
            return new ObjectMapper().readTree(response.body());
        } catch (JsonProcessingException e) {
            throw new DownloadException("%s answered with something that is no JSON".formatted(WebClient.display(response.uri())), e);
        }
    }

    /// Where a file's bytes are; with a commit these never change.
    URI address(String repository, String revision, String file) {
        return URI.create("%s/%s/resolve/%s/%s".formatted(endpoint, repository, encode(revision),
                Stream.of(file.split("/")).map(HubClient::encode).collect(Collectors.joining("/"))));
    }

    private static String encode(String segment) {
        return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private <T> HttpResponse<T> send(String method, URI uri, boolean leaveHost, HttpResponse.BodyHandler<T> body) {
        try {
            return client.send(method, uri, Map.of(), leaveHost, body);
        } catch (IOException e) {
            throw new DownloadException("no network: %s cannot be reached (%s)".formatted(WebClient.display(uri), WebClient.reason(e)), e);
        }
    }

    private static Optional<String> header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name);
    }

    private DownloadException refused(HttpResponse<?> response, String repository, String revision, Optional<String> file) {
        int status = response.statusCode();
        String code = header(response, "X-Error-Code").orElse("");
        String said = header(response, "X-Error-Message").map(message -> ", \"" + message.replaceAll("\\s+", " ").strip() + "\"").orElse("");
        String token = hasToken ? "the HF_TOKEN in use does not allow it" : "set HF_TOKEN";
        if (code.equals("GatedRepo")) {
            return new DownloadException("the licence of %s is to be accepted at %s/%s first; then %s (status %d)".formatted(repository,
                    shownEndpoint, repository, hasToken ? "the token in use must be one of that account" : "set HF_TOKEN", status));
        }
        if (status == 404 && file.isPresent() && (code.isEmpty() || code.equals("EntryNotFound"))) {
            return new DownloadException("%s has no file %s at %s (status 404); %s".formatted(repository, file.get(), revision,
                    names(repository, revision)));
        }
        if (code.equals("RevisionNotFound")) {
            return new DownloadException("%s has no branch, tag or commit %s (status %d)".formatted(repository, revision, status));
        }
        if (status == 401 || status == 403) {   // the hub hides what it does not show: a name that does not exist gets 401 too
            return new DownloadException("there is no repository %s at %s, or it is private: %s (status %d%s)".formatted(repository, shownEndpoint,
                    token, status, said));
        }
        return new DownloadException(status == 404 ? "there is no repository %s at %s (status 404%s)".formatted(repository, shownEndpoint, said)
                : "the hub at %s answered with status %d%s for %s; try again later".formatted(shownEndpoint, status, said, repository));
    }

    private String names(String repository, String revision) {
        try {
            return "it has " + names(files(repository, revision));
        } catch (DownloadException e) {
            return "its files cannot be listed (" + e.getMessage() + ")";
        }
    }

    /// For messages: the models among files, or every file where there is none.
    static String names(List<String> files) {
        List<String> models = files.stream().filter(HubNames::isModel).toList();
        List<String> shown = models.isEmpty() ? files : models;
        return shown.isEmpty() ? "no files" : shown.stream().limit(NAMES_IN_A_MESSAGE).collect(Collectors.joining(", "))
                + (shown.size() > NAMES_IN_A_MESSAGE ? " and %d more".formatted(shown.size() - NAMES_IN_A_MESSAGE) : "");
    }
}
