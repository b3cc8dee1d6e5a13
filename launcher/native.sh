# shellcheck shell=bash
# The native library: is it current, and how it is built.

# Written before a build starts and renamed when it has succeeded, so that a source saved meanwhile counts as newer.
# Its content says where the tree lay, whether the tests were built and which arguments CMake got besides.
native_stamp() {
    printf '%s' "$LLATTE_BUILD/$PRESET/.llatte-native.stamp"
}

# native_is_current [tests]
native_is_current() {
    local stamp line tests=OFF arguments=''
    [[ -z ${LLATTE_NATIVE_PATH-} || ${1-} == tests ]] || return 0   # a library that is not ours to build
    stamp=$(native_stamp)
    [[ -f $stamp && -d $(preset_install_dir) ]] || return 1
    while IFS= read -r line; do
        case $line in
            tests=*) tests=${line#*=} ;;
            arguments=*) arguments=${line#*=} ;;
        esac
    done <"$stamp"
    [[ ${1-} != tests || $tests == ON ]] || return 1
    [[ -z ${LLATTE_CMAKE_ARGS-} || $arguments == "$LLATTE_CMAKE_ARGS" ]] || return 1
    [[ -z $(cd "$LLATTE_ROOT" && find CMakeLists.txt CMakePresets.json native -mindepth 0 -path native/target -prune -o \
        ! -path native ! -path native/pom.xml -newer "$stamp" -print -quit) ]]
}

# build_native [tests]
build_native() {
    native_is_current "$@" && return 0
    lock_build
    native_is_current "$@" && return 0   # another launcher has just built it

    local dir stamp log arguments=() ui="building the native library ($PRESET)"
    dir=$(preset_build_dir) stamp=$(native_stamp) log=$dir/llatte-build.log
    mkdir -p "$dir" 2>/dev/null || fail "cannot write to $dir"
    rm -f "$stamp"
    : >"$log" || fail "cannot write $log"
    # A tree that was moved or copied: CMake would refuse its old cache.
    if [[ -f $dir/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$LLATTE_ROOT" "$dir/CMakeCache.txt"; then
        note "the tree was moved: configuring $PRESET anew"
        rm -rf "$dir/CMakeCache.txt" "$dir/CMakeFiles"
    fi
    if [[ ! -f $dir/CMakeCache.txt ]] && type -P ninja >/dev/null; then arguments+=(-G Ninja); fi
    if [[ ${1-} == tests ]]; then arguments+=(-DLLATTE_TESTS=ON); fi
    # shellcheck disable=SC2206  # a list of arguments, split at blanks as documented
    arguments+=(${LLATTE_CMAKE_ARGS-})

    native_stamp_content "${1-}" >"$stamp.new"
    with_progress "configuring the native library ($PRESET)" "$log" \
        cmake -S "$LLATTE_ROOT" --preset "$PRESET" ${arguments[@]+"${arguments[@]}"}
    with_progress "$ui" "$log" \
        cmake --build "$dir" --parallel "${LLATTE_JOBS:-$(cpu_count)}"
    # Installed beside, then exchanged: what ran before stays whole until the new folder is complete.
    rm -rf "$dir/install.new"
    with_progress "installing the native library" "$log" \
        cmake --install "$dir" --component llatte --prefix "$dir/install.new"
    [[ -d $dir/install.new ]] || fail "CMake installed nothing into $dir/install.new; see $log"
    rm -rf "$dir/install"
    mv "$dir/install.new" "$dir/install"
    native_remember_tests
    mv "$stamp.new" "$stamp"
}

native_stamp_content() {
    printf 'root=%s\ntests=%s\narguments=%s\n' \
        "$LLATTE_ROOT" "$([[ $1 == tests ]] && echo ON || echo OFF)" "${LLATTE_CMAKE_ARGS-}"
}

# LLATTE_TESTS stays on in CMake's cache once it was on; say so without changing the stamp's time.
native_remember_tests() {
    local dir stamp
    dir=$(preset_build_dir) stamp=$(native_stamp)
    grep -q '^LLATTE_TESTS:BOOL=ON' "$dir/CMakeCache.txt" || return 0
    native_stamp_content tests >"$stamp.tests"
    touch -r "$stamp.new" "$stamp.tests"
    mv "$stamp.tests" "$stamp.new"
}

cpu_count() {
    nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2
}

clean() {
    local preset module
    lock_build
    for preset in cpu vulkan cuda metal asan; do
        rm -rf "${LLATTE_BUILD:?}/$preset"
    done
    for module in native bindings runtime demo; do
        rm -rf "${LLATTE_ROOT:?}/$module/target"
    done
    rm -f "$LLATTE_BUILD"/.llatte-java.* "$LLATTE_BUILD"/llatte-java.*
    unlock_build
}
