"""How NumPy's functions are called on traced arrays, where autograd's own rule is missing or wrong."""

from gradcheck.oracles.tracing.numpy_calls import (
    arithmetic,
    creation,
    elementwise,
    joining,
    linear_algebra,
    moving,
    reductions,
    signals,
    writing,
)

__all__ = [
    "arithmetic",
    "creation",
    "elementwise",
    "joining",
    "linear_algebra",
    "moving",
    "reductions",
    "signals",
    "writing",
]
