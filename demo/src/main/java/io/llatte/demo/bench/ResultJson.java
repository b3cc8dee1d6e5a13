package io.llatte.demo.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.Llama;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/// Results as an array of objects; fields that mean the same as those of `llama-bench` and `llama-batched-bench` have their names.
public final class ResultJson {

    private ResultJson() {
    }

    /// An object for each result, as `llama-bench` has it.
    public static ArrayNode ofTests(List<Result> results) {
        ArrayNode array = new ObjectMapper().createArrayNode();
        for (Result result : results) {
            ObjectNode node = setup(array.addObject(), result).put("n_prompt", result.workload().promptTokens())
                    .put("n_gen", result.workload().generatedTokens()).put("test_time", time(result.time()))
                    .put("avg_ns", Math.round(result.mean(Sample::totalNanos))).put("stddev_ns", Math.round(result.deviation(Sample::totalNanos)))
                    .put("avg_ts", result.mean(Sample::rate)).put("stddev_ts", result.deviation(Sample::rate));
            ArrayNode nanos = node.putArray("samples_ns");
            ArrayNode rates = node.putArray("samples_ts");
            result.samples().forEach(sample -> {
                nanos.add(sample.totalNanos());
                rates.add(sample.rate());
            });
        }
        return array;
    }

    /// An object for each result, as `llama-batched-bench` has it.
    public static ArrayNode ofBatches(List<Result> results) {
        ArrayNode array = new ObjectMapper().createArrayNode();
        for (Result result : results) {
            Workload workload = result.workload();
            ObjectNode node = setup(array.addObject(), result).put("test_time", time(result.time())).put("pp", workload.promptTokens())
                    .put("tg", workload.generatedTokens()).put("pl", workload.sequences()).put("n_kv", workload.length() * workload.sequences())
                    .put("t_pp", result.mean(Sample::promptNanos) / 1e9).put("speed_pp", result.mean(Sample::promptRate))
                    .put("t", result.mean(Sample::totalNanos) / 1e9).put("speed", result.mean(Sample::rate))
                    .put("stddev_speed_pp", result.deviation(Sample::promptRate)).put("stddev_speed", result.deviation(Sample::rate))
                    .put("repetitions", result.samples().size());
            result.windowMean(Window::nanos).ifPresent(nanos -> node.put("t_tg", nanos / 1e9));
            result.windowMean(Window::rate).ifPresent(rate -> node.put("speed_tg", rate)
                    .put("stddev_speed_tg", result.deviation(sample -> sample.generation().orElseThrow().rate())));
        }
        return array;
    }

    /// An object for each join. A figure that there were no gaps for is absent.
    public static ArrayNode ofJoins(List<JoinResult> results) {
        ArrayNode array = new ObjectMapper().createArrayNode();
        for (JoinResult result : results) {
            JoinWorkload workload = result.workload();
            ObjectNode node = setup(array.addObject(), result).put("test_time", time(result.time())).put("pp", workload.promptTokens())
                    .put("tg", workload.tokensBefore()).put("pl", workload.sequences()).put("join", workload.joiningTokens())
                    .put("repetitions", result.samples().size()).put("gaps_before", result.gaps(JoinSample::before).size())
                    .put("gaps_join", result.gaps(JoinSample::join).size()).put("gaps_prompt", result.gaps(JoinSample::prompt).size());
            JoinFigure.ALL.forEach(figure -> figure.value().apply(result).ifPresent(value -> node.put(figure.field(), value)));
        }
        return array;
    }

    private static ObjectNode setup(ObjectNode node, Measurement result) {
        Setup setup = result.setup();
        Llama.Versions versions = Llama.versions();
        return node.put("llatte_version", versions.llatte()).put("llama_cpp_version", versions.llamaCpp())
                .put("cpu_info", Machine.cpu()).put("gpu_info", Machine.gpus()).put("backends", Machine.backend(setup))
                .put("model_filename", setup.model().toString()).put("model_type", result.model().type())
                .put("model_size", result.model().sizeBytes()).put("model_n_params", result.model().parameters())
                .put("n_batch", setup.batchSize()).put("n_ubatch", setup.microBatchSize()).put("n_threads", setup.threads())
                .put("type_k", ResultTable.lowerCase(setup.keyType())).put("type_v", ResultTable.lowerCase(setup.valueType()))
                .put("n_gpu_layers", setup.gpuLayers()).put("flash_attn", LlamaCppArguments.flashAttention(setup.flashAttention()))
                .put("kv_unified", setup.unifiedKv()).put("n_ctx", result.footprint().contextLength())
                .put("kv_cache_bytes", result.footprint().kvCacheBytes()).put("compute_bytes", result.footprint().computeBytes())
                .put("level", result.level().toString());
    }

    private static String time(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString();
    }
}
