package io.llatte.demo.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Who may ask. A server without a key on this machine alone is still reached by every page that the user's browser shows: what such a page sends is
/// told by its `Origin`, or by a `Host` that is not this machine's.
///
/// @param apiKey what clients have to know; empty for nothing
/// @param loopbackOnly whether requests must name this machine itself as their host
/// @param origins pages of other hosts that may ask, as in `https://example.org`
/// @param hosts further names of this server, as a proxy passes them on
public record AccessRules(Optional<String> apiKey, boolean loopbackOnly, List<String> origins, List<String> hosts) {

    private static final Set<String> LOOPBACK_NAMES = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final String BEARER = "bearer ";

    public AccessRules {
        apiKey.filter(String::isBlank).ifPresent(_ -> {
            throw new IllegalArgumentException("an API key must not be blank");
        });
        origins = List.copyOf(origins);
        hosts = hosts.stream().map(host -> host.toLowerCase(Locale.ROOT)).toList();
    }

    /// Whether the page that sends a request may.
    ///
    /// @param origin the request's `Origin`
    /// @param host the request's `Host`
    boolean allowsOrigin(String origin, String host) {
        return origins.contains(origin) || origin.equalsIgnoreCase("http://" + host) || origin.equalsIgnoreCase("https://" + host);
    }

    /// Whether a request is meant for this server.
    boolean allowsHost(String host) {
        String name = host.replaceFirst(":[0-9]+$", "").toLowerCase(Locale.ROOT);
        return !loopbackOnly || LOOPBACK_NAMES.contains(name) || hosts.contains(name);
    }

    /// Whether a request knows the key. Takes as long for a wrong one as for the right one.
    ///
    /// @param authorization the request's `Authorization`, or ""
    boolean allowsKey(String authorization) {
        if (apiKey.isEmpty()) {
            return true;
        }
        boolean bearer = authorization.regionMatches(true, 0, BEARER, 0, BEARER.length());
        String given = bearer ? authorization.substring(BEARER.length()).strip() : "";
        return MessageDigest.isEqual(digest(given), digest(apiKey.get()));
    }

    private static byte[] digest(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return "AccessRules[apiKey=%s, loopbackOnly=%s, origins=%s, hosts=%s]".formatted(apiKey.isPresent() ? "***" : "none", loopbackOnly, origins,
                hosts);
    }
}
