package io.llatte.demo.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/// A request that is not answered as asked, as its client is told: in the shape of OpenAI's errors, with what to do about it.
public final class HttpFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private static final String MISUSE = "invalid_request_error";

    private final int status;
    private final String type;
    private final String param;
    private final String code;
    private final String remediation;
    private final transient Map<String, Object> more;

    private HttpFailure(int status, String type, String message, String param, String code, String remediation, Map<String, Object> more,
                        Throwable cause) {
        super(message, cause);
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
        this.remediation = remediation;
        this.more = Map.copyOf(more);
    }

    /// The client's mistake.
    public static HttpFailure of(int status, String code, String message) {
        return new HttpFailure(status, MISUSE, message, null, code, null, Map.of(), null);
    }

    /// A value that is not what it has to be.
    ///
    /// @param param where it stands in the request, as in `messages[0].role`
    public static HttpFailure badValue(String param, String message) {
        return new HttpFailure(400, MISUSE, message, param.isEmpty() ? null : param, null, null, Map.of(), null);
    }

    /// A value that is right, and that this server cannot honour.
    public static HttpFailure unsupported(String param, String message) {
        return new HttpFailure(400, MISUSE, message, param, "unsupported_parameter", null, Map.of(), null);
    }

    /// The server's trouble.
    ///
    /// @param type of OpenAI's: `server_error`, `rate_limit_error`
    public static HttpFailure of(int status, String type, String code, Throwable cause, String remediation) {
        String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return new HttpFailure(status, type, message, null, code, remediation, Map.of(), cause);
    }

    /// The same, with one more number or word for the client.
    public HttpFailure with(String name, Object value) {
        return new HttpFailure(status, type, getMessage(), param, code, remediation, Map.of(name, value), getCause());
    }

    public int status() {
        return status;
    }

    /// The answer's body.
    public ObjectNode toJson() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        ObjectNode error = root.putObject("error").put("message", getMessage()).put("type", type).put("param", param).put("code", code)
                .put("remediation", remediation);
        more.forEach((name, value) -> error.<JsonNode>set(name, JsonNodeFactory.instance.pojoNode(value)));
        return root;
    }
}
