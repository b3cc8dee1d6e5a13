package io.llatte.llama;

import io.llatte.bindings.LlamaCpp;
import io.llatte.memory.DeviceArena;

/// The child JVM: loads the library with one strategy after the other and decodes. `NumaProgram STRATEGY...`
public final class NumaProgram {

    static final String REFUSED = "refused: ";
    static final String DECODED = "decoded";

    private NumaProgram() {
    }

    public static void main(String[] strategies) {
        for (String strategy : strategies) {
            try {
                Llama.load(NumaStrategy.valueOf(strategy));
            } catch (IllegalStateException e) {
                System.out.println(REFUSED + e.getMessage());
            }
        }
        try (var arena = DeviceArena.open();
             var model = Model.load(TinyModels.llama(), ModelOptions.cpuOnly(), arena);
             var context = model.newContext(ContextOptions.builder().contextLength(256).threads(2).batchThreads(2).build())) {
            context.decode(context.newBatch().add(1, 0, 0, true));
            System.out.println(DECODED);
        }
        // ggml complains of a second time, and so tells that there was a first.
        LlamaCpp.llama_numa_init(NumaStrategy.DISTRIBUTE.code());
    }
}
