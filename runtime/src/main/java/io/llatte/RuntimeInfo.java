package io.llatte;

import io.llatte.llama.Backend;
import io.llatte.llama.Device;
import io.llatte.llama.Llama;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The machine and the library.
///
/// @param devices the devices, with total bytes and those free now
/// @param backends the backend modules of the native folder; each that is not loaded has its reason
/// @param absentBackends those that the native library was built without, with what to do about it
/// @param versions the library's parts; empty where it could not be loaded
/// @param cpuVariant the CPU variant that was chosen, or ""
/// @param nativeDirectory where the native library is; empty where it could not be loaded
/// @param limits the largest values that options may have
/// @param failure why the native library could not be loaded
public record RuntimeInfo(List<Device> devices, List<Backend> backends, Map<String, String> absentBackends, Optional<Llama.Versions> versions,
                          String cpuVariant, Optional<Path> nativeDirectory, Limits limits, Optional<LlatteException> failure) {

    public RuntimeInfo {
        devices = List.copyOf(devices);
        backends = List.copyOf(backends);
        absentBackends = Map.copyOf(absentBackends);
    }

    /// The largest values that options may have.
    ///
    /// @param maxSequences sequences of a context
    /// @param maxThreads threads of a context
    /// @param maxDevices devices of a model
    public record Limits(int maxSequences, int maxThreads, int maxDevices) {
    }
}
