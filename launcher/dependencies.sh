# shellcheck shell=bash
# The prerequisites: which tool, why, is it there, and how this platform installs it.

package_manager() {
    local candidate
    for candidate in apt-get dnf pacman brew; do
        if type -P "$candidate" >/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
}

# tool_reason TOOL
tool_reason() {
    case $1 in
        jdk) echo "Java $LLATTE_JDK_MINIMUM or later compiles and runs Llatte" ;;
        mvn) echo "Maven builds the Java modules" ;;
        cmake) echo "CMake 3.25 or later builds the native library" ;;
        c++) echo "a C and a C++ compiler build the native library" ;;
        make) echo "Ninja or make runs the native build" ;;
        git) echo "git unpacks and patches llama.cpp's source" ;;
        npm) echo "npm fetches llama.cpp's source" ;;
        pip) echo "pip fetches the default model" ;;
    esac
}

# tool_state TOOL: prints a version and returns 0, or prints what is wrong and returns 1.
tool_state() {
    local version compiler
    case $1 in
        jdk)
            find_jdk || { printf 'no JDK %s or later%s' "$LLATTE_JDK_MINIMUM" "$(jdk_rejected_text)"; return 1; }
            printf '%s in %s' "$JDK_VERSION" "$JDK_HOME"
            ;;
        mvn)
            type -P mvn >/dev/null || { printf 'not on PATH'; return 1; }
            printf '%s' "$(type -P mvn)"
            ;;
        cmake)
            type -P cmake >/dev/null || { printf 'not on PATH'; return 1; }
            version=$(cmake --version 2>/dev/null | head -n 1) || true
            version=${version##* }
            [[ $version =~ ^([0-9]+)\.([0-9]+) ]] || { printf 'cmake --version says nothing useful'; return 1; }
            ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 3025)) || { printf '%s is too old' "$version"; return 1; }
            printf '%s' "$version"
            ;;
        c++)
            if [[ -n ${CC-} && -n ${CXX-} ]]; then
                printf '%s and %s' "$CC" "$CXX"
                return 0
            fi
            type -P cc >/dev/null || type -P gcc >/dev/null || type -P clang >/dev/null ||
                { printf 'no cc, gcc or clang on PATH'; return 1; }
            for compiler in c++ g++ clang++; do
                if type -P "$compiler" >/dev/null; then
                    printf '%s %s' "$compiler" "$("$compiler" -dumpversion 2>/dev/null)"
                    return 0
                fi
            done
            printf 'no c++, g++ or clang++ on PATH'
            return 1
            ;;
        make)
            if type -P ninja >/dev/null; then
                printf 'ninja %s' "$(ninja --version 2>/dev/null)"
            elif type -P make >/dev/null; then
                printf 'make'
            else
                printf 'neither ninja nor make on PATH'
                return 1
            fi
            ;;
        git | npm)
            type -P "$1" >/dev/null || { printf 'not on PATH'; return 1; }
            if [[ $1 == git ]]; then
                version=$(git --version 2>/dev/null) || true
                printf '%s' "${version##* }"
            else
                printf '%s' "$(type -P npm)"
            fi
            ;;
        pip)
            if type -P pip3 >/dev/null; then
                printf '%s' "$(type -P pip3)"
            elif type -P pip >/dev/null; then
                printf '%s' "$(type -P pip)"
            elif python3 -m pip --version >/dev/null 2>&1; then
                printf 'python3 -m pip'
            else
                printf 'neither pip3, pip nor python3 -m pip'
                return 1
            fi
            ;;
    esac
}

# tool_package TOOL MANAGER: the package's name, or nothing where that manager has none.
tool_package() {
    case $2:$1 in
        apt-get:jdk)
            # Debian 12 and Ubuntu 24.04 have no JDK 25.
            local name
            for name in openjdk-25-jdk-headless temurin-25-jdk; do
                if apt-cache show "$name" >/dev/null 2>&1; then
                    echo "$name"
                    return
                fi
            done
            ;;
        dnf:jdk) echo java-25-openjdk-devel ;;
        pacman:jdk) echo jdk-openjdk ;;
        brew:jdk) echo openjdk ;;
        *:mvn) echo maven ;;
        *:cmake) echo cmake ;;
        apt-get:c++) echo g++ ;;
        dnf:c++) echo gcc-c++ ;;
        pacman:c++) echo gcc ;;
        pacman:make | brew:make) echo ninja ;;
        *:make) echo ninja-build ;;
        *:git) echo git ;;
        brew:npm) echo node ;;
        *:npm) echo npm ;;
        apt-get:pip | dnf:pip) echo python3-pip ;;
        pacman:pip) echo python-pip ;;
        brew:pip) echo python ;;
    esac
}

