"""NumPy functions that autograd lacks or gets wrong."""

from __future__ import annotations

from gradcheck.oracles.tracing import function  # noqa: F401
