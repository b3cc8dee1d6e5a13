package io.llatte.demo;

import io.llatte.LlatteException;
import io.llatte.LocalLlm;
import io.llatte.demo.http.AccessRules;
import io.llatte.demo.http.HttpLimits;
import io.llatte.demo.serve.LlatteServer;
import io.llatte.demo.serve.ServeOptions;
import io.llatte.engine.EngineOptions;
import io.llatte.memory.MemoryBudget;
import io.llatte.model.ModelStore;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.jline.utils.Signals;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `llatte serve`.
@Command(name = "serve", description = {
    "Serves a model to programs that speak OpenAI's protocol, and to a browser as a dashboard.",
    "",
    "Without --model nothing is loaded until a request, or the dashboard, asks for it. Ctrl-C ends it: answers that run may come to their end first.",
    ""})
final class ServeCommand implements Callable<Integer> {

    static final String KEY_VARIABLE = "LLATTE_API_KEY";

    @Option(names = "--model", paramLabel = "MODEL",
            description = "Load this at once: a model's id (see: llatte models) or a GGUF file, downloaded where it is missing.")
    private String model;

    @Option(names = "--host", paramLabel = "ADDRESS", defaultValue = "127.0.0.1", description = "Where to listen. Default: ${DEFAULT-VALUE}")
    private String host;

    @Option(names = "--port", paramLabel = "N", defaultValue = "8484", description = "0: one that is free. Default: ${DEFAULT-VALUE}")
    private int port;

    @Option(names = "--api-key", paramLabel = "KEY",
            description = "What clients have to send as Authorization: Bearer KEY. Other users of the machine can read it here: the environment variable "
                    + KEY_VARIABLE + " takes it too.")
    private String apiKey;

    @Option(names = "--insecure", description = "Listen beyond this machine without a key.")
    private boolean insecure;

    @Option(names = "--parallel", paramLabel = "N", defaultValue = "8", description = "Answers at the same time; more wait. Default: ${DEFAULT-VALUE}")
    private int parallel;

    @Option(names = "--switch", description = "Let a request's model be loaded in place of the one that is. Without it only the dashboard and /api switch.")
    private boolean switchByRequest;

    @Option(names = "--cors-origin", paramLabel = "ORIGIN", description = "A page of another host that may ask, as in https://example.org; repeatable.")
    private List<String> origins = List.of();

    @Option(names = "--allowed-host", paramLabel = "NAME", description = "A name of this machine that a proxy passes on; repeatable.")
    private List<String> hosts = List.of();

    @Option(names = "--budget", paramLabel = "DEVICE=BYTES", description = "What models may take of a device at most; repeatable.")
    private Map<String, Long> budget = Map.of();

    @Option(names = "--max-body", paramLabel = "MIB", defaultValue = "32", description = "The largest request. Default: ${DEFAULT-VALUE} MiB")
    private int maxBodyMib;

    @Option(names = "--max-requests", paramLabel = "N", defaultValue = "512",
            description = "Requests at the same time, those that wait among them; more are refused. Default: ${DEFAULT-VALUE}")
    private int maxRequests;

    @Option(names = "--stop-timeout", paramLabel = "SECONDS", defaultValue = "10",
            description = "How long answers may go on when the server ends. Default: ${DEFAULT-VALUE}")
    private int stopSeconds;

    @Option(names = "--idle-unload", paramLabel = "SECONDS", defaultValue = "0",
            description = "Unload the model when nothing was asked for so long; 0: never. Default: ${DEFAULT-VALUE}")
    private int idleSeconds;

    @Mixin
    private EngineArguments engineArguments;

    @Mixin
    private RemoteArguments remoteArguments;

    private final CountDownLatch stopped = new CountDownLatch(1);

    @Override
    public Integer call() throws InterruptedException {
        ServeOptions options = options(System.getenv());
        LocalLlm.Builder runtime = LocalLlm.builder().readOnlyPreference();
        remoteArguments.endpoint(System.getenv()).ifPresent(runtime::remote);
        if (idleSeconds > 0) {
            runtime.idleUnload(Duration.ofSeconds(idleSeconds));
        }
        Signals.register("INT", stopped::countDown);
        Signals.register("TERM", stopped::countDown);
        try (var server = new LlatteServer(options, ModelStore.open(), runtime)) {
            String name = options.host().contains(":") ? "[" + options.host() + "]" : options.host();
            Output.note("listening on http://%s:%d (dashboard), http://%s:%d/v1 (OpenAI's protocol)".formatted(name, server.port(), name, server.port()));
            Output.flush();
            load(server.llm());
            stopped.await();
            Output.note("stopping");
            Output.flush();
        }
        return CommandLine.ExitCode.OK;
    }

    /// What fails here can be tried again, by the dashboard or a request.
    private void load(LocalLlm llm) {
        if (model != null) {
            llm.initAsync(model).whenComplete((_, failure) -> {
                Throwable cause = failure instanceof CompletionException wrapped && wrapped.getCause() != null ? wrapped.getCause() : failure;
                switch (cause) {
                    case null -> Output.note(ChatModel.nameOf(model) + " answers");
                    case CancellationException _ -> { }
                    case LlatteException e -> Output.error(Failures.oneLine(e));
                    default -> Output.error(Failures.oneLine(cause));
                }
                Output.flush();
            });
        }
    }

    /// What was asked for.
    ///
    /// @throws Misuse if it is not to be had
    ServeOptions options(Map<String, String> environment) {
        Misuse.unless(maxBodyMib >= 1 && maxBodyMib <= 1024, "--max-body must be 1 to 1024: " + maxBodyMib);
        Misuse.unless(stopSeconds >= 0, "--stop-timeout must be 0 or more: " + stopSeconds);
        Misuse.unless(idleSeconds >= 0, "--idle-unload must be 0 or more: " + idleSeconds);
        Optional<String> key = Optional.ofNullable(apiKey).or(() -> Optional.ofNullable(environment.get(KEY_VARIABLE)).map(String::strip))
                .filter(value -> !value.isEmpty());
        boolean loopback = isLoopback();
        Misuse.unless(loopback || key.isPresent() || insecure,
                "--host %s is reached from other machines: give an --api-key, or say --insecure".formatted(host));
        HttpLimits defaults = HttpLimits.defaults();
        return Misuse.ofOption(() -> {
            var limits = new HttpLimits((long) maxBodyMib << 20, defaults.maxHeaderBytes(), maxRequests, defaults.maxConnections(),
                    defaults.requestTimeout(), defaults.idleTimeout(), defaults.writeTimeout(), Duration.ofSeconds(stopSeconds));
            EngineOptions engine = engineArguments.builder().sequences(parallel).build();
            return new ServeOptions(host, port, new AccessRules(key, loopback, origins, hosts), limits, engine, new MemoryBudget(budget), ownModel(),
                    switchByRequest);
        });
    }

    private boolean isLoopback() {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            throw new Misuse("--host %s is no address of this machine".formatted(host));
        }
    }

    private Optional<Path> ownModel() {
        try {
            return Optional.ofNullable(model).map(Path::of).filter(Files::isRegularFile);
        } catch (InvalidPathException notAFile) {
            return Optional.empty();
        }
    }
}
