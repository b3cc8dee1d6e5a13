package io.llatte.llama;

import java.nio.file.Path;

/// A direction for each layer of a model but the first, which is added to what the layer hands on. Immutable.
public final class ControlVector {

    private final float[] directions;

    private ControlVector(float[] directions) {
        this.directions = directions;
    }

    /// Reads what llama.cpp's generator of control vectors wrote.
    ///
    /// @throws io.llatte.ModelLoadException if the file is missing, no control vector, or another model's
    /// @throws IllegalStateException if the model is closed
    public static ControlVector read(Model model, Path gguf) {
        return new ControlVector(model.nativeModel().readControlVector(gguf));
    }

    /// Makes one of numbers.
    ///
    /// @param directions `float[(layers - 1) * embeddingLength]`, the second layer's first; copied
    public static ControlVector of(float[] directions) {
        return new ControlVector(directions.clone());
    }

    /// The same direction, so many times as far.
    public ControlVector times(float factor) {
        float[] scaled = directions.clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= factor;
        }
        return new ControlVector(scaled);
    }

    /// Both together.
    ///
    /// @throws IllegalArgumentException if the other has another length
    public ControlVector plus(ControlVector other) {
        if (other.directions.length != directions.length) {
            throw new IllegalArgumentException("control vectors of %d and %d numbers".formatted(directions.length, other.directions.length));
        }
        float[] sum = directions.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += other.directions[i];
        }
        return new ControlVector(sum);
    }

    /// How many numbers it has: `(layers - 1) * embeddingLength`.
    public int length() {
        return directions.length;
    }

    float[] directions() {
        return directions;
    }
}
