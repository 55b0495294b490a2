"""What JAX makes of the contract's inputs: values, and gradients for given cotangents.

    npx node scripts/contract-inputs.ts | python scripts/jax-fixtures.py [FAMILY…]

reads the rows of tests/contract/cases (their inputs and cotangents) and writes one file a family to
tests/golden/contract, and random.json with jax.random's streams. A row is known here by its name. Needs jax;
all families take some minutes.
"""

import base64
import json
import os
import sys
import zlib
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import lax, nn

from jax_control_rows import CONTROL
from jax_random_streams import random_streams

OUT = Path(__file__).parent.parent / "tests" / "golden" / "contract"
HALVES = {"bfloat16": ml_dtypes.bfloat16}


def everywhere(names, fn):
    return {name: fn for name in names}


def directions():
    ops = {
        "equal": jnp.equal,
        "notEqual": jnp.not_equal,
        "less": jnp.less,
        "lessEqual": jnp.less_equal,
        "greater": jnp.greater,
        "greaterEqual": jnp.greater_equal,
    }
    suffixes = ["", " of special numbers", " of large uint32"]
    return {name + suffix: fn for name, fn in ops.items() for suffix in suffixes}


UNARY = {
    "neg": lax.neg,
    "abs": jnp.abs,
    "sign": lax.sign,
    "exp": lax.exp,
    "expm1": lax.expm1,
    "log": lax.log,
    "log1p": lax.log1p,
    "sqrt": lax.sqrt,
    "rsqrt": lax.rsqrt,
    "tanh": lax.tanh,
    "logistic": lax.logistic,
    "sin": lax.sin,
    "cos": lax.cos,
    "erf": lax.erf,
}
STEPS = {
    "floor": lax.floor,
    "ceil": lax.ceil,
    "round": lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN),
}
unary = {
    **UNARY,
    **{f"{name} of special numbers": fn for name, fn in UNARY.items()},
    **STEPS,
    **{f"{name} at halves and special numbers": fn for name, fn in STEPS.items()},
    **everywhere(["neg of a scalar", "neg of nothing"], lax.neg),
    "abs of the least int32": jnp.abs,
    **everywhere(["isFinite", "isFinite of halves"], lax.is_finite),
    "logicalNot": jnp.logical_not,
    "square": lambda x: x * x,
}

ARITHMETIC = {"add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply, "div": lax.div, "rem": lax.rem}
PLACES = ["wraps in uint32", "wraps in uint8", "at the ends of int32"]
SPECIAL = {**ARITHMETIC, "pow": lax.pow, "max": lax.max, "min": lax.min}
SHIFTS = {"shiftLeft": lax.shift_left, "shiftRightLogical": lax.shift_right_logical}
binary = {
    **ARITHMETIC,
    **{f"{name} {place}": fn for name, fn in ARITHMETIC.items() for place in PLACES},
    **{f"{name} of special numbers": fn for name, fn in SPECIAL.items()},
    **everywhere(["add broadcasts", "add scalars", "add nothing"], jnp.add),
    "add a number": lambda x: x + 2,
    "mul by itself": lambda x: x * x,
    **everywhere(["pow", "pow's gradient at zeros"], lax.pow),
    "pow of integers": jnp.power,
    **everywhere(["maximum", "maximum at ties"], jnp.maximum),
    **everywhere(["minimum", "minimum at ties"], jnp.minimum),
    "clip": lambda x: jnp.minimum(jnp.maximum(x, -1), 1),
    "bitwiseAnd": jnp.bitwise_and,
    "bitwiseOr": jnp.bitwise_or,
    **everywhere(["bitwiseXor", "bitwiseXor of high bits"], jnp.bitwise_xor),
    **SHIFTS,
    **{f"{name} by the width": fn for name, fn in SHIFTS.items()},
    **{f"{name} of bytes": fn for name, fn in SHIFTS.items()},
    "shiftRightLogical of int32": lax.shift_right_logical,
}


def to(dtype):
    return lambda x: x != 0 if dtype == "bool" else x.astype(dtype)


def rounded(x):
    return x.astype(jnp.bfloat16), x.astype(jnp.float16)


select = {
    **directions(),
    "isNaN": jnp.isnan,
    "select": jnp.where,
    "select broadcasts": lambda p, x: jnp.where(p, x, 0),
    "select keeps NaN out": lambda x: jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1)), 0),
    "truncate": jnp.trunc,
    **{
        f"{what}{dtype}": to(dtype)
        for what in ["convert to ", "convert the ends of ", "convert int32 around to "]
        for dtype in ["float32", "float16", "bfloat16", "int32", "uint32", "uint8", "bool"]
    },
    "convert rounds to even": rounded,
    "convert there and back": lambda x: (x.astype(jnp.float32) * 3).astype(x.dtype),
    "constant": lambda x: (
        x * jnp.array([1.0, 2, 3, 4, 5]),
        jnp.array([1.5, 2.25], jnp.bfloat16),
        jnp.array([[True], [False]]),
        jnp.zeros(0, jnp.int32),
    ),
    "iota": lambda: (
        lax.broadcasted_iota(jnp.int32, (3, 2), 0),
        lax.broadcasted_iota(jnp.float32, (2, 3), 1),
        lax.iota(jnp.uint8, 300),
        lax.iota(jnp.float16, 4),
        lax.iota(jnp.bfloat16, 300),
        lax.iota(jnp.uint32, 0),
    ),
}


