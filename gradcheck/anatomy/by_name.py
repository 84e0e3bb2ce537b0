"""Gradients in a dict, by names like those of what they belong to: ``dW1`` that of ``W1``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradcheck.anatomy.naming import SPELLINGS, stems
from gradcheck.ask.source import tree_of


def keys_of(names: Sequence[str], keys: Sequence[Any]) -> dict[str, Any]:
    """The key of each name: the name itself, or what the gradient of it is called; only for names that have one."""
    found = {name: name for name in names if name in keys}
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


def returned_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The variables that a function returns, ``return dW, db``; none where it returns something else."""
    tree = tree_of(function)
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)] if tree else []
    parts = returned[-1].elts if returned and isinstance(returned[-1], ast.Tuple | ast.List) else []
    return tuple(part.id for part in parts if isinstance(part, ast.Name))


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
