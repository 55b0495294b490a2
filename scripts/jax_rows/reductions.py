"""Reductions, arg-reductions, cumulative operations."""

import jax.numpy as jnp
import numpy as np
from jax import lax, nn

from .shared import everywhere, extreme


def in_dtype(fn):
    """NumPy's reductions widen small integers; the contract's keep the dtype."""
    return lambda x, axis=None, **options: fn(x, axis, dtype=x.dtype, **options)


def over_axes(name, fn):
    return {
        name: lambda x: fn(x, None),
        f"{name} over the last axis": lambda x: fn(x, -1),
        f"{name} over outer axes": lambda x: fn(x, (0, 2)),
        f"{name} keeping axes": lambda x: fn(x, 1, keepdims=True),
        f"{name} of nothing": lambda x: fn(x, 2),
        f"{name} of odd numbers": lambda x: fn(x, 1),
    }


def over_nothing(kind):
    def apply(x):
        reduce = {"max": lax.max, "min": lax.min}[kind]
        return lax.reduce(x, np.array(extreme(x.dtype, kind), x.dtype), reduce, (1,))

    return apply


def args(name, fn):
    return {
        name: lambda x: fn(x, x.ndim - 1, jnp.int32),
        f"{name} along the first axis": lambda x: fn(x, 0, jnp.int32),
        f"{name} at ties": lambda x: fn(x, 1, jnp.int32),
        f"{name} of odd numbers": lambda x: fn(x, 1, jnp.int32),
    }


total, product = in_dtype(jnp.sum), in_dtype(jnp.prod)
reductions = {
    **over_axes("reduceSum", total),
    **over_axes("reduceProd", product),
    **over_axes("reduceMax", jnp.max),
    **over_axes("reduceMin", jnp.min),
    "reduceSum over nothing": lambda x: total(x, 1),
    "reduceProd over nothing": lambda x: product(x, 1),
    "reduceMax over nothing": over_nothing("max"),
    "reduceMin over nothing": over_nothing("min"),
    "reduceSum of no axes": lambda x: x + x,
    "reduceSum wraps": total,
    "reduceMax at ties": lambda x: jnp.max(x, 1),
    "reduceMin at ties": lambda x: jnp.min(x, 1),
    "reduceProd of zeros": lambda x: product(x, 1),
    **everywhere(["reduceAnd", "reduceAnd over nothing"], lambda x: jnp.all(x, 1)),
    **everywhere(["reduceOr", "reduceOr over nothing"], lambda x: jnp.any(x, 1)),
    "reduceAnd over all": jnp.all,
    "reduceOr over all": jnp.any,
    **args("argMax", lax.argmax),
    **args("argMin", lax.argmin),
    "cumSum": lambda x: lax.cumsum(x, 0),
    "cumSum reversed": lambda x: lax.cumsum(x, 1, reverse=True),
    "cumSum of nothing": lambda x: lax.cumsum(x, 1),
    **everywhere(["cumMax", "cumMax of halves"], lambda x: lax.cummax(x, 2)),
    "cumMax reversed": lambda x: lax.cummax(x, 1, reverse=True),
    "cumMax of odd numbers": lambda x: lax.cummax(x, 0),
    "cumProd": lambda x: lax.cumprod(x, 2),
    "cumProd reversed": lambda x: lax.cumprod(x, 1, reverse=True),
    "mean": lambda x: jnp.mean(x, (0, 2)),
    "mean of nothing": lambda x: jnp.mean(x, 1),
    "variance": lambda x: jnp.var(x, 1),
    "norm": lambda x: jnp.linalg.norm(x, axis=2),
    "logSumExp": lambda x: nn.logsumexp(x, (0, 2)),
    "logSumExp of odd numbers": lambda x: nn.logsumexp(x, 1),
}
