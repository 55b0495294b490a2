"""JAX on the CPU: one training step, or one forward pass, of big_vision's float32 ViT, one `jit`.

The model and the step are those of `vit_torch.py`; parameters have big_vision's names and layouts,
and are donated with the optimiser's state. `--formulation fast` (the default) writes every layer as
a 2-D product `[batch * tokens, width]` and puts an `optimization_barrier` on the residual stream,
forward and backward, which XLA's CPU compiler needs; `plain` is what one would write first.

    python bench/peers/vit_jax.py --model vit-s16 --size 224 --batch 8 --work step --threads 2
"""

import os
from functools import partial

from worker import CLASSES, LEARNING_RATE, WEIGHT_DECAY, Shape, parse_args, serve


args = parse_args(__doc__, formulation=["fast", "plain"]) if __name__ == "__main__" else None
if args:  # before jax is imported: XLA makes one thread per processor it may use
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
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
        attention, per_head = f"{block}/MultiHeadDotProductAttention_0", (heads, width // heads)
        for name in ("query", "key", "value"):
            add(f"{attention}/{name}", (width, *per_head), per_head)
        add(f"{attention}/out", (*per_head, width), (width,))
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
    normal = (x - mean) * jax.lax.rsqrt(variance + 1e-6)
    return normal * params[f"{name}/scale"] + params[f"{name}/bias"]


def patches(image: Array, patch: int) -> Array:  # [batch, tokens, patch * patch * 3]
    batch, size = image.shape[0], image.shape[1] // patch
    x = image.reshape(batch, size, patch, size, patch, 3)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, size * size, -1)


def vit_fast(shape: Shape, params: Params, image: Array) -> Array:
    batch, tokens, width, heads = image.shape[0], shape.tokens, shape.width, shape.heads
    barrier = jax.lax.optimization_barrier  # its gradient is a barrier too

    def dense(name: str, x: Array, outputs: int) -> Array:  # [rows, outputs]
        kernel, bias = params[f"{name}/kernel"], params[f"{name}/bias"]
        return x @ kernel.reshape(-1, outputs) + bias.reshape(outputs)

    def attention(name: str, x: Array) -> Array:
        def project(which: str) -> Array:  # [batch, heads, tokens, head width]
            y = dense(f"{name}/{which}", x, width)
            return y.reshape(batch, tokens, heads, -1).transpose(0, 2, 1, 3)

        q, k, v = project("query") * (width // heads) ** -0.5, project("key"), project("value")
        weights = jax.nn.softmax(q @ k.swapaxes(2, 3))  # [batch, heads, tokens, tokens]
        return dense(f"{name}/out", (weights @ v).transpose(0, 2, 1, 3).reshape(-1, width), width)

    x = dense("embedding", patches(image, shape.patch).reshape(batch * tokens, -1), width)
    x = x.reshape(batch, tokens, width) + params["pos_embedding"]
    x = x.reshape(-1, width)  # [batch * tokens, width]
    for i in range(shape.depth):
        block = f"Transformer/encoderblock_{i}"
        x = barrier(x)
        h = layer_norm(params, f"{block}/LayerNorm_0", x)
        x = barrier(x + attention(f"{block}/MultiHeadDotProductAttention_0", h))
        h = layer_norm(params, f"{block}/LayerNorm_1", x)
        h = dense(f"{block}/MlpBlock_0/Dense_0", h, shape.hidden)
        x = x + dense(f"{block}/MlpBlock_0/Dense_1", jax.nn.gelu(h), width)
    x = layer_norm(params, "Transformer/encoder_norm", barrier(x))
    return dense("head", x.reshape(batch, tokens, width).mean(1), CLASSES)


def vit_plain(shape: Shape, params: Params, image: Array) -> Array:
    def dense(name: str, x: Array, equation: str = "...i,io->...o") -> Array:
        return jnp.einsum(equation, x, params[f"{name}/kernel"]) + params[f"{name}/bias"]

    def attention(name: str, x: Array) -> Array:
        q, k, v = (dense(f"{name}/{w}", x, "bti,ihd->bthd") for w in ("query", "key", "value"))
        weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q * q.shape[-1] ** -0.5, k))
        return dense(f"{name}/out", jnp.einsum("bhqk,bkhd->bqhd", weights, v), "bthd,hdo->bto")

    x = jax.lax.conv_general_dilated(
        image,
        params["embedding/kernel"],
        (shape.patch, shape.patch),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    x = (x + params["embedding/bias"]).reshape(image.shape[0], -1, shape.width)
    x = x + params["pos_embedding"]
    for i in range(shape.depth):
        block = f"Transformer/encoderblock_{i}"
        h = layer_norm(params, f"{block}/LayerNorm_0", x)
        x = x + attention(f"{block}/MultiHeadDotProductAttention_0", h)
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
    size = (args.batch, args.size, args.size, 3)
    image = jnp.asarray(rng.uniform(-1, 1, size).astype(np.float32))
    labels = jnp.asarray(rng.integers(CLASSES, size=args.batch, dtype=np.int32))

    if args.work == "step":
        def zeros() -> Params:
            return {name: jnp.asarray(np.zeros(p.shape, p.dtype)) for name, p in params.items()}

        state = {"step": jnp.float32(0), "params": params, "m": zeros(), "v": zeros()}
        step = jax.jit(partial(train_step, vit), donate_argnums=0)
        compiled = step.lower(state, image, labels).compile()

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
