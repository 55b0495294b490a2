"""Matrix products, convolutions, sliding windows."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .shared import everywhere, extreme


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
    "along three axes, strided": conv((2, 1, 2)),
    "along three axes, dilated": conv(rhs=(2, 1, 2), padding="VALID"),
    "along three axes, transposed": conv(lhs=(2, 1, 2), padding=((1, 1), (0, 1), (2, 1))),
    "along three axes, in groups": conv(groups=2),
    "along three axes, depthwise": conv(2, groups=2),
    "of no images": conv(),
    "with nothing left": conv(padding="VALID"),
    "of integers": conv(),
    "of integers in groups": conv(groups=2),
    "of NaN and infinity": conv(padding="VALID"),
}
convs = {f"conv {name}": fn for name, fn in CONVS.items()}


def window(kind, size, strides=None, padding="VALID"):
    def apply(x):
        initial = 0 if kind == "sum" else extreme(x.dtype, kind)
        reduce = {"sum": lax.add, "max": lax.max, "min": lax.min}[kind]
        start = np.array(initial, x.dtype)
        return lax.reduce_window(x, start, reduce, size, strides or (1,) * x.ndim, padding)

    return apply


def of_kind(kind):
    return {
        kind: window(kind, (2, 3)),
        f"{kind} of images": window(kind, (1, 2, 2, 1), (1, 2, 2, 1)),
        f"{kind} of volumes": window(kind, (1, 2, 2, 2, 1), (1, 2, 2, 2, 1)),
        f"{kind} of volumes SAME, overlapping": window(kind, (1, 3, 2, 3, 1), (1, 1, 2, 2, 1), "SAME"),
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
windows = {
    f"reduceWindow {name}": fn for kind in ["sum", "max", "min"] for name, fn in of_kind(kind).items()
} | {f"selectAndScatterAdd {name}": fn for name, fn in SCATTERS.items()}
