package io.llatte.demo;

import io.llatte.demo.bench.SyntheticFile;
import io.llatte.model.ModelStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// Which models are measured.
final class BenchModelArguments {

    @Option(names = {"-m", "--model"}, paramLabel = "MODEL", split = ",", description = "A GGUF file or a downloaded model's id.")
    private List<String> references = List.of();

    @Option(names = "--synthetic", paramLabel = "SHAPE[:TYPE]", split = ",", converter = SyntheticConverter.class,
            description = "A model of random weights, written where it is not there yet: llama-135m, llama-254m, llama-1b or llama-8b, of type "
                    + "q4_0 (the default), q8_0 or f16.")
    private List<SyntheticFile> synthetic = List.of();

    @Option(names = "--synthetic-dir", paramLabel = "FOLDER", description = "Where models of random weights are kept. Default: a cache folder")
    private Path folder = UserPaths.syntheticModels();

    @Option(names = "--vocab", paramLabel = "FILE",
            description = "The GGUF file whose vocabulary they get. Default: that of Llama 3, 128256 tokens")
    private Path vocabulary;

    /// The files, written where they have to be.
    List<Path> files() throws IOException {
        Misuse.unless(!references.isEmpty() || !synthetic.isEmpty(), "which model? --model names a file, --synthetic makes one");
        List<Path> files = new ArrayList<>();
        ModelStore store = ModelStore.open();
        for (String reference : references) {
            files.add(ModelsCommand.present(reference, store).path());
        }
        for (SyntheticFile each : synthetic) {
            BenchCommand.showProgress("making " + each.name());
            files.add(each.write(folder, vocabulary));
        }
        return files;
    }

    private static final class SyntheticConverter implements ITypeConverter<SyntheticFile> {
        @Override
        public SyntheticFile convert(String value) {
            try {
                return SyntheticFile.parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
