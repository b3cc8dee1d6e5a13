package io.llatte.llama;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Cores of machines that are folders here.
class CpuTopologyTest {

    @TempDir
    Path root;

    private void write(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    /// Four cores of two threads each: 0 and 4, 1 and 5, 2 and 6, 3 and 7.
    private void fourCores() throws IOException {
        for (int cpu = 0; cpu < 8; cpu++) {
            write("sys/devices/system/cpu/cpu" + cpu + "/topology/thread_siblings_list", cpu % 4 + "," + (cpu % 4 + 4) + "\n");
        }
    }

    @Test
    void threadsOfOneCore_countOnce() throws IOException {
        fourCores();
        assertThat(CpuTopology.usableCores(root, 8)).isEqualTo(4);
    }

    @Test
    void allowedProcessors_countByTheirCores() throws IOException {
        fourCores();
        write("proc/self/status", "Name:\tjava\nCpus_allowed_list:\t0-1,4-5\nMems_allowed_list:\t0\n");
        assertThat(CpuTopology.usableCores(root, 4)).isEqualTo(2);
    }

    @Test
    void oneAllowedThreadOfEachCore_countsAsACore() throws IOException {
        fourCores();
        write("proc/self/status", "Cpus_allowed_list:\t1,2,7\n");
        assertThat(CpuTopology.usableCores(root, 3)).isEqualTo(3);
    }

    @Test
    void quotaOfTheControlGroup_isTheLimit() throws IOException {
        fourCores();
        assertThat(CpuTopology.usableCores(root, 1)).isEqualTo(1);
        assertThat(CpuTopology.usableCores(root, 3)).isEqualTo(3);
    }

    @Test
    void offlineProcessors_doNotCount() throws IOException {
        fourCores();
        for (int cpu : new int[] {3, 7}) {
            Files.delete(root.resolve("sys/devices/system/cpu/cpu" + cpu + "/topology/thread_siblings_list"));
        }
        assertThat(CpuTopology.usableCores(root, 6)).isEqualTo(3);
    }

    @Test
    void hybridProcessor_countsItsFastCores() throws IOException {
        // Two fast cores of two threads, and four slow ones of one.
        for (int cpu = 0; cpu < 8; cpu++) {
            write("sys/devices/system/cpu/cpu" + cpu + "/topology/thread_siblings_list", cpu < 4 ? cpu / 2 * 2 + "-" + (cpu / 2 * 2 + 1) : "" + cpu);
        }
        write("sys/devices/cpu_core/cpus", "0-3\n");
        write("sys/devices/cpu_atom/cpus", "4-7\n");
        assertThat(CpuTopology.usableCores(root, 8)).isEqualTo(2);

        write("proc/self/status", "Cpus_allowed_list:\t5-7\n");
        assertThat(CpuTopology.usableCores(root, 3)).as("only slow ones are allowed").isEqualTo(3);
    }

    @Test
    void systemThatDoesNotSay_leavesTheProcessors() throws IOException {
        assertThat(CpuTopology.usableCores(root, 6)).isEqualTo(6);
        write("sys/devices/system/cpu/online", "0-5\n");
        assertThat(CpuTopology.usableCores(root, 6)).isEqualTo(6);
    }

    @Test
    void listThatCannotBeRead_restrictsNothing() throws IOException {
        fourCores();
        write("proc/self/status", "Cpus_allowed_list:\tall\n");
        write("sys/devices/cpu_core/cpus", "\n");
        assertThat(CpuTopology.usableCores(root, 8)).isEqualTo(4);
    }

    @Test
    void thisMachine_hasACore() {
        assertThat(CpuTopology.usableCores()).isBetween(1, Runtime.getRuntime().availableProcessors());
    }
}
