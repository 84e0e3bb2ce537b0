"""Objects that stand where arrays are due: what they are called, and what makes an array of them."""

from __future__ import annotations

from typing import Any

import numpy as np

_MADE_PLAIN = (
    (("toarray",), "a sparse matrix", "{}.toarray()"),
    (("matvec",), "a linear operator", "{} @ np.eye(n), or its products by check_jvp and check_vjp"),
    (("detach", "numpy"), "a tensor", "{}.detach().numpy()"),  # a file can be detached, too
    (("to_numpy",), "a table", "{}.to_numpy()"),
)
"""Attributes that tell each, what it is, and the expression that makes it a plain array."""


def foreign(value: Any, called: str) -> tuple[str, str] | None:
    """What ``value``, which the user has as ``called``, is, and the plain array of it; None for what is NumPy's own."""
    if isinstance(value, np.ndarray | np.generic | type) or value is None:
        return None
    kind = type(value)  # asked of itself, an object may run whatever it likes
    for attributes, what, plain in _MADE_PLAIN:
        if all(hasattr(kind, one) for one in attributes):
            return f"{what} ({kind.__name__})", plain.format(called)
    return None


def foreign_array(value: Any, called: str) -> tuple[str, str] | None:
    """The same of what says no more than that it is an array."""
    known = foreign(value, called)
    if (
        known is None
        and hasattr(type(value), "__array__")
        and not isinstance(value, np.ndarray | np.generic | type)
    ):
        return f"an array of another library ({type(value).__name__})", f"np.asarray({called})"
    return known


def holds_floats(value: Any) -> bool:
    """Whether it says of itself that it holds floating-point numbers; what does not say is taken to."""
    kinds = [str(one) for one in np.atleast_1d(getattr(value, "dtypes", getattr(value, "dtype", "float")))]
    return any("float" in kind.lower() or "double" in kind for kind in kinds)  # Float64, double[pyarrow]
