"""Paths of the chain rule left out, counted twice, or taken with a wrong sign or factor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.explain.diagnose.circuit import Circuit, Edge, Effect
from gradcheck.explain.diagnose.experiment import Alteration, evidence_figures, explains, fitted
from gradcheck.explain.diagnose.guess import EXACT, FITTED, Guess, thin
from gradcheck.explain.diagnose.scale import fitted_factor
from gradcheck.explain.diagnose.several import alike, statistics, two


def paths(circuit: Circuit) -> Iterator[Guess]:
    """One path altered; else several left out together."""
    told = False
    effects = dict(_effects(circuit))
    for edge, effect in effects.items():
        for result in fitted(circuit, effect):
            if not _telling(circuit, result):
                continue
            for guess in _one_path(circuit, edge, effect, result):
                told = told or (guess.cost < FITTED and set(guess.leaves) >= set(circuit.subjects))
                yield guess
    if not told:
        yield from statistics(circuit)
        yield from alike(circuit, effects)
        yield from two(circuit, effects)


def _effects(circuit: Circuit) -> Iterator[tuple[Edge, Effect]]:
    """What each edge carries to the leaves, for edges that do not carry the same as a neighbour."""
    for index, node in enumerate(circuit.nodes):
        if circuit.spent:
            return
        if circuit.cotangents[index] is None:
            continue
        for position, (parent, _) in enumerate(node.parents):
            alone = len(node.parents) == 1 and len(circuit.consumers[parent]) == 1
            chained = len(node.parents) == 1 and len(circuit.consumers[index]) == 1
            if alone or chained or not (circuit.below[parent] & set(circuit.subjects)):
                continue
            carried = circuit.carried(index, position)
            if np.all(np.isfinite(carried)):
                yield (index, position), circuit.effect(parent, carried)


def _one_path(circuit: Circuit, edge: Edge, effect: Effect, result: Alteration) -> Iterator[Guess]:
    node = edge[0]
    factor = 1.0 + result.coefficient
    entries = sum(int(np.count_nonzero(effect[n])) for n in result.leaves)
    what = circuit.path(edge)
    figures = {**evidence_figures(circuit, node), "factor": factor, **_as_penalty(circuit, effect, result)}
    kind, cost, clause = _verdict(circuit, factor, bool(figures.get("multiple_of")))
    if figures.get("multiple_of"):
        what += f" ({figures['coefficient']:.6g} times {figures['multiple_of']})"
    says = f"{{leaves}} {{is}} as if {what} {clause}"
    remedy = (
        "Every path from the argument to the result adds its own term: the product rule, the "
        "regulariser, the mean."
    )
    if abs(factor) < 1e-6 and _is_all(circuit, effect, result):
        cost += 2.0  # then the claim is simply 0
    key = (edge, round(factor, 6))
    yield result.guess(kind, thin(cost, entries, 1), says, remedy, figures, key)
    second = "missing_term" if kind in ("sign", "scale") else "scale" if factor else "zero"
    if second != "zero":
        yield result.guess(second, thin(cost + 1.5, entries, 1), says, remedy, figures, key)


def _telling(circuit: Circuit, result: Alteration) -> bool:
    """Whether the fit says anything: some factor always fits a single number."""
    easy = any(abs(result.coefficient - c) < 1e-6 for c in (-1.0, -2.0, -0.5, 1.0))
    return easy or any(circuit.subjects[n].entries > 1 for n in result.leaves)


def _verdict(circuit: Circuit, factor: float, penalty: bool) -> tuple[str, float, str]:
    """Kind, cost and words for a path that counts ``factor`` times."""
    if abs(factor) < 1e-6:
        return "missing_term", EXACT - 1.0, "were left out"
    if abs(factor + 1.0) < 1e-6:
        return "sign", EXACT - 0.5, "had the opposite sign"
    easy, quantity = abs(factor - 2.0) < 1e-6 or abs(factor - 0.5) < 1e-6, circuit.recognise(factor)
    if penalty:
        kind = "extra_term" if factor > 1.0 else "missing_term"
        return kind, EXACT - 0.5 if easy or quantity else FITTED, f"counted {factor:.6g} times"
    if easy:
        return "scale", EXACT, f"counted {factor:.6g} times"
    if quantity is not None:
        return "scale", EXACT + 0.5 + quantity.weight, f"counted {factor:.6g} times ({quantity.meaning})"
    return "scale", FITTED + 3.0, f"counted {factor:.6g} times"


def _is_all(circuit: Circuit, effect: Effect, result: Alteration) -> bool:
    return all(np.allclose(effect[n], circuit.truth[n]) for n in result.leaves)


def _as_penalty(circuit: Circuit, effect: Effect, result: Alteration) -> dict[str, object]:
    """Whether the path's term is a multiple of the leaf's own value, as a quadratic penalty's is."""
    number = result.leaves[0]
    leaf = circuit.evidence.leaves[number]
    if leaf.value.shape != effect[number].shape or leaf.value.size < 2:
        return {}
    for words, value in (
        (leaf.path, leaf.value),
        (f"sign({leaf.path})", np.sign(leaf.value)),
        ("a constant", np.ones(leaf.value.shape)),
    ):
        factor = fitted_factor(effect[number], value)
        if factor and np.allclose(factor * value, effect[number], rtol=1e-7, atol=0.0):
            return {"multiple_of": words, "coefficient": factor}
    return {}


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
