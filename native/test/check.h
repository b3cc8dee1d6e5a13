// A test is an executable of cases; a case fails with a message, and the next one runs.
#pragma once

#include "llatte.h"

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace check {

struct test_case {
    const char * name;
    void (*body)();
};

inline std::vector<test_case> & cases() {
    static std::vector<test_case> all;
    return all;
}

struct registration {
    registration(const char * name, void (*body)()) { cases().push_back({ name, body }); }
};

[[noreturn]] inline void failed(const char * file, int line, const std::string & message) {
    throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + message);
}

// What the call under test wrote; every case uses the same one.
inline llatte_error & error() {
    static llatte_error one;
    return one;
}

inline void status(const char * file, int line, int32_t expected, int32_t actual) {
    if (actual != expected) {
        failed(file, line, "status " + std::to_string(actual) + " instead of " + std::to_string(expected) + ": " +
                               (actual == LLATTE_OK ? "" : error().message));
    }
    if (actual != LLATTE_OK && (error().status != actual || error().message[0] == '\0')) {
        failed(file, line, "the error does not describe status " + std::to_string(actual));
    }
}

// Runs the cases whose name contains `filter`.
inline int run_all(const char * filter) {
    int failures = 0;
    for (const auto & one : cases()) {
        if (filter != nullptr && std::string(one.name).find(filter) == std::string::npos) {
            continue;
        }
        printf("%s\n", one.name); // before the case runs: a crash is then the last line's
        fflush(stdout);
        const auto start = std::chrono::steady_clock::now();
        try {
            one.body();
        } catch (const std::exception & thrown) {
            printf("    FAILED %s\n", thrown.what());
            failures++;
        }
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        if (taken.count() > 1) {
            printf("    %.1f s\n", taken.count());
        }
    }
    printf("%d of %zu cases failed\n", failures, cases().size());
    return failures == 0 ? 0 : 1;
}

} // namespace check

#define CASE(name)                                                 \
    static void                      name();                       \
    static const check::registration name##_registered(#name, name); \
    static void                      name()

#define CHECK(condition)                                  \
    do {                                                  \
        if (!(condition)) {                               \
            check::failed(__FILE__, __LINE__, #condition); \
        }                                                 \
    } while (false)

#define CHECK_STATUS(expected, call) check::status(__FILE__, __LINE__, expected, call)
#define CHECK_OK(call)               CHECK_STATUS(LLATTE_OK, call)
