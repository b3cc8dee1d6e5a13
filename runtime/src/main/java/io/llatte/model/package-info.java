/// Model files: a catalog of known ones and a store that downloads, verifies and keeps them.
///
/// ```java
/// ModelStore store = ModelStore.open();
/// StoredModel model = store.pull("qwen3-0.6b", progress -> System.err.println(progress.bytes() + " of " + progress.totalBytes()));
/// StoredModel other = store.pull("hf:ggml-org/gemma-3-1b-it-GGUF:Q4_K_M", progress -> { });
/// ```
///
/// A file under its final name is always whole and verified: it is assembled beside its place, compared with the SHA-256 of the catalog or the
/// hub, and renamed at the end. A download that was cut off goes on where it was. Models of the Hugging Face hub lie in the hub's own cache, so
/// that Python and llama.cpp share them.
package io.llatte.model;
