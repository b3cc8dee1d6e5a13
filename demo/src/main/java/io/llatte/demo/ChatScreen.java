package io.llatte.demo;

import io.llatte.llama.ModelInfo;
import io.llatte.memory.MemoryKind;
import io.llatte.memory.MemoryLedger;
import java.io.PrintWriter;
import java.util.Locale;

/// What the chat shows on its terminal.
final class ChatScreen {

    private final PrintWriter out;
    private final Theme theme;
    private boolean atLineStart = true;

    ChatScreen(PrintWriter out, Theme theme) {
        this.out = out;
        this.theme = theme;
    }

    String prompt() {
        return theme.bold("> ");
    }

    void welcome(ChatEngine engine) {
        model(engine);
        note("/help shows the commands; Ctrl-C stops an answer, Ctrl-D leaves");
    }

    void model(ChatEngine engine) {
        ModelInfo info = engine.model().info();
        note("%s: %s, %s, %s, context %d of %d tokens".formatted(engine.file().id(), info.description(),
                Sizes.text(info.sizeBytes()), String.join(" + ", engine.arena().ledger().bytesByDevice().keySet()),
                engine.context().contextLength(), info.trainingContextLength()));
    }

    void answer(String piece) {
        out.print(piece);
        out.flush();
        if (!piece.isEmpty()) {
            atLineStart = piece.endsWith("\n");
        }
    }

    void endOfAnswer(Answer answer, int contextLength) {
        endLine();
        note(statistics(answer, contextLength));
    }

    /// The line under an answer.
    static String statistics(Answer answer, int contextLength) {
        String ended = switch (answer.finishReason()) {
            case CANCELLED -> ", stopped";
            case LENGTH -> answer.contextTokens() >= contextLength
                    ? ", cut off: the context is full, /clear or --context N makes room" : ", cut off: --max-tokens N allows more";
            case STOP, EOG -> "";
        };
        return String.format(Locale.ROOT, "%d tokens, %.1f tokens/s, first after %.2f s, prompt %d (%d cached), context %d of %d%s",
                answer.usage().generatedTokens(), answer.timings().tokensPerSecond(),
                answer.timings().timeToFirstToken().toNanos() / 1e9, answer.usage().promptTokens(), answer.usage().cachedTokens(),
                Math.min(answer.contextTokens(), contextLength), contextLength, ended);     // the last token is in no cache
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

    void statistics(ChatEngine engine, Conversation conversation, Answer last) {
        model(engine);
        MemoryLedger ledger = engine.arena().ledger();
        for (String device : ledger.bytesByDevice().keySet()) {
            note("%s: weights %s, KV cache %s, compute %s".formatted(device, Sizes.text(ledger.bytes(device, MemoryKind.WEIGHTS)),
                    Sizes.text(ledger.bytes(device, MemoryKind.KV_CACHE)), Sizes.text(ledger.bytes(device, MemoryKind.COMPUTE))));
        }
        note("%d turns, %d of %d tokens evaluated, loaded in %.2f s".formatted(conversation.turns().size(),
                engine.context().sequence(0).length(), engine.context().contextLength(), engine.model().loadTime().toNanos() / 1e9));
        if (last != null) {
            note("last answer: " + statistics(last, engine.context().contextLength()));
        }
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
