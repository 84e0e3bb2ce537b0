"""Write docs/found.md: derivatives of released packages that the check finds wrong (``python tools/found.py``).

They are those of ``tests/real_code`` with the label "wrong", called as installed (the extra ``real-code``, and
``peers`` for the second method). Each must fail its check; then one entry is computed in two ways that share no code.
"""

from __future__ import annotations

import re
import sys
import sysconfig
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import CodeType, FrameType

import numdifftools
import numpy as np

import gradcheck
from tests.real_code.collection import collect
from tests.real_code.peers import scalar_view
from tests.real_code.shipped import Shipped

PAGE = Path(__file__).parents[1] / "docs" / "found.md"
_INSTALLED = Path(sysconfig.get_path("purelib"))
_SHARP = 1e-5
"""Of the error, the bound on a truth that is shown."""
_APART = 1e-3
"""Share of the larger of the two within which both methods must agree."""

_HEAD = """\
# Found in released packages

This page is made by a command, `python tools/found.py`. It lists derivatives that released packages ship and that are
not the derivative of the function that the package computes, at the point where they were checked. Some are meant so:
a stand-in that makes a solver robust, or an approximation. The note says so where it is known. The versions are those
that the figures are of; another version may differ.

The figures are of one entry, that with the largest error of those looked at. A function with several outputs is
weighted at random first, so that it has one value. *Shipped* is what the package returns, *truth* and its bound are
those of `gradcheck.derivative`, and the *second method* is `numdifftools.Derivative`, which shares no code with it.
What the two do not both confirm is left out. The file and the line are those of the function that computes the
derivative. The code of each check is in `tests/real_code`.
"""


@dataclass(frozen=True)
class Row:
    """One derivative with its figures."""

    shipped: Shipped
    claimed: float
    truth: float
    bound: float
    second: float
    place: str


def rows() -> Iterator[Row]:
    """All that fail and are confirmed, one of each name."""
    everything, missing = collect()
    for name, reason in missing.items():
        print(f"{name} left out: {reason}")
    seen = set()
    for shipped in everything:
        if shipped.label != "wrong" or (shipped.package, shipped.name) in seen:
            continue
        seen.add((shipped.package, shipped.name))
        row = _row(shipped)
        print(shipped.package, shipped.title, "" if row else "left out: not confirmed")
        if row:
            yield row


def _row(shipped: Shipped) -> Row | None:
    check = getattr(gradcheck, f"check_{shipped.kind}")
    options = {"argnums": shipped.argnums, "raise_on_failure": False}
    report = check(shipped.f, shipped.claim, *shipped.args, **options)
    if report.verdict != "fail":
        return None
    phi, x, gradient = scalar_view(shipped, np.random.default_rng(0))
    estimates = [gradcheck.derivative(lambda t, n=n: phi(_moved(x, n, t))) for n in range(x.size)]
    off = [
        (np.inf if np.isnan(claimed) else abs(claimed - one.value)) if one.smooth else 0.0
        for one, claimed in zip(estimates, gradient, strict=True)
    ]
    # of entries with a sharp truth, where there are any
    sharp = [gap if one.error <= _SHARP * gap else 0.0 for gap, one in zip(off, estimates, strict=True)]
    off = sharp if any(sharp) else off
    worst = int(np.argmax(off))
    truth, bound = estimates[worst].value, estimates[worst].error
    second = float(numdifftools.Derivative(lambda t: phi(_moved(x, worst, float(t))))(0.0))
    if not off[worst] > 3.0 * bound or not abs(second - truth) <= _APART * max(abs(truth), off[worst]):
        return None
    return Row(shipped, float(gradient[worst]), truth, bound, second, _place(shipped))


def _moved(x: np.ndarray, entry: int, t: float) -> np.ndarray:
    moved = np.array(x, dtype=float)
    moved[entry] += t
    return moved


def _place(shipped: Shipped) -> str:
    """File and line of the package's function that the claim calls.

    That is a rule in a file of its name, or a function of its name, else the first.
    """
    called: list[CodeType] = []

    def heard(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(f"{_INSTALLED / _folder(shipped)}/"):
            called.append(frame.f_code)

    ones = np.ones(np.shape(shipped.f(*shipped.args)))
    sys.setprofile(heard)
    try:
        shipped.claim(*((ones,) if shipped.kind == "vjp" else ()), *shipped.args)
    finally:
        sys.setprofile(None)
    words = set(re.findall(r"\w+", shipped.name))
    named = [code for code in called if code.co_name in words]
    filed = [code for code in called if Path(code.co_filename).stem in words and code.co_name == "<lambda>"]
    code = next(iter([*filed, *named, *called]), None)
    if code is None:
        return "compiled code"
    return f"`{Path(code.co_filename).relative_to(_INSTALLED)}`, line {code.co_firstlineno}"


def _folder(shipped: Shipped) -> str:
    return {"scikit-learn": "sklearn"}.get(shipped.package, shipped.package.split(".")[0])


def page(found: list[Row]) -> str:
    """The page."""
    packages: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        packages[row.shipped.package].append(row)
    parts = [_HEAD]
    for package, group in sorted(packages.items()):
        parts.append(f"## {package} {version(package.partition('.')[0])}\n")
        for row in group:
            point = f", {row.shipped.point}" if row.shipped.point else ""
            parts.append(f"### {row.shipped.name}{point}\n\n{_sentence(row.shipped.reason)}\n")
            parts.append(
                "| shipped | truth | bound | second method | where |\n|---|---|---|---|---|\n"
                f"| {row.claimed:.7g} | {row.truth:.7g} | {row.bound:.1e} | {row.second:.7g} | {row.place} |\n"
            )
    return "\n".join(parts)


def _sentence(reason: str) -> str:
    escaped = reason.replace("*", r"\*").replace("_", r"\_")
    return f"Note: {escaped}."


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the packages' own
        PAGE.write_text(page(list(rows())))
