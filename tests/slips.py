"""Slips of one expression, planted in right derivations: what a hand does while the mind is elsewhere."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np

from gradcheck.ask import trees
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

Change = tuple[ast.expr, str, str]
"""An expression, what is done to it, and what stands there afterwards."""
_TRIED, _PAIRS = 40, 200
"""Changes, and pairs of them, that are looked at in one derivation."""
_WRONG = 1e-6
"""Share of a leaf's largest entry by which a wrong one is off."""


@dataclass(frozen=True)
class Slip:
    """A right derivation with one expression of it spoilt.

    ``line`` and ``column`` are the place of the slip in the file at ``path``; ``was`` is what stood there, ``now`` what
    stands there. ``again`` reads the file as it is then.
    """

    specimen: Specimen
    kind: str
    path: str
    line: int
    column: int
    now: str
    was: str
    again: Callable[[], Specimen | None]


def slips(each: int, seed: int, folder: Path, part: str = "all") -> Iterator[Slip]:
    """So many slips in every right derivation of the corpus, at random places of the functions that only it calls.

    The spoilt modules are written into ``folder``, so that their source is to be had.
    """
    for number, specimen in enumerate(one for one in specimens(part) if one.label == "right"):
        found = _changes_of(specimen)
        if found is None:
            continue
        text, changes = found
        np.random.default_rng([seed, number]).shuffle(changes)  # type: ignore[arg-type]
        made = 0
        for change in changes:
            if made == each:
                break
            slip = _planted(specimen, text, folder / f"slip_{number}_{made}_{seed}.py", change)
            if slip is not None:
                made += 1
                yield slip


def _changes_of(specimen: Specimen) -> tuple[str, list[Change]] | None:
    """The text of a derivation's file, and every change of the functions that only the derivation calls."""
    if not inspect.isfunction(specimen.claim) or specimen.claim.__name__ == "<lambda>":
        return None
    text = Path(specimen.claim.__code__.co_filename).read_text()
    tree = ast.parse(text)
    own = _called(specimen.claim, tree) - _called(specimen.f, tree)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in own]
    return text, [change for function in functions for change in changes_of(function)]


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


def changes_of(function: ast.FunctionDef) -> Iterator[Change]:
    """Every change of one expression of a function."""
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


def _planted(specimen: Specimen, text: str, path: Path, *changes: Change) -> Slip | None:
    """The changes made in a file of their own; they must not be parts of each other."""
    ordered = sorted(changes, key=lambda change: (change[0].lineno, change[0].col_offset))
    spoilt = text.encode()
    for node, _, new in reversed(ordered):  # from the end, so that places before it stay where they are
        spoilt = spoil(spoilt, node, new)
    path.write_bytes(spoilt)
    found = loaded(path, specimen.name)
    was = " and ".join(ast.get_source_segment(text, node) or "" for node, *_ in ordered)
    (first, kind, _), now = ordered[0], " and ".join(new for *_, new in ordered)
    again = partial(loaded, path, specimen.name)
    return found and Slip(found, kind, str(path), first.lineno, first.col_offset, now, was, again)


def spoil(text: bytes, node: ast.expr, new: str) -> bytes:
    """The text with something else in a node's place."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    lines = text.splitlines(keepends=True)
    first, last = node.lineno - 1, node.end_lineno - 1
    simple = new.replace("_", "a").replace(".", "a").isalnum()
    before = b"".join(lines[:first]) + lines[first][: node.col_offset]
    after = lines[last][node.end_col_offset :] + b"".join(lines[last + 1 :])
    return before + (new if simple else f"({new})").encode() + after


def loaded(path: Path, name: str) -> Specimen | None:
    """The specimen of that name in a file as it is now; None where the file does not run."""
    module = types.ModuleType(f"tests.corpus.{path.stem}")
    module.__file__, module.__package__ = str(path), "tests.corpus"
    sys.modules[module.__name__] = module
    linecache.checkcache(str(path))
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except Exception:
        return None
    return next((one for one in module.book.entries if one.name == name), None)


def pairs(each: int, seed: int, folder: Path, part: str = "all") -> Iterator[Slip]:
    """So many times two slips in every right derivation of several leaves, each of which makes some leaves wrong.

    The kind is "apart" where no leaf is wrong by both, "behind" where some are: there the one hides the other.
    """
    for number, specimen in enumerate(one for one in specimens(part) if one.label == "right"):
        found, truth = _changes_of(specimen), _leaves(specimen)
        if found is None or truth is None or len(truth) < 2:
            continue
        text, changes = found
        np.random.default_rng([seed, number, 2]).shuffle(changes)  # type: ignore[arg-type]
        changes = _in_turn(changes)
        tried = folder / f"tried_{number}.py"
        wrong = cache(lambda *some: _wrong(truth, _planted(specimen, text, tried, *some)))  # noqa: B023
        left = {"apart": each, "behind": each}
        for one, other in islice(combinations(changes[:_TRIED], 2), _PAIRS):
            if _nested(one[0], other[0]) or not (wrong(one) and wrong(other)):
                continue
            kind = "behind" if wrong(one) & wrong(other) else "apart"
            if not left[kind] or wrong(one, other) != wrong(one) | wrong(other):
                continue
            left[kind] -= 1
            path = folder / f"two_{number}_{kind}_{left[kind]}_{seed}.py"
            if slip := _planted(specimen, text, path, one, other):
                yield replace(slip, kind=kind)
            if not any(left.values()):
                break


def _in_turn(changes: list[Change]) -> list[Change]:
    """One of each kind, then the next of each: there are more names to exchange than signs to forget."""
    seen: Counter[str] = Counter()
    turns = []
    for change in changes:
        turns.append((seen[change[1]], change))
        seen[change[1]] += 1
    return [change for _, change in sorted(turns, key=lambda each: each[0])]


def _nested(one: ast.expr, other: ast.expr) -> bool:
    return one in set(ast.walk(other)) or other in set(ast.walk(one))


def _wrong(truth: list[Any], slip: Slip | None) -> frozenset[int]:
    """The leaves that a slip makes wrong; none where it leaves nothing to compare."""
    found = slip and _leaves(slip.specimen)
    if not found or [np.shape(leaf) for leaf in found] != [np.shape(leaf) for leaf in truth]:
        return frozenset()
    return frozenset(
        number
        for number, (one, right) in enumerate(zip(found, truth, strict=True))
        if not np.all(np.abs(one - right) <= _WRONG * np.max(np.abs(right), initial=0.0))
    )


def _leaves(specimen: Specimen) -> list[Any] | None:
    """What the derivation returns; None where it raises."""
    args = specimen.args
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = specimen.claim(*specimen.inputs(args), *args)
    except Exception:
        return None
    return [np.asarray(leaf) for _, leaf in trees.leaves(found)]
