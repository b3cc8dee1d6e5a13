package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.model.ModelCatalog;
import io.llatte.model.ModelStore;
import io.llatte.model.StoredModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `llatte models` and what is under it.
@Command(name = "models", synopsisSubcommandLabel = "[COMMAND]", description = "Lists, downloads, locates and removes models.")
final class ModelsCommand implements Runnable {

    private final ModelStore store = ModelStore.open();

    @Option(names = "--json", description = "Print an array of objects.")
    private boolean json;

    @Override
    public void run() {
        list(json);
    }

    @Command(name = "list", description = "Lists the models of the catalog and the files in the model folder.")
    void list(@Option(names = "--json", description = "Print an array of objects.") boolean asJson) {
        if (asJson) {
            Output.println(json());
            return;
        }
        for (StoredModel model : store.list()) {
            Output.println("%-20s %10s  %s".formatted(model.id(), Sizes.text(model.sizeBytes()),
                    model.present() ? model.path().toString() : "not downloaded"));
        }
    }

    private String json() {
        var array = new ObjectMapper().createArrayNode();
        for (StoredModel model : store.list()) {
            var node = array.addObject().put("id", model.id()).put("path", model.path().toString()).put("sizeBytes", model.sizeBytes())
                    .put("present", model.present());
            model.model().ifPresent(known -> node.put("name", known.name()).put("parameters", known.parameters())
                    .put("quantization", known.quantization()).put("contextLength", known.contextLength()).put("license", known.license())
                    .put("default", known.equals(store.catalog().defaultModel())));
        }
        return AnswerJson.write(array);
    }

    @Command(name = "pull", description = "Downloads and verifies a model, and prints where it is.")
    void pull(@Parameters(paramLabel = "MODEL", arity = "0..1", defaultValue = ModelCatalog.DEFAULT,
            description = "Default: the default model") String reference) {
        Output.println(pull(reference, store).path().toString());
    }

    /// What the user means, downloaded where it is missing.
    ///
    /// @throws IllegalArgumentException if there is no such model
    /// @throws io.llatte.DownloadException if it cannot be had
    static StoredModel pull(String reference, ModelStore store) {
        try (var progress = new ProgressLine()) {
            return store.pull(reference, progress::download);
        }
    }

    @Command(name = "path", description = "Prints where a model is.")
    void path(@Parameters(paramLabel = "MODEL", arity = "0..1", defaultValue = ModelCatalog.DEFAULT,
            description = "Default: the default model") String reference) {
        Output.println(present(reference, store).path().toString());
    }

    /// What the user means, if it is on this machine.
    ///
    /// @throws CommandException if it is not
    static StoredModel present(String reference, ModelStore store) {
        return store.find(reference).filter(StoredModel::present).orElseThrow(() ->
                new CommandException("%s is not on this machine; llatte models pull %s gets it".formatted(reference, reference)));
    }

    @Command(name = "rm", description = "Removes a downloaded model.")
    void remove(@Parameters(paramLabel = "MODEL", description = "The model's id") String reference) {
        if (!store.remove(reference)) {
            throw new CommandException(reference + " is not downloaded");
        }
    }
}
