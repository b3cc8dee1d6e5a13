// The threads of a decode. OpenMP keeps a team for each thread that has computed.
#include "llatte.h"

// Other run times (LLVM's, Intel's) stop the whole process's threads, or nothing.
#if defined(_OPENMP) && defined(__GNUC__) && !defined(__clang__)
#define LLATTE_LIBGOMP
#include <omp.h>
#endif

void llatte_release_threads(void) {
#if defined(LLATTE_LIBGOMP)
    omp_pause_resource(omp_pause_soft, omp_get_initial_device());
#endif
}
