package io.llatte.demo.openai;

import io.llatte.LocalLlm;
import io.llatte.demo.http.Routes;
import io.llatte.demo.llm.ServedModels;

/// All of `/v1`.
public final class OpenAiRoutes {

    private final ModelRoutes models;
    private final ChatCompletions chat;
    private final Completions completions;
    private final EmbeddingRoute embeddings;
    private final Responses responses;

    public OpenAiRoutes(LocalLlm llm, ServedModels served) {
        models = new ModelRoutes(served);
        chat = new ChatCompletions(llm, served);
        completions = new Completions(llm, served);
        embeddings = new EmbeddingRoute(llm, served);
        responses = new Responses(llm, served);
    }

    public void add(Routes routes) {
        routes.get("/v1/models", models::list)
                .get("/v1/models/{name:.+}", models::get)
                .post("/v1/chat/completions", chat::answer)
                .post("/v1/completions", completions::answer)
                .post("/v1/embeddings", embeddings::answer)
                .post("/v1/responses", responses::answer);
    }
}
