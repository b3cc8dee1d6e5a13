package io.llatte.demo;

import io.llatte.engine.Adapter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/// What changes the model, as the command line says it.
final class AdapterArguments {

    @Option(names = "--lora", paramLabel = "FILE[=SCALE]",
            description = "A LoRA adapter or a control vector (GGUF) that changes the model, and how much: 1 as it was trained. May be repeated")
    private List<String> adapters = List.of();

    /// What was asked for.
    ///
    /// @throws Misuse if a file is not there, or a scale is no number
    List<Adapter> adapters() {
        return adapters.stream().map(AdapterArguments::adapter).toList();
    }

    private static Adapter adapter(String text) {
        int equals = text.lastIndexOf('=');
        boolean scaled = equals > 0 && !Files.exists(Path.of(text));
        Path file = Path.of(scaled ? text.substring(0, equals) : text);
        Misuse.unless(Files.isRegularFile(file), "--lora: there is no file " + file);
        try {
            return Adapter.of(file, scaled ? Float.parseFloat(text.substring(equals + 1)) : 1);
        } catch (IllegalArgumentException e) {
            throw new Misuse("--lora: the scale must be a number: " + text.substring(equals + 1));
        }
    }
}
