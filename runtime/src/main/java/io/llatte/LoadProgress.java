package io.llatte;

import io.llatte.engine.Fallback;
import io.llatte.engine.LoadObserver;
import io.llatte.model.DownloadListener;
import io.llatte.model.DownloadProgress;
import io.llatte.model.DownloadProgress.Phase;
import java.util.function.ObjDoubleConsumer;

/// Tells of one load: a download, if there is one, then the weights. Loading never goes back, also where a second place is tried, and is at 1
/// only when the model answers.
final class LoadProgress implements LoadObserver, DownloadListener {

    /// Of the whole, where there is a download.
    private static final double DOWNLOAD_SHARE = 0.9;

    /// The rest is the context and the first decode.
    private static final double WEIGHTS_SHARE = 0.99;

    private final String modelId;
    private final EventBus events;
    private final ObjDoubleConsumer<String> status;
    private boolean downloaded;
    private double loaded;

    /// @param status takes a message and how far the whole is
    LoadProgress(String modelId, EventBus events, ObjDoubleConsumer<String> status) {
        this.modelId = modelId;
        this.events = events;
        this.status = status;
    }

    @Override
    public void progress(DownloadProgress progress) {
        downloaded = true;
        if (progress.phase() == Phase.VERIFYING) {
            events.publish(new LlmEvent.Verifying(modelId, progress.fraction()));
            status.accept("verifying " + modelId, DOWNLOAD_SHARE);
        } else {
            String detail = progress.phase() == Phase.WAITING ? "waiting for " + progress.detail() : progress.detail();
            events.publish(new LlmEvent.Downloading(modelId, progress.bytes(), progress.totalBytes(), progress.bytesPerSecond(), detail));
            status.accept("downloading " + modelId, DOWNLOAD_SHARE * progress.fraction());
        }
    }

    @Override
    public boolean progress(double fraction) {
        loaded(fraction * WEIGHTS_SHARE);
        return true;
    }

    /// The model answers.
    void done() {
        loaded(1);
    }

    private void loaded(double fraction) {
        if (fraction > loaded) {
            loaded = fraction;
            events.publish(new LlmEvent.Loading(modelId, fraction));
            status.accept("loading " + modelId, downloaded ? DOWNLOAD_SHARE + (1 - DOWNLOAD_SHARE) * fraction : fraction);
        }
    }

    @Override
    public void fallback(Fallback step) {
        events.publish(new LlmEvent.FellBack(modelId, step));
    }
}
