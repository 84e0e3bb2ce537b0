"""What one pass could not have seen, gathered."""

from __future__ import annotations

import ast
import dis
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from types import CodeType
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.callees import callees, globals_of, values_named
from gradcheck.ask.point import Point
from gradcheck.ask.source import tree_of
from gradcheck.ask.task import Task
from gradcheck.findings import Blind, Branch, Unseen
from gradcheck.judge.examine import Examined
from gradcheck.unseen.arrays import DEEP, NATURAL, Spread, of_arguments, of_layer, special
from gradcheck.unseen.branches import CHOOSING, Call, books, one_sided, shares, watched

_SLOW = 0.2
"""Seconds of a call beyond which the lines that run are not followed: that takes several times as long."""

_BUILTIN = frozenset({"max", "min"})
"""Functions of Python that choose; methods of these names do not."""


def unseen(task: Task, seen: Examined) -> tuple[tuple[Unseen, ...], tuple[Branch, ...]]:
    """The blind spots of a check at its point, and its branches, by a further call of f and of the claim."""
    told = books([*_calls(task, seen)])
    found = [
        *special(task.given or task.where, task.f.function, _spreads(seen)),
        *of_layer(task.layer),
        *(() if task.given else (*_of_entries(task, seen), *_of_twins(task.where))),
        *(one for whose, book in told.items() for one in one_sided(book, whose)),
        *_of_cotangent(task),
    ]
    return _each_once(found), tuple(one for whose, book in told.items() for one in shares(book, whose))


def movable(task: Task, seen: Examined) -> tuple[Unseen, ...]:
    """Of these what is gone at a point beside; symmetry may be what f is made for."""
    if task.given is not None:
        return ()
    leaves = {slot.path for slot in task.where.slots}
    found = [*of_arguments(task.where), *_of_entries(task, seen), *_of_twins(task.where)]
    return _each_once([one for one in found if one.kind in _MOVABLE and one.where in leaves])


_MOVABLE = (Blind.CONSTANT, Blind.ROWS)


def _each_once(found: Sequence[Unseen]) -> tuple[Unseen, ...]:
    """By what is said of them: f and claim may call the same."""
    return tuple({one.message: one for one in reversed(found)}.values())[::-1]


def _spreads(seen: Examined) -> frozenset[Spread]:
    """What is spread over what in f: shapes of operands, and the larger shapes that come of them."""
    steps = () if seen.tape is None else seen.tape.steps
    return frozenset(
        (np.shape(operand), np.shape(step.value))
        for step in steps
        for operand in step.args
        if isinstance(operand, np.ndarray) and _is_elementwise(getattr(step.fun, "fun", step.fun))
    )


def _is_elementwise(function: Any) -> bool:
    is_ufunc = isinstance(function, np.ufunc) and function.signature is None
    return is_ufunc or function in (np.where, np.broadcast_to)


def _calls(task: Task, seen: Examined) -> Iterator[Call]:
    """The calls of f and of the claim that show which way their branches go at the point."""
    f, claim, u = task.f, task.claim, seen.u
    checked = {slot.keys for slot in task.where.slots}
    if _holds_integers(task) or _may_choose(f.function, task):
        yield Call(
            f.label,
            lambda: f(*watched(_point(task), checked)),
            lambda: f(*_point(task)),
            f.seconds <= _SLOW,
        )
    if u is not None and _may_choose(claim.function, task):

        def ask(args: tuple[Any, ...]) -> None:
            task.ask(task.where, args, u, seen.look.output)

        yield Call(
            claim.label,
            lambda: ask(watched(_point(task), checked)),
            lambda: ask(_point(task)),
            claim.seconds <= _SLOW,
        )


def _point(task: Task) -> tuple[Any, ...]:
    return task.where.copied(task.where.args)


