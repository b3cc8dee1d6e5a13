package io.llatte.model;

import java.net.URI;
import java.nio.file.Path;

/// Pulls a model in a process that a test may kill: a reference, or the model `tiny` from an address, with its size and checksum.
final class PullProgram {

    private PullProgram() {
    }

    public static void main(String[] args) {
        boolean isTiny = args.length == 4;
        ModelCatalog catalog = isTiny ? TestModels.catalog(Long.parseLong(args[2]), args[3], new ModelSource.Url(URI.create(args[1])))
                : TestModels.catalog(new byte[1], new ModelSource.Url(URI.create("http://unused.example")));
        ModelStore store = ModelStore.builder().folder(Path.of(args[0])).catalog(catalog).build();
        store.pull(isTiny ? "tiny" : args[1], progress -> System.out.println(progress.phase() + " " + progress.bytes()));
        System.out.println("DONE");
    }
}
