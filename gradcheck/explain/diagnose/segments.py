"""Element-wise stretches of the computation: an activation, whether one call or a chain of primitives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.circuit import Circuit
from gradcheck.explain.diagnose.formulas import activation

ELEMENTWISE = frozenset((
    "add", "subtract", "multiply", "divide", "true_divide", "negative", "power", "float_power", "square", "sqrt",
    "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "sin", "cos", "tan", "sinh",
    "cosh", "tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "arctan2", "hypot", "abs",
    "absolute", "fabs", "maximum", "minimum", "fmax", "fmin", "where", "clip", "reciprocal", "sign", "erf",
    "expit", "real", "astype", "copy",
))  # fmt: skip
LINEAR = frozenset(
    ("add", "subtract", "negative", "multiply", "divide", "true_divide", "copy", "astype", "real")
)
# A stretch longer than this is no activation; its start may still lie further down.
LONGEST = 14
# How far before its end a stretch may start, apart from its root.
NEAR = 8


@dataclass(frozen=True)
class Segment:
    """From node ``start`` to node ``end``, entry by entry; ``inside`` are the nodes between, ``end`` included."""

    circuit: Circuit
    start: int
    end: int
    inside: tuple[int, ...]

    @cached_property
    def derivative(self) -> Floats:
        """The true derivative of end with respect to start, entry by entry."""
        circuit, inside = self.circuit, set(self.inside)
        outside = {
            (index, position): None
            for index in self.inside
            for position, (parent, _) in enumerate(circuit.nodes[index].parents)
            if parent not in inside and parent != self.start
        }
        ones = np.ones(np.shape(circuit.nodes[self.end].value))
        grads = circuit.sweep({self.end: ones}, edges=outside | _stopped(circuit, self.start))
        grad = grads.get(self.start)
        return np.zeros(ones.shape) if grad is None else np.asarray(grad)

    @property
    def linear(self) -> bool:
        """Whether nothing but factors and shifts that are constants lie in it."""
        nodes = self.circuit.nodes
        return all(nodes[i].name in LINEAR and len(nodes[i].parents) == 1 for i in self.inside)

    @property
    def signature(self) -> tuple[str, ...]:
        """The operations in order; equal for the same activation in another layer or time step."""
        return tuple(self.circuit.nodes[i].name for i in self.inside)


def _stopped(circuit: Circuit, start: int) -> dict[tuple[int, int], None]:
    return {(start, position): None for position in range(len(circuit.nodes[start].parents))}


def segments(circuit: Circuit) -> Iterator[Segment]:
    """Every stretch that ends in a node, from every node within it that it can be said to start from."""
    roots = _roots(circuit)
    for end, root in enumerate(roots):
        if root == end or circuit.array(end) is None or circuit.array(root) is None:
            continue
        members = _between(circuit, roots, root, end)
        if len(members) <= LONGEST:
            yield Segment(circuit, root, end, members)
        for start in members[-NEAR:-1]:
            inside = _between(circuit, roots, start, end)
            if _closed(circuit, inside, start):
                yield Segment(circuit, start, end, inside)


def _closed(circuit: Circuit, inside: tuple[int, ...], start: int) -> bool:
    allowed = {*inside, start}
    return all(parent in allowed for i in inside for parent, _ in circuit.nodes[i].parents)


def _roots(circuit: Circuit) -> list[int]:
    """For each node the one earlier node of equal shape that it is an element-wise function of, else itself."""
    roots: list[int] = []
    for index, node in enumerate(circuit.nodes):
        root = index
        if node.name in ELEMENTWISE and node.parents:
            shape = np.shape(node.value)
            found = {roots[parent] for parent, _ in node.parents}
            same = all(np.shape(circuit.nodes[parent].value) == shape for parent, _ in node.parents)
            if same and len(found) == 1:
                root = found.pop()
        roots.append(root)
    return roots


def _between(circuit: Circuit, roots: list[int], start: int, end: int) -> tuple[int, ...]:
    """Nodes that lead from start to end inside the stretch, in order, end included."""
    seen, stack = {end}, [end]
    while stack:
        for parent, _ in circuit.nodes[stack.pop()].parents:
            if parent > start and parent not in seen and roots[parent] == roots[end]:
                seen.add(parent)
                stack.append(parent)
    return tuple(sorted(seen))


def named(segment: Segment) -> str | None:
    circuit = segment.circuit
    before, after = circuit.array(segment.start), circuit.array(segment.end)
    return None if before is None or after is None else activation(before, after)


def called(segment: Segment) -> str:
    name = named(segment)
    return f"the {name} of {segment.circuit.called(segment.start)}" if name else unnamed(segment)


def unnamed(segment: Segment) -> str:
    circuit = segment.circuit
    steps = [circuit.nodes[i].name for i in segment.inside]
    shown = ", ".join(steps if len(steps) <= 4 else [*steps[:2], "...", steps[-1]])
    return f"the step ({shown}) from {circuit.called(segment.start)}"
