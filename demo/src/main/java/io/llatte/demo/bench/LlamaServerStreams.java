package io.llatte.demo.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/// `llama-server`, asked over HTTP as [Streams] asks the engine: by the client's clock, and, for a single stream, by the server's own too.
///
/// @param program the executable file
/// @param level which requests it gets: texts to continue, or conversations
/// @param task what it does
record LlamaServerStreams(Path program, Level level, Task task) implements Contestant {

    private static final int WARM_UP_TOKENS = 16;

    @Override
    public String name() {
        return "llama-server " + path();
    }

    private String path() {
        return level == Level.CHAT ? "/v1/chat/completions" : "/completion";
    }

    @Override
    public Set<Level> levels() {
        return Set.of(level);
    }

    @Override
    public List<Rate> round() {
        List<Rate> rates = new ArrayList<>();
        try (var text = new RandomText(task.setup().model()); var server = new LlamaServer(command())) {
            int formatTokens = server.ask(path(), body("a", 1)).times().promptTokens() - 1;
            for (Workload workload : task.workloads()) {
                ask(server, text, formatTokens, new Workload(workload.promptTokens(), Math.min(workload.generatedTokens(), WARM_UP_TOKENS),
                        workload.sequences()));
                rates.addAll(ask(server, text, formatTokens, workload));
            }
        }
        return rates;
    }

    private List<String> command() {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(LlamaCppArguments.of(task.setup()));
        command.addAll(LlamaCppArguments.cache(task.setup()));
        command.addAll(List.of("-np", String.valueOf(Setup.maxSequences(task.workloads())),
                "-c", String.valueOf(level.contextLength(task.workloads())), "--no-webui"));
        return command;
    }

    private List<Rate> ask(LlamaServer server, RandomText text, int formatTokens, Workload workload) {
        List<Callable<LlamaServer.Answer>> requests = IntStream.range(0, workload.sequences())
                .mapToObj(_ -> body(text.ofTokens(workload.promptTokens() - formatTokens), workload.generatedTokens() + 1))
                .<Callable<LlamaServer.Answer>>map(body -> () -> server.ask(path(), body)).toList();
        long start = System.nanoTime();
        List<LlamaServer.Answer> answers = Streams.inParallel(requests);
        for (LlamaServer.Answer answer : answers) {
            if (answer.times().arrivals().length != workload.generatedTokens() + 1) {
                throw new BenchException("llama-server answered with %d of %d tokens".formatted(answer.times().arrivals().length,
                        workload.generatedTokens() + 1));
            }
        }
        Sample sample = StreamTimes.sample(workload, start, answers.stream().map(LlamaServer.Answer::times).toList());
        List<Rate> rates = new ArrayList<>(task.rates(name(), workload, sample));
        if (workload.sequences() == 1) {
            rates.addAll(task.rates(name() + ", own timings", workload, ownSample(workload, answers.getFirst())));
        }
        return rates;
    }

    private static Sample ownSample(Workload workload, LlamaServer.Answer answer) {
        var timings = new PrintedResult("llama-server", answer.timings());
        long promptNanos = Math.round(timings.positive("prompt_ms") * 1e6);
        long generationNanos = Math.round(timings.positive("predicted_ms") * 1e6);
        int promptTokens = answer.times().promptTokens();
        if (workload.generatedTokens() == 0) {
            return Sample.of(promptTokens, promptNanos, 0, 0);
        }
        return workload.promptTokens() == 0 ? Sample.of(0, 0, workload.generatedTokens(), generationNanos)
                : Sample.of(promptTokens, promptNanos, workload.generatedTokens(), generationNanos);
    }

    private ObjectNode body(String prompt, int tokens) {
        ObjectNode body = new ObjectMapper().createObjectNode().put("stream", true).put("ignore_eos", true).put("cache_prompt", false)
                .put("timings_per_token", level == Level.CHAT)
                .put("max_tokens", tokens).put("n_predict", tokens);
        if (level == Level.CHAT) {
            body.putArray("messages").addObject().put("role", "user").put("content", prompt);
            return body;
        }
        return body.put("prompt", prompt).put("temperature", 0);
    }
}
