# shellcheck shell=bash
# Finds a JDK. The version comes from its `release` file: starting java to ask it costs more than all the rest.

readonly LLATTE_JDK_MINIMUM=25
JDK_HOME=
JDK_VERSION=
JDK_REJECTED=()     # "path (version)" of each that was too old or had no compiler

# jdk_version HOME: prints the version in HOME/release, or fails.
jdk_version() {
    local line
    [[ -r $1/release ]] || return 1
    while IFS= read -r line; do
        if [[ $line =~ ^JAVA_VERSION=\"?([0-9][^\"]*) ]]; then
            REPLY=${BASH_REMATCH[1]}
            return 0
        fi
    done <"$1/release"
    return 1
}

# jdk_accept HOME: sets JDK_HOME and JDK_VERSION if HOME is a new enough JDK.
jdk_accept() {
    local home=$1 major
    [[ -n $home && -x $home/bin/java ]] || return 1
    jdk_version "$home" || return 1
    major=${REPLY%%[!0-9]*}
    if ((major < LLATTE_JDK_MINIMUM)); then
        JDK_REJECTED+=("$home ($REPLY)")
        return 1
    fi
    if [[ ! -x $home/bin/javac ]]; then
        JDK_REJECTED+=("$home ($REPLY, no javac)")
        return 1
    fi
    JDK_HOME=$home
    JDK_VERSION=$REPLY
}

find_jdk() {
    [[ -z $JDK_HOME ]] || return 0
    local java home
    jdk_accept "${JAVA_HOME-}" && return 0
    if java=$(type -P java); then
        while [[ -L $java ]]; do
            home=$(readlink "$java")
            [[ $home == /* ]] || home=${java%/*}/$home
            java=$home
        done
        jdk_accept "${java%/bin/java}" && return 0
    fi
    for home in /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /opt/*jdk* /opt/java/* "$HOME"/.sdkman/candidates/java/* \
        "$HOME"/.jdks/* "$HOME"/.local/share/mise/installs/java/* \
        /Library/Java/JavaVirtualMachines/*/Contents/Home "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home \
        /opt/homebrew/opt/openjdk/libexec/openjdk.jdk/Contents/Home \
        /usr/local/opt/openjdk/libexec/openjdk.jdk/Contents/Home; do
        jdk_accept "$home" && return 0
    done
    if [[ -x /usr/libexec/java_home ]]; then
        jdk_accept "$(/usr/libexec/java_home -v "$LLATTE_JDK_MINIMUM+" 2>/dev/null)" && return 0
    fi
    return 1
}

jdk_rejected_text() {
    ((${#JDK_REJECTED[@]} > 0)) || return 0
    local item text=''
    for item in "${JDK_REJECTED[@]}"; do
        [[ "$text, " == *", $item, "* ]] || text+=", $item"
    done
    printf '; found only %s' "${text#, }"
}
