package io.llatte.demo.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/// Lets levels of this library and programs of llama.cpp do the same task in turn, round after round: what else the machine does then weighs on
/// all of them, and the ratio of a round means more than its figures.
public final class Comparison {

    private final List<Contestant> contestants;

    /// @param programs a folder with some of llama.cpp's programs
    /// @throws BenchException if it has none that does such a task
    public Comparison(Path programs, List<Level> levels, Task task) {
        Set<Contestant> inTurn = new LinkedHashSet<>();
        List<Contestant> rivals = rivals(programs, task);
        for (Level level : levels) {
            inTurn.add(new OwnLevel(level, task));
            rivals.stream().filter(rival -> rival.levels().contains(level)).forEach(inTurn::add);
        }
        contestants = List.copyOf(inTurn);
        if (contestants.stream().allMatch(OwnLevel.class::isInstance)) {
            throw new BenchException(programs + " has no program of llama.cpp's to compare with");
        }
    }

    private static List<Contestant> rivals(Path folder, Task task) {
        List<Contestant> rivals = new ArrayList<>();
        Path bench = folder.resolve(task.batches() ? "llama-batched-bench" : "llama-bench");
        if (Files.isExecutable(bench)) {
            rivals.add(task.batches() ? new LlamaBatchedBench(bench, task) : new LlamaBench(bench, task));
        }
        Path completion = folder.resolve("llama-completion");
        if (Files.isExecutable(completion) && !task.batches()) {
            rivals.add(new LlamaCompletion(completion, task));
        }
        Path server = folder.resolve("llama-server");
        if (Files.isExecutable(server)) {
            rivals.add(new LlamaServerStreams(server, Level.ENGINE, task));
            rivals.add(new LlamaServerStreams(server, Level.CHAT, task));
        }
        return rivals;
    }

    /// Runs the rounds.
    ///
    /// @param progress hears who is next
    /// @throws BenchException if one of them fails
    public List<RatioRow> run(int rounds, Consumer<String> progress) {
        for (Contestant contestant : contestants) {
            if (contestant instanceof OwnLevel) {
                // Theirs are compiled already.
                progress.accept("warming up: " + contestant.name());
                contestant.round();
            }
        }
        Map<String, Map<String, List<Double>>> rates = new LinkedHashMap<>();
        Map<String, Set<Level>> levels = new LinkedHashMap<>();
        for (int round = 1; round <= rounds; round++) {
            for (Contestant contestant : contestants) {
                progress.accept("round %d of %d: %s".formatted(round, rounds, contestant.name()));
                for (Rate rate : contestant.round()) {
                    levels.putIfAbsent(rate.contestant(), contestant.levels());
                    rates.computeIfAbsent(rate.contestant(), _ -> new LinkedHashMap<>())
                            .computeIfAbsent(rate.test(), _ -> new ArrayList<>()).add(rate.tokensPerSecond());
                }
            }
        }
        return rows(rates, levels);
    }

    private List<RatioRow> rows(Map<String, Map<String, List<Double>>> rates, Map<String, Set<Level>> levels) {
        List<RatioRow> rows = new ArrayList<>();
        List<OwnLevel> ours = contestants.stream().filter(OwnLevel.class::isInstance).map(OwnLevel.class::cast).toList();
        for (OwnLevel own : ours) {
            rates.forEach((rival, tests) -> {
                if (levels.get(rival).contains(own.level()) && !rival.equals(own.name())) {
                    tests.forEach((test, theirs) -> rows.add(RatioRow.of(own.level(), rival, test, rates.get(own.name()).get(test), theirs)));
                }
            });
        }
        return rows;
    }
}
