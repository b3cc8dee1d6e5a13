package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.Backend;
import io.llatte.llama.Device;
import io.llatte.llama.Llama;
import io.llatte.model.ModelStore;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `llatte info`.
@Command(name = "info", description = "Shows versions, devices, backends and paths.")
final class InfoCommand implements Runnable {

    @Option(names = "--json", description = "Print one object.")
    private boolean json;

    @Override
    public void run() {
        Llama.load();
        Output.print(json ? AnswerJson.write(toJson()) + "\n" : toText());
    }

    private static String platform() {
        return System.getProperty("os.name") + " " + System.getProperty("os.arch");
    }

    private static String toText() {
        var text = new StringBuilder();
        Llama.Versions versions = Llama.versions();
        line(text, "llatte", LlatteVersion.own() + " (native library " + versions.llatte() + ")");
        line(text, "llama.cpp", versions.llamaCpp());
        line(text, "Java", Runtime.version().toString());
        line(text, "platform", platform());
        line(text, "CPU variant", Llama.cpuVariant().isEmpty() ? "the only one" : Llama.cpuVariant());
        line(text, "native library", Llama.nativeDirectory().toString());
        line(text, "models", ModelStore.open().folder().toString());
        line(text, "history", UserPaths.history().toString());
        text.append("\nDevices\n");
        for (Device device : Llama.devices()) {
            text.append("  %-10s %s, %s: %s free of %s%n".formatted(device.name(), device.description(), device.type(),
                    Sizes.text(device.freeBytes()), Sizes.text(device.totalBytes())));
        }
        text.append("\nBackends\n");
        for (Backend backend : sorted()) {
            text.append("  %-10s %s%n".formatted(backend.name(), backend.loaded() ? describe(backend)
                    : backend.file() + " is not used: " + backend.reason()));
        }
        return text.toString();
    }

    /// Those in use first.
    private static List<Backend> sorted() {
        return Llama.backends().stream().sorted(java.util.Comparator.comparing(Backend::loaded).reversed()).toList();
    }

    private static String describe(Backend backend) {
        String features = String.join(" ", backend.features().keySet().stream().sorted().toList());
        return backend.file() + (features.isEmpty() ? "" : " (" + features + ")");
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append("%-15s %s%n".formatted(name, value));
    }

    private static ObjectNode toJson() {
        ObjectNode root = new ObjectMapper().createObjectNode();
        Llama.Versions versions = Llama.versions();
        root.putObject("versions").put("llatte", LlatteVersion.own()).put("native", versions.llatte())
                .put("llamaCpp", versions.llamaCpp()).put("bindings", versions.bindings()).put("java", Runtime.version().toString());
        root.put("platform", platform()).put("cpuVariant", Llama.cpuVariant());
        var devices = root.putArray("devices");
        for (Device device : Llama.devices()) {
            devices.addObject().put("name", device.name()).put("description", device.description()).put("type", device.type().name())
                    .put("backend", device.backend()).put("freeBytes", device.freeBytes()).put("totalBytes", device.totalBytes());
        }
        var backends = root.putArray("backends");
        for (Backend backend : Llama.backends()) {
            ObjectNode node = backends.addObject().put("name", backend.name()).put("file", backend.file()).put("loaded", backend.loaded())
                    .put("reason", backend.reason());
            backend.devices().forEach(node.putArray("devices")::add);
            ObjectNode features = node.putObject("features");
            backend.features().forEach(features::put);
        }
        root.putObject("paths").put("native", Llama.nativeDirectory().toString()).put("models", ModelStore.open().folder().toString())
                .put("history", UserPaths.history().toString());
        return root;
    }
}
