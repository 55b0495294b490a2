"""Single operations in PyTorch (eager) or JAX (jitted) on the CPU, as bench/operations/table.ts has them.

The name of an operation compiles it and answers with the sums of its results; `run` runs it once more and answers with
milliseconds; `stop` ends.

    printf 'top-k\nrun\nrun\nstop\n' | .venv/bin/python bench/peers/operations.py --library jax
"""

import argparse
import json
import os
import sys
import time

import numpy as np

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--library", choices=["torch", "jax"], required=True)
parser.add_argument("--threads", type=int, default=2)
ARGS = parser.parse_args()

# shapes of the float operands; shape and bound of the indices; how many operands have their gradient measured
OPERATIONS = {
    "scatter-add": ([(4096, 256), (65536, 256)], ((65536,), 4096), 0),
    "embedding gradient": ([(262144, 64)], ((4096,), 262144), 1),
    "transposed convolution gradient": ([(8, 28, 28, 64), (4, 4, 64, 64)], None, 2),
    "depthwise convolution gradient": ([(8, 56, 56, 96), (7, 7, 1, 96)], None, 2),
    "3-D convolution": ([(2, 16, 32, 32, 32), (3, 3, 3, 32, 64)], None, 0),
    "top-k": ([(64, 21843)], None, 0),
    "cumulative sum": ([(256, 4096)], None, 0),
    "cumulative sum gradient": ([(256, 4096)], None, 1),
    "cumulative maximum": ([(256, 4096)], None, 0),
    "cumulative maximum gradient": ([(256, 4096)], None, 1),
    "cholesky": ([(16, 96, 96)], None, 0),
}


def hashes(shape, first=0):
    i = np.arange(first, first + np.prod(shape), dtype=np.uint64)
    return ((i * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)) / 2.0**32


def draw_array(shape):
    return (hashes(shape) * 2 - 1).astype(np.float32).reshape(shape)


def draw_indices(shape, below):
    return np.floor(hashes(shape, 1) * below).astype(np.int32).reshape(shape)


def torch_functions():
    import torch
    from torch.nn import functional as F

    def channels_first(x):  # a view: channels stay last in memory
        return x.movedim(-1, 1)

    def kernel_first(k):
        return k.movedim((-1, -2), (0, 1))

    def transposed(x, k):
        # ours slides the kernel as it is, PyTorch's from its end
        flipped = torch.flip(k, (0, 1)).permute(2, 3, 0, 1)
        return channels_last(F.conv_transpose2d(channels_first(x), flipped, stride=2, padding=1))

    def channels_last(y):
        return y.movedim(1, -1)

    def cholesky(x):
        return torch.linalg.cholesky(x @ x.mT + 96 * torch.eye(96))

    return {
        "scatter-add": lambda x, updates, rows: torch.index_add(x, 0, rows, updates),
        "embedding gradient": lambda table, rows: F.embedding(rows, table),
        "transposed convolution gradient": transposed,
        "depthwise convolution gradient": lambda x, k: channels_last(
            F.conv2d(channels_first(x), kernel_first(k), padding=3, groups=96)
        ),
        "3-D convolution": lambda x, k: channels_last(F.conv3d(channels_first(x), kernel_first(k), padding=1)),
        "top-k": lambda x: torch.topk(x, 5).values,
        "cumulative sum": lambda x: torch.cumsum(x, 1),
        "cumulative sum gradient": lambda x: torch.cumsum(x, 1),
        "cumulative maximum": lambda x: torch.cummax(x, 1).values,
        "cumulative maximum gradient": lambda x: torch.cummax(x, 1).values,
        "cholesky": cholesky,
    }


def jax_functions():
    import jax.numpy as jnp
    from jax import lax

    def convolve(x, k, **options):
        spatial = "DHW"[-(x.ndim - 2) :]
        layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
        ones = (1,) * len(spatial)
        return lax.conv_general_dilated(
            x, k, ones, options.pop("padding", "SAME"), dimension_numbers=layout, **options
        )

    return {
        "scatter-add": lambda x, updates, rows: x.at[rows].add(updates),
        "embedding gradient": lambda table, rows: jnp.take(table, rows, axis=0),
        "transposed convolution gradient": lambda x, k: convolve(
            x, k, padding=((2, 2), (2, 2)), lhs_dilation=(2, 2)
        ),
        "depthwise convolution gradient": lambda x, k: convolve(x, k, feature_group_count=96),
        "3-D convolution": convolve,
        "top-k": lambda x: lax.top_k(x, 5)[0],
        "cumulative sum": lambda x: lax.cumsum(x, 1),
        "cumulative sum gradient": lambda x: lax.cumsum(x, 1),
        "cumulative maximum": lambda x: lax.cummax(x, 1),
        "cumulative maximum gradient": lambda x: lax.cummax(x, 1),
        "cholesky": lambda x: jnp.linalg.cholesky(x @ x.mT + 96 * jnp.eye(96), symmetrize_input=False),
    }


def prepare_torch(name, arrays, gradients):
    import torch

    fn = torch_functions()[name]
    inputs = [torch.from_numpy(x) for x in arrays]
    inputs = [x.long() if x.dtype == torch.int32 else x for x in inputs]
    first = [x.requires_grad_() for x in inputs[:gradients]]
    cotangent = torch.from_numpy(draw_array(tuple(fn(*inputs).shape)))

    def run():
        y = fn(*inputs)
        return [y.detach(), *(torch.autograd.grad(y, first, cotangent) if gradients else [])]

    return run


def prepare_jax(name, arrays, gradients):
    import jax

    fn = jax_functions()[name]

    @jax.jit
    def program(cotangent, first, rest):
        y, pullback = jax.vjp(lambda *xs: fn(*xs, *rest), *first)
        return [y, *(pullback(cotangent) if gradients else [])]

    arrays = [jax.device_put(x) for x in arrays]
    first, rest = arrays[:gradients], arrays[gradients:]
    cotangent = jax.device_put(draw_array(jax.eval_shape(fn, *arrays).shape))
    return lambda: jax.block_until_ready(program(cotangent, first, rest))


def say(**values):
    print(json.dumps(values), flush=True)


def main():
    os.environ["JAX_PLATFORMS"] = "cpu"
    library = __import__(ARGS.library)
    if ARGS.library == "torch":
        library.set_num_threads(ARGS.threads)
    say(how=f"{ARGS.library} {library.__version__}")
    run = None
    for line in sys.stdin:
        name = line.strip()
        if name == "stop":
            break
        if name == "run":
            start = time.perf_counter()
            run()
            say(ms=(time.perf_counter() - start) * 1e3)
            continue
        shapes, indices, gradients = OPERATIONS[name]
        arrays = [draw_array(shape) for shape in shapes] + ([draw_indices(*indices)] if indices else [])
        run = (prepare_torch if ARGS.library == "torch" else prepare_jax)(name, arrays, gradients)
        run()
        results = [np.asarray(x, np.float64) for x in run()]
        say(sums=[{"sum": x.sum(), "size": abs(x).sum()} for x in results])


main()
