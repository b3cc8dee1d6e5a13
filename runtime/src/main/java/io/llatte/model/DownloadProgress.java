package io.llatte.model;

/// How far a download is.
///
/// @param model the model's id, or how the user named it
/// @param phase what is being done
/// @param detail what is worked on, in words: a package, an address, the process that is waited for
/// @param bytes how many of `totalBytes` are done, those kept from an earlier try included
/// @param totalBytes the bytes of this phase, of all parts of a split model together; 0 where the server does not say it
/// @param bytesPerSecond the rate of the last seconds; 0 where none is known yet
public record DownloadProgress(String model, Phase phase, String detail, long bytes, long totalBytes, double bytesPerSecond) {

    /// The steps of a download, in their order.
    public enum Phase {
        /// Another process downloads the same model.
        WAITING,
        /// Bytes come over the network.
        DOWNLOADING,
        /// The file is put together and its checksum computed.
        VERIFYING
    }

    /// The part that is done, from 0 to 1.
    public double fraction() {
        return totalBytes == 0 ? 0 : Math.min(1, (double) bytes / totalBytes);
    }
}
