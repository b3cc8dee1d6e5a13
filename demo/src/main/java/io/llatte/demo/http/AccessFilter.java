package io.llatte.demo.http;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Method;
import io.helidon.http.ServerRequestHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.util.List;

/// The first to see a request: refuses what [AccessRules] do not allow, before anything of it is read.
final class AccessFilter implements Filter {

    private static final List<String> GUARDED = List.of("/v1", "/api", "/metrics");
    private static final HeaderName CORS_ORIGIN = HeaderNames.create("Access-Control-Allow-Origin");
    private static final HeaderName CORS_HEADERS = HeaderNames.create("Access-Control-Allow-Headers");
    private static final HeaderName CORS_METHODS = HeaderNames.create("Access-Control-Allow-Methods");

    private final AccessRules rules;

    AccessFilter(AccessRules rules) {
        this.rules = rules;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        ServerRequestHeaders headers = request.headers();
        response.header(HeaderValues.create("X-Content-Type-Options", "nosniff"));
        String host = headers.first(HeaderNames.HOST).orElse("");
        if (!rules.allowsHost(host)) {
            throw HttpFailure.of(403, "host_not_allowed", "this server answers to this machine's own names, and not to the host '%s'".formatted(host));
        }
        String origin = headers.first(HeaderNames.ORIGIN).orElse("");
        if (!origin.isEmpty()) {
            if (!rules.allowsOrigin(origin, host)) {
                throw HttpFailure.of(403, "origin_not_allowed", "pages of %s may not ask this server".formatted(origin));
            }
            response.header(HeaderValues.create(CORS_ORIGIN, origin));
            response.header(HeaderValues.create(HeaderNames.VARY, "Origin"));
            if (request.prologue().method() == Method.OPTIONS) {
                response.header(HeaderValues.create(CORS_HEADERS, "authorization, content-type"));
                response.header(HeaderValues.create(CORS_METHODS, "GET, POST"));
                response.status(Status.NO_CONTENT_204).send();
                return;
            }
        }
        String path = request.path().path();
        if (GUARDED.stream().anyMatch(path::startsWith) && !rules.allowsKey(headers.first(HeaderNames.AUTHORIZATION).orElse(""))) {
            response.header(HeaderValues.create(HeaderNames.WWW_AUTHENTICATE, "Bearer"));
            throw HttpFailure.of(401, "invalid_api_key", headers.contains(HeaderNames.AUTHORIZATION) ? "the API key is wrong"
                    : "an API key is needed: Authorization: Bearer KEY");
        }
        chain.proceed();
    }
}
