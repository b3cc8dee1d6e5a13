package io.llatte.demo.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.demo.http.HttpServer;
import io.llatte.demo.llm.ServedModel;
import io.llatte.demo.llm.ServedModels;

/// `/v1/models`: those that are on this machine.
final class ModelRoutes {

    private final ServedModels served;

    ModelRoutes(ServedModels served) {
        this.served = served;
    }

    void list(ServerRequest request, ServerResponse response) {
        ObjectNode root = JsonNodeFactory.instance.objectNode().put("object", "list");
        ArrayNode data = root.putArray("data");
        served.list().stream().filter(ServedModel::present).map(ModelRoutes::json).forEach(data::add);
        HttpServer.send(response, 200, root);
    }

    void get(ServerRequest request, ServerResponse response) {
        HttpServer.send(response, 200, json(served.get(request.path().pathParameters().get("name"))));
    }

    private static ObjectNode json(ServedModel model) {
        return JsonNodeFactory.instance.objectNode().put("id", model.name()).put("object", "model")
                .put("created", model.file().toFile().lastModified() / 1000).put("owned_by", "llatte");
    }
}
