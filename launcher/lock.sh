# shellcheck shell=bash
# One build at a time in one tree: a second launcher waits, and says so.

LOCK_HELD=

lock_build() {
    [[ -z $LOCK_HELD ]] || return 0
    mkdir -p "$LLATTE_BUILD" 2>/dev/null && [[ -w $LLATTE_BUILD ]] ||
        fail "cannot write to $LLATTE_BUILD: the build needs it; make it writable or move the tree"
    if type -P flock >/dev/null; then
        # Children inherit the descriptor: the lock lasts until the last compiler of a killed launcher has ended.
        exec 9>>"$LLATTE_BUILD/.llatte.lock"
        if ! flock -n 9; then
            note "another llatte is building in this tree; waiting for it"
            flock 9
        fi
    else
        local waited=false holder
        until mkdir "$LLATTE_BUILD/.llatte.lock.d" 2>/dev/null; do
            holder=$(cat "$LLATTE_BUILD/.llatte.lock.d/pid" 2>/dev/null) || true
            if [[ -n $holder ]] && ! kill -0 "$holder" 2>/dev/null; then
                rm -rf "$LLATTE_BUILD/.llatte.lock.d"
                continue
            fi
            $waited || note "another llatte (process $holder) is building in this tree; waiting for it"
            waited=true
            sleep 1
        done
        echo $$ >"$LLATTE_BUILD/.llatte.lock.d/pid"
        trap unlock_build EXIT
    fi
    LOCK_HELD=true
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM
}

unlock_build() {
    [[ -n $LOCK_HELD ]] || return 0
    LOCK_HELD=
    trap - INT TERM EXIT
    if type -P flock >/dev/null; then
        exec 9>&-
    else
        rm -rf "$LLATTE_BUILD/.llatte.lock.d"
    fi
}
