package io.llatte.demo;

import io.llatte.engine.RemoteEndpoint;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/// A server that answers where this machine cannot, as the command line says it. Its key comes from the environment: what a command line says,
/// every user of the machine can read.
final class RemoteArguments {

    static final String KEY_VARIABLE = "LLATTE_REMOTE_KEY";

    @Option(names = "--remote", paramLabel = "URL",
            description = "A server that speaks OpenAI's protocol and answers where this machine cannot, as in http://localhost:8080/v1. Its key, "
                    + "if it wants one, is read from the environment variable " + KEY_VARIABLE + ".")
    private URI url;

    @Option(names = "--remote-model", paramLabel = "NAME", description = "The model's name on that server.")
    private String model;

    /// The server, if one was named.
    ///
    /// @throws Misuse if its address or its model's name is missing or wrong
    Optional<RemoteEndpoint> endpoint(Map<String, String> environment) {
        Misuse.unless((url == null) == (model == null), "--remote and --remote-model need each other");
        if (url == null) {
            return Optional.empty();
        }
        Misuse.unless(url.getUserInfo() == null, "--remote must not hold a name or a key; " + KEY_VARIABLE + " takes the key");
        String key = environment.getOrDefault(KEY_VARIABLE, "").strip();
        try {
            return Optional.of(new RemoteEndpoint(url, model, key));
        } catch (IllegalArgumentException e) {
            throw new Misuse(e.getMessage());
        }
    }
}
