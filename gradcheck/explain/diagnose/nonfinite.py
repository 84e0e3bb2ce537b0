"""NaN or infinity in the claim where the derivative is a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcheck.explain.diagnose.guess import CERTAIN, Guess
from gradcheck.explain.diagnose.sight import arrays
from gradcheck.explain.evidence import Evidence

# exp overflows beyond 709 in float64 and 88 in float32; a square root or a quotient fails at 0
OVERFLOW = {"float64": 709.0, "float32": 88.0, "float16": 11.0}


def nonfinite(evidence: Evidence) -> Iterator[Guess]:
    """Entries that are NaN or infinite, with the input that may have done it."""
    for number, leaf in enumerate(evidence.leaves):
        if leaf.claimed is None or np.all(np.isfinite(leaf.claimed)):
            continue
        bad = ~np.isfinite(leaf.claimed)
        count, first = int(np.count_nonzero(bad)), tuple(int(i) for i in np.argwhere(bad)[0])
        what = "NaN" if np.any(np.isnan(leaf.claimed)) else "infinite"
        figures = {"count": count, "of": leaf.claimed.size, "index": list(first), "what": what}
        cause, remedy, more = _culprit(evidence, leaf.dtype)
        says = (
            f"{{leaves}} {{is}} {what} in {count} of {leaf.claimed.size} entries, first at "
            f"{list(first)}, where f is finite"
        )
        yield Guess("nonfinite", (number,), CERTAIN, says + cause, remedy, {**figures, **more}, what)


_OVERFLOWS = "Rewrite the formula so that it does not overflow, in the manner of log-sum-exp."
_DIVIDES = "Give entries where it divides by 0 the value that the quotient tends to."
_UNKNOWN = "Rewrite the formula so that it neither overflows nor divides by 0 here."


def _culprit(evidence: Evidence, dtype: str) -> tuple[str, str, dict[str, Any]]:
    """The input that may have done it, what to do about it, and figures."""
    largest, zero = ("", 0.0), ""
    for path, array in arrays(evidence):
        size = np.abs(array.astype(np.float64))
        peak = float(np.max(size, initial=0.0))
        if peak > largest[1]:
            largest = (path, peak)
        if not zero and size.size and array.dtype.kind == "f" and float(np.min(size)) == 0.0:
            zero = path
    path, peak = largest
    if peak > 0.5 * OVERFLOW.get(dtype, 709.0):
        says = f"; {path} reaches {peak:.4g}, beyond which exp overflows"
        return says, _OVERFLOWS, {"input": path, "reaches": peak}
    if zero:
        says = f"; {zero} holds a 0, by which a quotient or a logarithm fails"
        return says, _DIVIDES, {"input": zero, "reaches": 0.0}
    return "", _UNKNOWN, {}
