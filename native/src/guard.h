// What every function of llatte.h is wrapped in: a status and a message come out, never an exception.
#pragma once

#include "llatte.h"

#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace llatte {

// A refusal of ours, with numbers.
struct failure {
    int32_t     status;
    std::string message;
    int64_t     requested = -1;
    int64_t     available = -1;
};

// What the ggml abort callback throws on a thread that is inside a guard. A std::exception: where llama.cpp catches those, as while it
// loads a model or makes a context, it cleans up behind the assertion too.
struct assertion_failure : std::exception {
    explicit assertion_failure(std::string text) : message(std::move(text)) {}
    const char * what() const noexcept override { return message.c_str(); }

    std::string message;
};

// printf into a std::string.
std::string format(const char * pattern, ...) __attribute__((format(printf, 1, 2)));

[[noreturn]] void fail(int32_t status, std::string message, int64_t requested = -1, int64_t available = -1);

// Fills `error` where there is one, and returns its status.
int32_t report(llatte_error * error, const failure & failure);

// Turns the exception in flight into a failure.
failure current_failure();

// Marks the calling thread as inside a guard, so that an abort may throw; forgets what the thread logged as errors.
class guard_scope {
public:
    guard_scope();
    ~guard_scope();
    guard_scope(const guard_scope &) = delete;
    guard_scope & operator=(const guard_scope &) = delete;

    static bool active();
};

template <typename Body>
int32_t guarded(llatte_error * error, Body && body) {
    try {
        guard_scope scope;
        std::forward<Body>(body)();
        return LLATTE_OK;
    } catch (...) {
        return report(error, current_failure());
    }
}

// The ERROR lines that llama.cpp logged on this thread since its outermost guard began, joined; "" where it logged none.
const std::string & logged_errors();

// `: <logged errors>` or "".
std::string because();

void require_not_null(const void * pointer, const char * name);
void require_range(const char * name, int64_t value, int64_t least, int64_t most);
void require_finite(const char * name, float value);

// Parsers of llama.cpp recurse, and a thread of a JVM has a stack of 1 MiB. Refuses a JSON text whose brackets nest too deep for them (those
// inside its strings do not count), and a text whose brackets or parentheses do, wherever they stand.
void require_flat_json(int32_t status, const char * name, std::string_view text);
void require_flat_brackets(int32_t status, const char * name, std::string_view text);
void require_flat_parentheses(int32_t status, const char * name, std::string_view text);

void assign(llatte_text * out, const std::string & text);

} // namespace llatte
