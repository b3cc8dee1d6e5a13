package io.llatte.demo.serve;

import io.llatte.demo.http.AccessRules;
import io.llatte.demo.http.HttpLimits;
import io.llatte.engine.EngineOptions;
import io.llatte.memory.MemoryBudget;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/// What a server is made with. Immutable.
///
/// @param host the address to listen on
/// @param port 0 for one that is free
/// @param access who may ask
/// @param limits how much of the server one client, and all of them, may take
/// @param engine what models are loaded with
/// @param budget what they may take of each device
/// @param ownModel a file that is served beside the models of the store
/// @param switchByRequest whether a request's model is exchanged for the one that is loaded
public record ServeOptions(String host, int port, AccessRules access, HttpLimits limits, EngineOptions engine, MemoryBudget budget,
                           Optional<Path> ownModel, boolean switchByRequest) {

    public ServeOptions {
        Objects.requireNonNull(host, "host");
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port must be 0 to 65535: " + port);
        }
        Objects.requireNonNull(access, "access");
        Objects.requireNonNull(limits, "limits");
        Objects.requireNonNull(engine, "engine");
        Objects.requireNonNull(budget, "budget");
        Objects.requireNonNull(ownModel, "ownModel");
    }
}
