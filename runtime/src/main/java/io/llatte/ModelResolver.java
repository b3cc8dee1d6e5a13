package io.llatte;

import io.llatte.engine.ModelFile;
import io.llatte.model.CatalogModel;
import io.llatte.model.DownloadListener;
import io.llatte.model.ModelCatalog;
import io.llatte.model.ModelStore;
import io.llatte.model.StoredModel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// From what a user says to a file, and back to what was chosen last.
final class ModelResolver {

    private static final Logger LOG = LoggerFactory.getLogger(ModelResolver.class);

    private final ModelStore store;
    private final Optional<ModelPreference> preference;
    private final boolean remembers;

    /// @param remembers whether a choice is kept, or the kept one is only read
    ModelResolver(ModelStore store, Optional<ModelPreference> preference, boolean remembers) {
        this.store = store;
        this.preference = preference;
        this.remembers = remembers;
    }

    /// The one id of a model, whatever it was called; a file's full path, so that a choice is found again from another folder.
    String idOf(String reference) {
        return store.catalog().find(reference).map(CatalogModel::id).orElseGet(() -> fullPath(reference));
    }

    private static String fullPath(String reference) {
        try {
            Path file = Path.of(reference);
            return Files.isRegularFile(file) ? file.toAbsolutePath().normalize().toString() : reference;
        } catch (InvalidPathException e) {
            LOG.debug("not a path: {}", reference, e);
            return reference;
        }
    }

    /// The file, downloaded first where it is missing. Interrupting the thread stops that.
    ///
    /// @throws IllegalArgumentException if nothing has that name
    /// @throws DownloadException if it cannot be fetched or verified
    ModelFile resolve(String id, DownloadListener listener) {
        StoredModel model = store.find(id).filter(StoredModel::present).orElseGet(() -> store.pull(id, listener));
        return fileOf(id, model);
    }

    /// A model of the catalog that was named by its file is still that model.
    private ModelFile fileOf(String id, StoredModel model) {
        Optional<CatalogModel> known = model.model()
                .or(() -> store.catalog().models().stream().filter(each -> model.path().endsWith(each.file())).findFirst());
        return new ModelFile(id, model.path(), known.flatMap(CatalogModel::chat));
    }

    /// The same without a download.
    Optional<ModelFile> find(String id) {
        return store.find(id).filter(StoredModel::present)
                .map(model -> fileOf(id, model));
    }

    /// The model that was chosen last, if it can still be had; else the default one.
    String preferredId() {
        Optional<String> preferred = preference.flatMap(ModelPreference::read);
        if (preferred.isPresent() && !isKnown(preferred.get())) {
            LOG.warn("the preferred model {} is no longer there; taking the default", preferred.get());
            preferred = Optional.empty();
        }
        return preferred.orElseGet(() -> idOf(ModelCatalog.DEFAULT));
    }

    private boolean isKnown(String id) {
        try {
            return store.catalog().find(id).isPresent() || store.find(id).isPresent();
        } catch (RuntimeException e) {
            LOG.debug("{} cannot be looked up", id, e);
            return false;
        }
    }

    void remember(String id) {
        preference.filter(_ -> remembers).ifPresent(file -> file.write(id));
    }
}
