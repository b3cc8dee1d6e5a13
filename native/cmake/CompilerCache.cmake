# A compiler cache makes the second cold build of the same source take seconds; nothing depends on it.
find_program(LLATTE_CCACHE NAMES ccache sccache)
if (LLATTE_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER   "${LLATTE_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${LLATTE_CCACHE}")
    message(STATUS "Compiling through ${LLATTE_CCACHE}")
endif()
