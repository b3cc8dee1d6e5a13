package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.RuntimeInfo;
import io.llatte.llama.Backend;
import io.llatte.llama.Device;
import io.llatte.llama.Llama;

/// The machine and the library.
final class RuntimeJson {

    private RuntimeJson() {
    }

    static ObjectNode of(RuntimeInfo info) {
        ObjectNode root = JsonNodeFactory.instance.objectNode().put("version", info.versions().map(Llama.Versions::llatte).orElse(null))
                .put("llamaCpp", info.versions().map(Llama.Versions::llamaCpp).orElse(null));
        ArrayNode devices = root.putArray("devices");
        for (Device device : info.devices()) {
            devices.addObject().put("name", device.name()).put("description", device.description()).put("type", device.type().name())
                    .put("backend", device.backend()).put("totalBytes", device.totalBytes()).put("freeBytes", device.freeBytes());
        }
        ArrayNode backends = root.putArray("backends");
        for (Backend backend : info.backends()) {
            ObjectNode node = backends.addObject().put("name", backend.name()).put("loaded", backend.loaded()).put("reason", backend.reason());
            backend.devices().forEach(node.putArray("devices")::add);
            ObjectNode features = node.putObject("features");
            backend.features().forEach(features::put);
        }
        ObjectNode absent = root.putObject("absentBackends");
        info.absentBackends().forEach(absent::put);
        root.put("cpuVariant", info.cpuVariant());
        root.putObject("limits").put("maxSequences", info.limits().maxSequences()).put("maxThreads", info.limits().maxThreads())
                .put("maxDevices", info.limits().maxDevices());
        return root.put("failure", info.failure().map(Throwable::getMessage).orElse(null));
    }
}
