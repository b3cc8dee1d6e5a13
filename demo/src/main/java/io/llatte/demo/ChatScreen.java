package io.llatte.demo;

import io.llatte.ChatAnswer;
import io.llatte.InferenceStatistics;
import io.llatte.LlmStatus;
import io.llatte.engine.Engine;
import io.llatte.engine.Fallback;
import io.llatte.engine.InProcessEngine;
import io.llatte.engine.PlacementReport;
import io.llatte.engine.RemoteEndpoint;
import io.llatte.engine.RemoteEngine;
import io.llatte.llama.ModelInfo;
import io.llatte.llama.ToolCall;
import io.llatte.memory.DeviceMemory;
import io.llatte.model.StoredModel;
import io.llatte.tools.ToolResult;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/// What the chat shows on its terminal.
final class ChatScreen implements AnswerListener {

    private final PrintWriter out;
    private final Theme theme;
    private boolean atLineStart = true;
    private boolean thinking;

    ChatScreen(PrintWriter out, Theme theme) {
        this.out = out;
        this.theme = theme;
    }

    String prompt() {
        return theme.bold("> ");
    }

    void welcome(ChatModel model) {
        model(model);
        note("/help shows the commands; Ctrl-C stops an answer, Ctrl-D leaves");
    }

    /// The model that answers, if one does.
    void model(ChatModel model) {
        note(model.engine().map(engine -> describe(engine, model.remote())).orElse("no model is loaded; the next question loads one"));
    }

    private static String describe(Engine engine, Optional<RemoteEndpoint> remote) {
        String name = ChatModel.nameOf(engine.modelId());
        return switch (engine) {
            case InProcessEngine local -> {
                ModelInfo info = local.model().info();
                yield "%s: %s, %s, %s, context %d of %d tokens".formatted(name, info.description(), Sizes.text(info.sizeBytes()),
                        String.join(" + ", local.placement().devices()), local.placement().contextLength(), info.trainingContextLength());
            }
            case RemoteEngine _ -> "%s: %s".formatted(name,
                    remote.map(server -> "%s on %s answers in its place".formatted(server.model(), server.baseUrl())).orElse("a server answers"));
        };
    }

    /// Every model that can be chosen; a star before the one that answers.
    void models(ChatModel model) {
        Optional<Engine> engine = model.engine();
        boolean listed = false;
        for (StoredModel stored : model.availableModels()) {
            boolean loaded = engine.filter(current -> isModel(current, stored)).isPresent();
            listed |= loaded;
            row(loaded, stored.id(), stored.sizeBytes(), stored.present() ? "downloaded" : "not downloaded");
        }
        if (!listed && engine.orElse(null) instanceof InProcessEngine local) {
            row(true, ChatModel.nameOf(local.modelId()), local.model().info().sizeBytes(), local.model().path().toString());
        }
        model(model);
    }

    private static boolean isModel(Engine engine, StoredModel stored) {
        return engine.modelId().equals(stored.id())
                || engine instanceof InProcessEngine local && local.model().path().toAbsolutePath().equals(stored.path().toAbsolutePath());
    }

    private void row(boolean loaded, String id, long sizeBytes, String state) {
        String line = "%s %-28s %10s  %s".formatted(loaded ? "*" : " ", id, Sizes.text(sizeBytes), state);
        out.println(loaded ? theme.bold(line) : line);
        out.flush();
    }

    @Override
    public void text(String piece) {
        if (thinking && !piece.isBlank()) {
            endLine();
            thinking = false;
        }
        print(piece, piece);
    }

    @Override
    public void thought(String piece) {
        thinking = true;
        print(piece, theme.dim(piece));
    }

    @Override
    public void called(ToolCall call) {
        endLine();
        note("%s %s".formatted(call.name(), call.arguments()));
    }

    @Override
    public void returned(ToolResult result) {
        note("%s: %s".formatted(result.call().name(), result.text()));
    }

    private void print(String piece, String styled) {
        if (!piece.isEmpty()) {
            out.print(styled);
            out.flush();
            atLineStart = piece.endsWith("\n");
        }
    }

    void endOfAnswer(ChatAnswer answer, int contextLength) {
        thinking = false;
        endLine();
        note(statistics(answer, contextLength));
    }

