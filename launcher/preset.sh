# shellcheck shell=bash
# Chooses the CMake preset: which GPU backend is built. Every preset also has all CPU variants and RPC.

PRESET=
PRESET_REASON=

# The Vulkan module needs a shader compiler and two sets of headers; a driver is wanted only at run time.
vulkan_sdk_found() {
    type -P glslc >/dev/null || return 1
    header_found vulkan/vulkan.h && header_found spirv/unified1/spirv.hpp
}

header_found() {
    local folder
    for folder in "${VULKAN_SDK:+$VULKAN_SDK/include}" /usr/include /usr/local/include /opt/homebrew/include; do
        [[ -z $folder || ! -e $folder/$1 ]] || return 0
    done
    return 1
}

choose_preset() {
    if [[ -n ${LLATTE_PRESET-} ]]; then
        case $LLATTE_PRESET in
            cpu | vulkan | cuda | metal) ;;
            *) usage_error "LLATTE_PRESET=$LLATTE_PRESET is none of cpu, vulkan, cuda, metal" ;;
        esac
        PRESET=$LLATTE_PRESET PRESET_REASON="LLATTE_PRESET says so"
    elif [[ $OSTYPE == darwin* ]]; then
        PRESET=metal PRESET_REASON="this is macOS"
    elif type -P nvcc >/dev/null; then
        PRESET=cuda PRESET_REASON="nvcc is on PATH"
    elif [[ -x /usr/local/cuda/bin/nvcc ]]; then
        PRESET=cuda PRESET_REASON="nvcc is in /usr/local/cuda/bin"
        PATH=$PATH:/usr/local/cuda/bin
    elif vulkan_sdk_found; then
        PRESET=vulkan PRESET_REASON="glslc and the Vulkan and SPIR-V headers are installed"
    else
        PRESET=cpu PRESET_REASON="no nvcc; glslc, the Vulkan or the SPIR-V headers are missing"
    fi
}

preset_build_dir() {
    printf '%s' "$LLATTE_BUILD/$PRESET"
}

preset_install_dir() {
    printf '%s' "$LLATTE_BUILD/$PRESET/install"
}
