package io.llatte.demo.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// A level of this library, in this process.
///
/// @param level which
/// @param task what it does
record OwnLevel(Level level, Task task) implements Contestant {

    @Override
    public String name() {
        return level.toString();
    }

    @Override
    public Set<Level> levels() {
        return Set.of(level);
    }

    @Override
    public List<Rate> round() {
        List<Rate> rates = new ArrayList<>();
        try (Runner runner = level.open(task.setup(), task.workloads())) {
            for (Workload workload : task.workloads()) {
                runner.warmUp(workload);
                rates.addAll(task.rates(name(), workload, runner.run(workload)));
            }
        }
        return rates;
    }
}
