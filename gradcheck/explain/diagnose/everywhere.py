"""The same activation treated wrongly in every layer or time step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.circuit import Circuit, Effect
from gradcheck.explain.diagnose.experiment import Alteration, evidence_figures, explains
from gradcheck.explain.diagnose.formulas import DERIVATIVES, with_legend
from gradcheck.explain.diagnose.guess import EXACT, FITTED, MISSING, WRONG, Guess
from gradcheck.explain.diagnose.segments import Segment, named

# Each a full pass backward.
COMMON_SLIPS = ("1", "y * (1 - y)", "1 - y**2", "y", "1 - y", "x", "x * (1 - x)", "1 - x**2", "y > 0", "x > 0",
                "sigmoid(x) * (1 - sigmoid(x))", "1 - tanh(x)**2")  # fmt: skip


def everywhere(circuit: Circuit, found: list[Segment]) -> Iterator[Guess]:
    """The same activation treated wrongly wherever it occurs: all layers, all time steps."""
    groups: dict[tuple[str, ...], list[Segment]] = {}
    for segment in found:
        groups.setdefault(segment.signature, []).append(segment)
    for members in sorted(groups.values(), key=lambda m: named(m[0]) is None):
        if circuit.spent:
            return
        tops = [s for s in members if s.derivative.size and np.ptp(s.derivative) > 0]
        if len(tops) < 2 or len({s.end for s in tops}) < len(tops):
            continue
        for words in COMMON_SLIPS:
            if circuit.spent:
                return
            jumps = _jumps(circuit, tops, words)
            if jumps is None:
                continue
            grads = circuit.sweep(circuit.starts, jumps=jumps)
            effect = circuit.at_leaves(grads, frozenset(range(len(circuit.leaf_nodes))))
            change: Effect = {n: effect[n] - circuit.truth[n] for n in effect}
            result = explains(circuit, change)
            if result is not None:
                yield _in_all(circuit, tops, result, words)


def _jumps(circuit: Circuit, tops: list[Segment], words: str) -> dict[int, tuple[int, Floats]] | None:
    jumps = {}
    for segment in tops:
        letter = "y" if "y" in words.replace("exp", "") else "x"
        value = circuit.array(segment.end if letter == "y" else segment.start)
        if value is None:
            return None
        name = next((f for f in DERIVATIVES if f.replace("v", letter) == words), None)
        factor = np.ones(value.shape) if name is None else DERIVATIVES[name](value)
        if not np.all(np.isfinite(factor)):
            return None
        jumps[segment.end] = (segment.start, factor)
    return jumps


def _in_all(circuit: Circuit, tops: list[Segment], result: Alteration, words: str) -> Guess:
    name = named(tops[0])
    what = f"each {name}" if name else f"each step ({', '.join(tops[0].signature)})"
    missing = words == "1"
    left = "left out (taken as 1)" if missing else with_legend(words)
    says = f"{{leaves}} {{is}} as if the derivative of {what}, {len(tops)} in all, were {left}"
    figures = {**evidence_figures(circuit, tops[0].end), "places": len(tops), "derivative_used": words}
    cost = (EXACT if name else FITTED - 0.5) + (-0.3 if missing else 0.2)
    return result.guess(
        MISSING if missing else WRONG,
        cost,
        says,
        "Multiply by the right derivative in every one.",
        figures,
        (tops[0].signature, words),
    )
