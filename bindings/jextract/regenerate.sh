#!/usr/bin/env bash
# Regenerates the bindings with jextract 25 or later, which must be on the PATH. The argument is the llama.cpp source folder
# that the build prints ("llama.cpp source: ..."); see docs/upgrading-llama-cpp.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
llama=$(cd "${1:?usage: regenerate.sh LLAMA_CPP_SOURCE}" && pwd)
output=$here/../src/main/java

# jextract searches its working directory for headers: give it an empty one.
empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
cd "$empty"

rm -rf "$output/io/llatte/bindings"
grep -v '^#' "$here/includes.txt" | grep . > "$empty/includes.args"
jextract "@$empty/includes.args" --output "$output" -t io.llatte.bindings --header-class-name LlamaCpp \
    -I "$llama/include" -I "$llama/ggml/include" -I "$llama/tools/mtmd" -I "$here/../../native/include" \
    "$here/bindings.h"
