"""Fourier transforms; complex numbers are pairs."""

import jax.numpy as jnp

from .shared import everywhere


def pair(x):
    return jnp.real(x), jnp.imag(x)


def of_pair(fn):
    return lambda a, b: fn(a + 1j * b)


def forward(a, b):
    return pair(jnp.fft.fft(a + 1j * b))


fourier = {
    **everywhere(["fft", "fft of one number", "fft of 1000 numbers"], forward),
    "ifft along the first axis": lambda a, b: pair(jnp.fft.ifft(a + 1j * b, axis=0)),
    **everywhere(
        [
            "rfft of an even number",
            "rfft of an odd number",
            "rfft of 224 numbers",
            "rfft of a prime number beyond one product",
        ],
        lambda a: pair(jnp.fft.rfft(a)),
    ),
    "rfft along the first axis": lambda a: pair(jnp.fft.rfft(a, axis=0)),
    "irfft to an even number": of_pair(lambda x: jnp.fft.irfft(x, 8)),
    "irfft to an odd number": of_pair(lambda x: jnp.fft.irfft(x, 7)),
    "irfft to one number": lambda a, b: a,
    "rfft2": lambda a: pair(jnp.fft.rfft2(a)),
    "irfft2": of_pair(lambda x: jnp.fft.irfft2(x, (4, 6))),
}