    /// The line under an answer.
    ///
    /// @param contextLength 0 where that is not known
    static String statistics(ChatAnswer answer, int contextLength) {
        int used = answer.usage().promptTokens() + answer.usage().generatedTokens();
        String ended = switch (answer.finishReason()) {
            case CANCELLED -> ", stopped";
            case LENGTH -> contextLength > 0 && used >= contextLength
                    ? ", cut off: the context is full, /clear or --context N makes room" : ", cut off: --max-tokens N allows more";
            case STOP, EOG -> "";
        };
        // The last token is in no cache.
        String context = contextLength > 0 ? "%d of %d".formatted(Math.min(used, contextLength), contextLength) : String.valueOf(used);
        return String.format(Locale.ROOT, "%d tokens, %.1f tokens/s, first after %.2f s, prompt %d (%d cached), context %s%s",
                answer.usage().generatedTokens(), answer.timings().tokensPerSecond(),
                answer.timings().timeToFirstToken().toNanos() / 1e9, answer.usage().promptTokens(), answer.usage().cachedTokens(), context, ended);
    }

    void help() {
        for (SlashCommand command : SlashCommand.values()) {
            out.printf("%-16s %s%n", (command.text() + " " + command.argument()).strip(), theme.dim(command.description()));
        }
        out.println(theme.dim("A line that ends in \\ goes on; \"\"\" begins and ends a text of several lines."));
        out.flush();
    }

    void conversation(Conversation conversation) {
        for (var message : conversation.messages()) {
            out.println(theme.dim(message.role() + ":") + " " + message.content());
        }
        note("%d turns".formatted(conversation.turns().size()));
    }

    void statistics(ChatModel model, Conversation conversation, Optional<ChatAnswer> last) {
        model(model);
        Optional<PlacementReport> placement = model.engine().map(Engine::placement);
        placement.ifPresent(this::placement);
        model.memory().forEach(this::memory);
        status(model.status());
        InferenceStatistics requests = model.status().statistics();
        note(String.format(Locale.ROOT, "%d turns; %d answers, %d tokens, %.1f tokens/s on average%s", conversation.turns().size(), requests.count(),
                requests.generatedTokens(), requests.averageTokensPerSecond(), model.engine().map(ChatScreen::loadTime).orElse("")));
        last.ifPresent(answer -> note("last answer: " + statistics(answer, placement.map(PlacementReport::contextLength).orElse(0))));
    }

    private static String loadTime(Engine engine) {
        return engine instanceof InProcessEngine local
                ? String.format(Locale.ROOT, "; weights loaded in %.2f s", local.model().loadTime().toNanos() / 1e9) : "";
    }

    private void placement(PlacementReport placement) {
        note("placement: %s, policy %s%s".formatted(AnswerJson.lowerCase(placement.target()), AnswerJson.lowerCase(placement.policy()),
                placement.layers() == 0 ? "" : ", %d of %d layers on GPUs".formatted(placement.gpuLayers(), placement.layers())));
        for (Fallback step : placement.fallbacks()) {
            note("  not on %s: %s".formatted(AnswerJson.lowerCase(step.from()), Failures.oneLine(step.reason())));
        }
    }

    private void memory(DeviceMemory memory) {
        note("%s: weights %s, KV cache %s, compute %s, unaccounted %s; %s free of %s".formatted(memory.device(), Sizes.text(memory.weightsBytes()),
                Sizes.text(memory.kvCacheBytes()), Sizes.text(memory.computeBytes()), Sizes.text(memory.unaccountedBytes()),
                Sizes.text(memory.freeBytes()), Sizes.text(memory.totalBytes())));
    }

    private void status(LlmStatus status) {
        note("status: %s for %d s, %s, %s held".formatted(AnswerJson.lowerCase(status.state()),
                Duration.between(status.since(), Instant.now()).toSeconds(), status.reason(), Sizes.text(status.deviceMemoryBytes())));
    }

    void note(String line) {
        out.println(theme.dim("[" + line + "]"));
        out.flush();
    }

    void error(String line) {
        endLine();
        out.println(theme.alarm("llatte: " + line));
        out.flush();
    }

    private void endLine() {
        if (!atLineStart) {
            out.println();
            atLineStart = true;
        }
    }
}
