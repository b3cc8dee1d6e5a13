package io.llatte.model;

import io.llatte.DownloadException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What the environment says of the Hugging Face hub, each variable with the meaning that the hub's own library gives it.
final class HubSettings {

    private static final Logger LOG = LoggerFactory.getLogger(HubSettings.class);
    private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
    private static final Set<String> DEFAULT_HOSTS = Set.of("huggingface.co", "hf.co");

    private final Path home;
    private final Map<String, String> environment;

    HubSettings(Properties properties, Map<String, String> environment) {
        this.home = Path.of(properties.getProperty("user.home"));
        this.environment = environment;
    }

    static boolean isDefaultHost(String host) {
        return host != null && DEFAULT_HOSTS.contains(host.toLowerCase(Locale.ROOT));
    }

    /// Where the hub is, without a slash at the end.
    ///
    /// @throws DownloadException if `HF_ENDPOINT` is no address
    URI endpoint() {
        String address = value("HF_ENDPOINT").orElse(DEFAULT_ENDPOINT).replaceFirst("/+$", "");
        try {
            return new ModelSource.Url(new URI(address)).uri();
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw new DownloadException("HF_ENDPOINT is no http: or https: address: " + address, e);
        }
    }

    /// The folder that is shared with the hub's own library and with llama.cpp.
    Path cache() {
        return value("HF_HUB_CACHE").or(() -> value("HUGGINGFACE_HUB_CACHE")).map(this::path)
                .orElseGet(() -> hubHome().resolve("hub")).toAbsolutePath().normalize();
    }

    private Path hubHome() {
        return value("HF_HOME").map(this::path)
                .orElseGet(() -> value("XDG_CACHE_HOME").map(this::path).orElseGet(() -> home.resolve(".cache")).resolve("huggingface"));
    }

    /// The user's token: the environment's, else the one that a login left in a file. It goes to [#endpoint] and nowhere else.
    Optional<String> token() {
        Optional<String> token = value("HF_TOKEN").or(() -> value("HUGGING_FACE_HUB_TOKEN")).or(this::storedToken);
        if (token.filter(text -> !text.matches("[!-~]+")).isPresent()) {    // the HTTP client would show it in its refusal
            LOG.warn("going on without the hub's token, which has characters that no token has");
            return Optional.empty();
        }
        return token;
    }

    private Optional<String> storedToken() {
        Path file = value("HF_TOKEN_PATH").map(this::path).orElseGet(() -> hubHome().resolve("token"));
        try {
            return Files.isRegularFile(file) ? Optional.of(Files.readString(file).strip()).filter(text -> !text.isEmpty()) : Optional.empty();
        } catch (IOException e) {
            LOG.warn("going on without the hub's token: {} cannot be read ({})", file, e.toString());
            return Optional.empty();
        }
    }

    private Optional<String> value(String name) {
        return Optional.ofNullable(environment.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    private Path path(String value) {
        return value.startsWith("~/") ? home.resolve(value.substring(2)) : Path.of(value);
    }
}
