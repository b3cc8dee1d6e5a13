package io.llatte;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The model that the user chose last, in a file of one line. It never keeps anything from starting.
final class ModelPreference {

    private static final Logger LOG = LoggerFactory.getLogger(ModelPreference.class);
    private static final int LONGEST_BYTES = 4096;

    private final Path file;

    ModelPreference(Path file) {
        this.file = file;
    }

    /// The file in the user's state folder.
    static Path defaultFile(Properties properties, Map<String, String> environment) {
        Path home = Path.of(properties.getProperty("user.home"));
        String system = properties.getProperty("os.name").toLowerCase(Locale.ROOT);
        String named = environment.getOrDefault(system.startsWith("windows") ? "LOCALAPPDATA" : "XDG_STATE_HOME", "");
        Path folder = Path.of(named).isAbsolute() ? Path.of(named)
                : system.startsWith("mac") ? home.resolve("Library").resolve("Application Support")
                : home.resolve(".local").resolve("state");
        return folder.resolve("llatte").resolve("model");
    }

    Optional<String> read() {
        try {
            if (Files.size(file) > LONGEST_BYTES) {
                throw new IOException("it has " + Files.size(file) + " bytes");
            }
            return Optional.of(Files.readString(file).strip()).filter(text -> !text.isEmpty() && text.lines().count() == 1);
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (IOException | RuntimeException e) {
            LOG.warn("the preferred model cannot be read from {}: {}", file, e.toString());
            return Optional.empty();
        }
    }

    void write(String modelId) {
        try {
            Files.createDirectories(file.getParent());
            Path part = Files.createTempFile(file.getParent(), "model", ".part");
            try {
                Files.writeString(part, modelId + "\n");
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            LOG.warn("the preferred model cannot be kept in {}: {}", file, e.toString());
        }
    }
}
