package io.llatte.llama;

/// Texts as vectors.
///
/// @param vectors one for each text, in their order, `float[texts][length]`
/// @param tokens how many tokens were evaluated, special ones among them
public record Embeddings(float[][] vectors, long tokens) {

    /// The cosine of two vectors' angle, -1 to 1; 0 where one of them is all zero.
    ///
    /// @throws IllegalArgumentException if their lengths differ
    public static double cosine(float[] a, float[] b) {
        if (a.length != b.length) {
            throw new IllegalArgumentException("vectors of %d and of %d floats have no angle".formatted(a.length, b.length));
        }
        double product = 0;
        double squareA = 0;
        double squareB = 0;
        for (int i = 0; i < a.length; i++) {
            product += (double) a[i] * b[i];
            squareA += (double) a[i] * a[i];
            squareB += (double) b[i] * b[i];
        }
        return squareA == 0 || squareB == 0 ? 0 : product / Math.sqrt(squareA * squareB);
    }

    /// Scales a vector to the length 1; one that is all zero stays so.
    static void normalize(float[] vector) {
        double squares = 0;
        for (float value : vector) {
            squares += (double) value * value;
        }
        float factor = squares > 0 ? (float) (1 / Math.sqrt(squares)) : 0;
        for (int i = 0; i < vector.length; i++) {
            vector[i] *= factor;
        }
    }

    /// These vectors, each with the length 1.
    public Embeddings normalized() {
        float[][] copies = new float[vectors.length][];
        for (int i = 0; i < copies.length; i++) {
            copies[i] = vectors[i].clone();
            normalize(copies[i]);
        }
        return new Embeddings(copies, tokens);
    }
}
