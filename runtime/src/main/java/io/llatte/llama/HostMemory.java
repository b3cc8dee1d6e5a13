package io.llatte.llama;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The host's memory as the operating system and the control group see it. llama.cpp reports a CPU's total as free.
record HostMemory(long freeBytes, long totalBytes) {

    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    static HostMemory read() {
        return read(MEMINFO, CGROUP);
    }

    static HostMemory read(Path meminfo, Path cgroup) {
        // The bean honours the container's limit, but counts the page cache as used: on Linux the kernel's own estimate is better.
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long total = system.getTotalMemorySize();
        long free = meminfoBytes(meminfo, "MemAvailable").orElse(system.getFreeMemorySize());
        Optional<Long> limit = number(cgroup.resolve("memory.max"));
        Optional<Long> used = number(cgroup.resolve("memory.current"));
        if (limit.isPresent() && used.isPresent()) {
            total = Math.min(total, limit.get());
            // The group's use counts the pages of files that were read, a mapped model's among them; the kernel takes those back first.
            long reclaimable = statBytes(cgroup.resolve("memory.stat"), "inactive_file") + statBytes(cgroup.resolve("memory.stat"), "active_file");
            free = Math.min(free, Math.max(0, limit.get() - Math.max(0, used.get() - reclaimable)));
        }
        return new HostMemory(Math.min(free, total), total);
    }

    private static Optional<Long> meminfoBytes(Path file, String key) {
        try {
            return Files.readAllLines(file).stream().filter(line -> line.startsWith(key + ":"))
                    .map(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024).findFirst();
        } catch (IOException | NumberFormatException notLinux) {
            return Optional.empty();
        }
    }

    private static long statBytes(Path file, String key) {
        try {
            return Files.readAllLines(file).stream().filter(line -> line.startsWith(key + " "))
                    .mapToLong(line -> Long.parseLong(line.substring(key.length() + 1).strip())).findFirst().orElse(0);
        } catch (IOException | NumberFormatException noControlGroup) {
            return 0;
        }
    }

    /// A control file's number; empty where there is no such file or no limit ("max").
    private static Optional<Long> number(Path file) {
        try {
            return Optional.of(Long.parseLong(Files.readString(file).strip()));
        } catch (IOException | NumberFormatException unlimited) {
            return Optional.empty();
        }
    }
}
