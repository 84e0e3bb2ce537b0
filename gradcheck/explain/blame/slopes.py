"""The factor that a step of f puts into a derivative, written in the names of f: what a backward pass forgets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck.explain.derive.calls import name_of
from gradcheck.explain.derive.forms import filled
from gradcheck.explain.derive.rules import OF_ONE, OF_TWO, OPERATORS


def slopes(node: ast.AST) -> Iterator[str]:
    """Texts of the local derivatives of a power or a call."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        by_base, _ = OF_TWO[OPERATORS[ast.Pow]]
        yield _text(by_base, a=node.left, b=node.right)
    if not isinstance(node, ast.Call):
        return
    name, parts = name_of(node).split(".")[-1], node.args
    if name in OF_ONE and len(parts) == 1 and OF_ONE[name] != "g":
        yield _text(OF_ONE[name], x=parts[0], y=node)
    if name in OF_TWO and len(parts) >= 2:
        a, b = parts[:2]
        # at a kink, which data seldom meet, people write the strict one
        yield from (_text(form.replace("=", ""), a=a, b=b, y=node) for form in OF_TWO[name])
    if name == "where" and len(parts) == 3:
        yield from (ast.unparse(parts[0]), f"~({ast.unparse(parts[0])})")
    if name == "clip" and len(parts) == 3:
        yield _text("(x > a) & (x < b)", x=parts[0], a=parts[1], b=parts[2])


def _text(form: str, **meant: ast.expr) -> str:
    return ast.unparse(filled(form, g=ast.Constant(1), **meant))
