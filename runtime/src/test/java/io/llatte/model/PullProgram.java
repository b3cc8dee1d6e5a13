package io.llatte.model;

import java.net.URI;
import java.nio.file.Path;

/// Pulls the model `tiny` from an address, in a process that a test may kill.
final class PullProgram {

    private PullProgram() {
    }

    public static void main(String[] args) {
        ModelCatalog catalog = TestModels.catalog(Long.parseLong(args[2]), args[3], new ModelSource.Url(URI.create(args[1])));
        ModelStore store = ModelStore.builder().folder(Path.of(args[0])).catalog(catalog).build();
        store.pull("tiny", progress -> System.out.println(progress.phase() + " " + progress.bytes()));
        System.out.println("DONE");
    }
}
