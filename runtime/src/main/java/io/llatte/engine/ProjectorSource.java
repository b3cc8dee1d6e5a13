package io.llatte.engine;

import java.nio.file.Path;

/// Where the projector comes from, with which a model sees or hears.
public sealed interface ProjectorSource {

    /// The one file beside the model whose name has `mmproj` in it and ends in `.gguf`. Where there are several, or it does not fit the model, the model is
    /// loaded without, and a line of the log says so.
    record Beside() implements ProjectorSource {
    }

    /// This file. A model that it does not fit is not loaded.
    record File(Path path) implements ProjectorSource {
        public File {
            path = path.toAbsolutePath().normalize();
        }
    }

    /// None: pictures and sounds are refused.
    record None() implements ProjectorSource {
    }
}
