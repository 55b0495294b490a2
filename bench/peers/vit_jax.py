"""JAX on the CPU: one training step, or one forward pass, of big_vision's ViT in float32, one `jit`.

The model and the step are those of `vit_torch.py`; parameters have big_vision's names and layouts, and
are donated with the optimiser's state. `--formulation fast` (the default) writes every layer as a 2-D
product `[batch * tokens, width]` and puts an `optimization_barrier` on the residual stream, forward and
backward, which XLA's CPU compiler needs; `plain` is what one would write first.

    python bench/peers/vit_jax.py --model vit-s16 --size 224 --batch 8 --work step --threads 2
"""

import os
from functools import partial

from worker import CLASSES, LEARNING_RATE, WEIGHT_DECAY, Shape, parse_args, serve


def limit_threads(count: int) -> None:
    """XLA makes one thread per processor it may use; only before jax is imported."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:count])


args = parse_args(__doc__, formulation=["fast", "plain"]) if __name__ == "__main__" else None
if args:
    limit_threads(args.threads)
    os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import Array  # noqa: E402

Params = dict[str, Array]


def init(shape: Shape, rng: np.random.Generator) -> Params:
    """By NumPy, so that the start-up time is not that of compiling the initialisers."""
    width, heads = shape.width, shape.heads
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, kernel: tuple[int, ...], bias: tuple[int, ...]) -> None:
        shapes[f"{name}/kernel"], shapes[f"{name}/bias"] = kernel, bias

    def add_norm(name: str) -> None:
        shapes[f"{name}/scale"] = shapes[f"{name}/bias"] = (width,)

    add("embedding", (shape.patch, shape.patch, 3, width), (width,))
    shapes["pos_embedding"] = (1, shape.tokens, width)
    for i in range(shape.depth):
        block = f"Transformer/encoderblock_{i}"
        add_norm(f"{block}/LayerNorm_0")
        for name in ("query", "key", "value"):
            add(f"{block}/MultiHeadDotProductAttention_0/{name}", (width, heads, width // heads), (heads, width // heads))
        add(f"{block}/MultiHeadDotProductAttention_0/out", (heads, width // heads, width), (width,))
        add_norm(f"{block}/LayerNorm_1")
        add(f"{block}/MlpBlock_0/Dense_0", (width, shape.hidden), (shape.hidden,))
        add(f"{block}/MlpBlock_0/Dense_1", (shape.hidden, width), (width,))
    add_norm("Transformer/encoder_norm")
    add("head", (width, CLASSES), (CLASSES,))

    def create(name: str, of: tuple[int, ...]) -> Array:
        if name.endswith(("/kernel", "pos_embedding")):
            return jnp.asarray(rng.standard_normal(of, np.float32) / np.float32(width**0.5))
        return jnp.asarray(np.full(of, name.endswith("/scale"), np.float32))

    return {name: create(name, of) for name, of in shapes.items()}


def layer_norm(params: Params, name: str, x: Array) -> Array:
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-6) * params[f"{name}/scale"] + params[f"{name}/bias"]


def patches(image: Array, patch: int) -> Array:  # [batch, size, size, 3] -> [batch, tokens, patch * patch * 3]
    batch, size = image.shape[0], image.shape[1] // patch
    x = image.reshape(batch, size, patch, size, patch, 3)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, size * size, -1)


def vit_fast(shape: Shape, params: Params, image: Array) -> Array:
    batch, tokens, width, heads = image.shape[0], shape.tokens, shape.width, shape.heads
    barrier = jax.lax.optimization_barrier  # its gradient is a barrier too

    def dense(name: str, x: Array, outputs: int) -> Array:  # [rows, inputs] -> [rows, outputs]
        return x @ params[f"{name}/kernel"].reshape(-1, outputs) + params[f"{name}/bias"].reshape(outputs)

    def attention(name: str, x: Array) -> Array:
        def project(which: str) -> Array:  # [batch, heads, tokens, head width]
            return dense(f"{name}/{which}", x, width).reshape(batch, tokens, heads, -1).transpose(0, 2, 1, 3)

        q, k, v = project("query") * (width // heads) ** -0.5, project("key"), project("value")
        weights = jax.nn.softmax(q @ k.swapaxes(2, 3))  # [batch, heads, tokens, tokens]
        return dense(f"{name}/out", (weights @ v).transpose(0, 2, 1, 3).reshape(-1, width), width)

    x = dense("embedding", patches(image, shape.patch).reshape(batch * tokens, -1), width)
    x = (x.reshape(batch, tokens, width) + params["pos_embedding"]).reshape(-1, width)  # [batch * tokens, width]
    for i in range(shape.depth):
        block = f"Transformer/encoderblock_{i}"
        x = barrier(x)
        x = x + attention(f"{block}/MultiHeadDotProductAttention_0", layer_norm(params, f"{block}/LayerNorm_0", x))
        x = barrier(x)
        h = dense(f"{block}/MlpBlock_0/Dense_0", layer_norm(params, f"{block}/LayerNorm_1", x), shape.hidden)
        x = x + dense(f"{block}/MlpBlock_0/Dense_1", jax.nn.gelu(h), width)
    x = layer_norm(params, "Transformer/encoder_norm", barrier(x))
    return dense("head", x.reshape(batch, tokens, width).mean(1), CLASSES)


def vit_plain(shape: Shape, params: Params, image: Array) -> Array:
    def dense(name: str, x: Array, equation: str = "...i,io->...o") -> Array:
        return jnp.einsum(equation, x, params[f"{name}/kernel"]) + params[f"{name}/bias"]

    def attention(name: str, x: Array) -> Array:
        q, k, v = (dense(f"{name}/{which}", x, "bti,ihd->bthd") for which in ("query", "key", "value"))
        weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q * q.shape[-1] ** -0.5, k))
        return dense(f"{name}/out", jnp.einsum("bhqk,bkhd->bqhd", weights, v), "bthd,hdo->bto")

    stride = (shape.patch, shape.patch)
    layout = ("NHWC", "HWIO", "NHWC")
    x = jax.lax.conv_general_dilated(image, params["embedding/kernel"], stride, "VALID", dimension_numbers=layout)
    x = (x + params["embedding/bias"]).reshape(image.shape[0], -1, shape.width) + params["pos_embedding"]
    for i in range(shape.depth):
        block = f"Transformer/encoderblock_{i}"
        x = x + attention(f"{block}/MultiHeadDotProductAttention_0", layer_norm(params, f"{block}/LayerNorm_0", x))
        h = dense(f"{block}/MlpBlock_0/Dense_0", layer_norm(params, f"{block}/LayerNorm_1", x))
        x = x + dense(f"{block}/MlpBlock_0/Dense_1", jax.nn.gelu(h))
    return dense("head", layer_norm(params, "Transformer/encoder_norm", x).mean(1))


def train_step(vit, state: dict, image: Array, labels: Array) -> tuple[dict, Array]:
    def loss_of(params: Params) -> Array:
        log_probabilities = jax.nn.log_softmax(vit(params, image))
        return -jnp.take_along_axis(log_probabilities, labels[:, None], 1).mean()

    loss, grads = jax.value_and_grad(loss_of)(state["params"])
    step = state["step"] + 1
    correct_m, correct_v = 1 - 0.9**step, 1 - 0.999**step
    new: dict = {"step": step, "params": {}, "m": {}, "v": {}}
    for name, grad in grads.items():
        param = state["params"][name]
        m = new["m"][name] = 0.9 * state["m"][name] + 0.1 * grad
        v = new["v"][name] = 0.999 * state["v"][name] + 0.001 * jnp.square(grad)
        update = (m / correct_m) / (jnp.sqrt(v / correct_v) + 1e-8)
        decay = WEIGHT_DECAY * param if name.endswith("/kernel") else 0.0
        new["params"][name] = param - LEARNING_RATE * (update + decay)
    return new, loss


def main() -> None:
    shape = args.shape
    vit = partial({"fast": vit_fast, "plain": vit_plain}[args.formulation], shape)
    rng = np.random.default_rng(0)
    params = init(shape, rng)
    image = jnp.asarray(rng.uniform(-1, 1, (args.batch, args.size, args.size, 3)).astype(np.float32))
    labels = jnp.asarray(rng.integers(CLASSES, size=args.batch, dtype=np.int32))

    if args.work == "step":
        m, v = ({name: jnp.asarray(np.zeros(p.shape, p.dtype)) for name, p in params.items()} for _ in range(2))
        state = {"step": jnp.float32(0), "params": params, "m": m, "v": v}
        compiled = jax.jit(partial(train_step, vit), donate_argnums=0).lower(state, image, labels).compile()

        def run() -> None:
            nonlocal state
            state, loss = compiled(state, image, labels)
            jax.block_until_ready((state, loss))
    else:
        compiled = jax.jit(vit).lower(params, image).compile()

        def run() -> None:
            compiled(params, image).block_until_ready()

    serve(
        run,
        params=sum(p.size for p in params.values()),
        versions={"jax": jax.__version__, "jaxlib": jax.lib.__version__},
        how=f"jit, {args.formulation} formulation, {len(os.sched_getaffinity(0))} threads",
    )


if __name__ == "__main__":
    main()
