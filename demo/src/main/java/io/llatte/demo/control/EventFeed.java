package io.llatte.demo.control;

import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.LlmState;
import io.llatte.LocalLlm;
import io.llatte.demo.http.ClientConnection;
import io.llatte.demo.http.ClientGoneException;
import io.llatte.demo.http.EventStream;
import io.llatte.demo.http.HttpFailure;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// `/api/events`: a status on each change, but few a second, and the timeline.
final class EventFeed {

    private static final Duration LEAST_PAUSE = Duration.ofMillis(250);
    private static final Duration BUSY_PAUSE = Duration.ofSeconds(1);
    private static final Duration IDLE_PAUSE = Duration.ofSeconds(15);

    private final LocalLlm llm;
    private final EventLog log;
    private final StatusJson status;

    EventFeed(LocalLlm llm, EventLog log, StatusJson status) {
        this.llm = llm;
        this.log = log;
        this.status = status;
    }

    void stream(ServerRequest request, ServerResponse response) {
        long after = after(request);
        var gone = new AtomicBoolean();
        try (var _ = ClientConnection.current().watch(() -> {
            gone.set(true);
            log.wake();
        }); var events = new EventStream(response)) {
            follow(events, after, gone);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// The timeline's last entry that the client knows.
    private static long after(ServerRequest request) {
        Optional<String> said = request.headers().first(io.helidon.http.HeaderNames.create("Last-Event-ID"))
                .or(() -> request.query().first("after").asOptional());
        try {
            return said.map(Long::parseLong).orElse(0L);
        } catch (NumberFormatException e) {
            throw HttpFailure.badValue("after", "the last event's id must be a number, and is '%s'".formatted(said.get()));
        }
    }

    private void follow(EventStream events, long after, AtomicBoolean gone) throws InterruptedException {
        long known = -1;
        while (true) {
            EventLog.News news = log.await(after, known, isBusy() ? BUSY_PAUSE : IDLE_PAUSE);
            if (gone.get()) {
                throw new ClientGoneException(null);
            }
            for (EventLog.Kept kept : news.entries()) {
                events.send("timeline", kept.id(), kept.json().toString());
                after = kept.id();
            }
            known = news.version();
            events.send("status", status.read().toString());
            if (news.closed()) {
                return;
            }
            Thread.sleep(LEAST_PAUSE);
        }
    }

    private boolean isBusy() {
        LlmState state = llm.status().state();
        return state == LlmState.ACTIVE || state == LlmState.LOADING;
    }
}
