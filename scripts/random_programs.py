"""Runs random programs in JAX: one JSON object a line comes in, `{source, inputs}`, and one goes out, `{outputs}` or
`{error}`. scripts/random-programs.ts starts it; `ours` has what the programs call beside jax.numpy: the operations of
the graph language whose arguments differ from JAX's."""

import base64
import json
import os
import sys
from types import SimpleNamespace

os.environ["JAX_PLATFORMS"] = "cpu"
# each program runs once: what takes time is compiling it
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_allow_excess_precision=false"

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import lax

F32 = jnp.float32


def is_float(x):
    return jnp.issubdtype(x.dtype, jnp.floating)


def low_end(dtype):
    return -jnp.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min


def high_end(dtype):
    return jnp.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).max


def absolute(x):
    # the slope is the sign, also at 0
    return x * lax.stop_gradient(jnp.sign(x)) if is_float(x) else jnp.abs(x)


def unfolded(x):
    # XLA ends the process where it folds a constant integer divided by 0
    return lax.optimization_barrier(x)


def div(x, y):
    x, y = jnp.broadcast_arrays(x, y)
    return jnp.divide(x, y) if is_float(x) else lax.div(x, unfolded(y))


def rem(x, y):
    x, y = jnp.broadcast_arrays(x, y)
    return lax.rem(x, y if is_float(y) else unfolded(y))


@jax.custom_jvp
def flushed(x):
    return jnp.where(abs(x.astype(F32)) < np.float32(2**-126), jnp.zeros_like(x), x)


flushed.defjvp(lambda xs, tangents: (flushed(*xs), *tangents))


def atan2(y, x):
    # XLA gives NaN for two subnormal numbers
    return jnp.arctan2(flushed(y), flushed(x))


def pad(x, value, config):
    # JAX fails on the gradient of `value` alone
    is_inside = lax.pad(jnp.ones(x.shape, jnp.bool_), False, config)
    return jnp.where(is_inside, lax.pad(x, jnp.zeros((), x.dtype), config), value)


def both(fn):
    return lambda x, y: fn(*jnp.broadcast_arrays(x, y))


def convert(x, dtype):
    return x.astype(jnp.bool_ if dtype == "bool" else jnp.dtype(dtype))


def kept(y, axis, keepdims):
    return jnp.expand_dims(y, axis) if keepdims else y


def reduce_with(fn, initial):
    def reduce(x, axis, keepdims):
        start = np.array(initial(x.dtype), x.dtype)
        return kept(lax.reduce(x, start, fn, axis), axis, keepdims)

    return reduce


def wide(x):
    """What sums of halves are made in; JAX makes some of them in the halves themselves."""
    return x.astype(F32) if is_float(x) else x


def in_float32(fn):
    return lambda x, *args, **options: fn(wide(x), *args, **options).astype(x.dtype)


def log_sum_exp(x, axis, keepdims):
    peak = lax.stop_gradient(jnp.max(x, axis=axis, keepdims=True))
    top = jnp.where(jnp.isfinite(peak), peak, jnp.zeros_like(peak))
    total = jnp.sum(jnp.exp(x - top), axis=axis, keepdims=keepdims)
    return jnp.log(total) + jnp.reshape(top, total.shape)


def cum_max(x, axis, reverse):
    y = lax.cummax(x, axis=axis, reverse=reverse)
    if not is_float(x) or x.size == 0:
        return y
    # the cotangent goes to the first element that attains each running maximum
    flip = (lambda t: jnp.flip(t, axis)) if reverse else (lambda t: t)
    z, found = flip(x), flip(y)
    start = jnp.full_like(lax.slice_in_dim(found, 0, 1, axis=axis), -jnp.inf)
    before = jnp.concatenate([start, lax.slice_in_dim(found, 0, x.shape[axis] - 1, axis=axis)], axis)
    place = lax.broadcasted_iota(jnp.int32, x.shape, axis)
    first = lax.cummax(jnp.where(found > before, place, 0), axis=axis)
    taken = jnp.take_along_axis(z, first, axis)
    return flip(jnp.where(jnp.isnan(found), found, taken))


def top_k(x, k):
    # 0 and -0 are equal
    order = lax.stop_gradient(jnp.where(x == 0, jnp.zeros_like(x), x))
    indices = lax.top_k(order, k)[1]
    return (jnp.take_along_axis(x, indices, -1), indices)


def policy_dense(x, kernel, bias, dtype):
    return (jnp.matmul(x.astype(dtype), kernel.astype(dtype)) + bias.astype(dtype)).astype(F32)


def conv(x, kernel, strides, padding, lhs_dilation, rhs_dilation, groups, batch_groups):
    # cropped before: XLA's kernels for CPUs read beside the image where padding is negative
    config = [(0, 0, 0), *((lo, hi, d - 1) for (lo, hi), d in zip(padding, lhs_dilation)), (0, 0, 0)]
    dtype = x.dtype
    x, kernel = lax.pad(wide(x), jnp.zeros((), wide(x).dtype), config), wide(kernel)
    numbers = ("NHWC", "HWIO", "NHWC") if x.ndim == 4 else ("NWC", "WIO", "NWC")
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        [(0, 0)] * len(strides),
        rhs_dilation=rhs_dilation,
        dimension_numbers=numbers,
        feature_group_count=groups,
        batch_group_count=batch_groups,
    ).astype(dtype)


