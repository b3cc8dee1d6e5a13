package io.llatte.demo.http;

import io.helidon.webserver.CloseConnectionException;

/// The client closed its connection before it had its answer.
public final class ClientGoneException extends CloseConnectionException {

    private static final long serialVersionUID = 1L;

    public ClientGoneException(Throwable cause) {
        super("the client has gone", cause);
    }
}
