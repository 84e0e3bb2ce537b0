"""Steps that mix entries, differentiated as if they did not, or with the wrong matrix: softmax and products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.circuit import Circuit
from gradcheck.explain.diagnose.experiment import evidence_figures, explains
from gradcheck.explain.diagnose.guess import EXACT, MISSING, WRONG, Guess


def softmax(circuit: Circuit) -> Iterator[Guess]:
    """The softmax's Jacobian without its off-diagonal, or replaced by something simpler."""
    for start, end, axis in _softmaxes(circuit):
        p, g = np.asarray(circuit.nodes[end].value), circuit.cotangents[end]
        inner = np.sum(p * g, axis=axis, keepdims=True)
        true = p * (g - inner)
        for words, first, second, changed in _alternatives(p, g, inner, axis):
            result = explains(circuit, circuit.effect(start, changed - true))
            if result is not None:
                says = f"{{leaves}} {{is}} as if the softmax had as its derivative {words}"
                remedy = (
                    "The pullback of p = softmax(z) is p * (g - sum(p * g)): every output depends on"
                    " every input."
                )
                figures = {**evidence_figures(circuit, end), "derivative_used": words, "axis": axis}
                yield result.guess(first, EXACT - 0.8, says, remedy, figures, (end, words))
                yield result.guess(second, EXACT + 0.7, says, remedy, figures, (end, words))


def _alternatives(p: Floats, g: Floats, inner: Floats, axis: int) -> Iterator[tuple[str, str, str, Floats]]:
    """(what stands for the pullback p * (g - inner), kind, second kind, its value)."""
    term, sign = "missing_term", "sign"
    yield "only the diagonal of its Jacobian, p (1 - p)", term, WRONG, g * p * (1 - p)
    yield "p times the cotangent, without the sum over its entries", term, WRONG, g * p
    yield "1", MISSING, WRONG, g + 0.0 * p
    yield "the cotangent less its sum against p", WRONG, term, g - inner
    yield "its sum against p alone", term, WRONG, -p * inner
    yield "its Jacobian with the sign of the off-diagonal lost", sign, WRONG, p * (g + inner - 2 * p * g)
    yield "its Jacobian with p for the diagonal, the square left out", term, WRONG, p * (g - inner + p * g)
    yield "its Jacobian with a plus between its two terms", sign, WRONG, p * (g + inner)
    yield "p (1 - p) summed", WRONG, term, p * (1 - p) * np.sum(g, axis=axis, keepdims=True)


def _softmaxes(circuit: Circuit) -> Iterator[tuple[int, int, int]]:
    """(node of the logits, node of the probabilities, axis), the earliest logits where several would do."""
    for end in range(len(circuit.nodes)):
        p = circuit.array(end)
        if p is None or p.ndim < 1 or p.size < 2 or np.min(p) < 0.0 or np.max(p) > 1.0:
            continue
        for axis in range(p.ndim):
            if p.shape[axis] > 1 and np.allclose(p.sum(axis=axis), 1.0, rtol=0.0, atol=1e-9):
                start = _logits(circuit, end, p, axis)
                if start is not None:
                    yield start, end, axis
                break


def _logits(circuit: Circuit, end: int, p: Floats, axis: int) -> int | None:
    with np.errstate(divide="ignore"):
        logs = np.log(p)
    if not np.all(np.isfinite(logs)):
        return None
    for index in range(end):
        z = np.asarray(circuit.nodes[index].value) if circuit.array(index) is not None else None
        if z is not None and z.shape == p.shape and np.ptp(z) > 0:
            offset = logs - z
            if np.allclose(
                offset, offset.mean(axis=axis, keepdims=True), rtol=0.0, atol=1e-9 * (1 + np.max(np.abs(z)))
            ):
                return index
    return None


def products(circuit: Circuit) -> Iterator[Guess]:
    """Going back through a product with a square matrix that should have been transposed."""
    for index, node in enumerate(circuit.nodes):
        if node.name not in ("matmul", "dot") or circuit.cotangents[index] is None or circuit.spent:
            continue
        a, b = (np.asarray(arg) for arg in node.args[:2])
        g = np.asarray(circuit.cotangents[index])
        for parent, argument in node.parents:
            changed = _untransposed(a, b, g, argument)
            shape = np.shape(circuit.nodes[parent].value)
            if changed is None or changed.shape != shape:
                continue
            position = next(p for p, edge in enumerate(node.parents) if edge == (parent, argument))
            result = explains(circuit, circuit.effect(parent, changed - circuit.carried(index, position)))
            if result is None:
                continue
            says = (
                f"{{leaves}} {{is}} as if the way back through {circuit.called(index)} used the "
                "matrix itself, not its transpose"
            )
            remedy = "For y = x @ W the pullback of x is g @ W.T."
            yield result.guess(
                "transpose", EXACT - 0.5, says, remedy, evidence_figures(circuit, index), (index, argument)
            )


def _untransposed(a: Floats, b: Floats, g: Floats, argument: int) -> Floats | None:
    """The pullback of one factor with the other one not transposed, None where shapes forbid it."""
    other = b if argument == 0 else a
    if other.ndim != 2 or other.shape[0] != other.shape[1] or g.ndim > 2 or g.ndim < 1:
        return None
    return np.asarray(g @ other if argument == 0 else other @ g)
