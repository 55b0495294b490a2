"""Elementwise operations, comparison, conversion, constants."""

import jax.numpy as jnp
from jax import lax

from .shared import everywhere


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
    "logistic": lax.logistic,
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
    **everywhere(
        ["digamma", "digamma left of 0", "digamma far out and at its poles"], lax.digamma
    ),
    **everywhere(["isFinite", "isFinite of halves"], lax.is_finite),
    "logicalNot": jnp.logical_not,
    "square": lambda x: x * x,
}

TRIGONOMETRIC = {
    "sin": lax.sin,
    "cos": lax.cos,
    "tan": lax.tan,
    "asin": lax.asin,
    "acos": lax.acos,
    "atan": lax.atan,
    "sinh": lax.sinh,
    "cosh": lax.cosh,
    "tanh": lax.tanh,
    "asinh": lax.asinh,
    "acosh": lax.acosh,
    "atanh": lax.atanh,
}
PARTS = ["", " of special numbers", " near 0", " near 1", " near 1 and far", " far", " outside and at the ends"]
trigonometric = {
    **{name + part: fn for name, fn in TRIGONOMETRIC.items() for part in PARTS},
    **everywhere(["atan2", "atan2 all around"], lax.atan2),
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
