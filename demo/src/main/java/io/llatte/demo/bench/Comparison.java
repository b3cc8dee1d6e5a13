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
/// all of them, and the ratio of a round means more than its figures. A program that fails is left out from there on; the others go on.
public final class Comparison {

    private final Task task;
    private final List<Contestant> contestants;
    private final List<Measured> measured = new ArrayList<>();
    private final Map<Contestant, String> failures = new LinkedHashMap<>();

    private record Measured(Contestant contestant, int round, Rate rate) {
    }

    /// @param programs a folder with some of llama.cpp's programs
    /// @throws BenchException if it has none that does such a task
    public Comparison(Path programs, List<Level> levels, Task task) {
        this.task = task;
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
    /// @param progress hears who is next, and who failed
    /// @throws BenchException if a level of this library fails
    public List<ComparisonRow> run(int rounds, Consumer<String> progress) {
        for (Contestant contestant : contestants) {
            if (contestant instanceof OwnLevel) {
                // Theirs are compiled already.
                progress.accept("warming up: " + contestant.name());
                contestant.round();
            }
        }
        for (int round = 1; round <= rounds; round++) {
            for (Contestant contestant : contestants) {
                if (!failures.containsKey(contestant)) {
                    progress.accept("round %d of %d: %s".formatted(round, rounds, contestant.name()));
                    measure(contestant, round, rounds);
                }
            }
        }
        return rows();
    }

    private void measure(Contestant contestant, int round, int rounds) {
        try {
            List<Rate> rates = contestant.round();
            task.requireAll(contestant.name(), rates);
            rates.forEach(rate -> measured.add(new Measured(contestant, round, rate)));
        } catch (BenchException e) {
            if (contestant instanceof OwnLevel || Thread.currentThread().isInterrupted()) {
                throw e;
            }
            failures.put(contestant, "in round %d of %d: %s".formatted(round, rounds, e.getMessage()));
        }
    }

    private List<ComparisonRow> rows() {
        List<ComparisonRow> rows = new ArrayList<>();
        for (Contestant own : contestants) {
            if (own instanceof OwnLevel ours) {
                contestants.stream().filter(each -> each != own && each.levels().contains(ours.level()) && !(each instanceof OwnLevel))
                        .forEach(rival -> rows.addAll(rows(ours, rival)));
            }
        }
        return rows;
    }

    private List<ComparisonRow> rows(OwnLevel own, Contestant rival) {
        if (failures.containsKey(rival)) {
            return List.of(new FailedRival(own.level(), rival.name(), failures.get(rival)));
        }
        List<ComparisonRow> rows = new ArrayList<>();
        // One contestant may have two clocks, and two names.
        List<String> names = measured.stream().filter(each -> each.contestant() == rival).map(each -> each.rate().contestant()).distinct().toList();
        for (String name : names) {
            for (String test : task.tests()) {
                Map<Integer, Double> theirs = byRound(rival, name, test);
                // The second clock does not tell of everything.
                if (!theirs.isEmpty() || name.equals(rival.name())) {
                    rows.add(row(own, name, test, byRound(own, own.name(), test), theirs));
                }
            }
        }
        return rows;
    }

    private Map<Integer, Double> byRound(Contestant contestant, String name, String test) {
        Map<Integer, Double> rates = new LinkedHashMap<>();
        for (Measured each : measured) {
            if (each.contestant() == contestant && each.rate().contestant().equals(name) && each.rate().test().equals(test)) {
                rates.put(each.round(), each.rate().tokensPerSecond());
            }
        }
        return rates;
    }

    private static ComparisonRow row(OwnLevel own, String rival, String test, Map<Integer, Double> ours, Map<Integer, Double> theirs) {
        List<Integer> rounds = ours.keySet().stream().filter(theirs::containsKey).toList();
        return rounds.isEmpty() ? new NoRatio(own.level(), rival, test)
                : RatioRow.of(own.level(), rival, test, rounds.stream().map(ours::get).toList(), rounds.stream().map(theirs::get).toList());
    }
}
