package io.llatte.memory;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// What a load would take, by device and buffer type, computed by llama.cpp without allocating anything.
///
/// Not covered: pools that a driver grows at run time, the output buffer (vocabulary × outputs), driver overhead, the vocabulary, and about 50
/// bytes for each token of a context, which planning itself takes too.
///
/// @param usages one entry for each buffer type that would be used
public record MemoryPlan(List<MemoryUsage> usages) {

    public MemoryPlan {
        usages = List.copyOf(usages);
    }

    /// Bytes by device name.
    public Map<String, Long> bytesByDevice() {
        return usages.stream().collect(Collectors.groupingBy(MemoryUsage::device, TreeMap::new,
                Collectors.summingLong(MemoryUsage::totalBytes)));
    }

    /// All bytes together.
    public long totalBytes() {
        return usages.stream().mapToLong(MemoryUsage::totalBytes).sum();
    }
}
