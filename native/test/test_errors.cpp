// The process, errors, texts, logs, devices: everything that needs no context.
#include "fixture.h"

#include <cstring>
#include <thread>

using check::error;

CASE(init_again_does_nothing) {
    CHECK_OK(llatte_init("/nowhere", &error()));
}

CASE(init_without_a_folder_is_refused) {
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_init(nullptr, &error()));
}

CASE(a_null_error_is_allowed) {
    CHECK(llatte_init(nullptr, nullptr) == LLATTE_INVALID_ARGUMENT);
}

CASE(an_ok_leaves_the_error_alone) {
    llatte_error untouched;
    memset(&untouched, 7, sizeof(untouched));
    llatte_text text{};
    CHECK(llatte_abi_describe(&text, &untouched) == LLATTE_OK);
    CHECK(untouched.status == 0x07070707);
    llatte_text_free(&text);
}

CASE(a_long_message_is_cut_between_characters) {
    std::string path = "/";
    while (path.size() < 3000) {
        path += "\xe2\x82\xac"; // three bytes: no multiple of them is the buffer's size
    }
    CHECK_STATUS(LLATTE_LOAD_FAILED, fixture::try_load(path));
    const std::string message = error().message;
    CHECK(message.size() > 990);
    CHECK((message.size() - message.find("\xe2")) % 3 == 0);
}

CASE(every_struct_is_described) {
    llatte_text text{};
    CHECK_OK(llatte_abi_describe(&text, &error()));
    const std::string layout = text.data;
    CHECK(static_cast<size_t>(text.length) == layout.size());
    CHECK(layout.find("llatte_error " + std::to_string(sizeof(llatte_error)) + "\n") != std::string::npos);
    CHECK(layout.find("llama_context_params.n_threads_batch ") != std::string::npos);
    llatte_text_free(&text);
    llatte_text_free(&text); // once more is harmless: it is empty now
    llatte_text_free(nullptr);
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_abi_describe(nullptr, &error()));
}

CASE(the_cpu_backend_is_reported) {
    llatte_text text{};
    CHECK_OK(llatte_backend_report(&text, &error()));
    CHECK(std::string(text.data).find("\"CPU\"") != std::string::npos);
    llatte_text_free(&text);
}

CASE(device_index_out_of_range) {
    int64_t free_bytes  = 0;
    int64_t total_bytes = 0;
    CHECK_OK(llatte_device_memory(0, &free_bytes, &total_bytes, &error()));
    for (int32_t index : { -1, 1000, INT32_MAX, INT32_MIN }) {
        CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_device_memory(index, &free_bytes, &total_bytes, &error()));
        CHECK(error().requested == index);
    }
    CHECK_STATUS(LLATTE_INVALID_ARGUMENT, llatte_device_memory(0, nullptr, &total_bytes, &error()));
}

CASE(log_lines_are_taken_in_order) {
    char    line[64];
    int32_t level = 0;
    while (llatte_log_take(line, sizeof(line), &level, 0) >= 0) {
    }
    CHECK(llatte_log_take(line, sizeof(line), &level, 0) == -1);
    CHECK(llatte_log_take(nullptr, 10, &level, 0) == -1);
    CHECK(llatte_log_take(line, -5, &level, 0) == -1);
    fixture::load(fixture::model_path("llama-dense"));
    CHECK(llatte_log_take(line, sizeof(line), &level, 0) > 0);
    CHECK(llatte_log_dropped() >= 0);
}

CASE(a_waiting_log_reader_is_woken) {
    char    line[64];
    int32_t level = 0;
    while (llatte_log_take(line, sizeof(line), &level, 0) >= 0) {
    }
    std::thread waker([] { llatte_log_wake(); });
    CHECK(llatte_log_take(line, sizeof(line), &level, 30000) == -1);
    waker.join();
}

int main(int argc, char ** argv) {
    return fixture::main(argc, argv);
}
