package io.llatte.demo.http;

import java.time.Duration;

/// How much of the server one client, and all of them, may take.
///
/// @param maxBodyBytes a request's body
/// @param maxHeaderBytes a request's headers, all together
/// @param maxRequests requests that are answered at the same time; more are refused with 503
/// @param maxConnections connections that are open at the same time; for one more the one that is idle longest is closed
/// @param requestTimeout a request has to be whole within this time from its first byte
/// @param idleTimeout a connection may be silent for so long between requests
/// @param writeTimeout a client has to take what is written to it within this time
/// @param stopTimeout answers that run when the server stops may go on for so long
public record HttpLimits(long maxBodyBytes, int maxHeaderBytes, int maxRequests, int maxConnections, Duration requestTimeout, Duration idleTimeout,
                         Duration writeTimeout, Duration stopTimeout) {

    public HttpLimits {
        if (maxBodyBytes < 1 || maxHeaderBytes < 1 || maxRequests < 1 || maxConnections < 1) {
            throw new IllegalArgumentException("limits must be at least 1: %d, %d, %d, %d".formatted(maxBodyBytes, maxHeaderBytes, maxRequests,
                    maxConnections));
        }
        check("requestTimeout", requestTimeout);
        check("idleTimeout", idleTimeout);
        check("writeTimeout", writeTimeout);
        if (stopTimeout.isNegative()) {
            throw new IllegalArgumentException("stopTimeout must not be negative: " + stopTimeout);
        }
    }

    private static void check(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + " must be positive: " + value);
        }
    }

    /// 32 MiB of body, 16 KiB of headers, 512 requests, 4096 connections; 30 s, 60 s, 30 s and 10 s.
    public static HttpLimits defaults() {
        return new HttpLimits(32L << 20, 16 << 10, 512, 4096, Duration.ofSeconds(30), Duration.ofSeconds(60), Duration.ofSeconds(30),
                Duration.ofSeconds(10));
    }
}
