# One flat folder that can be moved: the core libraries under their SONAME, and every backend module.
# `cmake --install BUILD --component llatte --prefix FOLDER`

foreach (target IN LISTS LLATTE_CORE_TARGETS LLATTE_BACKEND_TARGETS ITEMS llatte)
    install(FILES "$<TARGET_FILE:${target}>" DESTINATION . COMPONENT llatte
            PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endforeach()
install(FILES "${LLATTE_LLAMA_CPP_SOURCE}/LICENSE" DESTINATION . COMPONENT llatte RENAME LICENSE.llama.cpp)

# GCC's OpenMP run time is not on every machine; RUNPATH finds this copy first.
if (CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT LLATTE_ASAN)
    execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=libgomp.so.1
                    OUTPUT_VARIABLE libgomp OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    file(REAL_PATH "${libgomp}" libgomp)
    install(FILES "${libgomp}" DESTINATION . COMPONENT llatte RENAME libgomp.so.1)
endif()
