"""A derivative that no listed formula gives: one function written for another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.experiment import evidence_figures, fitted
from gradcheck.explain.diagnose.formulas import DERIVATIVES
from gradcheck.explain.diagnose.guess import FITTED, MISSING, WRONG, Guess, thin
from gradcheck.explain.diagnose.promising import probe_leaf, promising
from gradcheck.explain.diagnose.segments import Segment, called


def exchanged(segment: Segment) -> Iterator[Guess]:
    """One function in the derivative written for another: claim - truth is their difference, pulled back."""
    circuit = segment.circuit
    x, cotangent = circuit.array(segment.start), circuit.cotangents[segment.end]
    probe = probe_leaf(circuit, circuit.below[segment.start])
    if x is None or probe is None or circuit.spent or np.shape(cotangent) != x.shape:
        return
    pairs = [
        (f"{used} for {due}", first - second, MISSING if used in ("1", "x") else WRONG)
        for used, first in _written(x) for due, second in _written(x)
        if used != due and due not in ("1", "x") and np.all(np.isfinite(first - second))
    ]  # fmt: skip
    for words, formula, kind in promising(segment, probe, pairs, replaced=False):
        for result in fitted(circuit, circuit.effect(segment.start, cotangent * formula), bare=1):
            factor = abs(result.coefficient)
            if abs(factor - 1.0) > 1e-6:
                kind = WRONG
            if circuit.recognise(factor) is None and abs(factor - 1.0) > 1e-6:
                continue
            times = "" if abs(factor - 1.0) < 1e-6 else f"{factor:.6g} times "
            says = (
                f"{{leaves}} {{is}} as if the derivative of {called(segment)} had {times}{words}, x "
                f"being {circuit.called(segment.start)}"
            )
            figures = {**evidence_figures(circuit, segment.end), "exchanged": words, "factor": factor}
            entries = sum(int(np.count_nonzero(circuit.subjects[n].wrong)) for n in result.leaves)
            cost = thin(FITTED, entries, 1)
            key = (segment.start, segment.end, words)
            yield result.guess(kind, cost, says, "Check where the activation belongs.", figures, key)
            yield result.guess(MISSING if kind == WRONG else WRONG, cost + 1.5, says, "", figures, key)


def _written(x: Floats) -> Iterator[tuple[str, Floats]]:
    yield "1", np.ones(x.shape)
    yield "x", x
    for words in ("sigmoid(v)", "tanh(v)", "exp(v)", "v > 0", "sin(v)"):
        yield words.replace("v", "x"), DERIVATIVES[words](x)
    yield "sigmoid(sigmoid(x))", DERIVATIVES["sigmoid(v)"](DERIVATIVES["sigmoid(v)"](x))
    yield "sigmoid(2 x)", DERIVATIVES["sigmoid(v)"](2.0 * x)
