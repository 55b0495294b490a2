"""Moving, cutting and joining; access by index, order."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .shared import everywhere


def padded(*config):
    return lambda x, value: lax.pad(x, value, config)


def padded_with(value, *config):
    return lambda x: lax.pad(x, np.array(value, x.dtype), config)


shapes = {
    "reshape": lambda x: x.reshape(4, 6),
    "reshape with an open extent": lambda x: x.reshape(3, -1, 2),
    "reshape of nothing": lambda x: x.reshape(3, 0),
    "reshape to a scalar": lambda x: x.reshape(()),
    "expandDims": lambda x: (jnp.expand_dims(x, 1), jnp.expand_dims(x, -1)),
    "squeeze": lambda x: (jnp.squeeze(x), jnp.squeeze(x, 0), jnp.squeeze(x, -1)),
    **everywhere(["transpose", "transpose of nothing"], jnp.transpose),
    "transpose by a permutation": lambda x: jnp.transpose(x, (1, 2, 0)),
    "moveAxis": lambda x: (jnp.moveaxis(x, 0, -1), jnp.moveaxis(x, 2, 0), x),
    "swapAxes": lambda x: jnp.swapaxes(x, 0, -1),
    "broadcastInDim": lambda x: lax.broadcast_in_dim(x, (3, 2, 4, 2), (0, 2)),
    "broadcastInDim stretches": lambda x: lax.broadcast_in_dim(x, (2, 3, 4), (0, 2)),
    "broadcastInDim of a scalar": lambda x: lax.broadcast_in_dim(x, (2, 2), ()),
    "broadcastInDim to nothing": lambda x: lax.broadcast_in_dim(x, (0, 2), (1,)),
    "broadcastTo": lambda x: jnp.broadcast_to(x, (2, 3, 4)),
    "reverse": lambda x: jnp.flip(x, (0, 2)),
    "reverse everything": jnp.flip,
    "slice": lambda x: x[0:2, 1:3, 1:3],
    "slice with strides": lambda x: x[:, ::2, 1::2],
    "slice to nothing": lambda x: x[1:, :, 2:2],
    "sliceAxis": lambda x: (x[:, :, -3:-1], x[:, 1:], x[:, :, 0:4:3]),
    "indexAxis": lambda x: (x[:, 2], x[:, :, -1]),
    "split": lambda x: (*jnp.split(x, 2, 2), *jnp.split(x, [1, 1], 1)),
    "pad": padded_with(7, (1, 2, 0), (0, 1, 0)),
    "pad with a tensor": padded((1, 0, 0), (2, 1, 0)),
    "pad inside": padded_with(0, (0, 0, 2), (1, 1, 1)),
    "pad negatively": padded((-1, 0, 0), (1, -2, 0)),
    "pad inside and crop": padded((-1, -1, 1), (-2, 3, 2)),
    "pad to nothing": padded_with(0, (-2, -1, 0), (0, 0, 0)),
    "pad nothing": padded((1, 2, 3), (0, 1, 0)),
    "pad a scalar": lambda x: -x,
    "concatenate": lambda x, y: jnp.concatenate([x, y, x], 1),
    "concatenate with nothing": lambda x, y: jnp.concatenate([x, y]),
    "stack": lambda x, y: (jnp.stack([x, y]), jnp.stack([x, y], -1)),
    "roll": lambda x: (jnp.roll(x, 2, 1), jnp.roll(x, -1, 2), jnp.roll(x, 5, 0)),
}


def widened(i):
    """Indices that can hold any extent."""
    return i.astype(jnp.int32) if i.dtype == jnp.uint8 else i


def gather(axis=0, batch=0):
    """Indices are clamped: lax.gather's own mode, over the operand's slices."""

    def single(x, i):
        i = widened(i)
        return jnp.take(x, jnp.clip(i, 0, max(x.shape[axis - batch] - 1, 0)), axis - batch, mode="clip")

    fn = single
    for _ in range(batch):
        fn = jax.vmap(fn)
    return fn


def scatter(kind, axis=0, batch=0):
    """Indices outside are dropped, negative ones too."""

    def single(x, i, updates):
        at = axis - batch
        n, i = x.shape[at], widened(i)
        flat = jnp.moveaxis(updates, range(at, at + i.ndim), range(i.ndim))
        moved = jnp.moveaxis(x, at, 0)
        safe = jnp.where((i >= 0) & (i < n), i.astype(jnp.int32), n)
        return jnp.moveaxis(getattr(moved.at[safe], kind)(flat, mode="drop"), 0, at)

    fn = single
    for _ in range(batch):
        fn = jax.vmap(fn)
    return fn


def scatter_add(axis=0, batch=0):
    return scatter("add", axis, batch)


def writing(name, kind):
    """Rows of the scatters that do not add."""
    plain = [
        "rows", "drops", "drops large uint32", "by bytes", "by a scalar", "nothing", "at ties", "of NaN",
        "of infinities",
    ]  # fmt: skip
    return {
        **{f"{name} {what}": scatter(kind) for what in plain},
        f"{name} columns": scatter(kind, 1),
        f"{name} along a later axis": scatter(kind, 2, 1),
        f"{name} into nothing": lambda x, i, u: x,
    }


def clamped(i, extent, size):
    return jnp.clip(i.astype(jnp.int32), 0, extent - size)


def dynamic_slice(*sizes):
    def apply(x, *starts):
        starts = [starts[k % len(starts)] for k in range(x.ndim)]
        at = [clamped(i, n, s) for i, n, s in zip(starts, x.shape, sizes)]
        return lax.dynamic_slice(x, at, sizes)

    return apply


def dynamic_update(x, update, *starts):
    starts = [starts[k % len(starts)] for k in range(x.ndim)]
    at = [clamped(i, n, s) for i, n, s in zip(starts, x.shape, update.shape)]
    return lax.dynamic_update_slice(x, update, at)


def one_hot(classes):
    return lambda i: (i[..., None].astype(jnp.int32) == jnp.arange(classes)).astype(jnp.float32)


def arg_sort(axis):
    return lambda x: jnp.argsort(x, axis).astype(jnp.int32)


def top(k):
    return lambda x: tuple(lax.top_k(x, k))


gathers = {
    **everywhere(
        [
            "gather rows",
            "gather by bytes",
            "gather clamps",
            "gather clamps large uint32",
            "gather by a scalar",
            "gather nothing",
        ],
        gather(),
    ),
    "gather nothing from nothing": lambda x, i: x,
    **everywhere(["gather columns", "take"], gather(1)),
    "gather with a batch axis": gather(1, 1),
    "gather along a later axis": gather(2, 1),
    "takeAlongAxis": lambda x, i: jnp.take_along_axis(x, jnp.broadcast_to(i, i.shape), 1),
    "oneHot": one_hot(4),
    "oneHot of bytes": one_hot(300),
    **{
        f"scatterAdd {name}": scatter_add()
        for name in ["rows", "drops", "drops large uint32", "by bytes", "nothing"]
    },
    "scatterAdd columns": scatter_add(1),
    "scatterAdd with a batch axis": scatter_add(1, 1),
    "scatterAdd along a later axis": scatter_add(2, 1),
    "scatterAdd into nothing": lambda x, i, u: x,
    **writing("scatterSet", "set"),
    **writing("scatterMax", "max"),
    **writing("scatterMin", "min"),
    "scatterSet of one row by many": lambda x, u: x.at[jnp.ones(4096, int)].set(u.reshape(-1, 2)),
    **everywhere(["dynamicSlice", "dynamicSlice clamps"], dynamic_slice(2, 2)),
    "dynamicSlice by bytes": dynamic_slice(3),
    "dynamicSlice to nothing": dynamic_slice(0, 2),
    **everywhere(
        ["dynamicUpdateSlice", "dynamicUpdateSlice clamps", "dynamicUpdateSlice with nothing"],
        dynamic_update,
    ),
    **everywhere(["sort", "sort odd numbers", "sort nothing"], lambda x: lax.sort(x)),
    "sort along the first axis": lambda x: lax.sort(x, dimension=0),
    **everywhere(["argSort at ties", "argSort of odd numbers"], arg_sort(-1)),
    "argSort": arg_sort(0),
    "sortWith": lambda k, v: tuple(lax.sort((k, v), dimension=0, num_keys=1)),
    "sortWith integers": lambda k, v: lax.sort((k, v), num_keys=1)[1],
    "topK": top(2),
    **everywhere(["topK at ties", "topK of odd numbers"], top(4)),
    "topK of none": top(0),
}
