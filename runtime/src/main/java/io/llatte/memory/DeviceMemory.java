package io.llatte.memory;

/// A device's memory: what its driver says, and what of it the ledger knows.
///
/// @param device the device's name
/// @param totalBytes all of it
/// @param freeBytes what the driver says is free; for the CPU the operating system
/// @param weightsBytes the ledger's weights
/// @param kvCacheBytes the ledger's KV caches
/// @param computeBytes the ledger's compute buffers
public record DeviceMemory(String device, long totalBytes, long freeBytes, long weightsBytes, long kvCacheBytes, long computeBytes) {

    public DeviceMemory {
        if (freeBytes < 0 || freeBytes > totalBytes) {
            throw new IllegalArgumentException("%s: %,d of %,d bytes cannot be free".formatted(device, freeBytes, totalBytes));
        }
    }

    /// What the ledger of `ledger` holds on a device, beside the driver's numbers.
    public static DeviceMemory of(String device, long totalBytes, long freeBytes, MemoryLedger ledger) {
        return new DeviceMemory(device, totalBytes, Math.clamp(freeBytes, 0, totalBytes), ledger.bytes(device, MemoryKind.WEIGHTS),
                ledger.bytes(device, MemoryKind.KV_CACHE), ledger.bytes(device, MemoryKind.COMPUTE));
    }

    /// What is not free.
    public long usedBytes() {
        return totalBytes - freeBytes;
    }

    /// What the ledger holds.
    public long accountedBytes() {
        return weightsBytes + kvCacheBytes + computeBytes;
    }

    /// What is used and not in the ledger: drivers, pools, and other programs. Mapped weights that the operating system has not read yet are
    /// in the ledger and not in use, so that on the CPU this can be less than it is.
    public long unaccountedBytes() {
        return Math.max(0, usedBytes() - accountedBytes());
    }

    /// The part that is used, from 0 to 1.
    public double usedShare() {
        return totalBytes == 0 ? 0 : (double) usedBytes() / totalBytes;
    }
}
