package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.LocalLlm;
import io.llatte.RuntimeInfo;
import io.llatte.llama.Backend;
import io.llatte.llama.Device;
import io.llatte.llama.Llama;
import io.llatte.model.ModelStore;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `llatte info`.
@Command(name = "info", description = "Shows versions, devices, backends and paths.")
final class InfoCommand implements Runnable {

    @Option(names = "--json", description = "Print one object.")
    private boolean json;

    @Override
    public void run() {
        try (var llm = LocalLlm.builder().withoutPreference().build()) {
            RuntimeInfo info = llm.runtimeInfo();
            info.failure().ifPresent(failure -> {
                throw failure;
            });
            Output.print(json ? AnswerJson.write(toJson(info)) + "\n" : toText(info));
        }
    }

    private static String platform() {
        return System.getProperty("os.name") + " " + System.getProperty("os.arch");
    }

    private static String toText(RuntimeInfo info) {
        var text = new StringBuilder();
        Llama.Versions versions = info.versions().orElseThrow();
        line(text, "llatte", LlatteVersion.own() + " (native library " + versions.llatte() + ")");
        line(text, "llama.cpp", versions.llamaCpp());
        line(text, "Java", Runtime.version().toString());
        line(text, "platform", platform());
        line(text, "CPU variant", info.cpuVariant().isEmpty() ? "the only one" : info.cpuVariant());
        line(text, "native library", info.nativeDirectory().orElseThrow().toString());
        line(text, "models", ModelStore.open().folder().toString());
        line(text, "history", UserPaths.history().toString());
        text.append("\nDevices\n");
        for (Device device : info.devices()) {
            text.append("  %-10s %s, %s: %s free of %s%n".formatted(device.name(), device.description(), device.type(),
                    Sizes.text(device.freeBytes()), Sizes.text(device.totalBytes())));
        }
        text.append("\nBackends\n");
        for (Backend backend : sorted(info)) {
            text.append("  %-10s %s%n".formatted(backend.name(), backend.loaded() ? describe(backend)
                    : backend.file() + " is not used: " + backend.reason()));
        }
        new TreeMap<>(info.absentBackends()).forEach((name, reason) -> text.append("  %-10s %s%n".formatted(name, reason)));
        return text.toString();
    }

    /// Those in use first.
    private static List<Backend> sorted(RuntimeInfo info) {
        return info.backends().stream().sorted(Comparator.comparing(Backend::loaded).reversed()).toList();
    }

    private static String describe(Backend backend) {
        String features = String.join(" ", backend.features().keySet().stream().sorted().toList());
        return backend.file() + (features.isEmpty() ? "" : " (" + features + ")");
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append("%-15s %s%n".formatted(name, value));
    }

    private static ObjectNode toJson(RuntimeInfo info) {
        ObjectNode root = new ObjectMapper().createObjectNode();
        Llama.Versions versions = info.versions().orElseThrow();
        root.putObject("versions").put("llatte", LlatteVersion.own()).put("native", versions.llatte())
                .put("llamaCpp", versions.llamaCpp()).put("bindings", versions.bindings()).put("java", Runtime.version().toString());
        root.put("platform", platform()).put("cpuVariant", info.cpuVariant());
        var devices = root.putArray("devices");
        for (Device device : info.devices()) {
            devices.addObject().put("name", device.name()).put("description", device.description()).put("type", device.type().name())
                    .put("backend", device.backend()).put("freeBytes", device.freeBytes()).put("totalBytes", device.totalBytes());
        }
        var backends = root.putArray("backends");
        for (Backend backend : info.backends()) {
            ObjectNode node = backends.addObject().put("name", backend.name()).put("file", backend.file()).put("loaded", backend.loaded())
                    .put("reason", backend.reason());
            backend.devices().forEach(node.putArray("devices")::add);
            ObjectNode features = node.putObject("features");
            backend.features().forEach(features::put);
        }
        ObjectNode absent = root.putObject("absentBackends");
        new TreeMap<>(info.absentBackends()).forEach(absent::put);
        root.putObject("paths").put("native", info.nativeDirectory().orElseThrow().toString()).put("models", ModelStore.open().folder().toString())
                .put("history", UserPaths.history().toString());
        return root;
    }
}
