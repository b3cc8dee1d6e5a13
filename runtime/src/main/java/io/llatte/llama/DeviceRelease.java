package io.llatte.llama;

import io.llatte.internal.ffi.NativeDevices;
import io.llatte.internal.ffi.ProcessEnd;
import io.llatte.memory.MemoryUsage;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Confirms that a device's memory came back, by asking its driver before and after a model is freed. Host memory is left out: its pages are
/// the operating system's, and other parts of the process take and give meanwhile.
final class DeviceRelease {

    private static final Logger LOG = LoggerFactory.getLogger(DeviceRelease.class);
    private static final double EXPECTED_SHARE = 0.9;

    private final Map<String, Long> chargedBytes = new HashMap<>();
    private final Map<String, NativeDevices.Memory> before = new HashMap<>();

    void expect(List<MemoryUsage> usages) {
        usages.forEach(usage -> chargedBytes.merge(usage.device(), usage.totalBytes(), Long::sum));
        chargedBytes.remove("CPU");
    }

    /// Right before the release.
    void begin() {
        before.putAll(read());
    }

    /// Right after the release.
    void confirm() {
        if (ProcessEnd.hasBegun()) {
            return;
        }
        Map<String, NativeDevices.Memory> after = read();
        chargedBytes.forEach((device, charged) -> {
            if (before.containsKey(device) && after.containsKey(device)) {
                confirm(device, charged, before.get(device), after.get(device));
            }
        });
    }

    private static void confirm(String device, long charged, NativeDevices.Memory before, NativeDevices.Memory after) {
        long used = before.totalBytes() - before.freeBytes();
        long returned = after.freeBytes() - before.freeBytes();
        if (used < charged * EXPECTED_SHARE) {
            LOG.debug("{}: its driver does not tell what is in use: {} bytes, it said, when {} were", device, used, charged);
        } else if (returned < charged * EXPECTED_SHARE) {
            LOG.warn("{}: {} of {} bytes came back when a model was freed; another process may have taken some", device, returned, charged);
        } else {
            LOG.debug("{}: {} of {} bytes came back", device, returned, charged);
        }
    }

    private Map<String, NativeDevices.Memory> read() {
        Map<String, NativeDevices.Memory> memory = new HashMap<>();
        if (!chargedBytes.isEmpty()) {
            NativeDevices.list().stream().filter(device -> chargedBytes.containsKey(device.name()))
                    .forEach(device -> memory.put(device.name(), NativeDevices.memory(device.index())));
        }
        return memory;
    }
}
