package io.llatte.demo;

import io.llatte.model.DownloadProgress;

/// How far a long step is, on standard error: a line that updates itself on a terminal, a line for each ten percent of a download elsewhere.
final class ProgressLine implements AutoCloseable {

    private static final long INTERVAL_NANOS = 80_000_000L;

    /// What is told of where nothing updates itself.
    private enum Step { WAITING, DOWNLOADING, VERIFYING }

    private final boolean updates = !Output.isDumb() && Tty.isError();
    private long shownNanos;
    private int shownTenth = -1;
    private Step shownStep;

    void loading(String model, double fraction) {
        if (updates) {
            update("loading %s %3.0f%%".formatted(model, fraction * 100), fraction >= 1);
        }
    }

    void verifying(String model, double fraction) {
        show(Step.VERIFYING, fraction, "verifying %s %3.0f%%".formatted(model, fraction * 100));
    }

    /// @param totalBytes of how many, as far as that is known; 0 where not
    /// @param detail what is worked on, for as long as there are no bytes
    void downloading(String model, long bytes, long totalBytes, double bytesPerSecond, String detail) {
        show(totalBytes <= 0 && bytes <= 0 ? Step.WAITING : Step.DOWNLOADING, fraction(bytes, totalBytes),
                describe(model, bytes, totalBytes, bytesPerSecond, detail));
    }

    void download(DownloadProgress progress) {
        switch (progress.phase()) {
            case VERIFYING -> verifying(progress.model(), progress.fraction());
            case DOWNLOADING -> downloading(progress.model(), progress.bytes(), progress.totalBytes(), progress.bytesPerSecond(), progress.detail());
            case WAITING -> downloading(progress.model(), 0, 0, 0, "waiting for " + progress.detail());
        }
    }

    static String describe(String model, long bytes, long totalBytes, double bytesPerSecond, String detail) {
        String rate = Sizes.text(Math.round(bytesPerSecond));
        if (totalBytes > 0) {
            return "downloading %s %3.0f%%: %s of %s, %s/s".formatted(model, fraction(bytes, totalBytes) * 100, Sizes.text(bytes),
                    Sizes.text(totalBytes), rate);
        }
        return "downloading %s: %s".formatted(model, bytes > 0 ? "%s, %s/s".formatted(Sizes.text(bytes), rate) : detail);
    }

    private static double fraction(long bytes, long totalBytes) {
        return totalBytes <= 0 ? 0 : Math.min(1, (double) bytes / totalBytes);
    }

    private void show(Step step, double fraction, String text) {
        if (updates) {
            update(text, fraction >= 1);
            return;
        }
        int tenth = (int) (fraction * 10);
        if (step != shownStep || tenth != shownTenth && step == Step.DOWNLOADING) {
            shownTenth = tenth;
            shownStep = step;
            Output.note(text);
        }
    }

    private void update(String text, boolean last) {
        long now = System.nanoTime();
        if (last || now - shownNanos >= INTERVAL_NANOS) {
            shownNanos = now;
            Output.progress(text);
        }
    }

    /// Leaves an empty line on a terminal.
    @Override
    public void close() {
        Output.clearProgress();
    }
}
