"""The contract's rows as JAX writes them, by family and name."""