def dot(contract, batch=((), ()), dtype=None):
    return lambda x, y: lax.dot_general(x, y, (contract, batch), preferred_element_type=dtype)


MATMULS = [
    "of vectors",
    "of a vector and a matrix",
    "of a matrix and a vector",
    "of a stack and a vector",
    "of a vector and a stack",
    "of a stack and a matrix",
    "broadcasts",
]
EINSUMS = ["bqhd,bkhd->bhqk", "ij,jk->ki", "ij,jk->k", "i,j->ji", "abc,c->ab", "ab,ab->"]
dots = {
    **everywhere(["dotGeneral", "dotGeneral over nothing", "dotGeneral of nothing"], dot(((1,), (0,)))),
    "dotGeneral over two axes": dot(((0, 2), (2, 1))),
    "dotGeneral with batch axes": dot(((1,), (3,)), ((2, 0), (0, 1))),
    **everywhere(["dotGeneral as an outer product", "dotGeneral of scalars"], dot(((), ()))),
    "dotGeneral to float32": dot(((1,), (0,)), dtype=jnp.float32),
    "dotGeneral wraps": dot(((0,), (0,))),
    **{f"matmul {what}": jnp.matmul for what in MATMULS},
    "matmul by itself": lambda x: jnp.matmul(x, x),
    **{f"einsum {e}": lambda x, y, e=e: jnp.einsum(e, x, y) for e in EINSUMS},
}


def conv(strides=1, padding="SAME", lhs=1, rhs=1, groups=1, batch_groups=1):
    def apply(x, kernel):
        rank = x.ndim - 2
        wide = lambda value: (value,) * rank if isinstance(value, int) else value
        letters = "DHW"[3 - rank :]
        dims = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
        return lax.conv_general_dilated(
            x,
            kernel,
            wide(strides),
            padding,
            wide(lhs),
            wide(rhs),
            dims,
            feature_group_count=groups,
            batch_group_count=batch_groups,
        )

    return apply


CONVS = {
    "SAME": conv(),
    "VALID": conv(padding="VALID"),
    "of patches": conv(3, "VALID"),
    "strided SAME": conv((2, 3)),
    "strided, leaving a rest": conv((3, 2), "VALID"),
    "dilated": conv(rhs=(2, 2), padding="VALID"),
    "dilated and strided": conv(2, rhs=(2, 3)),
    "transposed": conv(lhs=2, padding=((1, 2), (2, 1))),
    "dilated on both sides": conv(lhs=(2, 1), rhs=(1, 2), padding=((2, 1), (0, 3))),
    "with explicit padding": conv(padding=((2, 0), (0, 3))),
    "with negative padding": conv(padding=((-1, -2), (0, -1))),
    "in feature groups": conv(groups=2),
    "in feature groups, strided": conv(2, "VALID", groups=2),
    "depthwise": conv(groups=3),
    "depthwise, two features each": conv(groups=2),
    "in batch groups": conv(batch_groups=2),
    "in batch groups, strided": conv(2, ((1, 0), (0, 1)), batch_groups=2),
    "along one axis": conv(2),
    "along three axes": conv(),
    "of no images": conv(),
    "with nothing left": conv(padding="VALID"),
    "of integers": conv(),
    "of NaN and infinity": conv(padding="VALID"),
}
convs = {f"conv {name}": fn for name, fn in CONVS.items()}


