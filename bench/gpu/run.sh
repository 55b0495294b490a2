#!/usr/bin/env bash
# Contract rows, then training images/s of a ViT against JAX on the same card, in alternating turns. One JSON object a line.
#
#     bench/gpu/run.sh [smoke] [bench]      # both unless given; MODEL, BATCH, STEPS, PAIRS, PLUGIN by environment
#
# Needs python3 with jax and its CUDA plugin. Where there is no Node (24) or no node_modules it unpacks .gpu/runtime.tar.xz.
set -uo pipefail
cd "$(dirname "$0")/../.."
model=${MODEL:-B/16} batch=${BATCH:-256} steps=${STEPS:-30} pairs=${PAIRS:-2}
out=${OUT:-runs/gpu}
mkdir -p "$out"

node=node
if [ -f .gpu/runtime.tar.xz ]; then
  python3 -c 'import tarfile; tarfile.open(".gpu/runtime.tar.xz").extractall("/tmp/ocelli-runtime")'
  node=/tmp/ocelli-runtime/bin/node
  [ -e node_modules ] || ln -s /tmp/ocelli-runtime/node_modules node_modules
fi
plugin=${PLUGIN:-$(python3 -c '
import importlib.util, glob, os
for name in ("jax_plugins.xla_cuda13", "jax_plugins.xla_cuda12"):
    spec = importlib.util.find_spec(name)
    if spec: print(glob.glob(os.path.join(spec.submodule_search_locations[0], "*.so"))[0]); break
')}
nvidia=$(dirname "$plugin")/../../nvidia
for folder in "$nvidia"/*/lib; do # cuDNN finds its parts by name
  [ -d "$folder" ] && export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
echo "node $("$node" --version), plugin $plugin"
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader || true

ours() { timeout 240 "$node" bench/gpu/vit.ts --plugin "$plugin" --model "$model" --batch "$batch" --steps "$steps" "$@"; }
jax() { timeout 240 python3 bench/gpu/vit_jax.py --model "$model" --batch "$batch" --steps "$steps" --step-tflop "$1"; }

if [ $# -eq 0 ] || [[ " $* " == *" smoke "* ]]; then
  timeout 240 "$node" bench/gpu/smoke.ts --plugin "$plugin" --seconds 120 2>&1 | tee "$out/smoke.txt" | tail -40
fi
if [ $# -eq 0 ] || [[ " $* " == *" bench "* ]]; then
  tflop=
  for _ in $(seq "$pairs"); do
    ours 2> "$out/ours.err" | tee -a "$out/bench.jsonl" || tail -20 "$out/ours.err"
    [ -s "$out/bench.jsonl" ] && tflop=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["step_tflop"])' "$out/bench.jsonl")
    jax "${tflop:-27}" 2> "$out/jax.err" | tee -a "$out/bench.jsonl" || tail -20 "$out/jax.err"
  done
fi
