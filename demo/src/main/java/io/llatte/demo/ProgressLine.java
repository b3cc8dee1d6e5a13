package io.llatte.demo;

import io.llatte.model.DownloadProgress;
import io.llatte.model.DownloadProgress.Phase;

/// How far a long step is, on standard error: a line that updates itself on a terminal, a line for each ten percent of a download elsewhere.
final class ProgressLine implements AutoCloseable {

    private static final long INTERVAL_NANOS = 80_000_000L;

    private final boolean updates = !Output.isDumb() && Tty.isError();
    private long shownNanos;
    private int shownTenth = -1;
    private Phase shownPhase;
    private boolean dirty;

    void loading(String model, double fraction) {
        if (updates) {
            update("loading %s %3.0f%%".formatted(model, fraction * 100), fraction >= 1);
        }
    }

    void download(DownloadProgress progress) {
        String text = describe(progress);
        if (updates) {
            update(text, progress.fraction() >= 1);
            return;
        }
        int tenth = (int) (progress.fraction() * 10);
        boolean samePhase = progress.phase() == shownPhase;
        if (!samePhase || tenth != shownTenth && progress.phase() == Phase.DOWNLOADING) {
            shownTenth = tenth;
            shownPhase = progress.phase();
            Output.note(text);
        }
    }

    static String describe(DownloadProgress progress) {
        return switch (progress.phase()) {
            case WAITING -> "waiting: %s is downloading %s".formatted(progress.detail(), progress.model());
            case VERIFYING -> "verifying %s %3.0f%%".formatted(progress.model(), progress.fraction() * 100);
            case DOWNLOADING -> "downloading %s %3.0f%%: %s of %s, %s/s".formatted(progress.model(), progress.fraction() * 100,
                    Sizes.text(progress.bytes()), Sizes.text(progress.totalBytes()), Sizes.text(Math.round(progress.bytesPerSecond())));
        };
    }

    private void update(String text, boolean last) {
        long now = System.nanoTime();
        if (last || now - shownNanos >= INTERVAL_NANOS) {
            shownNanos = now;
            dirty = true;
            Output.errorWriter().print("\r" + text + "\u001b[K");
            Output.errorWriter().flush();
        }
    }

    /// Leaves an empty line on a terminal.
    @Override
    public void close() {
        if (dirty) {
            Output.errorWriter().print("\r\u001b[K");
            Output.errorWriter().flush();
            dirty = false;
        }
    }
}
