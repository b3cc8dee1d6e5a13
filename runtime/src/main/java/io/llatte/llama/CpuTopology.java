package io.llatte.llama;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The processor's cores. A decode is bound by memory and by arithmetic units, which the threads of one core share.
final class CpuTopology {

    private static final Path ROOT = Path.of("/");

    private CpuTopology() {
    }

    /// Physical cores that this process may use, at most the processors that the JVM counts: those know the quota of a control group.
    static int usableCores() {
        return usableCores(ROOT, Runtime.getRuntime().availableProcessors());
    }

    /// The same of some processors alone.
    static int usableCores(List<Integer> among) {
        var set = new BitSet();
        among.forEach(set::set);
        int cores = physicalCores(ROOT, Optional.of(set));
        return Math.clamp(cores == 0 ? among.size() : cores, 1, Runtime.getRuntime().availableProcessors());
    }

    static int usableCores(Path root, int processors) {
        int cores = physicalCores(root);
        return Math.clamp(cores == 0 ? processors : cores, 1, processors);
    }

    /// Counts distinct sets of sibling threads among the processors that are online and allowed; 0 where the system does not say. On a hybrid
    /// processor only the fast cores count: threads wait for one another at each step, and the slow ones would hold up all.
    static int physicalCores(Path root) {
        return physicalCores(root, Optional.empty());
    }

    private static int physicalCores(Path root, Optional<BitSet> among) {
        Optional<BitSet> allowed = among.isPresent() ? among : allowed(root.resolve("proc/self/status"));
        Optional<BitSet> fast = list(root.resolve("sys/devices/cpu_core/cpus")).filter(cores -> allowed.isEmpty() || cores.intersects(allowed.get()));
        Set<String> siblings = new HashSet<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(root.resolve("sys/devices/system/cpu"), "cpu[0-9]*")) {
            for (Path folder : folders) {
                int number = Integer.parseInt(folder.getFileName().toString().substring("cpu".length()));
                // A processor that is offline has no topology.
                Path list = folder.resolve("topology/thread_siblings_list");
                if (isIn(allowed, number) && isIn(fast, number) && Files.isReadable(list)) {
                    siblings.add(Files.readString(list).strip());
                }
            }
        } catch (IOException | NumberFormatException notLinux) {
            return 0;
        }
        return siblings.size();
    }

    private static boolean isIn(Optional<BitSet> set, int number) {
        return set.isEmpty() || set.get().get(number);
    }

    /// What a CPU set or an affinity leaves.
    private static Optional<BitSet> allowed(Path status) {
        try {
            return Files.readAllLines(status).stream().filter(line -> line.startsWith("Cpus_allowed_list:")).findFirst()
                    .flatMap(line -> parse(line.substring(line.indexOf(':') + 1)));
        } catch (IOException notLinux) {
            return Optional.empty();
        }
    }

    private static Optional<BitSet> list(Path file) {
        try {
            return parse(Files.readString(file));
        } catch (IOException noSuchList) {
            return Optional.empty();
        }
    }

    /// A kernel's list, as in `0-3,8`; empty where it is none.
    private static Optional<BitSet> parse(String list) {
        var set = new BitSet();
        try {
            for (String range : list.strip().split(",")) {
                String[] ends = range.split("-");
                set.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
            }
        } catch (NumberFormatException | IndexOutOfBoundsException unknown) {
            return Optional.empty();
        }
        return Optional.of(set);
    }
}
