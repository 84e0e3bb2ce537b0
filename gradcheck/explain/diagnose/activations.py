"""An activation's derivative left out, or another formula in its place: one altered derivative, all leaves below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.circuit import Circuit, Effect
from gradcheck.explain.diagnose.exchanged import exchanged
from gradcheck.explain.diagnose.experiment import Alteration, evidence_figures, explains, fitted
from gradcheck.explain.diagnose.formulas import DERIVATIVES, with_legend
from gradcheck.explain.diagnose.guess import EXACT, FITTED, MISSING, WRONG, Guess, thin
from gradcheck.explain.diagnose.promising import Candidate, probe_leaf, promising
from gradcheck.explain.diagnose.segments import Segment, called, named, segments

# What the formulas of one stretch cost, in steps of the backward pass.
CANDIDATES = 200


def activations(circuit: Circuit) -> Iterator[Guess]:
    """Hypotheses over every element-wise stretch, one at a time, then the same one in all its places."""
    found = list(segments(circuit))
    # the steps of a loop do the same: the name of one is that of all
    unknown: dict[tuple[str, ...], bool] = {}
    for segment in found:
        if segment.signature not in unknown:
            unknown[segment.signature] = named(segment) is None
    found.sort(key=lambda segment: (unknown[segment.signature], len(segment.inside)))
    told = False
    for segment in found:
        if circuit.spent:
            break
        for guess in _one(segment):
            told = told or (guess.cost < FITTED and set(guess.leaves) >= set(circuit.subjects))
            yield guess
    if not told:
        longest = {segment.start: segment for segment in found}
        for segment in found:
            if len(segment.inside) > len(longest[segment.start].inside):
                longest[segment.start] = segment
        for segment in longest.values():
            yield from exchanged(segment)
        yield from _everywhere(circuit, found)


def _everywhere(circuit: Circuit, found: list[Segment]) -> Iterator[Guess]:
    """The derivative of the same activation left out wherever it occurs: in all layers, at all time steps."""
    groups: dict[tuple[str, ...], list[Segment]] = {}
    for segment in found:
        groups.setdefault(segment.signature, []).append(segment)
    for members in sorted(groups.values(), key=lambda some: named(some[0]) is None):
        if circuit.spent:
            return
        tops = [one for one in members if one.derivative.size and np.ptp(one.derivative) > 0]
        if len(tops) < 2 or len({one.end for one in tops}) < len(tops):
            continue
        grads = circuit.sweep(circuit.starts, jumps={one.end: one.start for one in tops})
        result = explains(circuit, circuit.changed_by(grads))
        if result is not None:
            name = named(tops[0])
            what = f"each {name}" if name else f"each step ({', '.join(tops[0].signature)})"
            says = f"{{leaves}} {{is}} as if the derivative of {what}, {len(tops)} in all, were left out (taken as 1)"
            figures = {**evidence_figures(circuit, tops[0].end), "places": len(tops), "derivative_used": "1"}
            cost = (EXACT if name else FITTED - 0.5) - 0.3
            yield result.guess(
                MISSING, cost, says, "Multiply by it in every one.", figures, tops[0].signature
            )


def _one(segment: Segment) -> Iterator[Guess]:
    circuit = segment.circuit
    cotangent, true = circuit.cotangents[segment.end], segment.derivative
    if not np.any(cotangent) or np.shape(cotangent) != true.shape:
        return
    if true.size > 1 and np.any(true) and np.ptp(true) <= 1e-12 * np.max(np.abs(true)):
        return  # a constant derivative is a factor: that story is told elsewhere
    probe = probe_leaf(circuit, circuit.below[segment.start])
    if probe is None or circuit.spent:
        return
    circuit.count(CANDIDATES)
    candidates = [c for c in _candidates(segment) if np.all(np.isfinite(c[1] * cotangent))]
    fixed: Effect | None = None
    for words, formula, kind in promising(segment, probe, candidates):
        fixed = fixed or circuit.effect(segment.start, -cotangent * true)
        for result in fitted(circuit, circuit.effect(segment.start, cotangent * formula), fixed):
            plain = abs(result.coefficient - 1.0) < 1e-6  # of one number some factor makes any other
            if abs(result.coefficient) > 1e-9 and (plain or true.size > 1):
                yield from _guesses(segment, result, words, kind)


def _candidates(segment: Segment) -> Iterator[Candidate]:
    circuit, true = segment.circuit, segment.derivative
    yield "1", np.ones(true.shape), MISSING
    if segment.linear:
        return
    with np.errstate(all="ignore"):
        for letter, value in _arrays(segment):
            for words, formula in DERIVATIVES.items():
                candidate = formula(value)
                if np.all(np.isfinite(candidate)) and not _same(candidate, true):
                    yield words.replace("v", letter), candidate, WRONG
        yield "its square", true * true, WRONG
        start = circuit.array(segment.start)
        if start is not None:
            for words, factor in (("times its input", start), ("divided by its input", 1.0 / start)):
                if np.all(np.isfinite(factor)):
                    yield f"the derivative {words}", true * factor, WRONG
        if np.all(true != 0.0):
            yield "the inverse of the derivative", 1.0 / true, WRONG


def _arrays(segment: Segment) -> Iterator[tuple[str, Floats]]:
    """Input (x), output (y) and what lies between, as arrays that a formula may have been given."""
    circuit = segment.circuit
    shape = segment.derivative.shape
    before, after = circuit.array(segment.start), circuit.array(segment.end)
    if before is not None:
        yield "x", before
    if after is not None:
        yield "y", after
    for index in segment.inside[:-1]:
        value = np.asarray(circuit.nodes[index].value)
        if value.shape == shape and value.dtype.kind == "f":
            yield "u", value


def _same(candidate: Floats, true: Floats) -> bool:
    product = float(np.sum(candidate * true))
    return product * product >= (1 - 1e-14) * float(np.sum(candidate * candidate)) * float(
        np.sum(true * true)
    )


def _guesses(segment: Segment, result: Alteration, words: str, kind: str) -> Iterator[Guess]:
    circuit, factor = segment.circuit, result.coefficient
    name = named(segment)
    what = called(segment)
    entries = sum(int(np.count_nonzero(circuit.subjects[n].wrong)) for n in result.leaves)
    plain = abs(factor - 1.0) < 1e-6
    cost = EXACT - (0.5 if kind == MISSING else 0.0) - (0.5 if name else 0.0)
    # one fitted factor: 2, 1/2 and -1 are slips, any other number is suspect
    easy = any(abs(abs(factor) - f) < 1e-6 for f in (0.25, 0.5, 1.0, 2.0, 4.0))
    cost += 0.0 if plain else 1.0 if easy else 2.5 if circuit.recognise(factor) else 6.0
    cost = thin(cost, entries, 0 if plain else 1 if easy else 2)
    figures: dict[str, Any] = {
        **evidence_figures(circuit, segment.end),
        "derivative_used": words,
        "factor": factor,
    }
    figures |= {"activation": name} if name else {}
    key = (segment.start, segment.end, words)
    if kind == MISSING and plain:
        says = f"{{leaves}} {{is}} as if the derivative of {what} were left out (taken as 1)"
        remedy = "Multiply by that derivative where the chain goes through it."
    else:
        times = "" if plain else f"{factor:.6g} times "
        says = f"{{leaves}} {{is}} as if the derivative of {what} were {times}{with_legend(words)}"
        step = f"the {name}" if name else "that step"
        remedy = f"Check the formula, and whether it is given the input (x) or the output (y) of {step}."
    first, second = _kinds(segment, words, plain)
    yield result.guess(first, cost, says, remedy, figures, key)
    yield result.guess(second, cost + 1.5, says, remedy, figures, key)


def _kinds(segment: Segment, words: str, plain: bool) -> tuple[str, str]:
    """Kind and second kind of a derivative replaced by ``words``."""
    if segment.linear and not _mask(segment.derivative):
        return ("scale", "missing_term") if words == "1" else (WRONG, "scale")
    if words == "1":
        return (MISSING, WRONG) if plain else (WRONG, MISSING)
    # x where tanh(x), exp(x) or sigmoid(x) is due: the function itself was forgotten in the derivative
    return (MISSING, WRONG) if words in ("x", "1 - x", "1 + x", "u", "1 - u") else (WRONG, MISSING)


def _mask(derivative: Floats) -> bool:
    """Whether the derivative is 0 or one other number, as relu's and dropout's are."""
    nonzero = derivative[derivative != 0.0]
    return nonzero.size < derivative.size and (nonzero.size == 0 or float(np.ptp(nonzero)) == 0.0)
