"""An activation's derivative left out, or another formula in its place: one altered derivative, all leaves below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcheck.diagnose.circuit import Circuit, Effect
from gradcheck.diagnose.experiment import Alteration, evidence_figures, explains, fitted
from gradcheck.diagnose.formulas import DERIVATIVES, activation
from gradcheck.diagnose.guess import EXACT, FITTED, PATTERN, Guess, thin
from gradcheck.diagnose.segments import Segment, segments
from gradcheck.diagnose.sight import recognise
from gradcheck.diagnose.subject import norm
from gradcheck.evidence import Floats

MISSING, WRONG = "missing_activation_derivative", "wrong_activation_derivative"
Candidate = tuple[str, Floats, str]
# What the formulas of one stretch cost, in steps of the backward pass.
CANDIDATES = 200
# What is tried in all places at once, each a full pass backward.
COMMON_SLIPS = ("1", "y * (1 - y)", "1 - y**2", "y", "1 - y", "x", "x * (1 - x)", "1 - x**2", "y > 0", "x > 0",
                "sigmoid(x) * (1 - sigmoid(x))", "1 - tanh(x)**2")  # fmt: skip


def activations(circuit: Circuit) -> Iterator[Guess]:
    """Hypotheses over every element-wise stretch, one at a time, then the same one in all its places."""
    found = sorted(segments(circuit), key=lambda s: (_named(s) is None, len(s.inside)))
    told = False
    for segment in found:
        for guess in _one(segment):
            told = told or (guess.cost < FITTED and set(guess.leaves) >= set(circuit.subjects))
            yield guess
    if not told:
        longest = {segment.start: segment for segment in found}
        for segment in found:
            if len(segment.inside) > len(longest[segment.start].inside):
                longest[segment.start] = segment
        for segment in longest.values():
            yield from _exchanged(segment)
        yield from _everywhere(circuit, found)
        for segment in longest.values():
            yield from _polynomial(segment)


def _one(segment: Segment) -> Iterator[Guess]:
    circuit = segment.circuit
    cotangent, true = circuit.cotangents[segment.end], segment.derivative
    if not np.any(cotangent) or np.shape(cotangent) != true.shape:
        return
    if np.any(true) and np.ptp(true) <= 1e-12 * np.max(np.abs(true)):
        return  # a constant derivative is a factor: that story is told elsewhere
    probe = _probe(circuit, circuit.below[segment.start])
    if probe is None or circuit.spent:
        return
    circuit.count(CANDIDATES)
    candidates = [c for c in _candidates(segment) if np.all(np.isfinite(c[1] * cotangent))]
    fixed: Effect | None = None
    for words, formula, kind in _promising(segment, probe, candidates):
        fixed = fixed or circuit.effect(segment.start, -cotangent * true)
        for result, _ in fitted(circuit, fixed, [circuit.effect(segment.start, cotangent * formula)], bare=0):
            if abs(result.coefficient) > 1e-9:
                yield from _guesses(segment, result, words, kind)


def _exchanged(segment: Segment) -> Iterator[Guess]:
    """One function in the derivative written for another: claim - truth is their difference, pulled back."""
    circuit = segment.circuit
    x, cotangent = circuit.array(segment.start), circuit.cotangents[segment.end]
    probe = _probe(circuit, circuit.below[segment.start])
    if x is None or probe is None or circuit.spent or np.shape(cotangent) != x.shape:
        return
    pairs = [
        (f"{used} for {due}", first - second, MISSING if used in ("1", "x") else WRONG)
        for used, first in _written(x) for due, second in _written(x)
        if used != due and due not in ("1", "x") and np.all(np.isfinite(first - second))
    ]  # fmt: skip
    for words, formula, kind in _promising(segment, probe, pairs, replaced=False):
        for result, _ in fitted(circuit, None, [circuit.effect(segment.start, cotangent * formula)], bare=1):
            factor = abs(result.coefficient)
            if abs(factor - 1.0) > 1e-6:
                kind = WRONG
            if recognise(factor, circuit.evidence) is None and abs(factor - 1.0) > 1e-6:
                continue
            times = "" if abs(factor - 1.0) < 1e-6 else f"{factor:.6g} times "
            says = f"{{leaves}} {{is}} as if the derivative of {_what(segment)} had {times}{words}, x being {circuit.called(segment.start)}"
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


def _polynomial(segment: Segment) -> Iterator[Guess]:
    """Some formula not listed: the derivative as a cubic of the input or of the output."""
    circuit = segment.circuit
    cotangent, true = circuit.cotangents[segment.end], segment.derivative
    if circuit.spent or np.shape(cotangent) != true.shape or segment.linear:
        return
    for letter, node in (("y", segment.end), ("x", segment.start)):
        value = circuit.array(node)
        if value is None or np.ptp(value) == 0.0:
            continue
        fixed = circuit.effect(segment.start, -cotangent * true)
        shapes = [circuit.effect(segment.start, cotangent * value**power) for power in range(4)]
        for result, c in fitted(circuit, fixed, shapes, bare=5):
            rounded = ", ".join(f"{x:.4g}" for x in c)
            words = f"a cubic in {letter}, coefficients {rounded}"
            says = f"{{leaves}} {{is}} as if the derivative of {_what(segment)} were {words} from the constant up, {_legend(letter)}"
            figures = {**evidence_figures(circuit, segment.end), "coefficients": c.tolist()}
            yield result.guess(WRONG, FITTED + 1.0, says, "Check that derivative's formula.", figures, (segment.end, letter, "cubic"))


def own(circuit: Circuit) -> Iterator[Guess]:
    """Last resort for a leaf that goes through an element-wise function and nowhere else: some wrong derivative of it."""
    for number, subject in circuit.subjects.items():
        node = circuit.leaf_nodes[number]
        if np.count_nonzero(subject.wrong) < 3 or not 1 <= len(circuit.consumers[node]) <= 4:
            continue
        longest = max((s for s in segments(circuit) if s.start == node), key=lambda s: len(s.inside), default=None)
        if longest is None or longest.linear or any(c not in longest.inside for c, _ in circuit.consumers[node]):
            continue
        says = f"{{leaves}} {{is}} as if the derivative of {_what(longest)} were another function, none that is known here"
        figures = evidence_figures(circuit, longest.end)
        yield Guess(WRONG, (number,), 2 * PATTERN, says, "Check that derivative's formula.", figures, ("own", number))


def _what(segment: Segment) -> str:
    name = _named(segment)
    return f"the {name} of {segment.circuit.called(segment.start)}" if name else _unnamed(segment)


def _probe(circuit: Circuit, below: frozenset[int]) -> int | None:
    """The smallest wrong leaf with enough entries to test on before the large ones are computed."""
    wrong = [n for n in below if n in circuit.subjects]
    ample = [n for n in wrong if circuit.subjects[n].entries > 2] or wrong
    return min(ample, key=lambda n: circuit.subjects[n].entries, default=None)


def _promising(segment: Segment, probe: int, candidates: list[Candidate], replaced: bool = True) -> list[Candidate]:
    """Those of which a multiple, in place of the derivative, makes the error in projections of one leaf.

    Of several that are multiples of one another there, the first. Without ``replaced``, on top of the derivative.
    """
    circuit, cotangent = segment.circuit, segment.circuit.cotangents[segment.end]
    rows = circuit.projected(segment.start, probe)
    if rows is None or not candidates:
        return candidates
    carried = (rows * cotangent).reshape(len(rows), -1)
    weights = circuit.projections(probe).reshape(len(rows), -1)
    error = weights @ circuit.subjects[probe].error.ravel()
    target = error + (carried @ segment.derivative.ravel() if replaced else 0.0)
    shapes = carried @ np.stack([formula.ravel() for _, formula, _ in candidates]).T
    square = np.sum(shapes * shapes, axis=0)
    factor = np.divide(target @ shapes, square, out=np.zeros_like(square), where=square > 0)
    gaps = np.linalg.norm(target[:, None] - factor * shapes, axis=0)
    fitting = np.flatnonzero((gaps <= 1e-3 * norm(error) + 1e-9 * norm(target)) & (square > 0))
    made = np.round(shapes / np.where(shapes[:1] == 0, 1.0, shapes[:1]), 9)
    distinct = {tuple(made[:, i]): i for i in fitting[::-1]}
    return [candidates[i] for i in sorted(distinct.values())]


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
    return product * product >= (1 - 1e-14) * float(np.sum(candidate * candidate)) * float(np.sum(true * true))


def _named(segment: Segment) -> str | None:
    circuit = segment.circuit
    before, after = circuit.array(segment.start), circuit.array(segment.end)
    return None if before is None or after is None else activation(before, after)


def _guesses(segment: Segment, result: Alteration, words: str, kind: str) -> Iterator[Guess]:
    circuit, factor = segment.circuit, result.coefficient
    name = _named(segment)
    what = f"the {name} of {circuit.called(segment.start)}" if name else _unnamed(segment)
    entries = sum(int(np.count_nonzero(circuit.subjects[n].wrong)) for n in result.leaves)
    plain = abs(factor - 1.0) < 1e-6
    cost = EXACT - (0.5 if kind == MISSING else 0.0) - (0.5 if name else 0.0)
    # one fitted factor: 2, 1/2 and -1 are slips, any other number is suspect
    easy = any(abs(abs(factor) - f) < 1e-6 for f in (0.25, 0.5, 1.0, 2.0, 4.0))
    cost += 0.0 if plain else 1.0 if easy else 2.5 if recognise(factor, circuit.evidence) else 6.0
    cost = thin(cost, entries, 0 if plain else 1 if easy else 2)
    figures: dict[str, Any] = {**evidence_figures(circuit, segment.end), "derivative_used": words, "factor": factor}
    figures |= {"activation": name} if name else {}
    key = (segment.start, segment.end, words)
    if kind == MISSING and plain:
        says = f"{{leaves}} {{is}} as if the derivative of {what} were left out (taken as 1)"
        remedy = "Multiply by that derivative where the chain goes through it."
    else:
        times = "" if plain else f"{factor:.6g} times "
        says = f"{{leaves}} {{is}} as if the derivative of {what} were {times}{words}, {_legend(words)}"
        remedy = f"Check the formula, and whether it is given the input (x) or the output (y) of {'the ' + name if name else 'that step'}."
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
    return (MISSING, WRONG) if words in ("x", "1 - x", "u", "1 - u") else (WRONG, MISSING)


def _mask(derivative: Floats) -> bool:
    """Whether the derivative is 0 or one other number, as relu's and dropout's are."""
    nonzero = derivative[derivative != 0.0]
    return nonzero.size < derivative.size and (nonzero.size == 0 or float(np.ptp(nonzero)) == 0.0)


def _legend(words: str) -> str:
    parts = [t for letter, t in (("x", "x its input"), ("y", "y its output"), ("u", "u a value on the way")) if letter in words]
    return ", ".join(parts) or "whatever its input"


def _unnamed(segment: Segment) -> str:
    circuit = segment.circuit
    steps = [circuit.nodes[i].name for i in segment.inside]
    shown = ", ".join(steps if len(steps) <= 4 else [*steps[:2], "...", steps[-1]])
    return f"the step ({shown}) from {circuit.called(segment.start)}"


def _everywhere(circuit: Circuit, found: list[Segment]) -> Iterator[Guess]:
    """The same activation treated wrongly wherever it occurs: all layers, all time steps."""
    groups: dict[tuple[str, ...], list[Segment]] = {}
    for segment in found:
        groups.setdefault(segment.signature, []).append(segment)
    for members in sorted(groups.values(), key=lambda m: _named(m[0]) is None):
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
    name = _named(tops[0])
    what = f"each {name}" if name else f"each step ({', '.join(tops[0].signature)})"
    missing = words == "1"
    left = "left out (taken as 1)" if missing else f"{words}, {_legend(words)}"
    says = f"{{leaves}} {{is}} as if the derivative of {what}, {len(tops)} in all, were {left}"
    figures = {**evidence_figures(circuit, tops[0].end), "places": len(tops), "derivative_used": words}
    cost = (EXACT if name else FITTED - 0.5) + (-0.3 if missing else 0.2)
    return result.guess(MISSING if missing else WRONG, cost, says, "Multiply by the right derivative in every one.", figures, (tops[0].signature, words))
