"""The factor that a step of f puts into a derivative, written in the names of f: what a backward pass forgets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_OF_ONE = {
    "abs": "np.sign({0})",
    "arctan": "1 / (1 + {0} ** 2)",
    "cos": "-np.sin({0})",
    "cosh": "np.sinh({0})",
    "exp": "np.exp({0})",
    "expm1": "np.exp({0})",
    "log": "1 / {0}",
    "log1p": "1 / (1 + {0})",
    "sin": "np.cos({0})",
    "sinh": "np.cosh({0})",
    "sqrt": "0.5 / np.sqrt({0})",
    "square": "2 * {0}",
    "tan": "(1 + np.tan({0}) ** 2)",
    "tanh": "(1 - np.tanh({0}) ** 2)",
}
_OF_TWO = {
    "logaddexp": ("1 / (1 + np.exp({1} - {0}))", "1 / (1 + np.exp({0} - {1}))"),
    "hypot": ("{0} / np.hypot({0}, {1})", "{1} / np.hypot({0}, {1})"),
    "maximum": ("({0} > {1})", "({0} < {1})"),
    "minimum": ("({0} < {1})", "({0} > {1})"),
    "where": ("{0}", "~({0})"),
}


def slopes(node: ast.AST) -> Iterator[str]:
    """Texts of the local derivatives of an operation or a call."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, power = _text(node.left), node.right
        if isinstance(power, ast.Constant) and isinstance(power.value, int | float):
            less = power.value - 1
            yield f"{power.value} * {base}" if less == 1 else f"{power.value} * {base} ** {less}"
        else:
            yield f"{_text(power)} * {base} ** ({_text(power)} - 1)"
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    parts = [_text(part) for part in node.args]
    if name in _OF_ONE and len(parts) == 1:
        yield _OF_ONE[name].format(*parts)
    if name in _OF_TWO and len(parts) >= 2:
        yield from (form.format(*parts) for form in _OF_TWO[name])
    if name == "clip" and len(parts) == 3:
        yield "(({0} > {1}) & ({0} < {2}))".format(*parts)


def _text(node: ast.expr) -> str:
    atom = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.Constant)
    return ast.unparse(node) if atom else f"({ast.unparse(node)})"
