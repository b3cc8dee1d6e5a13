// The threads of a decode: OpenMP keeps a team for each thread that has computed, and a team runs where the thread may that made it.
#include "guard.h"

// Other run times (LLVM's, Intel's) stop the whole process's threads, or nothing.
#if defined(_OPENMP) && defined(__GNUC__) && !defined(__clang__)
#define LLATTE_LIBGOMP
#include <omp.h>
#endif

#if defined(__linux__)
#include <sched.h>
#endif

namespace {

#if defined(__linux__)

constexpr int32_t max_processors = 8192; // the kernel's own limit

struct processor_set {
    cpu_set_t * bits = CPU_ALLOC(max_processors);

    static constexpr size_t size() { return CPU_ALLOC_SIZE(max_processors); }

    processor_set() { CPU_ZERO_S(size(), bits); }
    ~processor_set() { CPU_FREE(bits); }
    processor_set(const processor_set &)             = delete;
    processor_set & operator=(const processor_set &) = delete;
};

void bind(const int32_t * processors, int32_t count) {
    processor_set wanted;
    for (int32_t i = 0; i < count; i++) {
        llatte::require_range("a processor", processors[i], 0, max_processors - 1);
        CPU_SET_S(processors[i], processor_set::size(), wanted.bits);
    }
    processor_set before;
    processor_set after;
    if (sched_getaffinity(0, processor_set::size(), before.bits) != 0 || sched_setaffinity(0, processor_set::size(), wanted.bits) != 0 ||
        sched_getaffinity(0, processor_set::size(), after.bits) != 0) {
        llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("this process may use none of the %d processors", count), count);
    }
    for (int32_t i = 0; i < count; i++) {
        if (!CPU_ISSET_S(processors[i], processor_set::size(), after.bits)) {
            sched_setaffinity(0, processor_set::size(), before.bits);
            llatte::fail(LLATTE_INVALID_ARGUMENT, llatte::format("this process may not use processor %d", processors[i]), processors[i]);
        }
    }
}

#else

void bind(const int32_t *, int32_t) {
    llatte::fail(LLATTE_INVALID_STATE, "threads can be bound to processors on Linux alone");
}

#endif

} // namespace

void llatte_release_threads(void) {
#if defined(LLATTE_LIBGOMP)
    omp_pause_resource(omp_pause_soft, omp_get_initial_device());
#endif
}

int32_t llatte_bind_thread(const int32_t * processors, int32_t count, llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(processors, "processors");
        llatte::require_range("count", count, 1, 1 << 16);
        bind(processors, count);
    });
}
