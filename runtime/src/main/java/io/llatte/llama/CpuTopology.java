package io.llatte.llama;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/// The processor's cores. A decode is bound by memory and by arithmetic units, which the threads of one core share.
final class CpuTopology {

    private static final Path CPUS = Path.of("/sys/devices/system/cpu");

    private CpuTopology() {
    }

    /// Physical cores, at most the processors that this process may use.
    static int usableCores() {
        int processors = Runtime.getRuntime().availableProcessors();
        int cores = physicalCores(CPUS);
        return Math.clamp(cores == 0 ? processors : cores, 1, processors);
    }

    /// Counts distinct sets of sibling threads; 0 where the system does not say.
    static int physicalCores(Path cpus) {
        Set<String> siblings = new HashSet<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(cpus, "cpu[0-9]*")) {
            for (Path folder : folders) {
                Path list = folder.resolve("topology/thread_siblings_list");
                if (Files.isReadable(list)) {
                    siblings.add(Files.readString(list).strip());
                }
            }
        } catch (IOException notLinux) {
            return 0;
        }
        return siblings.size();
    }
}
