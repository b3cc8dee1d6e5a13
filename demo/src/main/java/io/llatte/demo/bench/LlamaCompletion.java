package io.llatte.demo.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// `llama-completion`: one text, sampled and printed. By its own clock, sampling and printing included.
///
/// @param program the executable file
/// @param task what it does
record LlamaCompletion(Path program, Task task) implements Contestant {

    private static final Pattern PROMPT = Pattern.compile("prompt eval time = +(\\d+\\.\\d+) ms / +(\\d{1,9}) tokens");
    private static final Pattern GENERATION = Pattern.compile("(?<!prompt )eval time = +\\d+\\.\\d+ ms / +(\\d{1,9}) runs");
    private static final Pattern TOTAL = Pattern.compile("total time = +(\\d+\\.\\d+) ms");

    @Override
    public String name() {
        return "llama-completion";
    }

    @Override
    public Set<Level> levels() {
        return Set.of(Level.ENGINE);
    }

    @Override
    public List<Rate> round() {
        List<Rate> rates = new ArrayList<>();
        try (var text = new RandomText(task.setup().model())) {
            for (Workload workload : task.workloads()) {
                rates.addAll(task.rates(name(), workload, sample(workload, ToolProcess.run(command(workload, text)))));
            }
        }
        return rates;
    }

    private List<String> command(Workload workload, RandomText text) {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(LlamaCppArguments.of(task.setup()));
        command.addAll(List.of("-c", String.valueOf(Setup.contextLength(List.of(workload), 1)), "-no-cnv", "--ignore-eos", "--temp", "0",
                "-n", String.valueOf(workload.generatedTokens() + 1), "-p", text.ofTokens(workload.promptTokens())));
        return command;
    }

    static Sample sample(Workload workload, String printed) {
        Matcher prompt = find(PROMPT, printed);
        long promptNanos = nanos(prompt.group(1));
        long generationNanos = nanos(find(TOTAL, printed).group(1)) - promptNanos;
        if (workload.generatedTokens() == 0) {
            return Sample.of(Long.parseLong(prompt.group(2)), promptNanos, 0, 0);
        }
        long generated = Long.parseLong(find(GENERATION, printed).group(1));
        return workload.promptTokens() == 0 ? Sample.of(0, 0, generated, generationNanos)
                : Sample.of(Long.parseLong(prompt.group(2)), promptNanos, generated, generationNanos);
    }

    private static Matcher find(Pattern pattern, String printed) {
        Matcher matcher = pattern.matcher(printed);
        if (!matcher.find()) {
            throw new BenchException("llama-completion told no times: " + PrintedResult.shortened(printed));
        }
        return matcher;
    }

    private static long nanos(String millis) {
        return Math.round(Double.parseDouble(millis) * 1e6);
    }
}
