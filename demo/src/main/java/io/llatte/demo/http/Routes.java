package io.llatte.demo.http;

import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRouting;
import java.util.LinkedHashMap;
import java.util.Map;

/// What is served: for each path, what answers each method. All other methods are refused with 405.
public final class Routes {

    private final Map<String, Map<String, Handler>> byPath = new LinkedHashMap<>();

    Routes() {
    }

    public Routes get(String path, Handler handler) {
        return add(path, "GET", handler);
    }

    public Routes post(String path, Handler handler) {
        return add(path, "POST", handler);
    }

    private Routes add(String path, String method, Handler handler) {
        byPath.computeIfAbsent(path, _ -> new LinkedHashMap<>()).put(method, handler);
        return this;
    }

    void addTo(HttpRouting.Builder routing) {
        byPath.forEach((path, handlers) -> {
            String allowed = String.join(", ", handlers.keySet());
            routing.any(path, (request, response) -> {
                Handler handler = handlers.get(request.prologue().method().text());
                if (handler == null) {
                    response.header(HeaderValues.create(HeaderNames.ALLOW, allowed));
                    throw HttpFailure.of(405, "method_not_allowed", "%s answers to %s, not to %s".formatted(request.path().path(), allowed,
                            request.prologue().method().text()));
                }
                handler.handle(request, response);
            });
        });
    }
}
