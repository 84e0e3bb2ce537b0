"""The traced computation laid open: what each step carries back, and what the leaves get of it.

A mistake in one local derivative changes the gradient by what that mistake, pulled back from where it sits,
adds to the leaves. Every experiment here is such a change of cotangent at one node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

import numpy as np
from autograd.core import add_outgrads
from autograd.tracer import trace

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.budget import Budget
from gradcheck.explain.diagnose.sight import Quantity, named, recognise
from gradcheck.explain.diagnose.subject import Subject
from gradcheck.explain.evidence import Evidence
from gradcheck.oracles.tracing.tape import Step, sweep

Edge = tuple[int, int]
"""A step that consumes a value, and at which of its parents' positions."""
Effect = dict[int, Floats]
"""What a change adds to the gradient, by number of leaf; a leaf that it cannot reach is left out."""

# Experiments stop when they have pulled through this many steps and entries: a second or two.
STEPS, ENTRIES = 30_000, 150_000_000
# Projections of one leaf on which an altered derivative is tried out before the leaves are computed.
PROJECTIONS = 4


class Circuit:
    """Nodes of the tape with their cotangents, for the wrong leaves of a check.

    Attributes
    ----------
    nodes
        The tape (`gradcheck.oracles.tracing.TapeNode`), leaves first.
    subjects
        Wrong leaves by number.
    consumers
        For each node the edges ``(consumer, position)`` that leave it.
    """

    def __init__(self, evidence: Evidence, subjects: Mapping[int, Subject], budget: Budget) -> None:
        tape = evidence.tape
        self.budget = budget
        self.evidence, self.subjects = evidence, dict(subjects)
        self.nodes = tape.nodes
        self.leaf_nodes: tuple[int, ...] = tape.leaf_nodes
        self.starts = _starts(evidence)
        self.consumers: list[list[tuple[int, int]]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for position, (parent, _) in enumerate(node.parents):
                self.consumers[parent].append((index, position))
        self.steps = self.entries = 0
        self._projected: dict[tuple[int, int], Floats | None] = {}

    @property
    def spent(self) -> bool:
        """Whether the budget for experiments is used up."""
        return self.steps > STEPS or self.entries > ENTRIES or self.budget.spent

    @cached_property
    def cotangents(self) -> list[Any]:
        """The true cotangent of every node; None where the output does not depend on it."""
        found = self.sweep(self.starts)
        return [found.get(index) for index in range(len(self.nodes))]

    @cached_property
    def below(self) -> list[frozenset[int]]:
        """For each node the numbers of the leaves that it depends on."""
        below: list[frozenset[int]] = []
        numbers = {node: number for number, node in enumerate(self.leaf_nodes)}
        for index, node in enumerate(self.nodes):
            own = {numbers[index]} if index in numbers else set()
            below.append(frozenset(own.union(*(below[parent] for parent, _ in node.parents))))
        return below

    def sweep(
        self,
        starts: Mapping[int, Any],
        edges: Mapping[tuple[int, int], Callable[[Any], Any] | None] | None = None,
        jumps: Mapping[int, int] | None = None,
        only: frozenset[int] | None = None,
    ) -> dict[int, Any]:
        """Cotangents of the nodes that lead to those at ``starts``.

        ``edges`` replaces local pullbacks, None cutting them; ``jumps`` hands the cotangent of a node to an ancestor
        as it is, and to nothing else. With ``only``, what does not lead to one of these leaves is left out.
        """
        edges, jumps = edges or {}, jumps or {}
        grads: dict[int, tuple[Any, bool]] = {}
        waiting: list[int] = []

        def add(index: int, g: Any) -> None:
            if index not in grads:
                heappush(waiting, -index)
            grads[index] = add_outgrads(grads.get(index), g)

        for index, start in starts.items():
            add(index, start)
        while waiting:
            index = -heappop(waiting)
            node, g = self.nodes[index], grads[index][0]
            if index in jumps:
                add(jumps[index], g)
                continue
            for position, (parent, _) in enumerate(node.parents):
                if only is not None and not (only & self.below[parent]):
                    continue
                pull = edges.get((index, position), node.vjps[position])
                if pull is not None:
                    add(parent, pull(g))
                    self.steps += 1
                    self.entries += np.size(g)
        return {index: grad for index, (grad, _) in grads.items()}

    def carried(self, node: int, position: int) -> Any:
        """What the edge adds to its parent's cotangent."""
        # an index's pullback is sparse; adding it to nothing makes an array of it
        return add_outgrads(None, self.nodes[node].vjps[position](self.cotangents[node]))[0]

    def effect(self, node: int, change: Any, only: frozenset[int] | None = None) -> Effect:
        """What ``change`` of the node's cotangent adds to the leaves."""
        return self.at_leaves(
            self.sweep({node: change}, only=only), self.below[node] if only is None else only
        )

    def projections(self, number: int) -> Floats:
        """Fixed irregular weights on the entries of a leaf, `PROJECTIONS` of them."""
        truth = self.evidence.leaves[number].truth
        rows = np.arange(PROJECTIONS)[:, None] + 1.0
        weights = np.sin(rows * 1.7 + np.arange(truth.size) * (rows + 0.37))
        return np.where(np.isfinite(truth).ravel(), weights, 0.0).reshape(PROJECTIONS, *truth.shape)

    def projected(self, node: int, number: int) -> Floats | None:
        """Arrays q with ``sum(q * change) = sum(weights * effect(node, change)[number])``, one a projection.

        They are the derivative of the pullback itself, which is linear in what is pulled back; None where
        autograd cannot differentiate one of its rules.
        """
        if (node, number) not in self._projected:
            self._projected[node, number] = self._project(node, number)
        return self._projected[node, number]

    def _project(self, node: int, number: int) -> Floats | None:
        only, leaf = frozenset({number}), self.leaf_nodes[number]
        steps: list[Step] = []
        try:
            root = Step.new_root(self.array(node), steps)
            out, end = trace(root, lambda change: self.sweep({node: change}, only=only)[leaf], root.value)
            starts = [np.reshape(w, np.shape(out)) for w in self.projections(number)]
            rows = [sweep(steps, [end.index], [start], {})[root.index] for start in starts]
        except Exception:  # not every rule can be differentiated again; then each change is pulled back whole
            return None
        return np.stack(
            [np.broadcast_to(np.asarray(row, dtype=np.float64), np.shape(root.value)) for row in rows]
        )

    def at_leaves(self, grads: Mapping[int, Any], numbers: frozenset[int]) -> Effect:
        """The cotangents of these leaves as plain arrays."""
        found = {}
        for number in sorted(numbers):
            grad = grads.get(self.leaf_nodes[number])
            shape = self.evidence.leaves[number].truth.shape
            found[number] = np.zeros(shape) if grad is None else np.real(np.asarray(grad)).reshape(shape)
        return found

    @cached_property
    def truth(self) -> Effect:
        """The gradient as the tape gives it."""
        return self.at_leaves(dict(enumerate(self.cotangents)), frozenset(range(len(self.leaf_nodes))))

    def changed_by(self, grads: Mapping[int, Any]) -> Effect:
        """What other cotangents than the true ones add to the leaves."""
        effect = self.at_leaves(grads, frozenset(range(len(self.leaf_nodes))))
        return {number: effect[number] - self.truth[number] for number in effect}

    @cached_property
    def _named(self) -> tuple[Quantity, ...]:
        return named(self.evidence)

    def recognise(self, factor: float) -> Quantity | None:
        """What in sight the size of the factor equals, as `gradcheck.explain.diagnose.sight.recognise` tells."""
        return recognise(factor, self.evidence, known=self._named)

    def count(self, steps: int) -> None:
        """Note work done elsewhere against the budget."""
        self.steps += steps

    def array(self, index: int) -> Floats | None:
        """The node's value where it is a plain real array with a cotangent, else None."""
        value = self.nodes[index].value
        plain = isinstance(value, np.ndarray | np.generic | float) and np.asarray(value).dtype.kind == "f"
        return np.asarray(value) if plain and self.cotangents[index] is not None else None

    def called(self, index: int) -> str:
        """The node in words: a leaf by its path, else the operation and the shape of its result."""
        if index in self.leaf_nodes:
            return self.evidence.leaves[self.leaf_nodes.index(index)].path
        node = self.nodes[index]
        name = NAMES.get(node.name, node.name)
        shape = np.shape(node.value)
        return f"{name} of shape {shape}" if shape else name

    def path(self, edge: Edge) -> str:
        """An edge in words."""
        node, position = edge
        parent, argument = self.nodes[node].parents[position]
        place = self.called(node)
        source = self.called(parent)
        many = len(self.nodes[node].parents) > 1
        return f"the path from {source} into {place}{f' (its operand {argument + 1})' if many else ''}"


NAMES = {
    "matmul": "the matrix product", "dot": "the matrix product", "einsum": "the einsum", "add": "the sum",
    "subtract": "the difference", "multiply": "the product", "divide": "the quotient", "true_divide": "the quotient",
    "mean": "the mean", "sum": "the sum over entries", "var": "the variance", "std": "the standard deviation",
    "power": "the power", "negative": "the negative", "getitem": "the slice", "__getitem__": "the slice",
    "max": "the maximum", "maximum": "the maximum", "where": "the choice",
}  # fmt: skip


def _starts(evidence: Evidence) -> dict[int, Floats]:
    """The check's cotangent, output by output."""
    starts: dict[int, Floats] = {}
    tape, place = evidence.tape, 0
    flat = None if evidence.cotangent is None else np.ravel(evidence.cotangent)
    for end, output in zip(tape.output_nodes, tape.outputs, strict=True):
        size = int(np.size(output))
        piece = (
            np.ones(np.shape(output))
            if flat is None
            else flat[place : place + size].reshape(np.shape(output))
        )
        place += size
        if end is not None:
            starts[end] = starts[end] + piece if end in starts else piece
    return starts


def circuit_of(evidence: Evidence, found: Mapping[int, Subject], budget: Budget) -> Circuit | None:
    """The circuit, where f was traced, a leaf is wrong, and the tape's own gradient is the truth."""
    if evidence.tape is None or not found:
        return None
    try:
        circuit = Circuit(evidence, found, budget)
        agrees = all(_agrees(subject, circuit.truth[number]) for number, subject in found.items())
    except Exception:  # a rule of autograd's that fails here fails for good; the leaves alone must tell then
        return None
    return circuit if agrees else None


def _agrees(subject: Subject, traced: Floats) -> bool:
    known = subject.known
    off = np.abs(traced - subject.truth)[known]
    entry, leaf = subject.rounding
    allowed = 10 * subject.leaf.bound[known] + entry * np.abs(traced[known]) + leaf * subject.scale
    # a truth of nearly 0 by cancellation differs by its rounding; small beside the error is good enough
    return bool(np.all(off <= allowed + 1e-4 * np.max(np.abs(subject.error))))
