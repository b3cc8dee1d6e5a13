// llama.cpp's own program for embeddings, which may end before its log thread has printed all of them: here it waits for that.
#define main llama_embedding_main
#include "embedding.cpp"
#undef main

int main(int argc, char ** argv) {
    const int result = llama_embedding_main(argc, argv);
    common_log_pause(common_log_main());
    return result;
}