def window(fn, initial):
    def slide(x, extents, strides, padding):
        start = np.array(initial(x.dtype), x.dtype)
        return lax.reduce_window(x, start, fn, extents, strides, padding)

    return slide


def clamped(index, last):
    last = max(last, 0)
    if index.dtype == jnp.uint8:
        index = index.astype(jnp.int32)
    return jnp.clip(index, 0, last).astype(jnp.int32)


def over_batch(fn, dims):
    for _ in range(dims):
        fn = jax.vmap(fn)
    return fn


def gather(x, index, axis, batch_dims):
    at = clamped(index, x.shape[axis] - 1)
    return over_batch(lambda a, i: jnp.take(a, i, axis=axis - batch_dims), batch_dims)(x, at)


def scatter_add(x, index, updates, axis, batch_dims):
    n = x.shape[axis]
    inside = (index < n) if index.dtype != jnp.int32 else (index >= 0) & (index < n)
    at = jnp.where(inside, clamped(index, n - 1), n)
    place = (slice(None),) * (axis - batch_dims)

    def one(a, i, u):
        return wide(a).at[(*place, i)].add(wide(u), mode="drop").astype(a.dtype)

    return over_batch(one, batch_dims)(x, at, updates)


def starts(index, shape, sizes):
    return [clamped(i, n - size) for i, n, size in zip(index, shape, sizes)]


def dynamic_slice(x, index, sizes):
    return lax.dynamic_slice(x, starts(index, x.shape, sizes), sizes)


def dynamic_update_slice(x, update, index):
    return lax.dynamic_update_slice(x, update, starts(index, x.shape, update.shape))


def derived_key(key, data):
    return jax.random.fold_in(jax.random.split(key, 3)[1], data)


def layer_norm(x, scale, bias, epsilon):
    z, s, b = (t.astype(F32) for t in (x, scale, bias))
    centred = z - jnp.mean(z, -1, keepdims=True)
    inverse = lax.rsqrt(jnp.mean(centred * centred, -1, keepdims=True) + epsilon)
    return (centred * inverse * s + b).astype(x.dtype)


def rms_norm(x, scale, epsilon):
    z, s = x.astype(F32), scale.astype(F32)
    return (z * lax.rsqrt(jnp.mean(z * z, -1, keepdims=True) + epsilon) * s).astype(x.dtype)


def group_norm(x, scale, bias, groups, epsilon):
    z, s, b = (t.astype(F32) for t in (x, scale, bias))
    g = z.reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    centred = g - jnp.mean(g, (1, 3), keepdims=True)
    inverse = lax.rsqrt(jnp.mean(centred * centred, (1, 3), keepdims=True) + epsilon)
    return ((centred * inverse).reshape(x.shape) * s + b).astype(x.dtype)


def attention(q, k, v, mask=None):
    scores = jnp.einsum("bqhd,bkhd->bhqk", q * (1 / np.sqrt(q.shape[3])).item(), k)
    weights = jax.nn.softmax(scores if mask is None else scores + mask, axis=-1)
    return jnp.einsum("bhqk,bkhd->bqhd", weights, v)


def weighted(values):
    total = 0
    for i, y in enumerate(values):
        weights = ((np.arange(y.size) * 5 + i * 3) % 7) / 4 - 0.5
        total = total + jnp.sum(y.astype(F32).ravel() * weights.astype(np.float32))
    return total


def value_and_grad(fn, xs):
    value, grads = jax.value_and_grad(lambda ys: weighted(fn(*ys)))(list(xs))
    return (value, *grads)


def vjp(fn, xs, cotangents):
    outputs, pullback = jax.vjp(fn, *xs)
    return (*outputs, *pullback(tuple(cotangents)))


def scan(fn, args, carries, length, reverse):
    def body(carry, x):
        results = fn(*carry, *x)
        return tuple(results[:carries]), tuple(results[carries:])

    start, xs = tuple(args[:carries]), tuple(args[carries:])
    carry, ys = lax.scan(body, start, xs, length=length, reverse=reverse)
    return (*carry, *ys)


def while_loop(fn, args, steps):
    start = (jnp.zeros((), jnp.int32), *args)
    return lax.while_loop(lambda c: c[0] < steps, lambda c: (c[0] + 1, *fn(*c[1:])), start)


def fft(x, y, inverse):
    made = (jnp.fft.ifft if inverse else jnp.fft.fft)(x.astype(F32) + 1j * y.astype(F32))
    return jnp.real(made).astype(x.dtype), jnp.imag(made).astype(x.dtype)


def rfft(x):
    made = jnp.fft.rfft(x.astype(F32))
    return jnp.real(made).astype(x.dtype), jnp.imag(made).astype(x.dtype)


@jax.custom_vjp
def with_rule(xs, results):
    return results


