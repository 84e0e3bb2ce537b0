"""A product's other operand left out or taken twice, and results whose cotangent does not come back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.explain.diagnose.circuit import Circuit
from gradcheck.explain.diagnose.experiment import Alteration, evidence_figures, explains
from gradcheck.explain.diagnose.guess import EXACT, Guess


def factors(circuit: Circuit) -> Iterator[Guess]:
    """A product or quotient whose other operand is left out on the way back, or taken twice."""
    for index, node in enumerate(circuit.nodes):
        if node.name not in ("multiply", "divide", "true_divide") or circuit.cotangents[index] is None:
            continue
        g = np.asarray(circuit.cotangents[index])
        for position, (parent, argument) in enumerate(node.parents):
            shape = np.shape(circuit.nodes[parent].value)
            other = np.asarray(node.args[1 - argument])
            if (
                circuit.spent
                or g.shape != shape
                or other.size < 2
                or (node.name != "multiply" and argument == 1)
            ):
                continue
            carried = circuit.carried(index, position)
            ratio = other if node.name == "multiply" else 1.0 / other
            for words, changed in (("left out", g), ("taken twice", carried * ratio)):
                if not np.all(np.isfinite(changed)):
                    continue
                result = explains(circuit, circuit.effect(parent, changed - carried))
                if result is not None:
                    yield from _factor(circuit, index, position, words, result)


def _factor(circuit: Circuit, index: int, position: int, words: str, result: Alteration) -> Iterator[Guess]:
    figures = {**evidence_figures(circuit, index), "factor": words}
    others = [p for p, _ in circuit.nodes[index].parents if p != circuit.nodes[index].parents[position][0]]
    what = circuit.called(others[0]) if others else "the other operand"
    says = (
        f"{{leaves}} {{is}} as if {what} were {words} where the way back goes through {circuit.called(index)}"
    )
    remedy = "The derivative of a product with respect to one factor is the other factor."
    yield result.guess(
        "missing_term" if words == "left out" else "scale",
        EXACT,
        says,
        remedy,
        figures,
        (index, position, words),
    )
    yield result.guess(
        "scale" if words == "left out" else "extra_term",
        EXACT + 1.5,
        says,
        remedy,
        figures,
        (index, position, words),
    )


def outputs(circuit: Circuit) -> Iterator[Guess]:
    """One of several results whose cotangent does not come back."""
    if len(circuit.starts) < 2:
        return
    for place, (node, start) in enumerate(circuit.starts.items()):
        effect = circuit.effect(node, start)
        result = explains(circuit, {n: -change for n, change in effect.items()})
        if result is not None:
            says = f"{{leaves}} {{is}} as if the cotangent of result {place} of f were ignored"
            remedy = "Each result of f hands its own cotangent back."
            figures = {**evidence_figures(circuit, node), "result": place}
            yield result.guess("missing_term", EXACT - 1.0, says, remedy, figures, ("output", place))
