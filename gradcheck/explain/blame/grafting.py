"""Putting an edit into the tree of its function, running the function with it, and taking it out again."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from gradcheck.explain.blame.edits import Edit
from gradcheck.explain.blame.written import Written, rebuilt

_SWITCH = "__gradcheck_edit__"
Offer = tuple[Written, Edit]
Grown = ast.expr | ast.stmt


@contextmanager
def edited(function: Written, edit: Edit) -> Iterator[bool]:
    """The function with the edit, for as long as this lasts."""
    with offered([(function, edit)]) as choose:
        yield choose is not None and choose(0)


@contextmanager
def offered(offers: Sequence[Offer]) -> Iterator[Callable[[int], bool] | None]:
    """Edits that ``choose(number)`` puts in force one at a time, and says whether it could; None where one is no code.

    All of them are in the code at once, each behind a switch: compiling takes longer than a trial does.
    """
    codes = [
        (function, function.functions[0].__code__) for function in dict.fromkeys(one for one, _ in offers)
    ]
    able: set[int] = set()
    sound = True
    for function, _ in codes:
        trees = {
            number: tree
            for number, (one, edit) in enumerate(offers)
            if one is function and (tree := _grown(edit, function)) is not None
        }
        able |= set(trees)
        if (code := _switched(function, offers, trees).compiled()) is None:
            sound = False
        else:
            function.install(code)

    def choose(number: int) -> bool:
        setattr(builtins, _SWITCH, number)
        return number in able

    choose(-1)
    try:
        yield choose if sound else None
    finally:
        for function, before in codes:
            function.install(before)
        delattr(builtins, _SWITCH)


def _switched(function: Written, offers: Sequence[Offer], trees: dict[int, Grown]) -> Written:
    """The function with each of the trees behind the switch of its number."""
    here: dict[ast.AST, list[int]] = {}
    for number in trees:
        here.setdefault(offers[number][1].node, []).append(number)

    def made(node: ast.AST, shell: ast.AST) -> ast.AST:
        for number in here.get(node, ()):
            test = ast.Compare(ast.Name(_SWITCH, ast.Load()), [ast.Eq()], [ast.Constant(number)])
            new = trees[number]
            choice = (
                ast.If(test, [new], [shell])  # type: ignore[list-item]
                if isinstance(new, ast.stmt)
                else ast.IfExp(test, new, shell)  # type: ignore[arg-type]
            )
            shell = ast.copy_location(choice, node)
        return shell

    return replace(function, node=rebuilt(function.node, made))  # type: ignore[arg-type]


def install(function: Written) -> None:
    """Let the function run as its tree is now."""
    if (code := function.compiled()) is not None:
        function.install(code)


def _grown(edit: Edit, function: Written) -> Grown | None:
    """The tree of an edit, at the place of what it stands for."""
    text = spelled_here(edit, function)
    new = None if text is None else parsed(text, edit.node)
    for part in () if new is None else ast.walk(new):
        if isinstance(part, ast.expr | ast.stmt):
            ast.copy_location(part, edit.node)
    return new


def parsed(text: str, node: ast.expr | ast.stmt) -> Grown | None:
    """The tree of a text that is to stand for a node; None where it is none."""
    try:
        if not isinstance(node, ast.stmt):
            return ast.parse(f"({text})", mode="eval").body
        if not text:
            return ast.Pass()
        body = ast.parse("\n".join(_without_indent(line, node.col_offset) for line in text.split("\n"))).body
        return body[0] if len(body) == 1 else ast.If(ast.Constant(True), body, [])
    except (SyntaxError, ValueError):
        return None


def _without_indent(line: str, columns: int) -> str:
    return line[columns:] if line[:columns].isspace() else line


def spelled_here(edit: Edit, function: Written) -> str | None:
    """The text of an edit with NumPy called as it is where the function is written; None where it is not known."""
    if "np." not in edit.text:
        return edit.text
    space = function.functions[0].__globals__
    name = next((name for name, value in space.items() if value is np), None)
    return None if name is None else edit.text.replace("np.", f"{name}.")


def above(function: Written, node: ast.AST) -> Iterator[ast.AST]:
    """The expressions and the statement that a node is part of."""
    holder = function.source.parents.get(node)
    while holder is not None and isinstance(holder, ast.expr | ast.stmt) and holder is not function.node:
        yield holder
        if isinstance(holder, ast.stmt):
            return
        holder = function.source.parents.get(holder)