def rule(xs, cotangents):
    total = jnp.sum(cotangents[0].astype(F32))
    return tuple(jnp.sign(x) * 0.25 * total.astype(x.dtype) for x in xs), None


with_rule.defvjp(lambda xs, results: (results, xs), rule)


def custom_gradient(fn):
    """The rule stands beside the function: JAX fails on custom rules of functions that read a tracer from around them."""
    return lambda *xs: with_rule(xs, lax.stop_gradient(tuple(fn(*xs))))


def accumulate(fn, parts, params, batch):
    rows = batch.reshape(parts, batch.shape[0] // parts, *batch.shape[1:])
    results = [jax.value_and_grad(lambda w: weighted(fn(w, row)))(params) for row in rows]
    value, grads = (sum(r[i] for r in results) / parts for i in (0, 1))
    return (value, grads)


ours = SimpleNamespace(
    abs=absolute,
    atan2=atan2,
    div=div,
    rem=rem,
    expm1=in_float32(jnp.expm1),
    log1p=in_float32(jnp.log1p),
    power=jnp.power,
    shift_left=both(lax.shift_left),
    shift_right=both(lax.shift_right_logical),
    convert=convert,
    sum=in_float32(jnp.sum),
    max=reduce_with(lax.max, low_end),
    min=reduce_with(lax.min, high_end),
    prod=in_float32(jnp.prod),
    mean=in_float32(jnp.mean),
    variance=in_float32(jnp.var),
    log_sum_exp=log_sum_exp,
    arg_max=lambda x, axis: jnp.argmax(x, axis).astype(jnp.int32),
    arg_min=lambda x, axis: jnp.argmin(x, axis).astype(jnp.int32),
    sort=lambda x, axis: jnp.sort(x, axis=axis, stable=True),
    arg_sort=lambda x, axis: jnp.argsort(x, axis=axis, stable=True).astype(jnp.int32),
    cum_max=cum_max,
    cum_sum=in_float32(lax.cumsum),
    cum_prod=in_float32(lax.cumprod),
    sort_with=lambda k, v, axis: lax.sort((k, v), dimension=axis, num_keys=1, is_stable=True)[:],
    top_k=top_k,
    fft=fft,
    rfft=rfft,
    dot=lambda x, y, dims, dtype: lax.dot_general(wide(x), wide(y), dims).astype(dtype),
    matmul=lambda x, y: jnp.matmul(wide(x), wide(y)).astype(x.dtype),
    policy_dense=policy_dense,
    conv=conv,
    window_sum=in_float32(window(lax.add, lambda _: 0)),
    window_max=window(lax.max, low_end),
    window_min=window(lax.min, high_end),
    pad=pad,
    gather=gather,
    scatter_add=scatter_add,
    take_along_axis=lambda x, i, axis: jnp.take_along_axis(x, clamped(i, x.shape[axis] - 1), axis),
    one_hot=lambda i, n, dtype: (i[..., None] == jnp.arange(n).astype(i.dtype)).astype(dtype),
    dynamic_slice=dynamic_slice,
    dynamic_update_slice=dynamic_update_slice,
    bits=lambda key, shape: jax.random.bits(key, shape, jnp.uint32),
    uniform=lambda key, shape, dtype: jax.random.uniform(key, shape, dtype),
    normal=lambda key, shape: jax.random.normal(key, shape, F32),
    randint=lambda key, shape, low, high: jax.random.randint(key, shape, low, high, jnp.int32),
    derived_key=derived_key,
    softmax=jax.nn.softmax,
    log_softmax=jax.nn.log_softmax,
    gelu_exact=lambda x: jax.nn.gelu(x, approximate=False),
    layer_norm=layer_norm,
    rms_norm=rms_norm,
    group_norm=group_norm,
    attention=attention,
    value_and_grad=value_and_grad,
    vjp=vjp,
    scan=scan,
    while_loop=while_loop,
    custom_gradient=custom_gradient,
    accumulate=accumulate,
)


def decode(array):
    dtype = {"bfloat16": ml_dtypes.bfloat16, "bool": np.bool_}.get(array["dtype"], array["dtype"])
    data = np.frombuffer(base64.b64decode(array["data"]), dtype)
    return jnp.asarray(data.reshape(array["shape"]))


def encode(x):
    data = base64.b64encode(np.asarray(x).tobytes()).decode()
    return {"dtype": str(x.dtype), "shape": list(x.shape), "data": data}


def answer(request):
    scope = {"jax": jax, "jnp": jnp, "lax": lax, "np": np, "ours": ours}
    exec(request["source"], scope)
    return {"outputs": [encode(x) for x in jax.jit(scope["program"])(*map(decode, request["inputs"]))]}


if __name__ == "__main__":
    for count, line in enumerate(sys.stdin):
        if count % 300 == 299:
            jax.clear_caches()
        try:
            result = answer(json.loads(line))
        except Exception as error:  # the caller decides what an error means
            result = {"error": f"{type(error).__name__}: {str(error)[:600]}"}
        print(json.dumps(result), flush=True)