def extreme(dtype, kind):
    if jnp.issubdtype(dtype, jnp.floating):
        return -jnp.inf if kind == "max" else jnp.inf
    info = jnp.iinfo(dtype)
    return info.min if kind == "max" else info.max


def window(kind, size, strides=None, padding="VALID"):
    def apply(x):
        initial = 0 if kind == "sum" else extreme(x.dtype, kind)
        reduce = {"sum": lax.add, "max": lax.max, "min": lax.min}[kind]
        start = np.array(initial, x.dtype)
        return lax.reduce_window(x, start, reduce, size, strides or (1,) * x.ndim, padding)

    return apply


def windows(kind):
    return {
        kind: window(kind, (2, 3)),
        f"{kind} of images": window(kind, (1, 2, 2, 1), (1, 2, 2, 1)),
        f"{kind} SAME": window(kind, (3, 3), (2, 2), "SAME"),
        f"{kind} with uneven padding": window(kind, (2, 2), (1, 3), ((1, 0), (0, 2))),
        f"{kind} leaving a rest": window(kind, (2, 2), (3, 2)),
        f"{kind} at ties": window(kind, (2, 2)),
        f"{kind} of NaN": window(kind, (2,), (1,)),
        f"{kind} with nothing left": window(kind, (5, 5)),
        f"{kind} over padding alone": window(kind, (2,), (2,), ((2, 2),)),
    }


def select_and_scatter(kind, *dims):
    """The gradient of a sliding extreme."""
    return lambda x, source: jax.vjp(window(kind, *dims), x)[1](source)[0]


SCATTERS = {
    "max apart": select_and_scatter("max", (2, 2), (2, 2)),
    "max overlapping": select_and_scatter("max", (3, 2), (1, 2)),
    "min padded": select_and_scatter("min", (2, 3), (2, 1), ((1, 1), (0, 2))),
    "max at ties": select_and_scatter("max", (2, 2), (1, 2)),
}
window_rows = {
    f"reduceWindow {name}": fn for kind in ["sum", "max", "min"] for name, fn in windows(kind).items()
} | {f"selectAndScatterAdd {name}": fn for name, fn in SCATTERS.items()}


def in_dtype(fn):
    """NumPy's reductions widen small integers; the contract's keep the dtype."""
    return lambda x, axis=None, **options: fn(x, axis, dtype=x.dtype, **options)


