package io.llatte.llama;

import io.llatte.internal.ffi.NativeModel;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// What a loaded model is.
///
/// @param architecture `general.architecture`, as in `gemma3`
/// @param name `general.name`, or ""
/// @param description llama.cpp's one-line description
/// @param parameterCount number of weights
/// @param sizeBytes bytes of all tensors
/// @param quantization the file type's name, as in `Q4_K - Medium`
/// @param trainingContextLength tokens the model was trained for
/// @param layerCount transformer layers
/// @param embeddingLength floats of a token's embedding
/// @param headCount attention heads of the first layer
/// @param kvHeadCount key and value heads of the first layer
/// @param vocabSize tokens of the vocabulary
/// @param slidingWindow tokens of the sliding attention window; 0 where there is none
/// @param encoder whether it has an encoder
/// @param decoder whether it has a decoder
/// @param recurrent whether its state is recurrent, as in Mamba
/// @param hybrid whether it has recurrent and attention layers
/// @param hasChatTemplate whether the file carries a chat template
/// @param metadata the file's scalar metadata, in its order
public record ModelInfo(String architecture, String name, String description, long parameterCount, long sizeBytes, String quantization,
                        int trainingContextLength, int layerCount, int embeddingLength, int headCount, int kvHeadCount, int vocabSize,
                        int slidingWindow, boolean encoder, boolean decoder, boolean recurrent, boolean hybrid, boolean hasChatTemplate,
                        Map<String, String> metadata) {

    public ModelInfo {
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    static ModelInfo of(NativeModel model) {
        Map<String, String> metadata = model.metadata();
        return new ModelInfo(
                metadata.getOrDefault("general.architecture", ""), metadata.getOrDefault("general.name", ""), model.description(),
                model.parameterCount(), model.sizeBytes(), model.fileTypeName(), model.trainingContextLength(), model.layerCount(),
                model.embeddingLength(), model.headCount(), model.kvHeadCount(), model.vocab().size(), model.slidingWindow(),
                model.hasEncoder(), model.hasDecoder(), model.isRecurrent(), model.isHybrid(), model.chatTemplate() != null, metadata);
    }
}
