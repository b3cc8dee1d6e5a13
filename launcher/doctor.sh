# shellcheck shell=bash
# `llatte doctor`: everything that Llatte depends on here, with its state. Works with nothing built.

doctor() {
    local tool state chat=true build=true
    echo "Prerequisites"
    for tool in jdk mvn cmake c++ make git npm pip; do
        if state=$(tool_state "$tool"); then
            doctor_line ok "$tool" "$state"
        else
            doctor_line missing "$tool" "$state; $(tool_reason "$tool"). Install: $(install_command "$tool")"
            if [[ $tool == jdk ]] || { [[ $tool == pip ]] && ! model_cached; }; then chat=false; fi
            if [[ " $(tools_for build | tr '\n' ' ') mvn " == *" $tool "* ]]; then build=false; fi
        fi
    done
    doctor_optional ccache "makes the second cold build of the same source take seconds"
    doctor_optional flock "lets a second launcher wait for the first one's build; without it a lock folder does"
    find_jdk || true

    echo
    echo "Preset"
    doctor_line "$PRESET" "" "$PRESET_REASON; LLATTE_PRESET overrides it"
    if [[ $PRESET == cpu && $OSTYPE != darwin* ]]; then
        doctor_line hint vulkan "for a GPU through Vulkan install glslc, the Vulkan and the SPIR-V headers$(vulkan_hint)"
    fi

    echo
    echo "Built"
    if [[ -n ${LLATTE_NATIVE_PATH-} ]]; then
        doctor_line given native "$LLATTE_NATIVE_PATH (LLATTE_NATIVE_PATH)"
    elif native_is_current; then
        doctor_line ok native "$(preset_install_dir)"
    else
        doctor_line "$(native_state)" native "$(preset_install_dir); the next start builds it"
        $build || chat=false
    fi
    if java_is_current; then
        doctor_line ok java "$(demo_jar)"
    else
        doctor_line "$([[ -e $JAVA_STAMP ]] && echo stale || echo absent)" java "$LLATTE_ROOT/demo/target; the next start builds it"
        $build || chat=false
    fi

    echo
    echo "Paths"
    local cache state_dir
    cache=$(xdg_folder XDG_CACHE_HOME "$HOME/.cache")/llatte
    state_dir=$(xdg_folder XDG_STATE_HOME "$HOME/.local/state")/llatte
    doctor_path tree "$LLATTE_ROOT"
    doctor_path build "$LLATTE_BUILD"
    doctor_path models "$(models_folder)"
    doctor_path natives "${LLATTE_NATIVE_CACHE:-$cache/natives}"
    doctor_path state "$state_dir"

    echo
    if [[ -n $JDK_HOME ]] && native_is_current && java_is_current; then
        echo "Devices and backends"
        java_command
        "${JAVA_COMMAND[@]}" info </dev/null 2>&1 | sed 's/^/  /' || chat=false
        echo
    else
        echo "Devices and backends: shown when Llatte is built (./llatte build)"
        echo
    fi

    if $chat; then
        echo "Ready: ./llatte chat"
    else
        echo "Not ready: see what is missing above; './llatte --install-deps doctor' installs what apt-get has"
        exit 1
    fi
}

# doctor_line STATE NAME TEXT
doctor_line() {
    printf '  %-9s %-7s %s\n' "$1" "$2" "$3"
}

doctor_optional() {
    if type -P "$1" >/dev/null; then
        doctor_line ok "$1" "$(type -P "$1")"
    else
        doctor_line optional "$1" "not there; it $2"
    fi
}

vulkan_hint() {
    case $(package_manager) in
        apt-get) printf ': %sapt-get install glslc libvulkan-dev spirv-headers' "$SUDO" ;;
        dnf) printf ': %sdnf install glslc vulkan-headers vulkan-loader-devel spirv-headers-devel' "$SUDO" ;;
        pacman) printf ': %spacman -S shaderc vulkan-headers vulkan-icd-loader spirv-headers' "$SUDO" ;;
    esac
}

native_state() {
    if [[ -d $(preset_install_dir) ]]; then echo stale; else echo absent; fi
}

# doctor_path NAME FOLDER: whether it is there and writable, and how much room its disk has.
doctor_path() {
    local existing=$2 state=ok free=''
    while [[ ! -e $existing && $existing == */* && -n $existing ]]; do existing=${existing%/*}; done
    [[ -e $2 ]] || state=absent
    [[ -w ${existing:-/} ]] || state="read-only"
    free=$(df -Ph "${existing:-/}" 2>/dev/null | awk 'NR == 2 { print $4 }') || true
    doctor_line "$state" "$1" "$2 (${free:-unknown} free)"
}
