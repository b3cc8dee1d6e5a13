package io.llatte.memory;

import java.util.Map;
import java.util.TreeMap;

/// An upper bound of what an arena and everything in it may hold on each device. A device that is not named is not bounded.
///
/// @param bytesByDevice device name to bytes
public record MemoryBudget(Map<String, Long> bytesByDevice) {

    public MemoryBudget {
        bytesByDevice = Map.copyOf(bytesByDevice);
        bytesByDevice.forEach((device, bytes) -> {
            if (bytes < 0) {
                throw new IllegalArgumentException("the budget of " + device + " is negative: " + bytes);
            }
        });
    }

    /// No bound but the devices' own.
    public static MemoryBudget unlimited() {
        return new MemoryBudget(Map.of());
    }

    /// A bound on one device.
    public static MemoryBudget limit(String device, long bytes) {
        return new MemoryBudget(Map.of(device, bytes));
    }

    /// This budget with one more bound.
    public MemoryBudget and(String device, long bytes) {
        Map<String, Long> all = new TreeMap<>(bytesByDevice);
        all.put(device, bytes);
        return new MemoryBudget(all);
    }

    /// Whether no device is bounded.
    public boolean isUnlimited() {
        return bytesByDevice.isEmpty();
    }
}
