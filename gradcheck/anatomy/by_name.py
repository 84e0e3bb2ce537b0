"""Gradients in a dict, by names like those of what they belong to: ``dW1`` that of ``W1``."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradcheck.anatomy.naming import SPELLINGS, stems
from gradcheck.ask.source import tree_of


def keys_of(names: Sequence[Any], keys: Sequence[Any]) -> dict[Any, Any]:
    """The key of each name: the name itself, or what the gradient of it is called; only for names that have one."""
    found = {name: name for name in names if name in keys}
    names = [name for name in names if isinstance(name, str)]
    for spelling in SPELLINGS[:2]:
        by_stem: dict[str, Any] = {}
        for key in keys:
            for stem in stems(key) if isinstance(key, str) else ():
                by_stem.setdefault(spelling(stem), key)
        for name in names:
            key = by_stem.get(spelling(name))
            if key is not None and name not in found and key not in found.values():
                found[name] = key
    return found


def returned_names(function: Callable[..., Any], count: int = 0) -> tuple[str, ...]:
    """The variables that a function returns, ``return dW, db``, "" for what is none; empty where returns differ.

    What is unpacked there, ``return *gradients, dx``, makes them ``count``.
    """
    found = {tuple(map(_variable, parts)) for parts in _returned(function)}
    names = found.pop() if len(found) == 1 else ()
    if _SPREAD not in names:
        return names
    ahead, behind = names[: names.index(_SPREAD)], names[len(names) - names[::-1].index(_SPREAD) :]
    return (*ahead, *[""] * (count - len(ahead) - len(behind)), *behind)


def written_out(function: Callable[..., Any]) -> int:
    """How many parts a function returns side by side: 1 of ``return dx, *gradients``, 0 of ``return gradients``.

    What is made of pairs alone, ``return [(dW, db), ...]``, is one list, however it was written.
    """
    counts = (
        0
        if all(isinstance(part, ast.Tuple | ast.List) for part in parts)
        else [*map(_variable, parts), _SPREAD].index(_SPREAD)
        for parts in _returned(function)
    )
    return min(counts, default=0)


_SPREAD = "*"


def _variable(part: ast.expr) -> str:
    return part.id if isinstance(part, ast.Name) else _SPREAD if isinstance(part, ast.Starred) else ""


def _returned(function: Callable[..., Any]) -> list[list[ast.expr]]:
    """What stands side by side behind each return."""
    tree = tree_of(function)
    returns = [node.value for node in _own_nodes(tree) if isinstance(node, ast.Return)] if tree else []
    return [value.elts for value in returns if isinstance(value, ast.Tuple | ast.List)]


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Its nodes without those of functions inside it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from _own_nodes(node)


def by_argument(names: Sequence[str], result: Mapping[Any, Any]) -> dict[int, Any]:
    """The part of ``result`` for each argument that has one, by its position; empty where a key belongs to none."""
    found = keys_of(names, list(result))
    if len(found) < len(result):
        return {}
    return {number: result[found[name]] for number, name in enumerate(names) if name in found}


def as_argument(argument: Any, gradient: Any) -> Any:
    """A dict of gradients under the keys of the argument, where each has its companion there and all are gradients."""
    if not isinstance(argument, dict) or not isinstance(gradient, dict) or argument.keys() & gradient.keys():
        return gradient
    found = keys_of([key for key in argument if isinstance(key, str)], list(gradient))
    others = [key for key in gradient if key not in found.values()]
    if len(found) < len(argument) or not all(isinstance(key, str) and any(stems(key)) for key in others):
        return gradient
    return {key: as_argument(argument[key], gradient[found[key]]) for key in argument}


def in_common(argument: Any, gradient: Any) -> tuple[Any, Any]:
    """Both cut to what of a dict has a gradient, that under the keys of the argument; as they are where none has."""
    if not isinstance(argument, dict) or not isinstance(gradient, Mapping):
        return argument, gradient
    found = keys_of(list(argument), list(gradient))
    others = [key for key in gradient if key not in found.values()]
    if not all(isinstance(key, str) and any(stems(key)) for key in others):
        return argument, gradient
    pairs = {
        key: in_common(argument[key], gradient[found[key]])
        for key in argument
        if key in found and gradient[found[key]] is not None
    }
    if not pairs:
        return argument, gradient
    return {key: mine for key, (mine, _) in pairs.items()}, {
        key: theirs for key, (_, theirs) in pairs.items()
    }


def restored(whole: Any, part: Any) -> Any:
    """What `in_common` cut an argument to, with what it cut away."""
    if not isinstance(whole, dict) or not isinstance(part, dict):
        return part
    again = copy.copy(whole)
    again.update((key, restored(whole[key], child)) for key, child in part.items())
    return again
