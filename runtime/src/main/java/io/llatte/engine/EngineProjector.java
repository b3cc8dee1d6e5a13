package io.llatte.engine;

import io.llatte.ModelLoadException;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.Model;
import io.llatte.llama.Projector;
import io.llatte.llama.ProjectorOptions;
import io.llatte.memory.MemoryUsage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Finds, plans and loads the projector of a model that is to be loaded.
final class EngineProjector {

    private static final Logger LOG = LoggerFactory.getLogger(EngineProjector.class);

    private EngineProjector() {
    }

    private static Optional<Path> find(Path model, ProjectorSource source) {
        return switch (source) {
            case ProjectorSource.None() -> Optional.empty();
            case ProjectorSource.File(Path path) -> Optional.of(path);
            case ProjectorSource.Beside() -> beside(model);
        };
    }

    private static Optional<Path> beside(Path model) {
        Path folder = model.toAbsolutePath().getParent();
        try (var files = Files.list(folder)) {
            List<Path> found = files.filter(file -> isProjector(file) && !file.getFileName().equals(model.getFileName())).sorted().toList();
            if (found.size() > 1) {
                LOG.info("{} is loaded without a projector: {} lie beside it, name one of them", model.getFileName(), found.size());
            }
            return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
        } catch (IOException | RuntimeException e) {
            LOG.warn("no projector is looked for in {}: {}", folder, e.toString());
            return Optional.empty();
        }
    }

    private static boolean isProjector(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return name.contains("mmproj") && name.endsWith(".gguf");
    }

    private static ProjectorOptions options(PlacementTarget target, ContextOptions context) {
        ProjectorOptions options = ProjectorOptions.defaults().withThreads(context.batchThreads());
        return target == PlacementTarget.CPU ? options.onCpu() : options;
    }

    /// What it will take; nothing where there is none.
    ///
    /// @throws ModelLoadException if a file was named that is no projector
    static List<MemoryUsage> plan(Path model, EngineOptions options, PlacementTarget target, ContextOptions context) {
        Optional<Path> file = find(model, options.projector());
        try {
            return file.map(path -> Projector.plan(path, options(target, context)).usages()).orElse(List.of());
        } catch (ModelLoadException e) {
            return withoutOr(e, options);
        }
    }

    private static <T> List<T> withoutOr(ModelLoadException e, EngineOptions options) {
        if (options.projector() instanceof ProjectorSource.File) {
            throw e;
        }
        return List.of();
    }

    /// The model's projector, if it gets one.
    ///
    /// @throws ModelLoadException if a file was named that does not fit the model
    static Optional<Projector> load(Model model, EngineOptions options, PlacementTarget target, ContextOptions context) {
        Optional<Path> file = find(model.path(), options.projector());
        try {
            return file.map(path -> model.loadProjector(path, options(target, context)));
        } catch (ModelLoadException e) {
            withoutOr(e, options);
            LOG.warn("{} is loaded without the projector {}: {}", model.path().getFileName(), file.orElseThrow().getFileName(), e.getMessage());
            return Optional.empty();
        }
    }
}
