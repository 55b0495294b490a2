"""jax.random's streams from a few keys, with partitionable Threefry."""

import jax
import jax.numpy as jnp
from jax import random

LOGITS = jnp.array([[0.5, 2, -1, 0], [-jnp.inf, 3, 2, 1], [4, 0, 0, 0]])
SEEDS = [0, 42, 2**31 - 1]


def random_streams(numbers):
    """For each seed, what each function of jax.random draws."""
    jax.config.update("jax_threefry_partitionable", True)
    return {str(seed): streams(random.key(seed), numbers) for seed in SEEDS}


def streams(key, numbers):
    data = lambda k: numbers(random.key_data(k))
    return {
        "key": data(key),
        "split": data(random.split(key)),
        "split into 3": data(random.split(key, 3)),
        "fold 7": data(random.fold_in(key, 7)),
        "fold 4000000000": data(random.fold_in(key, 4000000000)),
        "bits": numbers(random.bits(key, (3, 5))),
        "uniform": numbers(random.uniform(key, (4, 8))),
        "uniform float16": numbers(random.uniform(key, (16,), jnp.float16)),
        "uniform bfloat16": numbers(random.uniform(key, (16,), jnp.bfloat16)),
        "uniform -3 to 5": numbers(random.uniform(key, (16,), minval=-3, maxval=5)),
        "integers -3 to 5": numbers(random.randint(key, (16,), -3, 5)),
        "integers to 100000": numbers(random.randint(key, (16,), 0, 100_000)),
        "all integers": numbers(random.randint(key, (16,), -(2**31), 2**31 - 1)),
        "normal in the tails": numbers(jnp.sort(random.normal(key, (20000,)))[:64]),
        "normal": numbers(random.normal(key, (32, 8))),
        "truncated normal": numbers(random.truncated_normal(key, -2, 2, (64,))),
        "bernoulli 0.3": numbers(random.bernoulli(key, 0.3, (32,))),
        "gumbel": numbers(random.gumbel(key, (64,))),
        "gumbel float16": numbers(random.gumbel(key, (16,), jnp.float16)),
        "categorical": numbers(random.categorical(key, LOGITS)),
        "categorical along the first axis, drawn often": numbers(
            random.categorical(key, LOGITS, 0, (5, 4))
        ),
        "permutation of 10": numbers(random.permutation(key, 10)),
        "permutation of 1": numbers(random.permutation(key, 1)),
        "permutation of 2000, first 8": numbers(random.permutation(key, 2000)[:8]),
    }
