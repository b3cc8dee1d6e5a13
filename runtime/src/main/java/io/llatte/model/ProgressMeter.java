package io.llatte.model;

import io.llatte.model.DownloadProgress.Phase;
import java.util.ArrayDeque;
import java.util.Deque;

/// Turns byte counts into progress reports with a rate: ten a second at most, and always the last one of a phase.
final class ProgressMeter {

    private static final long INTERVAL_NANOS = 100_000_000L;
    private static final long WINDOW_NANOS = 3_000_000_000L;

    private record Sample(long nanos, long bytes) {
    }

    private final String model;
    private final DownloadListener listener;
    private final Deque<Sample> window = new ArrayDeque<>();
    private Phase phase;
    private long totalBytes;
    private String detail = "";
    private long reportedNanos;
    private long bytesBefore;
    private long wholeBytes;

    ProgressMeter(String model, DownloadListener listener) {
        this.model = model;
        this.listener = listener;
    }

    String model() {
        return model;
    }

    /// What follows is about one of several files, which are reported as one download.
    void section(long newBytesBefore, long newWholeBytes) {
        bytesBefore = newBytesBefore;
        wholeBytes = newWholeBytes;
    }

    /// Starts a phase; bytes that are done already do not count for the rate.
    void start(Phase newPhase, String newDetail, long bytesDone, long newTotalBytes) {
        phase = newPhase;
        detail = newDetail;
        totalBytes = newTotalBytes;
        window.clear();
        window.add(new Sample(System.nanoTime(), bytesDone));
        report(bytesDone);
    }

    void detail(String newDetail) {
        detail = newDetail;
    }

    void update(long bytes) {
        long now = System.nanoTime();
        if (now - reportedNanos < INTERVAL_NANOS && bytes < totalBytes) {
            return;
        }
        while (window.size() > 1 && now - window.getFirst().nanos() > WINDOW_NANOS) {
            window.removeFirst();
        }
        window.addLast(new Sample(now, bytes));
        report(bytes);
    }

    private void report(long bytes) {
        reportedNanos = System.nanoTime();
        Sample first = window.getFirst();
        Sample last = window.getLast();
        double seconds = (last.nanos() - first.nanos()) / 1e9;
        double rate = seconds <= 0 ? 0 : Math.max(0, last.bytes() - first.bytes()) / seconds;
        listener.progress(new DownloadProgress(model, phase, detail, bytesBefore + bytes, Math.max(wholeBytes, totalBytes), rate));
    }
}
