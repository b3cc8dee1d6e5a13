package io.llatte.internal.ffi;

import io.llatte.BackendUnavailableException;
import io.llatte.bindings.LlamaCpp;
import io.llatte.bindings.ggml_init_params;
import io.llatte.bindings.llama_context_params;
import io.llatte.bindings.llama_logit_bias;
import io.llatte.bindings.llama_model_kv_override;
import io.llatte.bindings.llama_model_params;
import io.llatte.bindings.llama_model_quantize_params;
import io.llatte.bindings.llama_perf_context_data;
import io.llatte.bindings.llatte_chunk;
import io.llatte.bindings.llatte_control;
import io.llatte.bindings.llatte_embedding_info;
import io.llatte.bindings.llatte_error;
import io.llatte.bindings.llatte_logprobs;
import io.llatte.bindings.llatte_memory_entry;
import io.llatte.bindings.llatte_projector_info;
import io.llatte.bindings.llatte_projector_params;
import io.llatte.bindings.llatte_text;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Compares the bindings with the library that was loaded: llama.cpp's version, and the size and field offsets of every struct that
/// crosses the boundary. A mismatch would read garbage; it is an error at start instead.
public final class AbiCheck {

    /// The versions that the bindings were generated from.
    public static final String LLAMA_CPP_VERSION = "0.5.0";
    static final String SHIM_VERSION = "0.1.0";

    static final List<GroupLayout> SHARED_STRUCTS = List.of(
            ggml_init_params.layout(), llama_model_params.layout(), llama_context_params.layout(), llama_model_quantize_params.layout(),
            llama_logit_bias.layout(), llama_model_kv_override.layout(), llama_perf_context_data.layout(), llatte_error.layout(),
            llatte_text.layout(), llatte_control.layout(), llatte_memory_entry.layout(), llatte_logprobs.layout(),
            llatte_embedding_info.layout(),
            llatte_projector_params.layout(), llatte_projector_info.layout(), llatte_chunk.layout());

    private AbiCheck() {
    }

    static void run() {
        List<String> differences = new ArrayList<>();
        compare("libllatte version", SHIM_VERSION, LlamaCpp.llatte_version().getString(0), differences);
        compare("llama.cpp version", LLAMA_CPP_VERSION, LlamaCpp.llama_version().getString(0), differences);
        Map<String, String> loaded = parse(NativeText.read("describing the ABI", LlamaCpp::llatte_abi_describe));
        for (GroupLayout struct : SHARED_STRUCTS) {
            compareStruct(struct, loaded, differences);
        }
        if (!differences.isEmpty()) {
            throw new BackendUnavailableException("The native library does not fit these bindings: " + String.join("; ", differences)
                    + ". Use the llatte-natives of the same version, or regenerate the bindings (docs/upgrading-llama-cpp.md).");
        }
    }

    static void compareStruct(GroupLayout struct, Map<String, String> loaded, List<String> differences) {
        String name = struct.name().orElseThrow();
        compare("sizeof " + name, String.valueOf(struct.byteSize()), loaded.get(name), differences);
        for (MemoryLayout field : struct.memberLayouts()) {
            if (field.name().isPresent() && !isUnion(field)) {
                String path = name + "." + field.name().get();
                String bound = struct.byteOffset(PathElement.groupElement(field.name().get())) + " " + field.byteSize();
                compare(path + " (offset size)", bound, loaded.get(path), differences);
            }
        }
    }

    /// An anonymous union gets a name from jextract that the header does not have.
    private static boolean isUnion(MemoryLayout field) {
        return field instanceof GroupLayout;
    }

    /// Lines of `name value`, the value being "size" or "offset size".
    static Map<String, String> parse(String description) {
        Map<String, String> values = new HashMap<>();
        description.lines().filter(line -> !line.isBlank()).forEach(line -> {
            String[] words = line.split(" ", 2);
            values.put(words[0], words[1]);
        });
        return values;
    }

    private static void compare(String what, String bound, String loaded, List<String> differences) {
        if (!bound.equals(loaded)) {
            differences.add(what + " is " + loaded + " in the library and " + bound + " in the bindings");
        }
    }
}
