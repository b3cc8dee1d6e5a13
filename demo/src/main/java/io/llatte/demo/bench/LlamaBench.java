package io.llatte.demo.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/// `llama-bench`: the decode loop with nothing around it.
///
/// @param program the executable file
/// @param task what it does
record LlamaBench(Path program, Task task) implements Contestant {

    @Override
    public String name() {
        return "llama-bench";
    }

    @Override
    public Set<Level> levels() {
        return EnumSet.allOf(Level.class);
    }

    @Override
    public List<Rate> round() {
        String printed = ToolProcess.run(command());
        try {
            // Standard error follows the array.
            JsonNode results = new ObjectMapper().readTree(printed);
            if (!results.isArray()) {
                throw new BenchException(name() + " printed no array: " + PrintedResult.shortened(printed));
            }
            List<Rate> rates = new ArrayList<>();
            for (JsonNode each : results) {
                var result = new PrintedResult(name(), each);
                var workload = new Workload(result.count("n_prompt"), result.count("n_gen"), 1);
                rates.add(new Rate(name(), workload.name(), result.positive("avg_ts")));
            }
            return rates;
        } catch (JsonProcessingException e) {
            throw new BenchException(name() + " printed no JSON: " + PrintedResult.shortened(printed));
        } catch (IllegalArgumentException e) {
            throw new BenchException(name() + " printed a result of no workload: " + PrintedResult.shortened(printed));
        }
    }

    private List<String> command() {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(LlamaCppArguments.of(task.setup()));
        command.addAll(List.of("-r", "1", "-o", "json"));
        command.addAll(List.of("-p", list(each -> each.generatedTokens() == 0, Workload::promptTokens)));
        command.addAll(List.of("-n", list(each -> each.promptTokens() == 0, Workload::generatedTokens)));
        task.workloads().stream().filter(each -> each.promptTokens() > 0 && each.generatedTokens() > 0)
                .forEach(each -> command.addAll(List.of("-pg", each.promptTokens() + "," + each.generatedTokens())));
        return command;
    }

    /// 0, which asks for no such test, where there is none.
    private String list(Predicate<Workload> chosen, ToIntFunction<Workload> number) {
        List<String> values = task.workloads().stream().filter(chosen).mapToInt(number).mapToObj(String::valueOf).toList();
        return values.isEmpty() ? "0" : String.join(",", values);
    }
}
