"""How a derivative passes back through one operation, as NumPy: g is that of the result y, x, a and b are the operands.

The templates are the rows of a table of derivatives (A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., 2008,
table 3.3), for arrays entry by entry; what broadcasting has spread is added up by who uses them.
"""

from __future__ import annotations

import ast

OF_ONE = {
    "abs": "g * np.sign(x)",
    "absolute": "g * np.sign(x)",
    "arccos": "-g / np.sqrt(1 - x ** 2)",
    "arcsin": "g / np.sqrt(1 - x ** 2)",
    "arctan": "g / (1 + x ** 2)",
    "asarray": "g",
    "array": "g",
    "atleast_1d": "g",
    "copy": "g",
    "cos": "-g * np.sin(x)",
    "cosh": "g * np.sinh(x)",
    "exp": "g * y",
    "expm1": "g * np.exp(x)",
    "fabs": "g * np.sign(x)",
    "float": "g",
    "float64": "g",
    "log": "g / x",
    "log10": "g / (np.log(10) * x)",
    "log1p": "g / (1 + x)",
    "log2": "g / (np.log(2) * x)",
    "negative": "-g",
    "reciprocal": "-g * y ** 2",
    "sin": "g * np.cos(x)",
    "sinh": "g * np.cosh(x)",
    "sqrt": "g / (2 * y)",
    "square": "2 * g * x",
    "tan": "g * (1 + y ** 2)",
    "tanh": "g * (1 - y ** 2)",
}
"""Functions of one array, entry by entry."""

OF_TWO = {
    "add": ("g", "g"),
    "arctan2": ("g * b / (a ** 2 + b ** 2)", "-g * a / (a ** 2 + b ** 2)"),
    "divide": ("g / b", "-g * y / b"),
    "hypot": ("g * a / y", "g * b / y"),
    "logaddexp": ("g * np.exp(a - y)", "g * np.exp(b - y)"),
    "maximum": ("g * (a >= b)", "g * (a < b)"),
    "minimum": ("g * (a <= b)", "g * (a > b)"),
    "multiply": ("g * b", "g * a"),
    "power": ("b * g * a ** (b - 1)", "g * y * np.log(a)"),
    "subtract": ("g", "-g"),
    "true_divide": ("g / b", "-g * y / b"),
}
"""Functions of two arrays, entry by entry."""

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
}  # fmt: skip

PRODUCTS = {
    (1, 1): ("g * b", "g * a"),
    (1, 2): ("b @ g", "np.outer(a, g)"),
    (2, 1): ("np.outer(g, b)", "a.T @ g"),
    (2, 2): ("g @ b.T", "a.T @ g"),
}
"""Products of matrices by the axes of their operands; of more axes by the last two."""
OF_STACKS = ("g @ np.swapaxes(b, -1, -2)", "np.swapaxes(a, -1, -2) @ g")

WHOLE = {
    "linalg.inv": "-y.T @ g @ y.T",
    "linalg.det": "g * y * np.linalg.inv(x).T",
    "linalg.norm": "g * x / y",
    "trace": "g * np.eye(len(x))",
    "transpose": "g.T",
}
"""Functions of a whole matrix or vector, called with nothing else."""

CONSTANT = frozenset({
    "all", "any", "arange", "argmax", "argmin", "argsort", "bincount", "ceil", "empty", "eye", "floor", "full",
    "full_like", "identity", "int", "isfinite", "isnan", "len", "ndim", "ones", "ones_like", "range", "rint", "round",
    "shape", "sign", "size", "unique", "zeros", "zeros_like", "astype",
})  # fmt: skip
"""Functions whose result has no derivative by their arguments, or is no matter of it."""
