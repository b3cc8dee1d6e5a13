# shellcheck shell=bash
# `llatte test`: CTest for the shim, then JUnit for Java.

run_tests() {
    local asan=false only_java=false arguments=() argument failed=() needed model
    for argument in "$@"; do
        case $argument in
            --asan) asan=true ;;
            *) arguments+=("$argument") ;;
        esac
    done
    if ((${#arguments[@]} > 0)); then
        only_java=true      # somebody asks for certain Java tests
    elif [[ ${CI-} == true ]]; then
        asan=true
    fi

    # What is tested is what is here.
    unset LLATTE_NATIVE_PATH
    needed=(build java)
    [[ -n ${LLATTE_TEST_MODEL-} ]] || model_cached || needed+=(model)
    require_tools "${needed[@]}"
    build_native tests
    build_java
    if $asan; then build_asan; fi
    unlock_build

    model=${LLATTE_TEST_MODEL-}
    if [[ -z $model ]]; then
        java_command
        "${JAVA_COMMAND[@]}" models pull default >&2 || fail "the default model cannot be fetched"
        model=$("${JAVA_COMMAND[@]}" models path default) || fail "the default model cannot be found"
    fi
    [[ -f $model ]] || fail "the test model $model is not a file"

    cd "$LLATTE_ROOT" || exit
    if ! $only_java; then
        ctest --test-dir "$(preset_build_dir)" --output-on-failure --no-tests=error || failed+=("ctest ($PRESET)")
    fi
    if $asan; then
        ctest --preset asan || failed+=("ctest (asan)")
    fi
    maven_properties
    if $only_java; then MAVEN_PROPERTIES+=(-Dmaven.javadoc.skip=true -Dsurefire.failIfNoSpecifiedTests=false); fi
    mvn -B -ntp verify "${MAVEN_PROPERTIES[@]}" "-Dllatte.model=$model" \
        ${arguments[@]+"${arguments[@]}"} || failed+=("mvn verify")
    if ((${#failed[@]} > 0)); then
        local item text=''
        for item in "${failed[@]}"; do text+="${text:+, }$item"; done
        fail "tests failed: $text"
    fi
}

build_asan() {
    local PRESET=asan       # seen by everything that is called from here
    build_native tests
}
