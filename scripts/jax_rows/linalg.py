"""Factors, systems of equations, determinants."""

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import solve_triangular

from .shared import everywhere

T = lambda a: jnp.swapaxes(a, -1, -2)


def positive(a):
    return a @ T(a) + a.shape[-1] * jnp.eye(a.shape[-1])


def regular(a):
    return jnp.flip(a + 4 * jnp.eye(a.shape[-1]), -2)


def triangle(a):
    return a + 5 * jnp.eye(a.shape[-1])


def triangular(prepare=triangle, lower=True, trans=False, unit=False):
    def apply(a, b):
        a = prepare(a)
        b = b[:, None] if (vector := b.ndim == 1) else b
        b = jnp.broadcast_to(b, (*a.shape[:-2], *b.shape[-2:]))
        x = lax.linalg.triangular_solve(
            a, b, left_side=True, lower=lower, transpose_a=trans, unit_diagonal=unit
        )
        return x[..., 0] if vector else x

    return apply


def solve(prepare=regular):
    def apply(a, b):
        a = prepare(a)
        if b.ndim == 1:
            return jnp.linalg.solve(a, b)
        lead = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        wide = lambda x: jnp.broadcast_to(x, (*lead, *x.shape[-2:]))
        return jnp.linalg.solve(wide(a), wide(b))

    return apply


def slogdet(prepare=regular):
    return lambda a: tuple(jnp.linalg.slogdet(prepare(a)))


def qr(prepare=lambda a: a):
    """JAX's factors, r's diagonal made positive."""

    def apply(a):
        a = prepare(a)
        m, n = a.shape[-2:]
        q, r = jnp.linalg.qr(a[..., : min(m, n)])
        turn = jnp.sign(jnp.diagonal(r, axis1=-2, axis2=-1))
        q, r = q * turn[..., None, :], r * turn[..., :, None]
        rest = T(q) @ a[..., m:]
        return q, jnp.concatenate([r, rest], -1)

    return apply


def signless(a):
    values, vectors = jnp.linalg.eigh(a)
    return values, vectors**2


def exponential(a):
    values, vectors = jnp.linalg.eigh(a)
    return (vectors * jnp.exp(values)[..., None, :]) @ T(vectors)


def parts(a):
    u, s, vt = jnp.linalg.svd(a, full_matrices=False)
    return u**2, s, vt**2


def polar(a):
    u, _, vt = jnp.linalg.svd(a, full_matrices=False)
    return u @ vt


def low_rank(a):
    a = a @ T(a)
    return jnp.linalg.svd(a, compute_uv=False), a, jnp.eye(a.shape[0])


def flat(a):
    return a * 0.05


linalg = {
    **everywhere(
        ["cholesky", "cholesky of a stack", "cholesky in blocks"],
        lambda a: jnp.linalg.cholesky(positive(a)),
    ),
    "cholesky of a matrix that is not symmetric": lambda a: jnp.linalg.cholesky(triangle(a)),
    "cholesky of nothing": lambda a: a,
    **everywhere(["triangularSolve lower", "triangularSolve of a vector"], triangular()),
    **everywhere(["triangularSolve upper", "triangularSolve in blocks"], triangular(lower=False)),
    "triangularSolve lower transposed": triangular(trans=True),
    "triangularSolve upper transposed": triangular(lower=False, trans=True),
    "triangularSolve with a unit diagonal": triangular(unit=True),
    "triangularSolve in blocks with a unit diagonal": triangular(flat, unit=True),
    "triangularSolve of nothing": lambda a, b: b,
    **everywhere(["solve", "solve of a vector", "solve of one matrix and a stack"], solve()),
    "solve in blocks": solve(lambda a: regular(flat(a))),
    "solve without right-hand sides": lambda a, b: b,
    "inverse": lambda a: jnp.linalg.inv(regular(a)),
    "slogdet": slogdet(),
    "slogdet in blocks": slogdet(lambda a: regular(flat(a))),
    "logdet of positive definite matrices": lambda a: slogdet(positive)(a)[1],
    "slogdet of nothing": lambda a: (jnp.ones(a.shape[:-2]), jnp.zeros(a.shape[:-2])),
    "qr": qr(),
    **everywhere(["qr of square matrices", "qr of wide matrices"], qr()),
    "qr in blocks": qr(lambda a: regular(flat(a))),
    "qr of nothing": lambda a: (a, a),
    **everywhere(
        ["eigh", "eigh of a stack", "eigh of one row", "eigh of odd size"], signless
    ),
    "eigh in blocks": lambda a: exponential(flat(a)),
    **everywhere(["exponential by eigh", "eigh of equal eigenvalues"], exponential),
    "eigh of nothing": lambda a: (jnp.zeros(a.shape[:-1]), a),
    **everywhere(["svd", "svd of square matrices", "svd of wide matrices"], parts),
    "svd in blocks": lambda a: jnp.linalg.svd(a, compute_uv=False),
    "polar factor by svd": polar,
    "svd of a matrix of low rank": low_rank,
    "svd of nothing": lambda a: (a, jnp.zeros(a.shape[:-1]), a),
    "triangles and the diagonal": lambda a: (
        jnp.tril(a),
        jnp.triu(a),
        jnp.tril(a, 1),
        jnp.triu(a, 1),
        jnp.tril(a, -1),
        jnp.diagonal(a, axis1=-2, axis2=-1),
    ),
}
