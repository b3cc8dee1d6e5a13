package io.llatte.llama;

import java.util.Objects;

/// How a model is quantised.
///
/// @param type the file type to write
/// @param threads threads to work with; 0 for the usable physical cores
/// @param allowRequantize whether tensors that are quantised already may be quantised again, which loses quality
/// @param pure whether every tensor gets the one type, rather than llama.cpp's mixture
public record QuantizeOptions(Quantization type, int threads, boolean allowRequantize, boolean pure) {

    public QuantizeOptions {
        Objects.requireNonNull(type, "type");
        if (threads < 0 || threads > 512) {
            throw new IllegalArgumentException("threads is " + threads + ", and must be from 0 to 512");
        }
    }

    /// llama.cpp's mixture for a type, from unquantised weights.
    public static QuantizeOptions to(Quantization type) {
        return new QuantizeOptions(type, 0, false, false);
    }

    /// The same, from weights that may be quantised already.
    public QuantizeOptions allowingRequantize() {
        return new QuantizeOptions(type, threads, true, pure);
    }
}
