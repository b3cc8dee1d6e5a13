package io.llatte.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// The exact account of what is held: who holds how many bytes of which kind on which device. Thread-safe.
public final class MemoryLedger {

    private final List<Charge> charges = new ArrayList<>();

    MemoryLedger() {
    }

    /// One owner's bytes.
    ///
    /// @param owner what holds them, as in `model gemma-3-270m` or `context 1`
    /// @param usage the bytes
    public record Entry(String owner, MemoryUsage usage) {
    }

    /// Bytes that stay in the ledger until this is closed.
    final class Charge implements AutoCloseable {

        private final String owner;
        private final List<MemoryUsage> usages;

        private Charge(String owner, List<MemoryUsage> usages) {
            this.owner = owner;
            this.usages = List.copyOf(usages);
        }

        long bytes() {
            return usages.stream().mapToLong(MemoryUsage::totalBytes).sum();
        }

        @Override
        public void close() {
            synchronized (charges) {
                charges.remove(this);
            }
        }
    }

    Charge charge(String owner, List<MemoryUsage> usages) {
        var charge = new Charge(owner, usages);
        synchronized (charges) {
            charges.add(charge);
        }
        return charge;
    }

    /// Every owner's bytes, in the order of their allocation.
    public List<Entry> entries() {
        synchronized (charges) {
            return charges.stream()
                    .flatMap(charge -> charge.usages.stream().map(usage -> new Entry(charge.owner, usage)))
                    .toList();
        }
    }

    /// The bytes of one kind on one device.
    public long bytes(String device, MemoryKind kind) {
        return entries().stream().filter(entry -> entry.usage().device().equals(device))
                .mapToLong(entry -> entry.usage().bytes(kind)).sum();
    }

    /// The bytes by device.
    public Map<String, Long> bytesByDevice() {
        return entries().stream().map(Entry::usage).collect(Collectors.groupingBy(MemoryUsage::device, TreeMap::new,
                Collectors.summingLong(MemoryUsage::totalBytes)));
    }

    /// All bytes together.
    public long totalBytes() {
        return entries().stream().mapToLong(entry -> entry.usage().totalBytes()).sum();
    }

    /// Demands that nothing is held, for the end of a test.
    ///
    /// @throws IllegalStateException if something is, with each owner, its device and its bytes
    public void assertEmpty() {
        List<Entry> left = entries();
        if (!left.isEmpty()) {
            throw new IllegalStateException(left.stream().map(entry -> "%s: %,d bytes on %s".formatted(entry.owner(), entry.usage().totalBytes(),
                    entry.usage().device())).collect(Collectors.joining("; ", "still held: ", "")));
        }
    }
}
