package io.llatte.demo.serve;

import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.demo.http.Routes;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;

/// The dashboard's files. Each has a route of its own, and is read once when the server starts: no path of a request is ever looked up.
final class Dashboard {

    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static final Map<String, String> TYPES = Map.of("html", "text/html; charset=utf-8", "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8", "mjs", "text/javascript; charset=utf-8", "svg", "image/svg+xml");

    private static final List<String> FILES = List.of("index.html", "icon.svg", "dashboard.css", "dashboard.js", "chat-client.js", "chat-history.js", "chat-panel.js", "details.js",
            "elements.js", "event-stream.js", "format.js", "llatte-api.js", "local-llm-widget.js", "markdown.js", "memory-bar.js", "model-list.js", "timeline.js");

    private final Map<String, byte[]> byRoute = new LinkedHashMap<>();

    Dashboard() {
        for (String file : FILES) {
            byRoute.put(file.equals("index.html") ? "/" : "/assets/" + file, read("/io/llatte/demo/dashboard/" + file, Dashboard.class::getResourceAsStream));
        }
        byRoute.put("/assets/vendor/marked.esm.js", webJar("marked", "lib/marked.esm.js"));
        byRoute.put("/assets/vendor/purify.es.mjs", webJar("dompurify", "dist/purify.es.mjs"));
    }

    void add(Routes routes) {
        byRoute.forEach((route, content) -> routes.get(route, (_, response) -> send(response, route, content)));
    }

    private static void send(ServerResponse response, String route, byte[] content) {
        String type = route.equals("/") ? "html" : route.substring(route.lastIndexOf('.') + 1);
        response.header(HeaderValues.create(HeaderNames.CONTENT_TYPE, TYPES.get(type)))
                .header(HeaderValues.create("Content-Security-Policy", POLICY))
                .header(HeaderValues.create("Referrer-Policy", "no-referrer"))
                .header(HeaderValues.create(HeaderNames.CACHE_CONTROL, "no-cache"))
                .send(content);
    }

    /// A file of an npm package that Maven brought, in the version that it brought.
    private static byte[] webJar(String name, String file) {
        Function<String, InputStream> jars = Dashboard.class.getClassLoader()::getResourceAsStream;
        var pom = new Properties();
        try {
            pom.load(new ByteArrayInputStream(read("META-INF/maven/org.webjars.npm/" + name + "/pom.properties", jars)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return read("META-INF/resources/webjars/%s/%s/%s".formatted(name, pom.getProperty("version"), file), jars);
    }

    private static byte[] read(String resource, Function<String, InputStream> from) {
        try (InputStream in = from.apply(resource)) {
            if (in == null) {
                throw new IllegalStateException("the build left out " + resource);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
