package io.llatte.demo.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/// `llama-batched-bench`: the decode loop of several sequences with nothing around it.
///
/// @param program the executable file
/// @param task what it does
record LlamaBatchedBench(Path program, Task task) implements Contestant {

    /// What it prints is written by a thread of its own, which it has been seen not to wait for: the last result is missing then.
    private static final int ATTEMPTS = 3;

    @Override
    public String name() {
        return "llama-batched-bench";
    }

    @Override
    public Set<Level> levels() {
        return EnumSet.allOf(Level.class);
    }

    @Override
    public List<Rate> round() {
        List<Rate> rates = List.of();
        for (int i = 0; i < ATTEMPTS && rates.size() < task.tests().size(); i++) {
            rates = results(ToolProcess.run(command()));
        }
        return rates;
    }

    private List<Rate> results(String printed) {
        List<Rate> rates = new ArrayList<>();
        var json = new ObjectMapper();
        for (String line : printed.lines().filter(each -> each.startsWith("{")).toList()) {
            try {
                var result = new PrintedResult(name(), json.readTree(line));
                var workload = new Workload(result.count("pp"), result.count("tg"), result.count("pl"));
                rates.addAll(Task.rates(name(), workload, result.positive("speed_pp"), OptionalDouble.of(result.positive("speed_tg")),
                        result.positive("speed")));
            } catch (JsonProcessingException e) {
                throw new BenchException(name() + " printed no JSON: " + PrintedResult.shortened(line));
            } catch (IllegalArgumentException e) {
                throw new BenchException(name() + " printed a result of no workload: " + PrintedResult.shortened(line));
            }
        }
        return rates;
    }

    private List<String> command() {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(LlamaCppArguments.of(task.setup()));
        command.addAll(LlamaCppArguments.cache(task.setup()));
        command.addAll(List.of("-c", String.valueOf(Level.LOW.contextLength(task.workloads())), "--output-format", "jsonl", "-npp",
                list(Workload::promptTokens), "-ntg", list(Workload::generatedTokens), "-npl", list(Workload::sequences)));
        return command;
    }

    private String list(ToIntFunction<Workload> number) {
        return task.workloads().stream().mapToInt(number).distinct().mapToObj(String::valueOf).collect(Collectors.joining(","));
    }
}
