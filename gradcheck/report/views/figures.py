"""Numbers for people: as many digits as tell two values apart, and bounds rounded the honest way."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradcheck.findings import Entry


def figure(x: float) -> str:
    """Three significant digits."""
    return _short(f"{x:.3g}")


def upwards(bound: float) -> str:
    """A bound in two significant digits, never rounded to less than it is."""
    if not math.isfinite(bound):
        return str(bound)
    digits, exponent = f"{bound:.1e}".split("e")
    if float(f"{digits}e{exponent}") < bound:
        digits = f"{float(digits) + 0.1:.1f}"
    return _short(f"{float(f'{digits}e{exponent}'):.2g}")


def _short(number: str) -> str:
    """``1e-6`` for ``1e-06``."""
    return number.replace("e-0", "e-").replace("e+0", "e+")


def told_to(x: float, bound: float) -> str:
    """A number with the digits that its bound leaves, three at least."""
    known = bound > 0.0 and math.isfinite(bound) and x != 0.0
    digits = math.ceil(math.log10(abs(x) / bound)) + 1 if known else 3
    return _number(x, min(max(digits, 3), 12))


def duration(seconds: float) -> str:
    """``0.9 ms``, ``12 ms``, ``1.5 s``, ``210 s``."""
    size, unit = (1e3 * seconds, "ms") if seconds < 1 else (seconds, "s")
    return f"{size:.0f} {unit}" if size >= 10 else f"{size:.1f} {unit}"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 leaf``, ``1,234 leaves``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shape(sizes: Sequence[int]) -> str:
    """A shape as NumPy prints it, ``(3, 4)``, and "scalar" where there are no axes."""
    return str(tuple(sizes)) if sizes else "scalar"


def index(position: Sequence[int]) -> str:
    """An index as it is typed behind an array's name: ``[0, 1]``; nothing for a scalar."""
    return f"[{', '.join(map(str, position))}]" if position else ""


def is_right(entry: Entry) -> bool:
    """Whether the claim lies within the bound of the truth."""
    return abs(entry.claimed - entry.truth) <= entry.bound


def entry_figures(entry: Entry) -> tuple[str, str, str, str, str, str]:
    """Index, claim, truth, bound, ratio and error over bound, with the digits that show the difference."""
    error = abs(entry.claimed - entry.truth)
    size = max(abs(entry.claimed), abs(entry.truth))
    right = is_right(entry)
    digits = _FEW if right else _digits(error, size)
    ratio = entry.claimed / entry.truth if entry.truth else math.nan
    return (
        index(entry.index),
        _number(entry.claimed, digits),
        _number(entry.truth, digits),
        _short(f"{entry.bound:.2g}"),
        "" if math.isnan(ratio) else _number(ratio, _FEW if right else _digits(abs(ratio - 1.0), 1.0, 4)),
        "right" if right else _times(error, entry.bound),
    )


def _times(error: float, bound: float) -> str:
    """How many times the bound an error is: a size, of which nobody needs digits."""
    times = error / bound if bound > 0.0 else math.nan
    if math.isnan(times):
        return ""
    if times > _COUNTLESS:
        return f"over {_COUNTLESS:.0e}"
    return _short(f"{times:.1g}" if times >= 100.0 else f"{times:.2g}")


_COUNTLESS = 1e16
"""No bound on a double says more of its own digits; beside a truth of 0 it may be as small as numbers are."""


_FEW = 5


def _digits(error: float, scale: float, few: int = _FEW) -> int:
    """Digits that show the error itself to two places; 17 tell any two float64 apart."""
    if not (0.0 < error < math.inf and scale < math.inf):
        return few
    return min(17, max(few, math.ceil(math.log10(scale / error)) + 2))


def _number(x: float, digits: int) -> str:
    return _short(f"{x + 0.0:.{digits}g}")  # adding 0 drops the sign of -0
