"""Every expression of some functions under observation: what it is worth, and what if it were worth something else."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.explain.blame.written import Written, rebuilt

_HOOK = "__gradcheck_seen__"
_NUDGE = 1e-3
_WATCHED = (
    ast.Name, ast.BinOp, ast.Call, ast.Attribute, ast.Subscript, ast.UnaryOp, ast.Compare, ast.IfExp
)  # fmt: skip


Node = ast.expr | ast.arg
"""An expression, or a parameter for the argument that came."""
Change = Callable[[int, Any], Any]
"""What to make of an expression's value at each of its visits, which count from 0."""


class Observer:
    """The expressions of some functions under observation: recorded, or one of them altered."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self._nodes = nodes
        self._numbers = {node: number for number, node in enumerate(nodes)}
        self._record: dict[Node, list[Any]] | None = None
        self._altered: dict[int, int] = {}
        self._change: Change = _same
        self._scopes: list[dict[str, Any]] = []

    def seen(self, number: int, value: Any) -> Any:
        """The hook: told the value of an expression, it says what to go on with."""
        if self._record is not None:
            self._record.setdefault(self._nodes[number], []).append(_kept(value))
        if number in self._altered:
            if self._record is not None:
                self._scopes.append({name: _kept(one) for name, one in sys._getframe(1).f_locals.items()})
            value = self._change(self._altered[number], value)
            self._altered[number] += 1
        return value

    def recorded(self, run: Callable[[], Any]) -> dict[Node, list[Any]]:
        """The values of all expressions during ``run()``, to its end or to where it raised."""
        values: dict[Node, list[Any]] = {}
        self._record = values
        try:
            with suppress(Exception):
                run()
        finally:
            self._record = None
        return values

    def scopes(self) -> list[dict[str, Any]]:
        """The variables at each visit of what was altered while it was recorded last."""
        return self._scopes

    @contextmanager
    def altering(self, nodes: Sequence[Node], change: Change) -> Iterator[None]:
        """Let expressions be worth something else while this lasts, at each one's visits."""
        self._altered, self._change, self._scopes = {self._numbers[node]: 0 for node in nodes}, change, []
        try:
            yield
        finally:
            self._altered = {}


def _same(visit: int, value: Any) -> Any:
    return value


@contextmanager
def observing(functions: tuple[Written, ...]) -> Iterator[Observer]:
    """Let every expression of these functions be observed while this lasts; only in a process of our own."""
    nodes = tuple(node for one in functions for node in _places(one))
    observer = Observer(nodes)
    places = {node: number for number, node in enumerate(nodes)}
    before = [(one, one.functions[0].__code__) for one in functions]
    other = getattr(builtins, _HOOK, None)  # of other functions, which are observed, too
    setattr(builtins, _HOOK, observer.seen)
    try:
        for one in functions:
            if (code := _hooked(one, places).compiled()) is not None:
                one.install(code)
        yield observer
    finally:
        for one, code in before:
            one.install(code)
        setattr(builtins, _HOOK, other)


def _places(function: Written) -> Iterator[Node]:
    if isinstance(function.node, ast.FunctionDef):
        yield from parameters(function.node)
    skipped = _unwatchable(function.node)
    for node in ast.walk(function.node):
        read = not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        watched = isinstance(node, _WATCHED) or (isinstance(node, ast.Constant) and type(node.value) is float)
        if watched and read and node not in skipped and isinstance(node, ast.expr):
            yield node


def parameters(function: ast.FunctionDef | ast.Lambda) -> list[ast.arg]:
    """The named parameters of a function."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _unwatchable(function: ast.AST) -> set[ast.AST]:
    """Parts that are no values of the body: defaults, annotations, decorators, and what is called."""
    found: set[ast.AST] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            found.add(node.func)
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found.add(node.value)
        if isinstance(node, ast.arguments):
            found |= {
                part
                for default in [*node.defaults, *node.kw_defaults]
                if default
                for part in ast.walk(default)
            }
        if isinstance(node, ast.arg) and node.annotation:
            found |= set(ast.walk(node.annotation))
        if isinstance(node, ast.AnnAssign):
            found |= set(ast.walk(node.annotation))
        if isinstance(node, ast.FunctionDef):
            found |= {
                part
                for outside in [node.returns, *node.decorator_list]
                if outside
                for part in ast.walk(outside)
            }
        if isinstance(node, ast.JoinedStr):
            found |= set(ast.walk(node))
    return found


def _hooked(function: Written, places: dict[Node, int]) -> Written:
    """The function with a tree in which each place hands its value to the hook."""

    def told(place: Node, value: ast.AST) -> ast.expr:
        call = ast.Call(ast.Name(_HOOK, ast.Load()), [ast.Constant(places[place]), value], [])  # type: ignore[list-item]
        return ast.copy_location(call, place)

    def made(node: ast.AST, shell: ast.AST) -> ast.AST:
        if isinstance(node, ast.FunctionDef) and isinstance(shell, ast.FunctionDef):
            # what hands over the arguments, first of all: the body may make no use of one
            first = [
                told(each, ast.Name(each.arg, ast.Load())) for each in parameters(node) if each in places
            ]
            shell.body = [*(ast.copy_location(ast.Expr(one), node.body[0]) for one in first), *shell.body]
        return told(node, shell) if isinstance(node, ast.expr) and node in places else shell

    return replace(function, node=rebuilt(function.node, made))  # type: ignore[arg-type]


def _kept(value: Any) -> Any:
    small = isinstance(value, np.ndarray) and value.size <= 1 << 20
    if small:
        return np.ndarray.copy(value)  # a subclass may make more of a copy than one, or refuse it
    return value.copy() if type(value) in (dict, list) else value


def is_float(value: Any) -> bool:
    """Whether a value is a number, or an array of numbers, that moves by as little as one likes."""
    if type(value) is np.ndarray:
        return bool(value.dtype.kind == "f")
    return type(value) is float or isinstance(value, np.floating)


def is_mask(value: Any) -> bool:
    """Whether a value tells entries from others."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "b"


def nudged(visit: int, value: Any) -> Any:
    """A value moved a little, each entry by its own amount."""
    if not is_float(value):
        return value
    array = np.asarray(value)
    size = float(np.mean(np.abs(array))) if array.size else 0.0
    wave = np.cos(1.0 + visit + np.arange(array.size)).reshape(array.shape)
    moved = (array + _NUDGE * (size or 1.0) * wave).astype(array.dtype)
    return moved if isinstance(value, np.ndarray) else type(value)(moved)


def turned(visit: int, value: Any) -> Any:
    """A value with the other sign, which is in the other order, too."""
    return -value if is_float(value) else value
