# Adds llama.cpp as a subproject: shared core libraries plus one loadable module for each backend.
# EXCLUDE_FROM_ALL: only what our own targets depend on is built, so its tools, tests and web UI cost nothing.

set(BUILD_SHARED_LIBS     ON)
set(GGML_BACKEND_DL       ON)
set(GGML_NATIVE           OFF)   # the same binary must run on every CPU of its kind; the variants bring the speed
set(GGML_VULKAN           ${LLATTE_VULKAN})
set(GGML_CUDA             ${LLATTE_CUDA})
set(GGML_METAL            ${LLATTE_METAL})
set(GGML_RPC              ${LLATTE_RPC})
set(GGML_BUILD_TESTS      OFF)
set(GGML_BUILD_EXAMPLES   OFF)
set(LLAMA_BUILD_COMMON    ON)
set(LLAMA_BUILD_MTMD      ON)
set(LLAMA_BUILD_TESTS     OFF)
set(LLAMA_BUILD_EXAMPLES  OFF)
set(LLAMA_BUILD_APP       OFF)
set(LLAMA_BUILD_UI        OFF)
set(LLAMA_USE_PREBUILT_UI OFF)   # configuring must not reach for the network
set(LLAMA_BUILD_SERVER    ${LLATTE_TOOLS})
set(LLAMA_OPENSSL         OFF)   # downloads are Java's work
set(LLAMA_TOOLS_INSTALL   OFF)
set(LLAMA_ALL_WARNINGS    OFF)
set(LLAMA_BUILD_IS_DEV    OFF)
set(MTMD_VIDEO            OFF CACHE BOOL "video input would start ffmpeg" FORCE)
if (LLATTE_TOOLS OR (LLATTE_TESTS AND NOT LLATTE_ASAN))
    set(LLAMA_BUILD_TOOLS ON)    # the Java tests compare with llama-completion
else()
    set(LLAMA_BUILD_TOOLS OFF)
endif()
if (LLATTE_ASAN)
    # One variant: the sanitizer looks for mistakes, not for speed.
    set(GGML_CPU_ALL_VARIANTS  OFF)
    set(LLAMA_SANITIZE_ADDRESS ON)
    set(GGML_SANITIZE_ADDRESS  ON)
    set(GGML_OPENMP            OFF)
    # Traces need line numbers only, and the whole of llama.cpp is compiled once more.
    set(CMAKE_C_FLAGS_RELWITHDEBINFO   "-O1 -g1 -DNDEBUG")
    set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
else()
    set(GGML_CPU_ALL_VARIANTS  ON)
endif()

# All products sit side by side, in the build tree and installed: $ORIGIN finds everything, wherever the folder is.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
if (APPLE)
    set(CMAKE_INSTALL_RPATH "@loader_path")
else()
    set(CMAKE_INSTALL_RPATH "$ORIGIN")
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# option() in a subproject must respect the plain variables above, whatever policy level it asks for.
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
set(CMAKE_POLICY_DEFAULT_CMP0126 NEW)
add_subdirectory("${LLATTE_LLAMA_CPP_SOURCE}" llama.cpp EXCLUDE_FROM_ALL)

get_property(LLATTE_BACKEND_TARGETS CACHE GGML_AVAILABLE_BACKENDS PROPERTY VALUE)
set(LLATTE_CORE_TARGETS ggml-base ggml llama llama-common mtmd)

# Jars lose symbolic links: every library is one plain file, the core ones under their SONAME.
foreach (target IN LISTS LLATTE_CORE_TARGETS)
    if (UNIX AND NOT APPLE)
        get_target_property(soversion ${target} SOVERSION)
        set_target_properties(${target} PROPERTIES VERSION "${soversion}")
    endif()
endforeach()
foreach (target IN LISTS LLATTE_BACKEND_TARGETS)
    set_property(TARGET ${target} PROPERTY VERSION)
    set_property(TARGET ${target} PROPERTY SOVERSION)
endforeach()
