package io.llatte.llama;

/// Whether attention is computed in one fused pass (`llama_flash_attn_type`).
public enum FlashAttention {
    /// Where the device supports it.
    AUTO(-1), DISABLED(0), ENABLED(1);

    private final int code;

    FlashAttention(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
