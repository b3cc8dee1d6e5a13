package io.llatte.demo.openai;

import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.llatte.ChatAnswer;
import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpServer;
import io.llatte.demo.llm.ServedModels;
import java.util.List;

/// `/v1/chat/completions`.
final class ChatCompletions {

    private final LocalLlm llm;
    private final ServedModels served;

    ChatCompletions(LocalLlm llm, ServedModels served) {
        this.llm = llm;
        this.served = served;
    }

    void answer(ServerRequest request, ServerResponse response) {
        ChatCompletionInput input = ChatCompletionInput.of(HttpServer.body(request), served);
        var json = new ChatCompletionJson(served);
        if (!input.streams()) {
            List<ChatAnswer> answers = Answers.of(llm, input.messages(), input.options(), input.choices(), Answers.Listener.beginning(json::begins));
            HttpServer.send(response, 200, json.whole(answers));
            return;
        }
        var stream = new ChatCompletionStream(response, json, input);
        stream.run(() -> Answers.of(llm, input.messages(), input.options(), input.choices(), stream));
    }
}
