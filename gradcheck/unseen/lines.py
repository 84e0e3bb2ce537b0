"""Which statements under an ``if``, and which sides of a conditional expression, never ran."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from gradcheck.ask.source import tree_of
from gradcheck.ask.whose import is_users
from gradcheck.unseen.moves import Moves, Ran

_Span = tuple[tuple[int, int], tuple[int, int]]
"""Line and column of the beginning and of the end."""


@dataclass(frozen=True)
class _Side:
    """One side of a choice, by its instructions.

    Attributes
    ----------
    asked
        Those of the condition.
    sources, targets
        A move from one of these to one of those leads into the side.
    line, told
        Where it stands; what is said of it where it never ran.
    """

    asked: frozenset[int]
    sources: frozenset[int]
    targets: frozenset[int]
    line: int
    told: str

    def ran(self, moves: Moves) -> bool:
        return any(before in self.sources and now in self.targets for before, now in moves)


def never_run(ran: Ran) -> Iterator[tuple[str, int, str]]:
    """File, line, and what is said of each side that was passed by: its condition was looked at, it did not run."""
    for code, moves in ran.items():
        for side in sides(code):
            if not side.ran(moves) and any(now in side.asked for _, now in moves):
                yield code.co_filename, side.line, side.told


@lru_cache(maxsize=1024)
def sides(code: CodeType) -> tuple[_Side, ...]:
    """The sides of each choice that instructions stand in; what only complains is none."""
    tree = tree_of(code) if is_users(code) and code.co_name not in _ACCESS else None
    if tree is None:
        return ()
    spans = [
        None if None in place else ((place[0], place[2]), (place[1], place[3]))
        for place in code.co_positions()
    ]
    every = frozenset(range(-1, len(spans)))
    steps = [(one.offset // 2, one.opname) for one in dis.get_instructions(code)]
    jumps = frozenset(n for n, name in steps if "JUMP" in name)
    choices = frozenset(n for n, name in steps if name.startswith("POP_JUMP"))

    def within(nodes: list[Any]) -> frozenset[int]:
        first, last = _span(nodes)
        return frozenset(n for n, span in enumerate(spans) if span and first <= span[0] and span[1] <= last)

    def turn(node: ast.AST, test: list[Any]) -> frozenset[int]:
        """The jumps that the filter of a comprehension ends in, which Python 3.13 says to be of what is made."""
        last = max(within(test) - jumps, default=len(spans))
        after = [n for n, _ in steps if n >= last]
        at = next((place for place, n in enumerate(after) if n in choices), None)
        if at is None or not isinstance(node, _MADE):
            return frozenset()
        return frozenset(after[at : at + 2]) & jumps

    found = []
    for node in ast.walk(tree):
        for asked, branch, text in _branches(node):
            if not only_complains(branch):
                inside = within(branch) - turn(node, asked)
                found.append(_Side(within(asked), every, inside, branch[0].lineno, f"`{text}` never ran"))
        for test, branch, text in _passed(node):
            turned = turn(node, test)
            inside = within(branch) - turned
            first = min(inside, default=0)
            before = frozenset(n for n in within(test) if n < first)  # a return after it may stand there, too
            before |= turned
            # where a condition is no comparison its jump stands for the whole statement
            sources = (jumps & before) | {n for n in choices if spans[n] == _span([node])}
            told = f"`{text}` was never passed by"
            found.append(_Side(before, sources, every - before - inside, test[0].lineno, told))
    return tuple(side for side in found if side.targets and side.sources)


_ACCESS = frozenset({"__getattr__", "__getattribute__", "__setattr__", "__delattr__"})
"""Methods that find and keep attributes: no derivative hangs on which way they do it."""

_MADE = (ast.ListComp, ast.SetComp, ast.GeneratorExp)


def _branches(node: ast.AST) -> Iterator[tuple[list[Any], list[Any], str]]:
    """Of a choice what is looked at, what may run then, and what a reader calls that."""
    match node:
        case ast.If() | ast.IfExp():
            condition = ast.unparse(node.test)
            for branch, text in ((node.body, f"if {condition}"), (node.orelse, f"else of if {condition}")):
                if branch:
                    yield [node.test], branch if isinstance(branch, list) else [branch], text
        case ast.While():
            yield from _of_loop(node, node.test, f"while {ast.unparse(node.test)}")
        case ast.For():
            yield from _of_loop(
                node, node.iter, f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
            )
        case ast.Match():
            for one in node.cases:
                yield [node.subject], one.body, f"case {ast.unparse(one.pattern)}"
        case ast.Try():
            for handler in node.handlers:
                kind = f" {ast.unparse(handler.type)}" if handler.type else ""
                yield node.body, handler.body, f"except{kind}"
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            for test in _filters(node):
                yield [test], [node.elt], f"if {ast.unparse(test)}"


def _of_loop(
    loop: ast.For | ast.While, asked: ast.expr, text: str
) -> Iterator[tuple[list[Any], list[Any], str]]:
    yield [asked], loop.body, text
    if loop.orelse:
        yield [asked], loop.orelse, f"else of {text}"


def _passed(node: ast.AST) -> Iterator[tuple[list[Any], list[Any], str]]:
    """The same of a choice that has nothing on its other side: what numbers are larger may choose that."""
    match node:
        case ast.If() if not node.orelse and _compares(node.test) and not only_complains(node.body):
            yield [node.test], node.body, f"if {ast.unparse(node.test)}"
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            for test in filter(_compares, _filters(node)):
                yield [test], [node.elt], f"if {ast.unparse(test)}"


def _filters(node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> list[ast.expr]:
    """The conditions that stand right before what is made."""
    return node.generators[-1].ifs[-1:]


def _compares(test: ast.expr) -> bool:
    orders = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    return any(isinstance(one, ast.Compare) and isinstance(one.ops[0], orders) for one in ast.walk(test))


def only_complains(statements: list[Any]) -> bool:
    """Whether they raise or return no number in the end, or do nothing but report: no derivative hangs on that."""
    return not statements or _refuses(statements[-1]) or all(map(_reports, statements))


def _refuses(statement: Any) -> bool:
    match statement:
        case ast.Raise():
            return True
        case ast.Return(value):
            return value is None or ast.unparse(value).lower().strip("-") in _NO_NUMBERS
    return False


_NO_NUMBERS = frozenset(
    {"none", *(f"{of}{what}" for of in ("np.", "numpy.", "math.") for what in ("nan", "inf")),
     *(f"float('{what}')" for what in ("nan", "inf", "-inf"))}
)  # fmt: skip


def _reports(statement: Any) -> bool:
    match statement:
        case ast.Raise() | ast.Pass():
            return True
        case ast.Expr(ast.Call(ast.Name("print"))):
            return True
        case ast.Expr(ast.Call(ast.Attribute(attr=name))):
            return name in _REPORTING
        case ast.If():
            return only_complains(statement.body) and only_complains(statement.orelse)
    return False


_REPORTING = frozenset({"warn", "debug", "info", "warning", "error", "exception", "critical"})
"""Names of functions of `warnings` and `logging`."""


def _span(nodes: list[Any]) -> _Span:
    """From the first to behind the last."""
    first, last = nodes[0], nodes[-1]
    return (first.lineno, first.col_offset), (last.end_lineno, last.end_col_offset)
