package io.llatte.model;

import java.io.IOException;
import java.nio.file.Path;

/// One way to get a model's file. Called under the store's lock, with a work folder of its own.
interface Download {

    /// Makes use of what an earlier try left, removes its rubbish.
    ///
    /// @return bytes that [#run] writes at most before it is done
    long prepare() throws IOException;

    /// Gets the file, verifies it, and gives it its final name.
    ///
    /// @throws io.llatte.DownloadException if that cannot be; nothing is under the final name then
    void run(Path target, ProgressMeter progress) throws IOException;
}
