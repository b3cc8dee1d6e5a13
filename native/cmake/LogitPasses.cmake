# The passes over logits are written for the compiler's vectoriser, and compiled once for each kind of x86-64 where it can do that.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles([[
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) int sum(int a, int b) { return a + b; }
    int main() { return sum(0, 0); }
]] LLATTE_TARGET_CLONES)
if (NOT MSVC)
    set(source src/logit_passes.cpp)
    # No floating-point traps are set, and minding them keeps exp() out of vectors.
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "-O3;-fopenmp-simd;-fno-trapping-math")
    if (LLATTE_TARGET_CLONES)
        set_source_files_properties(${source} PROPERTIES COMPILE_DEFINITIONS LLATTE_TARGET_CLONES)
    endif()
endif()
