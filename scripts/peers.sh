#!/usr/bin/env bash
# Sets up the Python virtual environment that benchmarks and fixtures compare against.
#   scripts/peers.sh [jax|onnxruntime|torch|pillow|all]     default: all
# OCELLI_PEERS names the folder (default .venv, ignored by git), PYTHON the interpreter (3.11 or newer).
# Sizes on disk: jax 0.75 GB, onnxruntime 0.1 GB, torch 1.4 GB.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${OCELLI_PEERS:-.venv}
group=${1:-all}

install_jax() {
  "$venv/bin/pip" install -q jax==0.10.2 flax==0.12.8 optax==0.2.8 numpy
}

install_onnxruntime() {
  "$venv/bin/pip" install -q onnxruntime numpy pillow safetensors
}

install_pillow() {
  "$venv/bin/pip" install -q numpy pillow scikit-image scikit-learn
}

# PyPI has only the CUDA build of torch for Linux. It computes on the CPU just as well, but loads the
# NVIDIA libraries at import (3 GB of packages). Two of them are installed; the others are stubs that
# satisfy the loader and are never called. For a GPU install torch with its dependencies instead;
# pip's later complaints about torch's missing dependencies are expected.
install_torch() {
  "$venv/bin/pip" install -q numpy filelock fsspec jinja2 networkx sympy \
    'setuptools>=77.0.3' 'typing-extensions>=4.13'
  if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
    "$venv/bin/pip" install -q torch==2.15.0
    return
  fi
  command -v cc >/dev/null && command -v nm >/dev/null || {
    echo "peers.sh: torch needs a C compiler and binutils (Debian: apt-get install gcc binutils)" >&2
    exit 1
  }
  "$venv/bin/pip" install -q --no-deps torch==2.15.0 \
    nvidia-cuda-runtime==13.2.86 nvidia-cuda-cupti==13.2.86
  local site scratch
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["platlib"])')
  scratch=$(mktemp -d)
  nm -D --undefined-only "$site"/torch/lib/*.so |
    awk '$1 == "U" { sub("@.*", "", $2); print $2 }' | sort -u >"$scratch/symbols"
  # library, symbol version (any name will do where torch asks for none), prefix of its functions
  while read -r file version prefix; do
    sed -n "s/^$prefix.*/void &(void) { __builtin_trap(); }/p" "$scratch/symbols" >"$scratch/stub.c"
    echo "$version { *; };" >"$scratch/stub.map"
    cc -w -fno-builtin -shared -fPIC "$scratch/stub.c" -Wl,-soname,"$file" \
      -Wl,--version-script="$scratch/stub.map" -o "$site/nvidia/cu13/lib/$file"
  done <<'TABLE'
libcublas.so.13 libcublas.so.13 cublas
libcublasLt.so.13 libcublasLt.so.13 cublasLt
libcudnn.so.9 libcudnn.so.9 cudnn
libcufft.so.12 libcufft.so.12 cufft
libcufile.so.0 libcufile.so.0 cuFile
libcusparse.so.12 libcusparse.so.12 cusparse
libcusparseLt.so.0 libcusparseLt.so.0 cusparseLt
libnccl.so.2 libnccl.so.2 nccl
libnvrtc.so.13 libnvrtc.so.13 nvrtc
libnvshmem_host.so.3 NVSHMEM nvshmem
TABLE
  rm -r "$scratch"
}

case $group in jax | onnxruntime | torch | pillow | all) ;; *)
  echo "peers.sh: unknown group \"$group\"; valid: jax, onnxruntime, torch, pillow, all" >&2
  exit 2
  ;;
esac

export PIP_DISABLE_PIP_VERSION_CHECK=1
[ -x "$venv/bin/pip" ] || "${PYTHON:-python3}" -m venv "$venv"
for name in jax onnxruntime torch pillow; do
  if [ "$group" = "$name" ] || [ "$group" = all ]; then "install_$name"; fi
done

"$venv/bin/python" - "$group" <<'PY'
import importlib, sys
groups = {
    "jax": ["jax", "flax", "optax"],
    "onnxruntime": ["onnxruntime", "PIL", "safetensors"],
    "torch": ["torch"],
    "pillow": ["PIL", "skimage", "sklearn"],
}
names = sum(groups.values(), []) if sys.argv[1] == "all" else groups[sys.argv[1]]
print(*(f"{name} {importlib.import_module(name).__version__}" for name in ["numpy", *names]), sep="\n")
PY
