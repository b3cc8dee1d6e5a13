package io.llatte.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.Logprobs;
import io.llatte.llama.TokenLogprob;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Log-probabilities in OpenAI's protocol, which has one form for conversations and an older one for completions. A server may use the first for both.
final class RemoteLogprobs {

    /// A server tells no ids.
    private static final int NO_ID = -1;

    private RemoteLogprobs() {
    }

    /// Asks for them.
    static void ask(ObjectNode body, Prompt prompt, int alternatives) {
        switch (prompt) {
            case Prompt.Chat _ -> body.put("logprobs", true).put("top_logprobs", alternatives);
            case Prompt.Text _, Prompt.Infill _ -> body.put("logprobs", alternatives);
        }
    }

    /// Those of a piece's tokens; none where there are none.
    static List<Logprobs> read(JsonNode node) {
        List<Logprobs> all = new ArrayList<>();
        for (JsonNode token : node.path("content")) {
            all.add(new Logprobs(tokenOf(token), alternativesOf(token.path("top_logprobs"))));
        }
        for (int i = 0; i < node.path("tokens").size(); i++) {
            TokenLogprob token = tokenOf(node.path("tokens").path(i).asText(), node.path("token_logprobs").path(i));
            all.add(new Logprobs(token, namedAlternativesOf(node.path("top_logprobs").path(i))));
        }
        return all;
    }

    private static List<TokenLogprob> alternativesOf(JsonNode array) {
        List<TokenLogprob> alternatives = new ArrayList<>();
        array.forEach(token -> alternatives.add(tokenOf(token)));
        return alternatives;
    }

    /// The older form: an object of texts and numbers, in no order.
    private static List<TokenLogprob> namedAlternativesOf(JsonNode object) {
        List<TokenLogprob> alternatives = new ArrayList<>();
        object.properties().forEach(token -> alternatives.add(tokenOf(token.getKey(), token.getValue())));
        alternatives.sort(Comparator.comparing(TokenLogprob::logprob).reversed());
        return alternatives;
    }

    private static TokenLogprob tokenOf(JsonNode token) {
        JsonNode listed = token.path("bytes");
        if (!listed.isArray()) {
            return tokenOf(token.path("token").asText(), token.path("logprob"));
        }
        byte[] bytes = new byte[listed.size()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) listed.path(i).asInt();
        }
        return new TokenLogprob(NO_ID, bytes, numberOf(token.path("logprob")));
    }

    private static TokenLogprob tokenOf(String text, JsonNode logprob) {
        return new TokenLogprob(NO_ID, text.getBytes(UTF_8), numberOf(logprob));
    }

    /// JSON has no infinity: servers write null, or a number that is low enough.
    private static float numberOf(JsonNode logprob) {
        return logprob.isNumber() ? logprob.floatValue() : Float.NEGATIVE_INFINITY;
    }
}
