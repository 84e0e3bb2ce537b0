"""The tape: what was computed, in order, and how each step pulls a cotangent back to its parents."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from autograd.core import SparseObject, VJPNode, add_outgrads, primitive_vjps
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import Node, getval, notrace_primitives
from numpy.typing import NDArray

from gradcheck.oracles.tracing.refusal import Untraceable, explain, refuse

Floats = NDArray[np.float64]
Pull = Callable[[Any], Any]
Override = Mapping[tuple[int, int], Pull]

rules: dict[Any, dict[int, Callable[..., Pull]]] = {}
"""Local derivative rules by primitive and argument: ``maker(value, *args, **kwargs) -> g -> pulled back``.

They come before autograd's own, and autograd never sees them.
"""


@contextmanager
def collector_paused() -> Iterator[None]:
    """No garbage collection within: it would walk a growing tape, of which nothing is garbage, time and again."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


class Step(Node):  # type: ignore[misc]
    """One recorded call of a primitive. autograd creates it, in the place of its own node.

    ``tape`` holds the steps while they are recorded. It is emptied afterwards: what refers to itself waits for the
    garbage collector, with all arrays on it.
    """

    __slots__ = ("argnums", "args", "fun", "index", "kwargs", "parents", "pulls", "tape", "value")

    def __init__(
        self,
        value: Any,
        fun: Any,
        args: Any,
        kwargs: Any,
        argnums: tuple[int, ...],
        parents: tuple[Step, ...],
    ) -> None:
        if fun not in rules and fun not in primitive_vjps:
            refuse(f"{getattr(fun, '__name__', fun)} has no derivative rule")
        self.value, self.fun, self.args, self.kwargs = value, fun, args, kwargs
        self.argnums, self.parents = argnums, parents
        self.pulls: tuple[Pull, ...] | None = None
        self.tape: list[Step] = parents[0].tape
        self.index = len(self.tape)
        self.tape.append(self)

    def initialize_root(self, value: Any, tape: list[Step]) -> None:
        """Make this the step of a leaf, which has no parents."""
        self.value, self.fun, self.args, self.kwargs = value, None, (), {}
        self.argnums, self.parents, self.pulls = (), (), ()
        self.tape, self.index = tape, len(tape)
        tape.append(self)

    def prepare(self) -> tuple[Pull, ...]:
        """One pullback for each parent, made once."""
        if self.pulls is None:
            self.pulls = tuple([self._pull(argnum) for argnum in self.argnums])
        return self.pulls

    def _pull(self, argnum: int) -> Pull:
        if (makers := rules.get(self.fun)) is None:
            pull = primitive_vjps[self.fun]((argnum,), self.value, self.args, self.kwargs)
            return lambda g: next(iter(pull(g)))
        if argnum not in makers:
            refuse(f"{self.fun.__name__} has no derivative rule by its argument {argnum}")
        return makers[argnum](self.value, *self.args, **self.kwargs)


def record(raw: Any, primitive: Any, boxes: Sequence[Any]) -> Any:
    """``primitive(*boxes)``, which is ``raw`` on plain values, without autograd's layers where none is nested."""
    values: list[Any] = []
    argnums: list[int] = []
    parents: list[Step] = []
    level = -1
    for argnum, box in enumerate(boxes):
        if type(box) is not ArrayBox:
            values.append(box)
            continue
        if type(box._value) is ArrayBox or (parents and box._trace != level):
            return primitive(*boxes)
        values.append(box._value)
        argnums.append(argnum)
        parents.append(box._node)
        level = box._trace
    value = raw(*values)
    return ArrayBox(value, level, Step(value, primitive, values, {}, tuple(argnums), tuple(parents)))


# what autograd treats as constant (comparisons, argmax, floor, ...) is constant for this kind of node too
notrace_primitives[Step] = notrace_primitives[VJPNode]


@dataclass(frozen=True)
class TapeNode:
    """One step of the computation as the diagnosis reads it.

    Attributes
    ----------
    name
        The primitive, by autograd's name: "dot", "add", "tanh", "__getitem__"; "leaf" for a differentiated
        leaf.
    value
        What the step computed: a plain array (a tuple of arrays for slogdet and its like).
    parents
        ``(node, argument)`` pairs: the index of the parent in `Trace.nodes` and the position of the
        primitive's argument that it was.
    args
        All arguments of the primitive, plain; those that are not parents are constants.
    vjps
        For each parent, ``g -> contribution to the parent's cotangent``.
    """

    name: str
    value: Any
    parents: tuple[tuple[int, int], ...]
    args: tuple[Any, ...]
    vjps: tuple[Pull, ...]


