/// What `llatte bench` does: the work of llama.cpp's `llama-bench` and `llama-batched-bench`, at three levels of this library, and beside
/// llama.cpp's own programs.
package io.llatte.demo.bench;
