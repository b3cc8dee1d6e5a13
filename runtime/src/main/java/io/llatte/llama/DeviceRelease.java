package io.llatte.llama;

import io.llatte.internal.ffi.NativeDevices;
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
    private final Map<String, Long> freeBefore = new HashMap<>();

    void expect(List<MemoryUsage> usages) {
        usages.forEach(usage -> chargedBytes.merge(usage.device(), usage.totalBytes(), Long::sum));
        chargedBytes.remove("CPU");
    }

    /// Right before the release.
    void begin() {
        freeBefore.putAll(freeBytes());
    }

    /// Right after the release.
    void confirm() {
        Map<String, Long> freeAfter = freeBytes();
        chargedBytes.forEach((device, charged) -> {
            long returned = freeAfter.getOrDefault(device, 0L) - freeBefore.getOrDefault(device, 0L);
            if (returned < charged * EXPECTED_SHARE) {
                LOG.warn("{}: {} of {} bytes came back when a model was freed; another process may have taken some", device, returned, charged);
            } else {
                LOG.debug("{}: {} of {} bytes came back", device, returned, charged);
            }
        });
    }

    private Map<String, Long> freeBytes() {
        Map<String, Long> free = new HashMap<>();
        if (!chargedBytes.isEmpty()) {
            NativeDevices.list().stream().filter(device -> chargedBytes.containsKey(device.name()))
                    .forEach(device -> free.put(device.name(), NativeDevices.memory(device.index()).freeBytes()));
        }
        return free;
    }
}
