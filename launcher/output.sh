# shellcheck shell=bash
# What the launcher says: help, one-line errors, progress.

print_help() {
    cat <<'EOF'
Usage: ./llatte [--install-deps] <command> [options]

Talk to a model
  chat [MODEL]        Chat; -p PROMPT or piped input answers once. Builds and downloads what is missing.
  serve               An OpenAI-compatible server with a live dashboard
  models              List, pull, locate or remove models
  plan MODEL          The memory that a model would take, by device, without loading it
  info                Devices, backends, versions
  inspect FILE        What a GGUF file holds
  tokenize MODEL TEXT Text to tokens
  bench               Tokens per second, alone and beside llama.cpp's own programs
  <command> --help    The options of one of these

Work on Llatte
  build               Build the native library and the Java modules
  test [ARGS]         Build what is missing, run every test; ARGS go to Maven (-Dtest=ModelTest: only that)
  test --asan         The shim's tests under AddressSanitizer as well (on by default in CI)
  classpath           The library's jars, for `java -cp`
  doctor              Every prerequisite, device, backend and path, with its state
  clean               Remove what was built, keep llama.cpp's source and the models

  --install-deps      Before the command: install missing tools with apt-get

Environment
  JAVA_HOME           A JDK of release 25 or later; otherwise PATH and the usual folders are searched
  LLATTE_PRESET       cpu, vulkan, cuda or metal; otherwise chosen from what is installed
  LLATTE_NATIVE_PATH  A folder with a built native library, used in place of the one here
  LLATTE_CMAKE_ARGS   More arguments for CMake's configure step, e.g. -DLLATTE_TOOLS=ON
  LLATTE_JOBS         How many compilers run at once (default: the number of CPUs)
  LLATTE_JAVA_OPTS    More options for the Java virtual machine
  LLATTE_MODELS       The folder that downloaded models are kept in; those of the hub lie in its own cache (HF_HOME, HF_HUB_CACHE)
  LLATTE_OFFLINE      1: nothing touches the network
  LLATTE_NATIVE_CACHE The folder that a packaged native library is extracted to
  LLATTE_REMOTE_KEY   The key for `--remote` of chat and serve
  LLATTE_API_KEY      The key that clients of `serve` need
  LLATTE_DEBUG        1: a failure shows its stack trace
  LLATTE_TEST_MODEL   A GGUF file that `test` uses in place of the default model
  HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE, NO_COLOR, XDG_CACHE_HOME, XDG_CONFIG_HOME, XDG_STATE_HOME mean what they mean elsewhere
EOF
}

# xdg_folder NAME DEFAULT: a folder of the XDG specification, which ignores one that is not absolute.
xdg_folder() {
    if [[ ${!1-} == /* ]]; then printf '%s' "${!1}"; else printf '%s' "$2"; fi
}

# One line on stderr, then exit 1: something outside of us is wrong.
fail() {
    printf 'llatte: %s\n' "$*" >&2
    exit 1
}

# One line on stderr, then exit 2: the command line is wrong.
usage_error() {
    printf 'llatte: %s (see ./llatte help)\n' "$*" >&2
    exit 2
}

note() {
    printf 'llatte: %s\n' "$*" >&2
}

interrupted() {
    progress_end
    note "interrupted; the next start goes on where this one stopped"
    exit "$1"
}

# progress_show PERCENT TEXT: one updating line on a terminal; elsewhere one line for each ten percent.
progress_last=-1
progress_show() {
    local percent=$1 text=$2
    if [[ -t 2 && ${TERM-dumb} != dumb ]]; then
        printf '\r[%3d%%] %s\033[K' "$percent" "$text" >&2
    elif ((percent / 10 != progress_last)); then
        printf '[%3d%%] %s\n' "$percent" "$text" >&2
    fi
    progress_last=$((percent / 10))
}

progress_end() {
    if [[ -t 2 && ${TERM-dumb} != dumb ]]; then printf '\r\033[K' >&2; fi
    progress_last=-1
}

# with_progress TEXT LOG COMMAND...: runs the command, its output to the end of LOG, its progress to the terminal.
# Understands ninja's "[n/m]", make's "[ n%]" and Maven's "[n/m]" and downloads. On failure: the log's end, exit 1.
with_progress() {
    local text=$1 log=$2 status=0 started
    shift 2
    started=$SECONDS
    printf '\n$%s\n' "$(printf ' %q' "$@")" >>"$log" || fail "cannot write $log"
    progress_show 0 "$text"
    # A pipe, not the log, is what the command writes to; it ends when the command and all its children have.
    "$@" 2>&1 </dev/null | progress_read "$text" "$log" || status=${PIPESTATUS[0]}
    progress_end
    if ((status == 130 || status == 143)); then interrupted "$status"; fi
    if ((status != 0)); then
        printf 'llatte: %s failed (exit code %d); the end of %s:\n' "$text" "$status" "$log" >&2
        tail -n 40 "$log" >&2
        printf 'llatte: %s failed (exit code %d); the whole log is %s\n' "$text" "$status" "$log" >&2
        exit 1
    fi
    printf '[100%%] %s: done in %d s\n' "$text" $((SECONDS - started)) >&2
}

progress_read() {
    local text=$1 log=$2 line percent=0 downloads=0 detail=''
    exec 8>>"$log"
    while IFS= read -r line || [[ -n $line ]]; do
        printf '%s\n' "$line" >&8
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
            percent=$((BASH_REMATCH[1] * 100 / BASH_REMATCH[2]))
            detail=" (${BASH_REMATCH[1]}/${BASH_REMATCH[2]})"
        elif [[ $line =~ ^\[\ *([0-9]+)%\] ]]; then
            percent=${BASH_REMATCH[1]}
        elif [[ $line =~ ^\[INFO\]\ Building\ (.*)\ [^\ ]+\ +\[([0-9]+)/([0-9]+)\]$ ]]; then
            percent=$(((BASH_REMATCH[2] - 1) * 100 / BASH_REMATCH[3]))
            detail=" (${BASH_REMATCH[1]})"
        elif [[ $line == *Downloaded\ from* ]]; then
            downloads=$((downloads + 1))
        else
            continue
        fi
        if ((downloads > 0)); then
            progress_show "$percent" "$text$detail, $downloads files downloaded"
        else
            progress_show "$percent" "$text$detail"
        fi
    done
}
