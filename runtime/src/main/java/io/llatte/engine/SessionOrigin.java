package io.llatte.engine;

import io.llatte.SavedStateException;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.Model;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;

/// What a session was evaluated by. It goes on nowhere else: the numbers of another model, or in another layout, would be taken for this one's.
///
/// @param model the model's fingerprint
/// @param cache the cache in words
record SessionOrigin(byte[] model, String cache) {

    private static final int SHOWN_BYTES = 6;

    /// A cache of equal parts writes how many; one that forgets what left the window cannot be cut where one that keeps all can.
    static SessionOrigin of(byte[] fingerprint, Model model, ContextOptions options) {
        int window = options.fullSlidingWindow() ? 0 : model.info().slidingWindow();
        // Written to the file: in no locale's digits.
        return new SessionOrigin(fingerprint, "keys " + options.keyType() + ", values " + options.valueType() + ", parts "
                + (options.unifiedKv() ? 1 : options.maxSequences()) + ", window " + window);
    }

    /// @throws SavedStateException if a file that was saved here is not at home there
    void checkSame(SessionOrigin there, Path file) {
        if (!Arrays.equals(model, there.model)) {
            throw new SavedStateException("%s was saved with another model: its fingerprint is %s, and this one's %s".formatted(file, shown(model),
                    shown(there.model)));
        }
        if (!cache.equals(there.cache)) {
            throw new SavedStateException("%s was saved from another cache: it had %s, and this one has %s".formatted(file, cache, there.cache));
        }
    }

    private static String shown(byte[] fingerprint) {
        return HexFormat.of().formatHex(fingerprint, 0, SHOWN_BYTES);
    }
}
