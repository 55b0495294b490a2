"""Composites, and gradients given by hand."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

from .shared import everywhere


def layer_norm(x, scale, bias, epsilon=1e-6):
    centred = x - jnp.mean(x, -1, keepdims=True)
    return centred * lax.rsqrt(jnp.mean(centred**2, -1, keepdims=True) + epsilon) * scale + bias


def rms_norm(x, scale):
    return x * lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-6) * scale


def group_norm(groups, epsilon=1e-6):
    def apply(x, scale, bias):
        n = int(np.prod(x.shape[1:-1]))
        g = x.reshape(x.shape[0], n, groups, x.shape[-1] // groups)
        g = g - jnp.mean(g, (1, 3), keepdims=True)
        g = g * lax.rsqrt(jnp.mean(g**2, (1, 3), keepdims=True) + epsilon)
        return g.reshape(x.shape) * scale + bias

    return apply


def attention(q, k, v, mask=0.0):
    scores = jnp.einsum("bqhd,bkhd->bhqk", q / np.sqrt(q.shape[-1]).astype(q.dtype), k) + mask
    return jnp.einsum("bhqk,bkhd->bqhd", nn.softmax(scores), v)


@jax.custom_vjp
def doubled(x):
    return x


doubled.defvjp(lambda x: (x, ()), lambda _, d: (d * 2,))

composites = {
    **everywhere(["softmax", "softmax of odd numbers", "softmax of infinities"], nn.softmax),
    "softmax along a middle axis": lambda x: nn.softmax(x, 1),
    **everywhere(["logSoftmax", "logSoftmax of odd numbers", "logSoftmax of infinities"], nn.log_softmax),
    "logSoftmax along the first axis": lambda x: nn.log_softmax(x, 0),
    "layerNorm": layer_norm,
    "layerNorm of a constant": lambda x, s, b: layer_norm(x, s, b, 1e-2),
    "rmsNorm": rms_norm,
    **everywhere(["groupNorm", "groupNorm of nothing"], group_norm(2)),
    "groupNorm of a sequence": group_norm(4, 1e-5),
    **everywhere(["gelu", "gelu of odd numbers"], lambda x: nn.gelu(x, approximate=True)),
    "gelu of a scalar": lambda x: [nn.gelu(x, approximate=True), nn.gelu(x, approximate=False)],
    **everywhere(
        ["geluExact", "geluExact of odd numbers"], lambda x: nn.gelu(x, approximate=False)
    ),
    **everywhere(["attention", "attention with a mask"], attention),
    "attention with a broadcast mask": lambda q, k, v: attention(
        q, k, v, jnp.array([0, 0, -jnp.inf, 0, -jnp.inf])
    ),
    "attention to itself": lambda x: attention(x, x, x),
    "customGradient": lambda x, k: jnp.sin(jnp.sin(x)) * k,
    "customGradient that doubles": lambda x: doubled(jnp.sin(x)) * x,
    "customGradient in scan": lambda h, xs: lax.scan(lambda s, a: (jnp.sin(s) * a, None), h, xs)[0],
}
