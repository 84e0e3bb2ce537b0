"""Templates of NumPy with expressions put in for their letters, and what that makes of numbers and transposes."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from typing import Any


def constant(value: Any) -> ast.expr:
    """A value of Python as an expression."""
    return ast.parse(repr(value), mode="eval").body


def uses(form: str, letter: str) -> int:
    """How often a letter stands in a form."""
    return sum(isinstance(one, ast.Name) and one.id == letter for one in ast.walk(ast.parse(form)))


def filled(form: str, **meant: ast.expr) -> ast.expr:
    """The form with what its letters stand for, and without what multiplies by one."""
    made: ast.expr = _Filled(meant).visit(ast.parse(form, mode="eval").body)
    return made


class _Filled(ast.NodeTransformer):
    def __init__(self, meant: Mapping[str, ast.expr]) -> None:
        self.meant = meant

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.meant.get(node.id, node))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        value = self._filled(node.value)
        if node.attr == "T" and isinstance(value, ast.Attribute) and value.attr == "T":
            return value.value
        if node.attr == "T" and isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
            return filled("b.T @ a.T", a=value.left, b=value.right)
        return ast.Attribute(value, node.attr, ast.Load())

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return _joined(self._filled(node.left), node.op, self._filled(node.right))

    def _filled(self, node: ast.expr) -> ast.expr:
        made: ast.expr = self.visit(node)
        return made

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        inner = self._filled(node.operand)
        if (
            isinstance(inner, ast.UnaryOp)
            and isinstance(inner.op, ast.USub)
            and isinstance(node.op, ast.USub)
        ):
            return inner.operand
        number = number_of(inner)
        return ast.UnaryOp(node.op, inner) if number is None else _number(-number)


def _joined(left: ast.expr, op: ast.operator, right: ast.expr) -> ast.expr:
    """An operation, or what it comes to where one side is a number."""
    one, other = number_of(left), number_of(right)
    if isinstance(op, ast.Mult) and one in (1, -1):
        return right if one == 1 else ast.UnaryOp(ast.USub(), right)
    if isinstance(op, ast.Mult | ast.Div | ast.Pow) and other == 1:
        return left
    if isinstance(op, ast.Sub | ast.Mult) and one is not None and other is not None:
        return _number(one - other if isinstance(op, ast.Sub) else one * other)
    if isinstance(op, ast.Add) and isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
        return ast.BinOp(left, ast.Sub(), right.operand)
    if isinstance(op, ast.Mult) and one is not None and isinstance(right, ast.BinOp):
        inner = number_of(right.left)
        if inner is not None and isinstance(right.op, ast.Mult | ast.Div):
            return _joined(_number(one * inner), right.op, right.right)
    return ast.BinOp(left, op, right)


def _number(value: float) -> ast.Constant:
    return ast.Constant(int(value) if value == int(value) else value)


def number_of(node: ast.expr) -> float | None:
    """The number that a constant is; None of anything else."""
    held = node.value if isinstance(node, ast.Constant) else None
    return held if isinstance(held, int | float) and not isinstance(held, bool) else None
