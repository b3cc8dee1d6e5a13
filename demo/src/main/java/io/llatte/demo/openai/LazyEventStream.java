package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.demo.http.ClientGoneException;
import io.llatte.demo.http.EventStream;
import io.llatte.demo.llm.Remedies;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A stream that begins with its first event. A failure before that is answered with its status; one after it is an event.
final class LazyEventStream {

    private static final Logger LOG = LoggerFactory.getLogger(LazyEventStream.class);

    private final ServerResponse response;
    private EventStream stream;

    LazyEventStream(ServerResponse response) {
        this.response = response;
    }

    /// Where the events go; from the first call on the status is 200.
    synchronized EventStream open() {
        if (stream == null) {
            stream = new EventStream(response);
        }
        return stream;
    }

    private synchronized boolean hasBegun() {
        return stream != null;
    }

    /// Has the events written.
    ///
    /// @param onFailure writes the last event where that fails after the stream has begun; it is given what the client is to be told
    void run(Runnable writing, Consumer<ObjectNode> onFailure) {
        try {
            writing.run();
        } catch (ClientGoneException e) {
            throw e;
        } catch (RuntimeException e) {
            if (!hasBegun()) {
                throw e;
            }
            LOG.info("an answer ends with a failure: {}", e.toString());
            onFailure.accept(Remedies.toFailure(e).toJson());
        }
        open().close();
    }
}
