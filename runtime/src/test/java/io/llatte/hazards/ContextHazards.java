package io.llatte.hazards;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.llatte.llama.Context;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.FlashAttention;
import io.llatte.llama.KvType;
import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Pooling;
import java.util.List;

/// Options that llama_init_from_model aborts on, or would allocate without end for.
final class ContextHazards extends Hazards {

    void moreSequencesThanTheBatchOrTheLimit() {
        Model model = llama();
        assertThatIllegalArgumentException().isThrownBy(() -> ContextOptions.builder().maxSequences(64).batchSize(8).build());
        for (int sequences : List.of(257, 1024, 2048)) {
            assertThatIllegalArgumentException().isThrownBy(() -> model.newContext(ContextOptions.builder().maxSequences(sequences).build()));
        }
        checkUsable(model.newContext(small().build()));
    }

    void numbersThatAreNoSizes() {
        Model model = llama();
        for (int value : ODD_INTS) {
            survived(() -> model.newContext(small().contextLength(value).build()).close());
            survived(() -> model.newContext(small().batchSize(value).build()).close());
            survived(() -> model.newContext(small().microBatchSize(value).build()).close());
            survived(() -> model.newContext(small().maxSequences(value).build()).close());
            survived(() -> model.newContext(small().threads(value).build()).close());
            survived(() -> model.newContext(small().batchThreads(value).build()).close());
        }
        checkUsable(model.newContext(small().build()));
    }

    void lengthThatNoMachineHolds() {
        Model model = llama();
        refused(() -> model.newContext(ContextOptions.builder().contextLength(Integer.MAX_VALUE).build()));
        checkUsable(model.newContext(small().build()));
    }

    void quantisedValuesWithoutFlashAttention() {
        Model model = llama();
        for (KvType type : List.of(KvType.Q4_0, KvType.Q8_0, KvType.IQ4_NL)) {
            refused(() -> model.newContext(small().valueType(type).flashAttention(FlashAttention.DISABLED).build()));
        }
        checkUsable(model.newContext(small().build()));
    }

    void everyTypeOfCacheOnEveryKindOfModel() {
        for (String name : List.of("llama-dense", "gemma3-dense", "mamba-dense", "falcon-h1-dense", "gpt2-dense")) {
            Model model = load(name);
            for (KvType type : KvType.values()) {
                for (FlashAttention attention : FlashAttention.values()) {
                    survived(() -> {
                        try (Context context = model.newContext(small().keyType(type).valueType(type).flashAttention(attention).build())) {
                            checkUsable(context);
                        }
                    });
                }
            }
            for (Pooling pooling : Pooling.values()) {
                for (boolean flag : List.of(true, false)) {
                    survived(() -> {
                        try (Context context = model.newContext(small().pooling(pooling).embeddings(flag).unifiedKv(flag).fullSlidingWindow(!flag)
                                .offloadKv(flag).build())) {
                            context.decode(rows(context, 8));
                        }
                    });
                }
            }
            model.close();
        }
    }

    void modelWithoutWeights() {
        Model model = Model.load(tiny("llama-dense"), ModelOptions.builder().vocabularyOnly(true).build(), arena);
        assertThatIllegalStateException().isThrownBy(() -> model.newContext(ContextOptions.defaults()));
    }

    void optionsOfALoadThatNameNoDevice() {
        for (List<String> devices : List.of(List.of("CUDA77"), List.of(""), List.of("CPU", "CPU", "nothing"))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Model.load(tiny("llama-dense"), ModelOptions.builder().devices(devices).build(), arena));
        }
        for (int value : ODD_INTS) {
            survived(() -> Model.load(tiny("llama-dense"), ModelOptions.builder().mainGpu(value).build(), arena).close());
            survived(() -> Model.load(tiny("llama-dense"), ModelOptions.builder().gpuLayers(value).build(), arena).close());
        }
        for (float value : ODD_FLOATS) {
            survived(() -> Model.load(tiny("llama-dense"), ModelOptions.builder().tensorSplit(java.util.Collections.nCopies(100, value)).build(), arena)
                    .close());
        }
    }

    void planOfWhatCannotBe() {
        refused(() -> Model.plan(tiny("no-such-model"), ModelOptions.cpuOnly(), ContextOptions.defaults()));
        refused(() -> Model.plan(scratch, ModelOptions.cpuOnly(), ContextOptions.defaults()));
        survived(() -> Model.plan(tiny("llama-dense"), ModelOptions.cpuOnly(), ContextOptions.builder().contextLength(Integer.MAX_VALUE).build()));
    }
}
