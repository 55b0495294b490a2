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

from jax_rows import composites, control, elementwise, fourier, linalg, products, reductions, shapes
from jax_rows.random_streams import random_streams

OUT = Path(__file__).parent.parent / "tests" / "golden" / "contract"
HALVES = {"bfloat16": ml_dtypes.bfloat16}

FAMILIES = {
    "unary": elementwise.unary,
    "trigonometric": elementwise.trigonometric,
    "binary": elementwise.binary,
    "select": elementwise.select,
    "dot": products.dots,
    "conv": products.convs,
    "window": products.windows,
    "reduce": reductions.reductions,
    "shape": shapes.shapes,
    "gather": shapes.gathers,
    "control": control.control,
    "composite": composites.composites,
    "linalg": linalg.linalg,
    "fft": fourier.fourier,
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
