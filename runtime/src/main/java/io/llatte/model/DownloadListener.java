package io.llatte.model;

/// Hears how far a download is, on the thread that called [ModelStore#pull], about ten times a second.
@FunctionalInterface
public interface DownloadListener {

    void progress(DownloadProgress progress);
}
