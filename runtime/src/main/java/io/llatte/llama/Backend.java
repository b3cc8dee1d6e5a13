package io.llatte.llama;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;

/// A backend module of the native folder.
///
/// @param name ggml's name, as in `CPU`, `CUDA`, `Vulkan`, `RPC`
/// @param file the module's file name
/// @param loaded whether it is usable on this machine
/// @param devices the names of its devices
/// @param reason why it is not loaded; "" where it is
/// @param features what it was built with and found, such as `AVX2`
public record Backend(String name, String file, boolean loaded, List<String> devices, String reason, Map<String, String> features) {

    private static final ObjectMapper JSON = new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    public Backend {
        devices = List.copyOf(devices);
        features = Map.copyOf(features);
    }

    static List<Backend> parse(String report) {
        try {
            return JSON.readValue(report, new TypeReference<>() {
            });
        } catch (JsonProcessingException e) {
            throw new AssertionError("the shim's backend report is not what its header says: " + report, e);
        }
    }
}
