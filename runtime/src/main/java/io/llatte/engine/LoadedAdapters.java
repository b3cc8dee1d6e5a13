package io.llatte.engine;

import io.llatte.ModelLoadException;
import io.llatte.llama.AdapterUse;
import io.llatte.llama.ControlVector;
import io.llatte.llama.Gguf;
import io.llatte.llama.LoraAdapter;
import io.llatte.llama.Model;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The adapters of a model, each loaded once, when a request first asks for it, and kept. Any thread.
final class LoadedAdapters {

    private static final String CONTROL_VECTOR = "controlvector";

    private final Model model;
    private final Map<Path, LoraAdapter> loras = new HashMap<>();
    private final Map<Path, ControlVector> vectors = new HashMap<>();

    LoadedAdapters(Model model) {
        this.model = model;
    }

    /// The set that a request asks for; those with a scale of 0 are not in it. Callers of one file wait for one load.
    ///
    /// @throws ModelLoadException if a file is missing, no adapter, or another model's
    /// @throws io.llatte.InsufficientMemoryException if it does not fit
    /// @throws IllegalArgumentException if a file is named twice
    synchronized AdapterSet resolve(List<Adapter> asked) {
        if (asked.isEmpty()) {
            return AdapterSet.NONE;
        }
        if (asked.stream().map(Adapter::file).distinct().count() < asked.size()) {
            throw new IllegalArgumentException("an adapter is named twice: " + asked);
        }
        List<Adapter> sorted = asked.stream().filter(adapter -> adapter.scale() != 0).sorted(Comparator.comparing(Adapter::file)).toList();
        List<AdapterUse> uses = new ArrayList<>();
        Optional<ControlVector> sum = Optional.empty();
        for (Adapter adapter : sorted) {
            if (isControlVector(adapter.file())) {
                ControlVector vector = vectors.computeIfAbsent(adapter.file(), file -> ControlVector.read(model, file)).times(adapter.scale());
                sum = Optional.of(sum.map(vector::plus).orElse(vector));
            } else {
                uses.add(new AdapterUse(loras.computeIfAbsent(adapter.file(), model::loadAdapter), adapter.scale()));
            }
        }
        return new AdapterSet(sorted, List.copyOf(uses), sum);
    }

    private boolean isControlVector(Path file) {
        return vectors.containsKey(file) || !loras.containsKey(file) && Gguf.readScalars(file).architecture().equals(CONTROL_VECTOR);
    }

    /// The files that are loaded.
    synchronized List<Path> files() {
        var files = new ArrayList<>(loras.keySet());
        files.addAll(vectors.keySet());
        return files.stream().sorted().toList();
    }

    /// Frees an adapter; the next request that asks for it loads it again. Requests that run with it would go on without: the caller knows that there
    /// are none.
    synchronized boolean forget(Path file) {
        Path key = file.toAbsolutePath().normalize();
        LoraAdapter lora = loras.remove(key);
        if (lora != null) {
            lora.close();
        }
        return lora != null | vectors.remove(key) != null;
    }
}
