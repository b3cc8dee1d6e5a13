package io.llatte.demo.bench;

import io.llatte.llama.Device;
import io.llatte.llama.DeviceType;
import io.llatte.llama.Llama;
import java.util.function.Function;
import java.util.stream.Collectors;

/// What a measurement was made on.
final class Machine {

    private Machine() {
    }

    /// The backends that a setup computes with.
    static String backend(Setup setup) {
        String gpus = join(true, Device::backend);
        return setup.gpuLayers() == 0 || gpus.isEmpty() ? "CPU" : gpus;
    }

    static String cpu() {
        return join(false, Device::description);
    }

    static String gpus() {
        return join(true, Device::description);
    }

    private static String join(boolean gpu, Function<Device, String> name) {
        return Llama.devices().stream().filter(device -> gpu == (device.type() != DeviceType.CPU)).map(name).distinct()
                .collect(Collectors.joining(","));
    }
}
