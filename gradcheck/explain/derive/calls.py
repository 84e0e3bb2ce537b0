"""Reading an expression: what it is made of, what a call calls, and with what."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def operands_of(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions that a value is made of."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.keyword):
            yield child.value


def name_of(node: ast.expr) -> str:
    """What is called, below np: ``sum``, ``linalg.inv``."""
    if not isinstance(node, ast.Call):
        return ""
    function = of_numpy(node.func)
    return function or (node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func))


def of_numpy(node: ast.expr) -> str:
    """The name of a function of NumPy, ``linalg.inv``; "" of any other, and of a method."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return ".".join(names) if isinstance(node, ast.Name) and node.id in ("np", "numpy", "anp", "math") else ""


def arguments_of(node: ast.Call) -> list[ast.expr]:
    """What is given by place, a method's own array first."""
    method = isinstance(node.func, ast.Attribute) and not of_numpy(node.func)
    return (
        [node.func.value, *node.args] if method and isinstance(node.func, ast.Attribute) else list(node.args)
    )


def as_index(node: ast.expr) -> ast.expr:
    """An index as a value: slices by their function."""
    if isinstance(node, ast.Tuple):
        return ast.Tuple([as_index(one) for one in node.elts], ast.Load())
    if isinstance(node, ast.Slice):
        parts = [one or ast.Constant(None) for one in (node.lower, node.upper, node.step)]
        return ast.Call(ast.Name("slice", ast.Load()), parts, [])
    return node
