"""What the families share."""

import jax.numpy as jnp


def everywhere(names, fn):
    return {name: fn for name in names}


def extreme(dtype, kind):
    if jnp.issubdtype(dtype, jnp.floating):
        return -jnp.inf if kind == "max" else jnp.inf
    info = jnp.iinfo(dtype)
    return info.min if kind == "max" else info.max