class Trace:
    """A function differentiated at one point: evaluated once, to be pulled back as often as one likes.

    Attributes
    ----------
    outputs
        The leaves of the function's result in order, as float64 arrays.
    leaf_nodes, output_nodes
        Index in `nodes` of each differentiated leaf and each output; None for an output that depends on
        none of them.
    """

    def __init__(
        self, leaves: Sequence[Step], ends: Sequence[Step | None], outputs: Sequence[Floats]
    ) -> None:
        self.steps = _ancestors(leaves, [end for end in ends if end is not None])
        self.leaf_nodes = tuple(leaf.index for leaf in leaves)
        self.output_nodes = tuple(None if end is None else end.index for end in ends)
        self.outputs = tuple(outputs)
        for leaf in leaves:
            leaf.tape.clear()
        for step in self.steps:
            step.prepare()

    @cached_property
    def nodes(self) -> tuple[TapeNode, ...]:
        """The tape in topological order, leaves first; steps that no output depends on are left out."""
        return tuple(_public(step) for step in self.steps)

    def pullback(self, cotangents: Sequence[Any]) -> tuple[Floats, ...]:
        """The vector-Jacobian product: one cotangent for each output, one float64 array for each path."""
        return self.backward(cotangents)

    def backward(self, cotangents: Sequence[Any], override: Override | None = None) -> tuple[Floats, ...]:
        """`pullback` with some local derivatives replaced.

        Parameters
        ----------
        cotangents
            One array for each output, in its shape.
        override
            ``{(node, parent_position): g -> g}`` replaces the vjp of that node with respect to its parent at
            that position in ``nodes[node].parents``.

        Raises
        ------
        ValueError
            For cotangents of the wrong number or shape.
        Untraceable
            When one of autograd's rules fails.
        """
        starts = [np.asarray(g, dtype=np.float64) for g in cotangents]
        if [g.shape for g in starts] != [y.shape for y in self.outputs]:
            raise ValueError(
                f"cotangents: shapes {[g.shape for g in starts]} came, "
                f"but the outputs have {[y.shape for y in self.outputs]}"
            )
        try:
            with np.errstate(all="ignore"), collector_paused():
                grads = sweep(self.steps, self.output_nodes, starts, override or {})
            return tuple(_dense(grads[node], self.steps[node].value) for node in self.leaf_nodes)
        except Exception as error:
            raise explain(error) from error


def sweep(
    steps: Sequence[Step],
    ends: Sequence[int | None],
    starts: Sequence[Any],
    override: Override,
    rounded: Pull = lambda g: g,
) -> list[Any]:
    """Cotangents of all steps, last to first; None where an output does not depend on the step.

    ``rounded`` is what each of them goes through on its way.
    """
    grads: list[Any] = [None] * len(steps)
    for end, start in zip(ends, starts, strict=True):
        if end is not None:
            grads[end] = add_outgrads(grads[end], start)
    for step in reversed(steps):
        if grads[step.index] is None or not step.parents:
            continue
        g = rounded(grads[step.index][0])
        for position, (parent, pull) in enumerate(zip(step.parents, step.prepare(), strict=True)):
            if override:
                pull = override.get((step.index, position), pull)
            pulled = rounded(pull(g))
            _check_shape(step, parent, pulled)
            grads[parent.index] = _added(grads[parent.index], pulled)
    return [None if grad is None else grad[0] for grad in grads]


def _added(total: Any, g: Any) -> Any:
    """A cotangent and whether it may be written into, with ``g`` added; autograd's way but for plain arrays."""
    if total is not None and isinstance(g, SparseObject) and type(total[0]) is np.ndarray:
        whole = total[0] if total[1] else np.array(total[0], dtype=g.vs.dtype)
        return g.mut_add(whole), True
    if total is None or type(g) is not np.ndarray or type(total[0]) is not np.ndarray:
        return add_outgrads(total, g)
    if total[1] and total[0].dtype == g.dtype:
        total[0][...] += g
        return total
    return total[0] + g, True


def _check_shape(step: Step, parent: Step, pulled: Any) -> None:
    # autograd's rules do not all undo broadcasting; what is added up afterwards would hide it
    if step.fun in rules:
        return
    wanted = getval(parent.value)
    if isinstance(pulled, np.ndarray) and hasattr(wanted, "shape") and pulled.shape != wanted.shape:
        raise Untraceable(f"autograd's rule for {step.fun.__name__} returned the wrong shape")


def _dense(grad: Any, value: Any) -> Floats:
    shape = np.shape(value)
    if grad is None:
        return np.zeros(shape)
    array = np.asarray(grad)
    if array.shape != shape:
        raise Untraceable(f"autograd's derivative has shape {array.shape} where {shape} was due")
    # a complex intermediate leaves a real leaf with a complex cotangent; its real part is the gradient
    return np.array(array.real, dtype=np.float64)


def _ancestors(leaves: Sequence[Step], ends: Sequence[Step]) -> list[Step]:
    """All leaves and every step that an end depends on, renumbered in the order they were computed."""
    found = {id(step): step for step in leaves}
    stack = list(ends)
    while stack:
        step = stack.pop()
        if id(step) not in found:
            found[id(step)] = step
            stack.extend(step.parents)
    steps = sorted(found.values(), key=lambda step: step.index)
    for index, step in enumerate(steps):
        step.index = index
    return steps


def _public(step: Step) -> TapeNode:
    name = "leaf" if step.fun is None else getattr(step.fun, "__name__", str(step.fun))
    parents = tuple((p.index, n) for p, n in zip(step.parents, step.argnums, strict=True))
    args = tuple(getval(arg) for arg in step.args)
    return TapeNode(name, getval(step.value), parents, args, step.prepare())
