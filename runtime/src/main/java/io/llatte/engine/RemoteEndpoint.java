package io.llatte.engine;

import java.net.URI;

/// A server that speaks OpenAI's protocol. Its key is never written anywhere but into the request's header.
///
/// @param baseUrl the address up to and with its version, as in `http://localhost:8080/v1`
/// @param model the model's name on that server
/// @param apiKey visible ASCII, sent as a bearer token; "" for none
public record RemoteEndpoint(URI baseUrl, String model, String apiKey) {

    public RemoteEndpoint {
        if (baseUrl.getHost() == null || !"http".equalsIgnoreCase(baseUrl.getScheme()) && !"https".equalsIgnoreCase(baseUrl.getScheme())) {
            throw new IllegalArgumentException("a remote endpoint must be an http: or https: address: " + baseUrl);
        }
        if (model.isBlank()) {
            throw new IllegalArgumentException("a remote endpoint needs the name of a model");
        }
        // Said here, without the key: whoever builds the header would repeat it.
        if (apiKey.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw new IllegalArgumentException("the key of a remote endpoint has a character that is not visible ASCII");
        }
    }

    /// An address below the base.
    URI resolve(String path) {
        String base = baseUrl.toString();
        return URI.create((base.endsWith("/") ? base : base + "/") + path);
    }

    @Override
    public String toString() {
        return "RemoteEndpoint[baseUrl=" + baseUrl + ", model=" + model + ", apiKey=" + (apiKey.isEmpty() ? "none" : "***") + "]";
    }
}
