package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llatte.model.ModelCatalog;
import io.llatte.model.ModelReference;
import io.llatte.model.ModelStore;
import io.llatte.model.StoredModel;
import java.nio.file.Path;
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
            description = "An id, hf:owner/repository[:file|:quantisation], or an address. Default: the default model") String reference) {
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
            description = "As for pull. Default: the default model") String reference) {
        Output.println(present(reference, store).path().toString());
    }

    /// What the user means, if it is on this machine.
    ///
    /// @throws CommandException if it is not
    static StoredModel present(String reference, ModelStore store) {
        return store.find(reference).filter(StoredModel::present).orElseThrow(() -> {
            String name = name(reference, store);
            return new CommandException("%s is not downloaded; llatte models pull %s gets it".formatted(name, name));
        });
    }

    @Command(name = "rm", description = "Removes a downloaded model.")
    void remove(@Parameters(paramLabel = "MODEL", description = "As for pull") String reference) {
        if (!store.remove(reference)) {
            throw new CommandException(name(reference, store) + " is not downloaded");
        }
    }

    /// The id of what the catalog knows; a word that it does not know is an error, and so is a file that is not there.
    private static String name(String reference, ModelStore store) {
        return switch (ModelReference.parse(reference)) {
            case ModelReference.Name(String name) -> store.catalog().get(name).id();
            case ModelReference.LocalFile(Path file) -> throw new CommandException("there is no file " + file);
            case ModelReference.Hub _, ModelReference.Url _ -> reference;
        };
    }
}
