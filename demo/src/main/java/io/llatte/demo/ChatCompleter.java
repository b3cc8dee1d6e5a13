package io.llatte.demo;

import io.llatte.model.StoredModel;
import java.util.List;
import java.util.function.Supplier;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.ParsedLine;
import org.jline.reader.impl.completer.FileNameCompleter;

/// Completes the chat's commands, and what follows them: models after `/model`, files after `/save`, `/load` and `/json`.
final class ChatCompleter implements Completer {

    private final Supplier<List<StoredModel>> models;
    private final Completer files = new FileNameCompleter();

    /// @param models what can be chosen
    ChatCompleter(Supplier<List<StoredModel>> models) {
        this.models = models;
    }

    @Override
    public void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
        if (!line.line().startsWith("/")) {
            return;
        }
        if (line.wordIndex() == 0) {
            for (SlashCommand command : SlashCommand.values()) {
                candidates.add(new Candidate(command.text(), command.text(), null, command.description(), null, null, true));
            }
            return;
        }
        switch (line.words().getFirst()) {
            case "/model" -> models.get().stream().map(StoredModel::id).map(Candidate::new).forEach(candidates::add);
            case "/save", "/load", "/json" -> files.complete(reader, line, candidates);
            default -> { }
        }
    }
}
