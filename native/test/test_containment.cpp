// The second line of defence: where a check is missing and llama.cpp asserts on the calling thread, a status comes back. The checks are got round
// by changing a context behind the shim's back, through the handle that is meant for reading.
#include "fixture.h"

#include <cstdlib>
#if !defined(_WIN32)
#    include <csignal>
#    include <sys/wait.h>
#    include <unistd.h>
#endif

namespace {

// More tokens without causal attention than a micro-batch takes: the shim believes the context to be causal.
int32_t assert_in_decode(const fixture::context_ptr & context, int32_t first = 0) {
    llama_set_causal_attn(llatte_context_handle(context.get()), false);
    return fixture::batch(static_cast<int32_t>(fixture::context_params().n_ubatch) + 1, first).decode(context);
}

} // namespace

CASE(an_assertion_in_a_decode_is_a_status_with_its_text) {
    const auto model   = fixture::load(fixture::model_path("llama-dense"));
    const auto context = fixture::context(model);
    CHECK_STATUS(LLATTE_INTERNAL, assert_in_decode(context));
    CHECK(std::string(check::error().message).find("GGML_ASSERT(") != std::string::npos);
    CHECK(std::string(check::error().message).find("n_ubatch") != std::string::npos);
}

CASE(a_poisoned_context_refuses_every_call_and_can_be_freed) {
    const auto model   = fixture::load(fixture::model_path("llama-dense"));
    const auto context = fixture::context(model);
    CHECK_OK(fixture::batch(4).decode(context));
    CHECK_STATUS(LLATTE_INTERNAL, assert_in_decode(context, 4));

    llatte_context *        poisoned = context.get();
    llama_perf_context_data perf;
    llatte_memory_entry     entries[8];
    const float *           floats = nullptr;
    int32_t                 number = 0;
    int64_t                 size   = 0;
    CHECK_STATUS(LLATTE_POISONED, fixture::batch(1).decode(context));
    CHECK_STATUS(LLATTE_POISONED, fixture::batch(1).encode(context));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_logits(poisoned, -1, &floats, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_embeddings(poisoned, 0, &floats, &number, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_sequence_embeddings(poisoned, 0, &floats, &number, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_set_threads(poisoned, 1, 1, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_set_embeddings(poisoned, true, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_set_causal(poisoned, true, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_synchronize(poisoned, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_perf(poisoned, &perf, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_memory(poisoned, entries, 8, &number, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_context_clear(poisoned, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_sequence_remove(poisoned, 0, -1, -1, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_sequence_copy(poisoned, 0, 1, -1, -1, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_sequence_keep(poisoned, 0, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_sequence_shift(poisoned, 0, 0, -1, 1, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_sequence_divide(poisoned, 0, 0, -1, 2, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_sequence_range(poisoned, 0, &number, &number, &check::error()));
    CHECK_STATUS(LLATTE_POISONED, llatte_state_size(poisoned, 0, &size, &check::error()));
}

CASE(a_poisoned_context_leaves_its_model_whole) {
    const auto model = fixture::load(fixture::model_path("llama-dense"));
    const auto whole = fixture::context(model);
    {
        const auto context = fixture::context(model);
        CHECK_STATUS(LLATTE_INTERNAL, assert_in_decode(context));
    }
    CHECK_OK(fixture::batch(8).decode(whole));
    fixture::check_usable(fixture::context(model));
}

CASE(an_assertion_in_a_load_is_a_failed_load) {
    const std::string path = fixture::edited_model(fixture::model_path("llama-dense"), "asserting", [](gguf_context * gguf) {
        gguf_set_val_str(gguf, "llama.rope.scaling.type", "no such scaling");
    });
    CHECK_STATUS(LLATTE_LOAD_FAILED, fixture::try_load(path));
    CHECK(std::string(check::error().message).find("rope_scaling_type_train") != std::string::npos);
    fixture::load(fixture::model_path("llama-dense"));
}

#if !defined(_WIN32)
// Nothing would catch an exception there: it must abort as without the shim, and not unwind into a caller that is no C++.
CASE(an_assertion_outside_the_shim_still_aborts) {
    const auto model = fixture::load(fixture::model_path("llama-dense"));
    const auto context = fixture::context(model);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        llama_batch empty{};
        llama_decode(llatte_context_handle(context.get()), empty);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
#endif

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
