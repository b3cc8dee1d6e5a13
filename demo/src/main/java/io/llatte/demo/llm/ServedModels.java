package io.llatte.demo.llm;

import io.llatte.LocalLlm;
import io.llatte.demo.http.HttpFailure;
import io.llatte.engine.Engine;
import io.llatte.model.StoredModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The models that clients may name, and no others: what they say is looked up here, and is never taken for a path, an address or a repository.
public final class ServedModels {

    private static final String ANY = "default";

    private final LocalLlm llm;
    private final Optional<Path> own;
    private final boolean switchByRequest;

    /// @param own the file that the operator named, beside those of the store
    /// @param switchByRequest whether a request's model is exchanged for the one that is loaded
    public ServedModels(LocalLlm llm, Optional<Path> own, boolean switchByRequest) {
        this.llm = llm;
        this.own = own.map(file -> file.toAbsolutePath().normalize());
        this.switchByRequest = switchByRequest;
    }

    public boolean switchByRequest() {
        return switchByRequest;
    }

    /// All of them, the operator's own first. Of several files with one name it is the first.
    public List<ServedModel> list() {
        Map<String, ServedModel> byName = new LinkedHashMap<>();
        own.map(ServedModel::of).ifPresent(model -> byName.put(model.name(), model));
        for (StoredModel stored : llm.availableModels()) {
            byName.putIfAbsent(stored.id(), ServedModel.of(stored));
        }
        return new ArrayList<>(byName.values());
    }

    /// The model of that name.
    ///
    /// @throws HttpFailure with 404 if there is none
    public ServedModel get(String name) {
        return list().stream().filter(model -> model.name().equals(name)).findFirst().orElseThrow(() -> unknown(name));
    }

    private static HttpFailure unknown(String name) {
        return HttpFailure.of(404, "model_not_found", "the model '%s' does not exist; GET /v1/models lists those that do".formatted(name));
    }

    /// What clients call the model that answers now; empty where none does.
    public Optional<String> loaded() {
        return llm.engine().map(Engine::modelId).map(ServedModels::nameOf);
    }

    /// What clients call what the runtime calls so: a file goes by its name.
    public static String nameOf(String modelId) {
        var path = Path.of(modelId);
        return path.isAbsolute() ? path.getFileName().toString() : modelId;
    }

    /// What the runtime calls the model that a request names.
    ///
    /// @param name "default", "" and nothing at all mean whichever is loaded
    /// @return empty for whichever is loaded
    /// @throws HttpFailure with 404 if there is no such model, it is not downloaded, or it is not the loaded one and requests may not exchange it
    public Optional<String> forRequest(Optional<String> name) {
        String wanted = name.orElse("");
        if (wanted.isEmpty() || wanted.equals(ANY)) {
            return Optional.empty();
        }
        Optional<String> current = llm.engine().map(Engine::modelId);
        if (current.isPresent() && nameOf(current.get()).equals(wanted)) {
            return current;
        }
        ServedModel model = get(wanted);
        if (!model.present()) {
            throw HttpFailure.of(404, "model_not_found", "the model '%s' is not downloaded; POST /api/init gets it".formatted(wanted));
        }
        if (!switchByRequest && current.isPresent()) {
            throw HttpFailure.of(404, "model_not_found", "the model '%s' is not the one that is loaded (%s), and requests may not exchange it: "
                    .formatted(wanted, nameOf(current.get())) + "llatte serve --switch lets them");
        }
        return Optional.of(model.reference());
    }
}
