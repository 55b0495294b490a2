"""The contract's rows on control flow and recomputation, as JAX writes them."""

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.random import threefry_2x32


def threefry(k0, k1, x0, x1):
    one = lambda a, b, c, d: threefry_2x32((a, b), jnp.stack([c, d]))
    return tuple(jax.vmap(one)(k0, k1, x0, x1).T)


def layer(x, w):
    return jnp.tanh(jnp.sin(x @ w) @ w)


def cell(h, x, w):
    return jnp.sin(h @ w + x)


def recurrent(step=cell, reverse=False):
    def apply(h, xs, w):
        def body(state, x):
            after = step(state, x, w)
            return after, after * x

        return lax.scan(body, h, xs, reverse=reverse)

    return apply


def counted(h, xs):
    scale = jnp.exp(xs.sum(0))

    def body(carry, x):
        s, n = carry
        return (s * 0.5 + x * jnp.sin(scale), n + 1), (s * n.astype(s.dtype), n)

    carry, ys = lax.scan(body, (h, jnp.int32(0)), xs)
    return *carry, *ys


def passing(h, xs):
    carry, ys = lax.scan(lambda c, x: ((c[1], c[0]), (c[0] * x, x)), (h, jnp.sin(h)), xs)
    return *carry, *ys


def nested(h, xs, w):
    def body(s, x):
        after, ys = recurrent()(s, xs * x[None], w)
        return after, ys.sum(0)

    return lax.scan(body, h, xs[:2])[1]


def looked_up(ids, table):
    body = lambda s, i: (jnp.sin(s + jnp.take(table, i, axis=0, mode="clip")), None)
    return lax.scan(body, jnp.zeros_like(table[0]), ids)[0]


def composites(h, scales, biases):
    def body(s, layer):
        scale, bias = layer
        centred = s - s.mean(-1, keepdims=True)
        normal = centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
        return s + jax.nn.gelu(normal * scale + bias, approximate=True), jax.nn.softmax(s)

    return lax.scan(body, h, (scales, biases))[1]


def branches(p, x, y):
    return lax.cond(p, lambda u: (jnp.sin(u) * y, u), lambda u: (jnp.exp(u), u * 2), x)


def cond_in_scan(h, xs):
    body = lambda s, x: (lax.cond(x.sum() > 0, lambda t: jnp.sin(t * x), lambda t: t + x, s), None)
    return lax.scan(body, h, xs)[0]


def newton(x):
    far = lambda c: (c[1] < 50) & (jnp.abs(c[0] * c[0] - x).max() > 1e-3)
    return lax.while_loop(far, lambda c: ((c[0] + x / c[0]) * 0.5, c[1] + 1), (jnp.ones_like(x), jnp.int32(0)))


def growing(x, step):
    return lax.while_loop(lambda v: v.sum() < 50, lambda v: v + step, x)


def cached(reverse=False):
    def step(carry, key):
        cache, n = carry
        cache = lax.dynamic_update_slice(cache, key[None], (n, 0))
        return (cache, n + 1), (cache * key)[:, :8].sum()

    def apply(a):
        keys = a[:, None] * jnp.ones((1, 1024)) + 1
        (cache, n), ys = lax.scan(step, (jnp.zeros((64, 1024)), jnp.int32(0)), keys, reverse=reverse)
        return cache[:, 5:6], n, ys

    return apply


def affine(a, b):
    combine = lambda l, r: (l[0] * r[0], l[1] * r[0] + r[1])
    return lax.associative_scan(combine, (a * b, b))


control = {
    "threefry2x32": threefry,
    "stopGradient": lambda x: lax.stop_gradient(jnp.exp(x)) * x,
    "stopGradient of integers": lax.stop_gradient,
    "barrier": lambda x, w: (jnp.sin(x), w, jnp.sin(x)),
    "debugPrint": lambda x: jnp.sin(x) * x,
    "remat saving nothing": layer,
    "remat saving products": layer,
    "remat around captured tensors": lambda x, w: (layer(jnp.cos(x), jnp.sin(w)), jnp.cos(x) * 2),
    "remat in remat": lambda x, w: layer(jnp.sin(x), w),
    "remat of a scan": recurrent(),
    "scan": recurrent(),
    "scan in reverse": recurrent(reverse=True),
    "scan of no steps": recurrent(),
    "scan without inputs": lambda h, w: lax.scan(lambda s, _: (jnp.sin(s @ w), None), h, None, 3)[0],
    "a long scan without inputs": lambda h: lax.scan(
        lambda s, _: (jnp.sin(s), s * s), h, None, 40, reverse=True
    ),
    "a cache in a long scan": cached(),
    "a cache in a long scan in reverse": cached(reverse=True),
    "scan without a carry": lambda xs, w: jnp.sin(xs @ w),
    "scan with a counter and an outer constant": counted,
    "scan that passes its carry through": passing,
    "scan in scan": nested,
    "scan of remat": recurrent(),
    "scan of remat saving products": recurrent(lambda h, x, w: cell(jnp.sin(h), x, w)),
    "scan over integers": looked_up,
    "scan of composites": composites,
    "remat of cond": lambda p, x, y: branches(p, jnp.sin(x), y),
    "cond when true": branches,
    "cond when false": branches,
    "cond in scan": cond_in_scan,
    **{f"associativeScan of {n}": affine for n in [1, 2, 7, 8]},
    "associativeScan of matrices, reversed along a later axis": lambda x: lax.associative_scan(
        lambda l, r: l @ r, x, axis=1, reverse=True
    ),
    "associativeScan of integers": lambda x: jnp.cumsum(x, -1, dtype=x.dtype),
    "whileLoop": newton,
    "whileLoop with captures": growing,
}
