package io.llatte.llama;

/// The number format of a KV cache (`ggml_type`). A quantised value cache needs flash attention.
public enum KvType {
    F32(0), F16(1), BF16(30), Q8_0(8), Q5_1(7), Q5_0(6), IQ4_NL(20), Q4_1(3), Q4_0(2);

    private final int code;

    KvType(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