def reductions(name, fn):
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
reduce_rows = {
    **reductions("reduceSum", total),
    **reductions("reduceProd", product),
    **reductions("reduceMax", jnp.max),
    **reductions("reduceMin", jnp.min),
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


def padded(*config):
    return lambda x, value: lax.pad(x, value, config)


def padded_with(value, *config):
    return lambda x: lax.pad(x, np.array(value, x.dtype), config)


shape_rows = {
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


def scatter_add(axis=0, batch=0):
    """Indices outside are dropped, negative ones too."""

    def single(x, i, updates):
        at = axis - batch
        n, i = x.shape[at], widened(i)
        flat = jnp.moveaxis(updates, range(at, at + i.ndim), range(i.ndim))
        moved = jnp.moveaxis(x, at, 0)
        safe = jnp.where((i >= 0) & (i < n), i.astype(jnp.int32), n)
        return jnp.moveaxis(moved.at[safe].add(flat, mode="drop"), 0, at)

    fn = single
    for _ in range(batch):
        fn = jax.vmap(fn)
    return fn


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


gather_rows = {
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

composite = {
    **everywhere(["softmax", "softmax of odd numbers"], nn.softmax),
    "softmax along a middle axis": lambda x: nn.softmax(x, 1),
    **everywhere(["logSoftmax", "logSoftmax of odd numbers"], nn.log_softmax),
    "logSoftmax along the first axis": lambda x: nn.log_softmax(x, 0),
    "layerNorm": layer_norm,
    "layerNorm of a constant": lambda x, s, b: layer_norm(x, s, b, 1e-2),
    "rmsNorm": rms_norm,
    **everywhere(["groupNorm", "groupNorm of nothing"], group_norm(2)),
    "groupNorm of a sequence": group_norm(4, 1e-5),
    **everywhere(["gelu", "gelu of odd numbers"], lambda x: nn.gelu(x, approximate=True)),
    **everywhere(["attention", "attention with a mask"], attention),
    "attention with a broadcast mask": lambda q, k, v: attention(
        q, k, v, jnp.array([0, 0, -jnp.inf, 0, -jnp.inf])
    ),
    "attention to itself": lambda x: attention(x, x, x),
    "customGradient": lambda x, k: jnp.sin(jnp.sin(x)) * k,
    "customGradient that doubles": lambda x: doubled(jnp.sin(x)) * x,
    "customGradient in scan": lambda h, xs: lax.scan(lambda s, a: (jnp.sin(s) * a, None), h, xs)[0],
}

FAMILIES = {
    "unary": unary,
    "binary": binary,
    "select": select,
    "dot": dots,
    "conv": convs,
    "window": window_rows,
    "reduce": reduce_rows,
    "shape": shape_rows,
    "gather": gather_rows,
    "control": CONTROL,
    "composite": composite,
}


def decode(array):
    dtype = HALVES.get(array["dtype"], array["dtype"])
    data = np.frombuffer(base64.b64decode(array["data"]), dtype)
    return jnp.asarray(data.reshape(array["shape"]))


def number(value):
    """The shortest decimal of a number; JSON has no words for those that are not finite."""
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    value = np.float32(value)
    if np.isfinite(value):
        return float(np.format_float_scientific(value, unique=True))
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def numbers(array):
    return [number(value) for value in np.asarray(array).ravel()]


def is_float(x):
    return jnp.issubdtype(x.dtype, jnp.floating)


def results(fn, inputs, cotangents):
    """Values, and cotangents of the float inputs for those of the float outputs."""

    def listed(*xs):
        out = fn(*xs)
        return list(out) if isinstance(out, (tuple, list)) else [out]

    outputs = listed(*inputs)
    if not cotangents:
        return [numbers(y) for y in outputs], []
    places = [i for i, x in enumerate(inputs) if is_float(x)]

    def floats(*xs):
        filled = list(inputs)
        for i, x in zip(places, xs):
            filled[i] = x
        return [y for y in listed(*filled) if is_float(y)]

    _, pullback = jax.vjp(floats, *(inputs[i] for i in places))
    return [numbers(y) for y in outputs], [numbers(d) for d in pullback(cotangents)]


def main():
    rows = json.load(sys.stdin)
    OUT.mkdir(parents=True, exist_ok=True)
    families = {name: {} for name in sys.argv[1:] or FAMILIES}
    for row in rows:
        if row["family"] not in families:
            continue
        fn = FAMILIES[row["family"]].get(row["name"])
        if fn is None:
            raise SystemExit(f'no row of JAX\'s for "{row["name"]}" ({row["family"]})')
        given = row["inputs"] + row["cotangents"]
        checksum = zlib.crc32(b"".join(base64.b64decode(array["data"]) for array in given))
        inputs, cotangents = ([decode(a) for a in row[key]] for key in ("inputs", "cotangents"))
        try:
            outputs, grads = results(fn, inputs, cotangents)
        except Exception as error:
            raise RuntimeError(f'in the row "{row["id"]}"') from error
        families[row["family"]][row["id"]] = {
            "inputs": checksum,
            "outputs": outputs,
            "grads": grads,
        }
    if not sys.argv[1:]:
        families["random"] = random_streams(numbers)
    for name, entries in families.items():
        lines = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in entries.items()]
        (OUT / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
