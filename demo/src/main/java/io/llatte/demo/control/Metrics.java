package io.llatte.demo.control;

import io.llatte.LlmEvent;
import io.llatte.LocalLlm;
import io.llatte.demo.llm.ServedModels;
import io.llatte.engine.EngineStatistics;
import io.llatte.engine.InProcessEngine;
import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryLedger;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/// The runtime's numbers for Prometheus, under the names of OpenTelemetry's conventions for generative AI where these have one.
final class Metrics {

    private static final String MODEL = "gen_ai.response.model";
    private static final Duration[] FIRST_TOKEN = seconds(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10);
    private static final Duration[] EACH_TOKEN = seconds(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5);
    private static final Duration[] REQUEST = seconds(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);

    private final LocalLlm llm;
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final MultiGauge memory;

    Metrics(LocalLlm llm) {
        this.llm = llm;
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        memory = MultiGauge.builder("llatte.device.memory").baseUnit("bytes").description("What the ledger holds, by device and kind").register(registry);
        gauge("llatte.requests.running", "Requests that have a sequence", EngineStatistics::running);
        gauge("llatte.requests.waiting", "Requests that wait for a sequence", EngineStatistics::waiting);
        gauge("llatte.kv.used.tokens", "Tokens that the KV cache holds", EngineStatistics::usedCells);
        gauge("llatte.kv.size.tokens", "Tokens that the KV cache can hold", EngineStatistics::contextLength);
        gauge("llatte.kv.evictions", "Cached sequences that were given up since the model was loaded", EngineStatistics::evictions);
    }

    private static Duration[] seconds(double... values) {
        var durations = new Duration[values.length];
        for (int i = 0; i < values.length; i++) {
            durations[i] = Duration.ofNanos(Math.round(values[i] * 1e9));
        }
        return durations;
    }

    private void gauge(String name, String description, ToDoubleFunction<EngineStatistics> value) {
        Gauge.builder(name, () -> llm.engine().filter(InProcessEngine.class::isInstance).map(engine -> ((InProcessEngine) engine).statistics())
                .map(value::applyAsDouble).orElse(0.0)).description(description).register(registry);
    }

    void hear(LlmEvent event) {
        switch (event) {
            case LlmEvent.Generated request -> generated(request);
            case LlmEvent.Ready ready -> {
                counter("llatte.model.loads", "Models that were loaded", Tags.of("outcome", "ready"), 1);
                Timer.builder("llatte.model.load").description("From the request for a model to its readiness, a download included").register(registry)
                        .record(ready.loadTime());
            }
            case LlmEvent.Failed _ -> counter("llatte.failures", "Loads, switches and requests that failed", Tags.empty(), 1);
            case LlmEvent.Switching _ -> counter("llatte.model.switches", "Models that made room for another", Tags.empty(), 1);
            case LlmEvent.FellBack _ -> counter("llatte.model.fallbacks", "Models that run elsewhere than was asked for first", Tags.empty(), 1);
            default -> { }
        }
    }

    private void generated(LlmEvent.Generated request) {
        Tags tags = Tags.of("gen_ai.operation.name", "generate", MODEL, ServedModels.nameOf(request.modelId()), "gen_ai.provider.name", "llatte");
        Duration first = request.timings().timeToFirstToken();
        Duration decode = request.timings().decode();
        int generated = request.usage().generatedTokens();
        timer("gen_ai.server.time_to_first_token", "From a request's first evaluation to its first token", tags, FIRST_TOKEN, first);
        if (generated > 1) {
            timer("gen_ai.server.time_per_output_token", "A token after the first, on average over its request", tags, EACH_TOKEN,
                    decode.dividedBy(generated - 1));
        }
        Tags ended = tags.and("finish_reason", request.finishReason().name().toLowerCase(Locale.ROOT));
        timer("gen_ai.server.request.duration", "From a request's first evaluation to its last token", ended, REQUEST, first.plus(decode));
        tokens(tags, "input", request.usage().promptTokens());
        tokens(tags, "output", generated);
        counter("llatte.tokens.cached", "Prompt tokens that needed no evaluation", tags, request.usage().cachedTokens());
    }

    private void timer(String name, String description, Tags tags, Duration[] buckets, Duration value) {
        Timer.builder(name).description(description).tags(tags).serviceLevelObjectives(buckets).register(registry).record(value);
    }

    private void tokens(Tags tags, String type, int count) {
        DistributionSummary.builder("gen_ai.client.token.usage").description("Tokens of a request").baseUnit("tokens")
                .tags(tags.and("gen_ai.token.type", type))
                .serviceLevelObjectives(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144).register(registry).record(count);
    }

    private void counter(String name, String description, Tags tags, double amount) {
        Counter.builder(name).description(description).tags(tags).register(registry).increment(amount);
    }

    /// All numbers in Prometheus's text format.
    String scrape() {
        memory.register(rows(llm.ledger()), true);
        return registry.scrape();
    }

    private static List<MultiGauge.Row<?>> rows(MemoryLedger ledger) {
        List<MultiGauge.Row<?>> rows = new ArrayList<>();
        for (String device : ledger.bytesByDevice().keySet()) {
            for (MemoryKind kind : MemoryKind.values()) {
                rows.add(MultiGauge.Row.of(Tags.of("device", device, "kind", kind.name().toLowerCase(Locale.ROOT)), ledger.bytes(device, kind)));
            }
        }
        return rows;
    }
}
