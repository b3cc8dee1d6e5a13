package io.llatte.model;

import io.llatte.DownloadException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The free space of the disk that downloads go to.
///
/// @param folder a folder on that disk, which exists
/// @param reservedBytes what is to be left free
record DiskSpace(Path folder, long reservedBytes) {

    /// @throws DownloadException if there is less
    void require(long neededBytes, String what) throws IOException {
        long freeBytes = freeBytes();
        if (freeBytes < neededBytes) {
            throw new DownloadException("not enough disk space in %s for %s: %d bytes needed, %d available"
                    .formatted(folder, what, neededBytes, freeBytes));
        }
    }

    private long freeBytes() throws IOException {
        return Math.max(0, Files.getFileStore(folder).getUsableSpace() - reservedBytes);
    }

    /// For a write that failed in the midst of a download.
    DownloadException writeFailed(String what, long missingBytes, IOException cause) throws IOException {
        return new DownloadException("%s cannot be written into %s: %s; %d bytes are missing, %d are available".formatted(what, folder,
                WebClient.reason(cause), missingBytes, freeBytes()), cause);
    }
}
