"""A point as Python that anybody can run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck.exploration.asked import Asked

if TYPE_CHECKING:
    from gradcheck.strategies import At


def example(at: At, shown: str) -> str:
    """The arguments by name, then what is ``shown`` with them."""
    lines = ["import numpy as np, gradcheck"]
    for name, value in zip(names_in(at), at.args.values(), strict=True):
        text = _literal(value)
        lines.append(f"# {name}: as it was passed to explore" if text is None else f"{name} = {text}")
    return "\n".join(f"    {line}" for line in [*lines, shown])


def names_in(at: At) -> list[str]:
    """What the arguments are called in the example, in which some names are taken."""
    return [f"{name}_" if name in ("f", "claim", "np", "gradcheck", "taking") else name for name in at.args]


def check_of(asked: Asked, at: At) -> str:
    """The check that fails there."""
    pair = "f, claim"
    ahead = ""
    if at.layout != "C":
        ahead = "from gradcheck.strategies import taking\n    "
        pair = ", ".join(f"taking({one}, {at.layout!r}, {len(at.args)})" for one in ("f", "claim"))
    pair = f"({pair})" if asked.kind == "layer" else pair
    chosen = [f"{name}={value!r}" for name, value in asked.options.items() if value is not None]
    return f"{ahead}gradcheck.check_{asked.kind}({', '.join([pair, *names_in(at), *chosen])})"


_PRINTED = 10_000
"""Entries of an array that are written out."""


def _literal(value: Any) -> str | None:
    """The text that makes a value; None where it is not made of numbers and arrays."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc" or not value.dtype.isnative or value.size > _PRINTED:
            return None
        with np.printoptions(threshold=_PRINTED, floatmode="unique", nanstr="np.nan", infstr="np.inf"):
            text = " ".join(np.array2string(value, separator=", ").split())
        return f"np.array({text}, dtype=np.{value.dtype}).reshape({value.shape})"
    if isinstance(value, np.generic):
        item = _literal(value.item())
        return None if item is None else f"np.{type(value).__name__}({item})"
    if type(value) is dict:
        parts = [(repr(key), _literal(one)) for key, one in value.items()]
        return None if None in dict(parts).values() else "{" + ", ".join(f"{a}: {b}" for a, b in parts) + "}"
    if type(value) in (list, tuple):
        inner = [_literal(one) for one in value]
        text = "".join(f"{one}, " for one in inner)
        return None if None in inner else f"({text})" if type(value) is tuple else f"[{text}]"
    if isinstance(value, float) and not np.isfinite(value):
        return f"float('{value}')"
    return repr(value) if isinstance(value, bool | int | float | complex | str | None) else None