# install_command TOOL: what the reader can type to get it.
install_command() {
    local manager package
    manager=$(package_manager)
    package=$(tool_package "$1" "$manager")
    if [[ $1 == c++ && $OSTYPE == darwin* ]]; then
        echo "xcode-select --install"
    elif [[ -n $manager && -n $package ]]; then
        case $manager in
            apt-get | dnf) echo "${SUDO}$manager install $package" ;;
            pacman) echo "${SUDO}pacman -S $package" ;;
            brew) echo "brew install $package" ;;
        esac
    elif [[ $1 == jdk ]]; then
        echo "unpack a JDK $LLATTE_JDK_MINIMUM (https://adoptium.net/temurin/releases) into ~/.jdks, or set JAVA_HOME"
    else
        echo "install it and put it on PATH"
    fi
}

# The tools that one kind of work needs.
tools_for() {
    case $1 in
        run) echo jdk ;;
        build)
            echo cmake c++ make git
            # An already fetched copy, or one that is given, needs no npm.
            [[ "${LLATTE_CMAKE_ARGS-}" == *LLATTE_LLAMA_CPP_DIR* ]] || llama_cpp_fetched || echo npm
            ;;
        java) echo jdk mvn ;;
        model) echo pip ;;
    esac
}

llama_cpp_fetched() {
    local folder
    for folder in "$LLATTE_BUILD"/llama.cpp-*/CMakeLists.txt; do
        [[ ! -e $folder ]] || return 0
    done
    return 1
}

# The same choice as io.llatte.model.ModelStore makes.
models_folder() {
    if [[ -n ${LLATTE_MODELS-} ]]; then
        printf '%s' "$LLATTE_MODELS"
    elif [[ $OSTYPE == darwin* ]]; then
        printf '%s' "$HOME/Library/Caches/llatte/models"
    else
        printf '%s' "$(xdg_folder XDG_CACHE_HOME "$HOME/.cache")/llatte/models"
    fi
}

# Whether any model is there already, so that nothing need be fetched.
model_cached() {
    [[ -n $(find "$(models_folder)" -name '*.gguf' -print -quit 2>/dev/null) ]]
}

SUDO=
if ((EUID != 0)); then SUDO='sudo '; fi

# require_tools KIND...: returns if everything is there; otherwise installs it where asked to, or says what is missing.
require_tools() {
    local kind tool missing=()
    for kind in "$@"; do
        for tool in $(tools_for "$kind"); do
            tool_state "$tool" >/dev/null || missing+=("$tool")
        done
    done
    if ((${#missing[@]} > 0)) && $install_deps; then
        install_tools "${missing[@]}"
        local still=()
        for tool in "${missing[@]}"; do
            tool_state "$tool" >/dev/null || still+=("$tool")
        done
        missing=(${still[@]+"${still[@]}"})
    fi
    if ((${#missing[@]} > 0)); then
        for tool in "${missing[@]}"; do
            printf 'llatte: %s is missing (%s): %s. Install: %s\n' \
                "$tool" "$(tool_state "$tool")" "$(tool_reason "$tool")" "$(install_command "$tool")" >&2
        done
        exit 1
    fi
    if find_jdk; then export JAVA_HOME=$JDK_HOME; fi
}

# install_tools TOOL...: by apt-get, the only one that asks nothing and can be undone by name.
install_tools() {
    local tool package packages=() apt=(apt-get)
    [[ $(package_manager) == apt-get ]] || { note "--install-deps works with apt-get only"; return; }
    if ((EUID != 0)); then
        type -P sudo >/dev/null || { note "--install-deps needs root or sudo"; return; }
        apt=(sudo apt-get)
    fi
    note "apt-get update"
    "${apt[@]}" -q update >&2 </dev/null || note "apt-get update failed; going on with the package lists there are"
    for tool in "$@"; do
        package=$(tool_package "$tool" apt-get)
        [[ -z $package ]] || packages+=("$package")
    done
    ((${#packages[@]} > 0)) || return 0
    note "apt-get install ${packages[*]}"
    "${apt[@]}" -q install -y --no-install-recommends "${packages[@]}" >&2 </dev/null ||
        note "apt-get install ${packages[*]} failed"
    hash -r
    JDK_HOME='' JDK_REJECTED=()
}
