package io.llatte;

import io.llatte.llama.Llama;
import io.llatte.memory.DeviceMemory;
import io.llatte.memory.MemoryLedger;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Compares the devices with the ledger, and warns when one that is used here becomes full.
final class MemoryWatch {

    private final MemoryLedger ledger;
    private final double warningShare;
    private final EventBus events;
    private final Set<String> warned = new HashSet<>();

    MemoryWatch(MemoryLedger ledger, double warningShare, EventBus events) {
        this.ledger = ledger;
        this.warningShare = warningShare;
        this.events = events;
    }

    List<DeviceMemory> read() {
        return Probe.failure().isPresent() ? List.of()
                : Llama.devices().stream().map(device -> DeviceMemory.of(device.name(), device.totalBytes(), device.freeBytes(), ledger)).toList();
    }

    /// Looks at the devices, and warns of each that passed the share since it was below. Where nothing is held, all is forgotten.
    void check() {
        check(ledger.totalBytes() == 0 ? List.of() : read());
    }

    /// @param devices the devices as they are; empty where nothing is held
    synchronized void check(List<DeviceMemory> devices) {
        if (devices.isEmpty()) {
            warned.clear();
        }
        for (DeviceMemory memory : devices) {
            if (memory.usedShare() < warningShare) {
                warned.remove(memory.device());
            } else if (memory.accountedBytes() > 0 && warned.add(memory.device())) {
                events.publish(new LlmEvent.MemoryWarning(memory.device(), memory.usedBytes(), memory.totalBytes()));
            }
        }
    }
}
