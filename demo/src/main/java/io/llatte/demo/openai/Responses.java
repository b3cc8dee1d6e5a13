package io.llatte.demo.openai;

import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.ChatAnswer;
import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpServer;
import io.llatte.demo.llm.ServedModels;

/// `/v1/responses`, without the server keeping any.
final class Responses {

    private final LocalLlm llm;
    private final ServedModels served;

    Responses(LocalLlm llm, ServedModels served) {
        this.llm = llm;
        this.served = served;
    }

    void answer(ServerRequest request, ServerResponse response) {
        ResponsesInput input = ResponsesInput.of(HttpServer.body(request), served);
        var json = new ResponseJson(served, input);
        if (input.streams()) {
            var stream = new ResponseStream(response, json);
            stream.run(() -> answer(input, stream));
        } else {
            ChatAnswer answer = answer(input, Answers.Listener.beginning(json::begins));
            HttpServer.send(response, 200, json.ended(answer, json.items(answer)));
        }
    }

    private ChatAnswer answer(ResponsesInput input, Answers.Listener listener) {
        return Answers.of(llm, input.messages(), input.options(), 1, listener).getFirst();
    }
}
