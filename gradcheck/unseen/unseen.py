"""What one pass could not have seen, gathered."""

from __future__ import annotations

import ast
import dis
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.callees import callees
from gradcheck.ask.source import tree_of
from gradcheck.ask.task import Task
from gradcheck.findings import Blind, Branch, Unseen
from gradcheck.judge.examine import Examined
from gradcheck.unseen.arrays import Spread, special
from gradcheck.unseen.branches import Book, one_sided, seen_by, shares, watched

_SLOW = 0.2
"""Seconds of a call beyond which the lines that run are not followed: that takes several times as long."""

_DEEP = 6
"""How many calls below f and claim are looked into."""

_CHOOSING = frozenset(
    {"where", "maximum", "minimum", "fmax", "fmin", "clip", "abs", "absolute", "fabs", "sign", "take", "select",
     "heaviside", "piecewise"}
)  # fmt: skip


def unseen(task: Task, seen: Examined) -> tuple[tuple[Unseen, ...], tuple[Branch, ...]]:
    """The blind spots of a check at its point, each once (f and claim may call the same), and its branches."""
    books = dict(_books(task, seen))
    found = [
        *special(task.given or task.where, _spreads(seen)),
        *(one for whose, book in books.items() for one in one_sided(book, whose)),
        *_of_cotangent(task),
    ]
    branches = tuple(one for whose, book in books.items() for one in shares(book, whose))
    return tuple({one.message: one for one in reversed(found)}.values())[::-1], branches


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


def _books(task: Task, seen: Examined) -> Iterator[tuple[str, Book]]:
    """Which way the branches of f and of the claim go at the point, by a call of each."""
    f, claim, u = task.f, task.claim, seen.u
    if _holds_integers(task) or _may_choose(f.function, task.kind):
        yield (
            f.label,
            seen_by(lambda: f(*watched(_point(task))), lambda: f(*_point(task)), f.seconds <= _SLOW),
        )
    if u is not None and _may_choose(claim.function, task.kind):

        def ask(args: tuple[Any, ...]) -> None:
            task.ask(task.where, args, u, seen.look.output)

        plain, slow = (lambda: ask(_point(task))), claim.seconds > _SLOW
        yield claim.label, seen_by(lambda: ask(watched(_point(task))), plain, not slow)


def _point(task: Task) -> tuple[Any, ...]:
    return task.where.copied(task.where.args)


def _holds_integers(task: Task) -> bool:
    leaves = (leaf for arg in task.where.args for _, leaf in trees.leaves(arg))
    return any(isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iu" for leaf in leaves)


def _may_choose(function: Callable[..., Any], kind: str) -> bool:
    """Whether its code, or that of a function it names, compares, masks or indexes; of a layer it is not known."""
    if kind == "layer":
        return True
    return any(_chooses(one.__code__) for one in callees(function, _DEEP))


@lru_cache(maxsize=1024)
def _chooses(code: CodeType) -> bool:
    if _CHOOSING & {*code.co_names}:
        return True
    return any(
        instruction.opname in ("COMPARE_OP", "BINARY_SUBSCR", "STORE_SUBSCR")
        or instruction.opname.startswith("POP_JUMP")
        or instruction.argrepr == "[]"
        for instruction in dis.get_instructions(code)
    ) or any(_chooses(inner) for inner in code.co_consts if isinstance(inner, CodeType))


def _of_cotangent(task: Task) -> Iterator[Unseen]:
    """A claim that hands ones to a function as the cotangent of its output."""
    named = {one.__name__ for one in callees(task.claim.function, 2)}
    for one in callees(task.claim.function, 1):
        for line in _ones(one.__code__, frozenset(named - {one.__name__})):
            message = (
                f"line {line}: the cotangent is ones: whether it is used, and where, was not seen. Check the pullback "
                "with check_vjp"
            )
            yield Unseen(Blind.COTANGENT, task.claim.label, message, one.__code__.co_filename, line)


@lru_cache(maxsize=1024)
def _ones(code: CodeType, functions: frozenset[str]) -> tuple[int, ...]:
    """Lines in which ``np.ones`` or ``np.ones_like`` is an argument of a call of one of these functions."""
    if not {"ones", "ones_like"} & {*code.co_names}:
        return ()
    tree = tree_of(code)
    return tuple(
        node.lineno
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.Call) and _name(node.func) in functions and any(map(_is_ones, node.args))
    )


def _is_ones(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _is_numpys(node.func) and _name(node.func) in ("ones", "ones_like")


def _is_numpys(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in ("np", "numpy", "anp")


def _name(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))