def _holds_integers(task: Task) -> bool:
    leaves = (leaf for arg in task.where.args for _, leaf in trees.leaves(arg))
    return any(isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iu" for leaf in leaves)


def _may_choose(function: Callable[..., Any], task: Task) -> bool:
    """Whether its code, or that of a function it names, compares, masks or indexes; of a layer it is not known."""
    if task.kind == "layer":
        return True
    return any(
        _chooses(one.__code__) or any(map(_is_choice, values_named(one).values()))
        for one in callees(function, DEEP, task.where.args)
    )


def _is_choice(value: Any) -> bool:
    """Whether it is a function that chooses, by whatever name."""
    value = value.func if isinstance(value, partial) else value
    return isinstance(value, np.ufunc | type(np.where)) and value.__name__ in CHOOSING


@lru_cache(maxsize=1024)
def _chooses(code: CodeType) -> bool:
    names = {*code.co_names}
    if CHOOSING & names or _BUILTIN & {*globals_of(code)} or _takes_sizes(code, names):
        return True
    steps = [*dis.get_instructions(code)]
    return (
        any(
            step.opname in ("COMPARE_OP", "STORE_SUBSCR", "FOR_ITER") or step.opname.startswith("POP_JUMP")
            for step in steps
        )
        or any(_takes_items(step) and before.opname not in _OF_ITSELF for before, step in pairwise(steps))
        or any(_chooses(inner) for inner in code.co_consts if isinstance(inner, CodeType))
    )


def _takes_items(step: dis.Instruction) -> bool:
    return step.opname == "BINARY_SUBSCR" or step.argrepr == "[]"


_OF_ITSELF = frozenset(
    {"LOAD_CONST", "LOAD_SMALL_INT", "BUILD_SLICE", "BUILD_STRING", "FORMAT_SIMPLE", "FORMAT_VALUE"}
)
"""Before an index that is a name, a number or a slice, and so neither a mask nor a choice of places."""


def _takes_sizes(code: CodeType, names: set[str]) -> bool:
    """Whether it may take absolute values by another name: a norm of order 1 or infinity, the root of a square."""
    steps = [(one.opname, one.argval, one.argrepr) for one in dis.get_instructions(code)]
    squares = "square" in names or any(name == "BINARY_OP" and text in ("*", "**") for name, _, text in steps)
    root = any(one[1] == 0.5 and then[2] == "**" for one, then in pairwise(steps))
    order = "inf" in names or any(type(one) is int and one == 1 for one in code.co_consts)
    return ("norm" in names and order) or (squares and (root or "sqrt" in names))


_ROLES = 32
"""Entries of a vector up to which f may have parts of its own for each."""


def _of_entries(task: Task, seen: Examined) -> Iterator[Unseen]:
    """Zeros in a vector that is checked, as in a state of positions and speeds; labels and kinks are no such zeros."""
    kinks = {kink.index for kink in seen.judgement.kinks} if seen.judgement else set()
    for slot in task.where.slots:
        part = task.where.x[slot.start : slot.stop]
        zeros = [n for n in np.flatnonzero(part == 0.0) if slot.start + n not in kinks]
        if len(slot.shape) == 1 and slot.size <= _ROLES and zeros and not np.isin(part, NATURAL).all():
            more = f" (and {len(zeros) - 1} more)" if len(zeros) > 1 else ""
            message = f"{slot.path}[{zeros[0]}]{more} is zero: a term or a factor with it was not seen"
            yield Unseen(Blind.CONSTANT, slot.path, message)


def _of_twins(where: Point) -> Iterator[Unseen]:
    """Arrays that are checked and equal; those of one number are told as such."""
    first: dict[tuple[tuple[int, ...], bytes], str] = {}
    for slot in where.slots:
        part = where.x[slot.start : slot.stop]
        if 1 < slot.size <= _COMPARED and (part != part[0]).any():
            other = first.setdefault((slot.shape, part.tobytes()), slot.path)
            if other != slot.path:
                message = f"{other} and {slot.path} are equal: one in the place of the other was not seen"
                yield Unseen(Blind.ROWS, slot.path, message)


_COMPARED = 10_000
"""Entries of an array up to which it is held against others."""


def _of_cotangent(task: Task) -> Iterator[Unseen]:
    """A claim that hands ones to a function as the cotangent of its output."""
    for one in callees(task.claim.function, 1):
        if not _MAKING & {*one.__code__.co_names}:
            continue
        ahead = {other.__name__ for other in callees(task.f.function, 2)}
        named = {other.__name__ for other in callees(task.claim.function, 2)} - ahead
        for line in _ones(one.__code__, frozenset(named - {one.__name__})):
            message = (
                f"line {line}: the cotangent is ones: whether it is used, and where, was not seen. Check the pullback "
                "with check_vjp"
            )
            yield Unseen(Blind.COTANGENT, task.claim.label, message, one.__code__.co_filename, line)


@lru_cache(maxsize=1024)
def _ones(code: CodeType, functions: frozenset[str]) -> tuple[int, ...]:
    """Lines in which an array of ones that NumPy made is an argument of a call of one of these functions."""
    tree = tree_of(code)
    nodes = list(ast.walk(tree)) if tree else []
    bound = [
        (target.id, node.value)
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    names = {name for name, value in bound if _is_ones(value)} - {
        name for name, value in bound if not _is_ones(value)
    }
    return tuple(
        node.lineno
        for node in nodes
        if isinstance(node, ast.Call) and _name(node.func) in functions
        if any(
            _is_ones(given) or getattr(given, "id", "") in names
            for given in (*node.args, *(keyword.value for keyword in node.keywords))
        )
    )


_MAKING = frozenset({"ones", "ones_like", "full", "full_like"})


def _is_ones(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or not _is_numpys(node.func) or _name(node.func) not in _MAKING:
        return False
    filled = _name(node.func).startswith("full")
    return not filled or any(isinstance(one, ast.Constant) and one.value == 1 for one in node.args[1:])


def _is_numpys(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or getattr(getattr(node, "value", None), "id", "") in (
        "np",
        "numpy",
        "anp",
    )


def _name(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))
