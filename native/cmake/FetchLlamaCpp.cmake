# Sets LLATTE_LLAMA_CPP_SOURCE to a verified, patched copy of the pinned llama.cpp. In this order:
#   1. LLATTE_LLAMA_CPP_DIR, used as it is (neither verified nor patched: it is yours);
#   2. the copy an earlier configure left in build/, if its pin and patches are still the current ones;
#   3. the npm package that carries the whole source as a git bundle;
#   4. the project's GitHub tag.
# Sources 3 and 4 must yield the same git tree; the tarball's own checksum is verified as well.

set(LLATTE_LLAMA_CPP_VERSION    "0.5.0")
set(LLATTE_LLAMA_CPP_TREE       "fd570ef54b10ec5fecb739e7e04c8ce44a6f415a")
set(LLATTE_LLAMA_CPP_NPM        "node-llama-cpp@3.22.1")
set(LLATTE_LLAMA_CPP_NPM_SHA256 "a0d9dd80eacd2ab1cfe71aee57ac8a806487fd70b3d2a38fbec637752d9e5c5f")
set(LLATTE_LLAMA_CPP_GITHUB     "https://github.com/ggml-org/llama.cpp")
set(LLATTE_LLAMA_CPP_TAG        "v0.5.0")

file(GLOB llatte_patches CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/native/patches/*.patch")
list(SORT llatte_patches)

# The stamp names everything the copy depends on, so that a new pin or patch makes a new copy.
set(llatte_stamp "${LLATTE_LLAMA_CPP_TREE}")
foreach (patch IN LISTS llatte_patches)
    file(SHA256 "${patch}" digest)
    string(APPEND llatte_stamp " ${digest}")
endforeach()
string(SHA256 llatte_stamp "${llatte_stamp}")

function(llatte_run what)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if (NOT status EQUAL 0)
        message(FATAL_ERROR "${what} failed (${status}):\n${output}")
    endif()
endfunction()

# Leaves a clone in `destination`, or an empty `destination` where npm or the package cannot be had.
function(llatte_clone_from_npm destination)
    find_program(LLATTE_NPM NAMES npm npm.cmd)
    if (NOT LLATTE_NPM)
        message(STATUS "llama.cpp: npm not found, so ${LLATTE_LLAMA_CPP_NPM} is not tried")
        return()
    endif()
    set(work "${destination}.npm")
    file(REMOVE_RECURSE "${work}")
    file(MAKE_DIRECTORY "${work}")
    message(STATUS "llama.cpp: npm pack ${LLATTE_LLAMA_CPP_NPM}")
    execute_process(COMMAND "${LLATTE_NPM}" pack --silent "${LLATTE_LLAMA_CPP_NPM}"
                    WORKING_DIRECTORY "${work}" RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE output)
    file(GLOB tarball "${work}/*.tgz")
    if (NOT status EQUAL 0 OR NOT tarball)
        message(STATUS "llama.cpp: npm pack failed (${status}): ${output}")
        file(REMOVE_RECURSE "${work}")
        return()
    endif()
    file(SHA256 "${tarball}" digest)
    if (NOT digest STREQUAL LLATTE_LLAMA_CPP_NPM_SHA256)
        file(REMOVE_RECURSE "${work}")
        message(FATAL_ERROR "llama.cpp: ${LLATTE_LLAMA_CPP_NPM} has SHA-256 ${digest}, expected ${LLATTE_LLAMA_CPP_NPM_SHA256}")
    endif()
    file(ARCHIVE_EXTRACT INPUT "${tarball}" DESTINATION "${work}" PATTERNS "package/llama/gitRelease.bundle")
    llatte_run("Cloning llama.cpp from its bundle" git clone --quiet "${work}/package/llama/gitRelease.bundle" "${destination}")
    file(REMOVE_RECURSE "${work}")
endfunction()

function(llatte_clone_from_github destination)
    message(STATUS "llama.cpp: git clone ${LLATTE_LLAMA_CPP_GITHUB} ${LLATTE_LLAMA_CPP_TAG}")
    llatte_run("Cloning llama.cpp ${LLATTE_LLAMA_CPP_TAG}"
        git clone --quiet --depth 1 --branch "${LLATTE_LLAMA_CPP_TAG}" "${LLATTE_LLAMA_CPP_GITHUB}" "${destination}")
endfunction()

function(llatte_fetch_llama_cpp destination)
    find_program(LLATTE_GIT NAMES git)
    if (NOT LLATTE_GIT)
        message(FATAL_ERROR "llama.cpp: git not found; it unpacks and patches the pinned source")
    endif()
    # Everything happens in a sibling folder of this process's own and is renamed at the end: an interrupted or a
    # concurrent configure leaves no half copy behind.
    string(RANDOM LENGTH 8 suffix)
    set(work "${destination}.${suffix}")
    llatte_clone_from_npm("${work}")
    if (NOT EXISTS "${work}/CMakeLists.txt")
        llatte_clone_from_github("${work}")
    endif()
    execute_process(COMMAND git -C "${work}" rev-parse "HEAD^{tree}"
                    OUTPUT_VARIABLE tree OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    if (NOT tree STREQUAL LLATTE_LLAMA_CPP_TREE)
        file(REMOVE_RECURSE "${work}")
        message(FATAL_ERROR "llama.cpp: the fetched source has tree ${tree}, expected ${LLATTE_LLAMA_CPP_TREE}")
    endif()
    foreach (patch IN LISTS llatte_patches)
        llatte_run("Applying ${patch}" git -C "${work}" apply --whitespace=nowarn "${patch}")
    endforeach()
    file(WRITE "${work}/.llatte-pin" "${llatte_stamp}")
    file(REMOVE_RECURSE "${destination}")
    file(RENAME "${work}" "${destination}")
endfunction()

if (LLATTE_LLAMA_CPP_DIR)
    if (NOT EXISTS "${LLATTE_LLAMA_CPP_DIR}/include/llama.h")
        message(FATAL_ERROR "LLATTE_LLAMA_CPP_DIR=${LLATTE_LLAMA_CPP_DIR} holds no llama.cpp (include/llama.h is missing)")
    endif()
    set(LLATTE_LLAMA_CPP_SOURCE "${LLATTE_LLAMA_CPP_DIR}")
else()
    # One path for every pin: build trees and compiler caches remember it.
    set(LLATTE_LLAMA_CPP_SOURCE "${CMAKE_SOURCE_DIR}/build/llama.cpp")
    set(llatte_present "")
    if (EXISTS "${LLATTE_LLAMA_CPP_SOURCE}/.llatte-pin")
        file(READ "${LLATTE_LLAMA_CPP_SOURCE}/.llatte-pin" llatte_present)
    endif()
    if (NOT llatte_present STREQUAL llatte_stamp)
        llatte_fetch_llama_cpp("${LLATTE_LLAMA_CPP_SOURCE}")
    endif()
endif()
file(WRITE "${CMAKE_BINARY_DIR}/llama.cpp-source.txt" "${LLATTE_LLAMA_CPP_SOURCE}\n")   # for the Java tests
message(STATUS "llama.cpp source: ${LLATTE_LLAMA_CPP_SOURCE}")
