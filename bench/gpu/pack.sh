#!/usr/bin/env bash
# Packs what a machine without a network needs to run these benchmarks: Node and the npm packages they import.
#
#     bench/gpu/pack.sh [FOLDER]     # writes FOLDER/runtime.tar.xz, .gpu unless given
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-.gpu}
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$folder" "$stage/bin" "$stage/node_modules/@koromix"
strip --strip-all -o "$stage/bin/node" node_modules/node/bin/node
cp -r node_modules/koffi node_modules/zod "$stage/node_modules/"
cp -r node_modules/@koromix/koffi-linux-x64 "$stage/node_modules/@koromix/"
rm -rf "$stage"/node_modules/koffi/{doc,vendor,lib} "$stage"/node_modules/zod/src
find "$stage" \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.md' \) -delete
tar --create --directory "$stage" . | xz --x86 --lzma2=preset=9e --threads=1 > "$folder/runtime.tar.xz"
ls -l "$folder/runtime.tar.xz"
