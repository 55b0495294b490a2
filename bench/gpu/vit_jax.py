"""Training images per second of a ViT in JAX, the peer of vit.ts beside it: the same step, in one `jit`.

    python bench/gpu/vit_jax.py --model B/16 --batch 256 --steps 30 --rounds 3 --step-tflop T

Parameters and moments are float32; products and activations bfloat16; normalisations, softmax cross-entropy and AdamW
float32. Prints one JSON object.
"""

import argparse
import json
import time
from functools import partial

import jax
import jax.numpy as jnp

CLASSES = 1000
SIZES = {"Ti": (192, 12, 3), "S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16)}

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="B/16")
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--batch", type=int, default=256)
parser.add_argument("--steps", type=int, default=30)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--dtype", default="bfloat16")
parser.add_argument("--peak", type=float, default=989)
parser.add_argument("--step-tflop", type=float, required=True, help="of products, as vit.ts prints")
args = parser.parse_args()

variant, patch = args.model.split("/")
width, depth, heads = SIZES[variant]
patch, hidden, head_width = int(patch), 4 * width, width // heads
tokens = (args.size // patch) ** 2
dtype = jnp.dtype(args.dtype)


def init(key):
    params = {}

    def add(name, kernel, bias):
        nonlocal key
        key, sub = jax.random.split(key)
        params[f"{name}/kernel"] = jax.random.normal(sub, kernel) * 0.02
        params[f"{name}/bias"] = jnp.zeros(bias)

    def add_norm(name):
        params[f"{name}/scale"], params[f"{name}/bias"] = jnp.ones(width), jnp.zeros(width)

    add("embedding", (patch, patch, 3, width), (width,))
    params["pos_embedding"] = jnp.zeros((1, tokens, width))
    for i in range(depth):
        block = f"block_{i}"
        add_norm(f"{block}/norm_0")
        for which in ("query", "key", "value"):
            add(f"{block}/{which}", (width, heads, head_width), (heads, head_width))
        add(f"{block}/out", (heads, head_width, width), (width,))
        add_norm(f"{block}/norm_1")
        add(f"{block}/dense_0", (width, hidden), (hidden,))
        add(f"{block}/dense_1", (hidden, width), (width,))
    add_norm("norm")
    add("head", (width, CLASSES), (CLASSES,))
    return params


def vit(params, image):
    def dense(name, x, equation):
        return jnp.einsum(equation, x, params[f"{name}/kernel"].astype(x.dtype)) + params[
            f"{name}/bias"
        ].astype(x.dtype)

    def norm(name, x):
        x = x.astype(jnp.float32)
        mean = x.mean(-1, keepdims=True)
        variance = jnp.square(x - mean).mean(-1, keepdims=True)
        normal = (x - mean) * jax.lax.rsqrt(variance + 1e-6)
        return normal * params[f"{name}/scale"] + params[f"{name}/bias"]

    def attention(block, x):
        q, k, v = (dense(f"{block}/{w}", x, "bti,ihd->bthd") for w in ("query", "key", "value"))
        weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q * head_width**-0.5, k))
        mixed = jnp.einsum("bhqk,bkhd->bqhd", weights, v)
        return dense(f"{block}/out", mixed, "bthd,hdo->bto")

    x = jax.lax.conv_general_dilated(
        image.astype(dtype),
        params["embedding/kernel"].astype(dtype),
        (patch, patch),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    x = (x + params["embedding/bias"].astype(dtype)).reshape(-1, tokens, width)
    x = x + params["pos_embedding"].astype(dtype)
    for i in range(depth):
        block = f"block_{i}"
        x = x + attention(block, norm(f"{block}/norm_0", x).astype(dtype))
        h = dense(f"{block}/dense_0", norm(f"{block}/norm_1", x).astype(dtype), "bti,io->bto")
        x = x + dense(f"{block}/dense_1", jax.nn.gelu(h), "bti,io->bto")
    return dense("head", norm("norm", x).mean(1), "bi,io->bo")


@partial(jax.jit, donate_argnums=0)
def step(state, image, labels):
    def loss_of(params):
        log_probabilities = jax.nn.log_softmax(vit(params, image))
        return -jnp.take_along_axis(log_probabilities, labels[:, None], 1).mean()

    loss, grads = jax.value_and_grad(loss_of)(state["params"])
    count = state["step"] + 1
    correct_m, correct_v = 1 - 0.9**count, 1 - 0.999**count
    new = {"step": count, "params": {}, "m": {}, "v": {}}
    for name, grad in grads.items():
        param = state["params"][name]
        m = new["m"][name] = 0.9 * state["m"][name] + 0.1 * grad
        v = new["v"][name] = 0.999 * state["v"][name] + 0.001 * jnp.square(grad)
        update = (m / correct_m) / (jnp.sqrt(v / correct_v) + 1e-8)
        decay = 1e-4 * param if name.endswith("/kernel") else 0.0
        new["params"][name] = param - 1e-3 * (update + decay)
    return new, loss


def main():
    params = init(jax.random.key(0))
    zeros = lambda: {name: jnp.zeros_like(p) for name, p in params.items()}  # noqa: E731
    state = {"step": jnp.float32(0), "params": params, "m": zeros(), "v": zeros()}
    shape = (args.batch, args.size, args.size, 3)
    image = jax.random.uniform(jax.random.key(1), shape, minval=-1, maxval=1)
    labels = jnp.arange(args.batch, dtype=jnp.int32) * 37 % CLASSES
    losses = []

    def run(times):
        nonlocal state
        for _ in range(times):
            state, loss = step(state, image, labels)
        losses.append(float(loss))

    start = time.perf_counter()
    run(1)
    first = time.perf_counter() - start
    run(3)
    seconds = []
    for _ in range(args.rounds):
        start = time.perf_counter()
        run(args.steps)
        seconds.append((time.perf_counter() - start) / args.steps)
    best = min(seconds)
    result = {
        "what": f"jax {jax.__version__}, {jax.devices()[0].device_kind}",
        "model": args.model,
        "batch": args.batch,
        "size": args.size,
        "dtype": args.dtype,
        "images_per_s": round(args.batch / best, 1),
        "ms_per_step": round(best * 1e3, 2),
        "rounds_ms": [round(s * 1e3, 2) for s in seconds],
        "step_tflop": args.step_tflop,
        "peak_tflops_assumed": args.peak,
        "utilisation": round(args.step_tflop / best / args.peak, 4),
        "first_step_s": round(first, 1),
        "losses": losses,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
