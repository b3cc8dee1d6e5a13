package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.Device;
import io.llatte.llama.DeviceType;
import io.llatte.memory.DeviceMemory;
import io.llatte.memory.MemoryBudget;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Each device's memory in parts that add up to all of it.
final class MemoryJson {

    private final MemoryBudget budget;
    private final double warningShare;

    /// @param warningShare the used part from which a device is near its limit
    MemoryJson(MemoryBudget budget, double warningShare) {
        this.budget = budget;
        this.warningShare = warningShare;
    }

    /// @param usedKvShare the part of the KV caches that holds tokens
    void put(ArrayNode array, List<DeviceMemory> memories, List<Device> devices, double usedKvShare) {
        Map<String, Device> byName = devices.stream().collect(Collectors.toMap(Device::name, Function.identity()));
        for (DeviceMemory memory : memories) {
            put(array.addObject(), memory, byName.get(memory.device()), usedKvShare);
        }
    }

    private void put(ObjectNode node, DeviceMemory memory, Device device, double usedKvShare) {
        long total = memory.totalBytes();
        long accounted = Math.min(memory.accountedBytes(), total);
        // The system counts a mapped file's pages as free: it takes them back before all others.
        long free = Math.min(memory.freeBytes(), total - accounted);
        long rest = total - free - accounted;
        OptionalLong own = device.type() == DeviceType.CPU ? ProcessMemory.residentBytes() : OptionalLong.empty();
        long unaccounted = own.isPresent() ? Math.min(rest, Math.max(0, own.getAsLong() - accounted)) : rest;
        long usedKv = Math.round(memory.kvCacheBytes() * usedKvShare);
        node.put("device", memory.device()).put("description", device.description()).put("type", device.type().name()).put("totalBytes", total)
                .put("freeBytes", free).put("weightsBytes", memory.weightsBytes()).put("kvCacheUsedBytes", usedKv)
                .put("kvCacheReservedBytes", memory.kvCacheBytes() - usedKv).put("computeBytes", memory.computeBytes())
                .put("unaccountedBytes", unaccounted).put("otherProcessesBytes", own.isPresent() ? (Long) (rest - unaccounted) : null)
                .put("budgetBytes", budget.bytesByDevice().get(memory.device()))
                .put("warning", memory.accountedBytes() > 0 && memory.usedShare() >= warningShare);
    }
}
