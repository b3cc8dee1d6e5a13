package io.llatte.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// What is on this machine: the store's folder, the hub's cache, and files anywhere.
///
/// @param folder the store's folder
/// @param catalog what is known of files
/// @param cache the hub's cache
record LocalModels(Path folder, ModelCatalog catalog, HubCache cache) {

    List<StoredModel> list() {
        var models = new ArrayList<StoredModel>();
        for (CatalogModel model : catalog.models()) {
            models.add(stored(model));
        }
        for (Path file : folderFiles()) {
            models.add(stored(file));
        }
        cache.revisions().forEach((repository, revisions) -> {
            for (String revision : revisions) {
                for (String file : cache.files(repository, revision)) {
                    cached(new ModelReference.Hub(repository, revision, Optional.of(file), Optional.empty()))
                            .filter(_ -> HubNames.isModel(file)).ifPresent(models::add);
                }
            }
        });
        var seen = new HashSet<Path>();
        return models.stream().filter(model -> seen.add(model.path())).toList();
    }

    private List<Path> folderFiles() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> !file.startsWith(downloads()) && HubNames.isModel(file.getFileName().toString())
                    && Files.isRegularFile(file)).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException("the model folder " + folder + " cannot be read", e);
        }
    }

    /// Where unfinished downloads are.
    Path downloads() {
        return folder.resolve(".downloads");
    }

    Optional<StoredModel> find(ModelReference reference) {
        return switch (reference) {
            case ModelReference.Name(String name) -> {
                Optional<CatalogModel> known = catalog.find(name);
                yield known.isPresent() ? known.map(this::stored).filter(StoredModel::present) : file(Path.of(name));
            }
            case ModelReference.LocalFile(Path path) -> file(path);
            case ModelReference.Url url -> file(target(url));
            case ModelReference.Hub wanted -> cached(wanted);
        };
    }

    private Optional<StoredModel> file(Path path) {
        return Stream.of(path, folder.resolve(path)).filter(Files::isRegularFile).findFirst().map(this::stored).filter(StoredModel::present);
    }

    /// A model of the hub, if all of it is in the cache.
    private Optional<StoredModel> cached(ModelReference.Hub wanted) {
        Optional<String> commit = cache.commit(wanted.repository(), wanted.revision());
        return commit.isEmpty() ? Optional.empty() : cachedFile(wanted).map(file -> {
            var reference = new ModelReference.Hub(wanted.repository(), wanted.revision(), Optional.of(file), Optional.empty());
            Optional<CatalogModel> model = catalog.models().stream().filter(known -> known.sources().contains(
                    new ModelSource.Hub(reference.repository(), file, reference.revision()))).findFirst();
            return stored(model.map(CatalogModel::id).orElse(reference.toString()),
                    cache.snapshot(wanted.repository(), commit.get(), file), model);
        }).filter(StoredModel::present);
    }

    /// The file that a reference means, the first part of a split one; where it names none, the choice among those that are here.
    Optional<String> cachedFile(ModelReference.Hub wanted) {
        return wanted.file().or(() -> HubNames.choose(cache.files(wanted.repository(), wanted.revision()), wanted.quantization()))
                .map(file -> HubNames.parts(file).getFirst());
    }

    /// A catalog model, there or not.
    StoredModel stored(CatalogModel model) {
        Path file = folder.resolve(model.file());
        Optional<StoredModel> here = Optional.of(stored(model.id(), file, Optional.of(model))).filter(stored -> stored.present()
                && stored.sizeBytes() == model.pin().map(CatalogModel.Pin::sizeBytes).orElse(stored.sizeBytes()));
        for (ModelSource source : model.sources()) {
            if (here.isEmpty() && source instanceof ModelSource.Hub hub) {
                here = cached(ModelReference.Hub.of(hub)).map(cached -> stored(model.id(), cached.path(), Optional.of(model)));
            }
        }
        return here.orElseGet(() -> {
            Path place = model.sources().getFirst() instanceof ModelSource.Hub hub ? place(hub) : file;
            return new StoredModel(model.id(), place, parts(place), model.approximateSizeBytes(), false, Optional.of(model));
        });
    }

    /// Where a file of the hub will be, if the revision still has the commit that is known now.
    private Path place(ModelSource.Hub source) {
        return cache.snapshot(source.repository(), cache.commit(source.repository(), source.revision()).orElse(source.revision()),
                source.file());
    }

    private StoredModel stored(Path file) {
        Path path = parts(file).getFirst();
        Optional<CatalogModel> model = catalog.models().stream().filter(known -> path.endsWith(known.file())).findFirst();
        String name = path.startsWith(folder) ? folder.relativize(path).toString().replace('\\', '/') : path.getFileName().toString();
        return stored(model.map(CatalogModel::id).orElse(name), path, model);
    }

    private static StoredModel stored(String id, Path path, Optional<CatalogModel> model) {
        List<Path> files = parts(path);
        return new StoredModel(id, path, files, files.stream().mapToLong(file -> file.toFile().length()).sum(),
                files.stream().allMatch(Files::isRegularFile), model);
    }

    static List<Path> parts(Path file) {
        return HubNames.parts(file.getFileName().toString()).stream().map(file::resolveSibling).toList();
    }

    /// The place of an address in the folder: one of its own, so that two files of one name do not meet.
    Path target(ModelReference.Url url) {
        int port = url.uri().getPort();
        Path path = folder.resolve((url.uri().getHost() + (port < 0 ? "" : "_" + port)).replaceAll("[^\\w.-]", "_"));
        for (String segment : url.uri().getRawPath().split("/")) {
            path = segment.isEmpty() ? path : path.resolve(segment.replaceAll("[^\\w.-]|^\\.", "_"));
        }
        return path;
    }
}
