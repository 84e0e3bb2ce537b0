"""Slips of one expression, planted in right derivations: what a hand does while the mind is elsewhere."""

from __future__ import annotations

import ast
import inspect
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.corpus import specimens
from tests.corpus.specimen import Specimen

_SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Mult,
}  # fmt: skip
_FLIPS = {ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt}
_CALLS = {
    "sum": "mean", "mean": "sum", "sin": "cos", "cos": "sin", "maximum": "minimum", "minimum": "maximum", "max": "sum",
    "tanh": "sinh", "exp": "expm1", "sqrt": "square", "log": "log1p", "zeros_like": "ones_like", "outer": "multiply",
    "triu": "tril", "tril": "triu", "std": "var", "var": "std",
}  # fmt: skip


@dataclass(frozen=True)
class Slip:
    """A right derivation with one expression of it spoilt.

    ``line`` and ``column`` are the place of the slip in the file at ``path``; ``was`` is what stood there, ``now`` what
    stands there.
    """

    specimen: Specimen
    kind: str
    path: str
    line: int
    column: int
    now: str
    was: str


def slips(each: int, seed: int, folder: Path, part: str = "all") -> Iterator[Slip]:
    """So many slips in every right derivation of the corpus, at random places of the functions that only it calls.

    The spoilt modules are written into ``folder``, so that their source is to be had.
    """
    right = [one for one in specimens(part) if one.label == "right"]
    for number, specimen in enumerate(right):
        generator = np.random.default_rng([seed, number])
        if not inspect.isfunction(specimen.claim) or specimen.claim.__name__ == "<lambda>":
            continue
        source = specimen.claim.__code__.co_filename
        text = Path(source).read_text()
        tree = ast.parse(text)
        own = _called(specimen.claim, tree) - _called(specimen.f, tree)
        functions = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in own
        ]
        changes = [change for function in functions for change in _changes(function)]
        generator.shuffle(changes)  # type: ignore[arg-type]
        made = 0
        for node, kind, new in changes:
            if made == each:
                break
            slip = _planted(specimen, text, source, (node, kind, new), folder, f"{number}_{made}_{seed}")
            if slip is not None:
                made += 1
                yield slip


def _called(function: Any, tree: ast.Module) -> set[str]:
    """Names of the module's functions that a function calls, itself among them."""
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: set[str] = set()
    todo = [getattr(function, "__name__", "")]
    while todo:
        name = todo.pop()
        if name in found or name not in defined:
            continue
        found.add(name)
        todo += [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
    return found


def _changes(function: ast.FunctionDef) -> Iterator[tuple[ast.expr, str, str]]:
    local = [a.arg for a in function.args.args] + [
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]
    called = {id(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)}
    for node in (part for statement in function.body for part in ast.walk(statement)):
        if not isinstance(node, ast.expr) or isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            continue
        if isinstance(node, ast.Name) and id(node) not in called and node.id in local:
            yield from ((node, "variable", name) for name in dict.fromkeys(local) if name != node.id)
        if isinstance(node, ast.BinOp):
            if (other := _SWAPS.get(type(node.op))) is not None:
                yield node, "operator", ast.unparse(ast.BinOp(node.left, other(), node.right))
            yield node, "dropped", ast.unparse(node.left)
            yield node, "dropped", ast.unparse(node.right)
            if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult | ast.Pow):
                yield node, "order", ast.unparse(ast.BinOp(node.right, node.op, node.left))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            for value in (node.value + 1, node.value - 1, 2 * node.value, 0.5 * node.value):
                if value != node.value:
                    yield node, "constant", repr(value)
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield node, "transpose", ast.unparse(node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node, "sign", ast.unparse(node.operand)
        if isinstance(node, ast.Compare) and (flip := _FLIPS.get(type(node.ops[0]))) is not None:
            yield node, "comparison", ast.unparse(ast.Compare(node.left, [flip()], node.comparators))
        if isinstance(node, ast.Call):
            text = ast.unparse(node)
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in _CALLS:
                yield node, "call", text.replace(f".{name}(", f".{_CALLS[name]}(", 1)
            if len(node.args) == 1 and not node.keywords:
                yield node, "dropped call", ast.unparse(node.args[0])
            for word in node.keywords:
                if word.arg == "axis" and isinstance(word.value, ast.Constant | ast.UnaryOp):
                    rest = [one for one in node.keywords if one is not word]
                    axis = "0" if ast.unparse(word.value) != "0" else "1"
                    turned = [*rest, ast.keyword("axis", ast.parse(axis, mode="eval").body)]
                    yield node, "axis", ast.unparse(ast.Call(node.func, node.args, turned))
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Slice)
            and node.slice.step is not None
        ):
            yield node, "reversal", ast.unparse(node.value)


def _planted(
    specimen: Specimen, text: str, source: str, change: tuple[ast.expr, str, str], folder: Path, tag: str
) -> Slip | None:
    node, kind, new = change
    lines = text.encode().splitlines(keepends=True)
    assert node.end_lineno is not None and node.end_col_offset is not None
    first, last = node.lineno - 1, node.end_lineno - 1
    was = ast.get_source_segment(text, node) or ""
    simple = new.replace("_", "a").replace(".", "a").isalnum()
    spoilt = (
        b"".join(lines[:first]) + lines[first][: node.col_offset] + (new if simple else f"({new})").encode()
    )
    spoilt += lines[last][node.end_col_offset :] + b"".join(lines[last + 1 :])
    name = f"tests.corpus.slip_{Path(source).stem}_{tag}"
    path = folder / f"slip_{Path(source).stem}_{tag}.py"
    path.write_bytes(spoilt)
    module = types.ModuleType(name)
    module.__file__, module.__package__ = str(path), "tests.corpus"
    sys.modules[name] = module
    try:
        exec(compile(spoilt, str(path), "exec"), module.__dict__)
    except Exception:
        return None
    found = next((one for one in module.book.entries if one.name == specimen.name), None)
    if found is None:
        return None
    return Slip(found, kind, str(path), node.lineno, node.col_offset, new, was)
