package io.llatte.llama;

import io.llatte.internal.ffi.NativeDevices;

/// A device that a model can be placed on.
///
/// @param index its place in llama.cpp's list
/// @param name ggml's name, unique on this machine, as in `CUDA0`
/// @param description the hardware's name
/// @param type its kind
/// @param backend the backend that drives it
/// @param freeBytes memory that is free now, from the driver; for the CPU from the operating system and its control group
/// @param totalBytes all of its memory
public record Device(int index, String name, String description, DeviceType type, String backend, long freeBytes, long totalBytes) {

    /// The same device at another moment.
    public Device withFreeBytes(long bytes) {
        return new Device(index, name, description, type, backend, bytes, totalBytes);
    }

    static Device of(NativeDevices.Entry entry) {
        DeviceType type = DeviceType.of(entry.type());
        if (type == DeviceType.CPU) {
            HostMemory host = HostMemory.read();
            return new Device(entry.index(), entry.name(), entry.description(), type, entry.backend(), host.freeBytes(), host.totalBytes());
        }
        NativeDevices.Memory memory = NativeDevices.memory(entry.index());
        return new Device(entry.index(), entry.name(), entry.description(), type, entry.backend(), memory.freeBytes(), memory.totalBytes());
    }
}
