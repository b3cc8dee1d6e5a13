package io.llatte.internal.ffi;

import io.llatte.BackendUnavailableException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The native libraries as the `llatte-natives` jar carries them, extracted once into a content-addressed cache folder.
///
/// The folder's name is the checksum of every file in it. It is filled beside its final place under a lock and renamed at the end, so
/// that neither a second process nor a crash ever shows a half-filled one.
final class NativePackage {

    private static final String MANIFEST = "llatte-natives.properties";

    private NativePackage() {
    }

    /// The resource folder of a platform's package.
    static String resourceFolder(NativePlatform platform) {
        return "/io/llatte/natives/" + platform.classifier() + "/";
    }

    /// The package's manifest on the class path or module path, or null where the package is absent.
    static URL find(NativePlatform platform) {
        return NativePackage.class.getClassLoader().getResource(resourceFolder(platform).substring(1) + MANIFEST);
    }

    /// Extracts the package below `cache`, unless that was done before, and returns its folder.
    static Path extract(URL manifest, Path cache) {
        try {
            Files.createDirectories(cache);
            String digest = digestOf(manifest);
            Path target = cache.resolve(digest);
            if (isWhole(target)) {
                return target;
            }
            try (var lock = FileChannel.open(cache.resolve(digest + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    var held = lock.lock()) {
                if (held.isValid() && !isWhole(target)) {
                    deleteFolder(target);
                    copyAll(manifest, target);
                }
            }
            return target;
        } catch (IOException e) {
            throw new BackendUnavailableException(
                    "Extracting the native libraries into " + cache + " failed (" + e + "). Set -Dllatte.native.cache or"
                            + " LLATTE_NATIVE_CACHE to a folder that can be written, or -Dllatte.native.path to an extracted one.", e);
        }
    }

    private static boolean isWhole(Path folder) throws IOException {
        if (!Files.isDirectory(folder) || damage(folder).isPresent()) {
            return false;
        }
        return manifestOf(folder).stringPropertyNames().stream().allMatch(file -> Files.isRegularFile(folder.resolve(file)));
    }

    /// A file of the folder that has another size than its manifest says: loading it would end the process. Modules of backends may be
    /// taken out, and a folder without a manifest is not looked at.
    static Optional<String> damage(Path folder) {
        try {
            Properties manifest = manifestOf(folder);
            for (String file : new TreeSet<>(manifest.stringPropertyNames())) {
                String[] entry = manifest.getProperty(file).split(" ");
                Path path = folder.resolve(file);
                long expected = entry.length < 2 ? -1 : Long.parseLong(entry[1]);
                if (expected >= 0 && Files.isRegularFile(path) && Files.size(path) != expected) {
                    return Optional.of("%s has %,d bytes instead of %,d".formatted(file, Files.size(path), expected));
                }
            }
            return Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            return Optional.of(MANIFEST + " cannot be read: " + e);
        }
    }

    private static Properties manifestOf(Path folder) throws IOException {
        var manifest = new Properties();
        Path file = folder.resolve(MANIFEST);
        if (Files.exists(file)) {
            try (InputStream in = Files.newInputStream(file)) {
                manifest.load(in);
            }
        }
        return manifest;
    }

    /// The manifest lists every file with its checksum, so its own checksum stands for all of them.
    private static String digestOf(URL manifest) throws IOException {
        try (InputStream in = manifest.openStream()) {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(in.readAllBytes())).substring(0, 32);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static void copyAll(URL manifest, Path target) throws IOException {
        Path work = Files.createTempDirectory(target.getParent(), target.getFileName() + ".");
        try {
            withFolderOf(manifest, folder -> {
                try (Stream<Path> files = Files.list(folder)) {
                    for (Path file : (Iterable<Path>) files::iterator) {
                        Files.copy(file, work.resolve(file.getFileName().toString()));
                    }
                }
            });
            Files.move(work, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            deleteFolder(work);
        }
    }

    private interface FolderReader {
        void read(Path folder) throws IOException;
    }

    private static void withFolderOf(URL manifest, FolderReader reader) throws IOException {
        URI uri = URI.create(manifest.toString());
        if (!"jar".equals(uri.getScheme())) {
            reader.read(Path.of(uri).getParent());
            return;
        }
        String[] parts = uri.toString().split("!", 2);
        try (FileSystem jar = FileSystems.newFileSystem(Path.of(URI.create(parts[0].substring("jar:".length()))), Map.of())) {
            reader.read(jar.getPath(parts[1]).getParent());
        }
    }

    private static void deleteFolder(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        List<Path> files;
        try (Stream<Path> listed = Files.list(folder)) {
            files = listed.toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
        Files.deleteIfExists(folder);
    }
}
