package io.llatte.demo.bench;

import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryLedger;

/// What a context takes of the memory of all devices, as the runtime's ledger has it.
///
/// @param contextLength tokens that it holds, over all sequences
/// @param kvCacheBytes bytes of its KV cache and recurrent state
/// @param computeBytes bytes of its compute buffers
public record Footprint(int contextLength, long kvCacheBytes, long computeBytes) {

    /// What a ledger says that one context, and nothing else with a cache, is charged for.
    static Footprint of(int contextLength, MemoryLedger ledger) {
        return new Footprint(contextLength, bytes(ledger, MemoryKind.KV_CACHE), bytes(ledger, MemoryKind.COMPUTE));
    }

    private static long bytes(MemoryLedger ledger, MemoryKind kind) {
        return ledger.entries().stream().mapToLong(entry -> entry.usage().bytes(kind)).sum();
    }
}
