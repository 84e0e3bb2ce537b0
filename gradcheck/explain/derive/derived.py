"""The right backward pass of f as text, for who would rather read it than look for what is wrong."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable
from keyword import iskeyword
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.calls import undisturbed
from gradcheck.ask.point import Point, Slot
from gradcheck.explain.derive.straight import NotDerived, Straight, straight
from gradcheck.explain.derive.sweep import Sweep

NAMES = {"grad": "gradient", "vjp": "vjp"}
"""What the function is called that is written for a check of this kind."""


def right_backward(
    f: Callable[..., Any], where: Point, kind: str, proves: Callable[[Callable[..., Any]], bool]
) -> str:
    """Python that computes the gradient of f, or pulls a cotangent back; ``proves`` has found it right.

    Raises
    ------
    NotDerived
        f does more than compute one value after another, or something that there is no rule for.
    """
    if kind not in NAMES:
        raise NotDerived(
            f"a backward pass is written for gradients and VJPs, and this is a check of a {kind}"
        )
    with undisturbed():
        text, made = _written(f, where, kind)
        space: dict[str, Any] = {**made.space, "np": np}
        exec(compile(text, "<derivation>", "exec"), space)
    if not proves(space[NAMES[kind]]):
        raise NotDerived("what was written did not pass the check, and is not shown")
    return text


def _written(f: Callable[..., Any], where: Point, kind: str) -> tuple[str, Straight]:
    inside = {_spelled(where, slot): _wanted(slot) for slot in where.slots if len(slot.keys) > 1}
    made = straight(f, inside)
    values = {**_defaults(f), **dict(zip(where.names, where.copied(where.args), strict=True))}
    names = {
        slot.keys: made.parts.get(_spelled(where, slot), where.names[slot.argnum]) for slot in where.slots
    }
    leaves = frozenset(names.values())
    sweep = Sweep(made, values, set(leaves), leaves)
    sweep.forward()
    first: ast.expr = ast.Constant(1)
    arguments = copy.deepcopy(made.arguments)
    if kind == "vjp":
        if not isinstance(values[made.result], np.ndarray | np.number | float):
            raise NotDerived("f returns more than one array")
        cotangent = made.fresh("dy")
        values[cotangent] = np.ones_like(values[made.result])
        first = ast.Name(cotangent, ast.Load())
        (arguments.posonlyargs if arguments.posonlyargs else arguments.args).insert(0, ast.arg(cotangent))
    sweep.sweep(first)
    totals = {keys: ast.unparse(sweep.total(one)) for keys, one in names.items()}
    returned = ", ".join(_tree(where.args[number], (number,), totals) for number in where.argnums)
    return _text(NAMES[kind], arguments, [*sweep.lines(returned)], sweep.back, returned), made


def _spelled(where: Point, slot: Slot) -> str:
    """A leaf as f would write it: ``params['W']``."""
    return where.names[slot.argnum] + "".join(f"[{key!r}]" for key in slot.keys[1:])


def _wanted(slot: Slot) -> str:
    """What a leaf inside an argument may be called."""
    last = str(slot.keys[-1])
    return last if last.isidentifier() and not iskeyword(last) else "part"


def _defaults(f: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(f).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def _tree(argument: Any, path: trees.Path, totals: dict[trees.Path, str]) -> str:
    """The derivatives in the build of an argument."""
    if path in totals:
        return totals[path]
    if type(argument) is dict:
        pairs = (f"{key!r}: {_tree(child, (*path, key), totals)}" for key, child in argument.items())
        return f"{{{', '.join(pairs)}}}"
    if type(argument) in (list, tuple):
        inner = [_tree(child, (*path, number), totals) for number, child in enumerate(argument)]
        return f"[{', '.join(inner)}]" if type(argument) is list else f"({', '.join(inner)},)"
    raise NotDerived(f"an argument holds a {type(argument).__name__}, which has no derivative")


def _text(
    name: str, arguments: ast.arguments, forward: list[ast.stmt], back: list[ast.stmt], returned: str
) -> str:
    def lines(statements: list[ast.stmt]) -> list[str]:
        return [f"    {ast.unparse(ast.fix_missing_locations(copy.deepcopy(one)))}" for one in statements]

    blank = [""] if forward and back else []
    head, end = f"def {name}({ast.unparse(arguments)}):", f"    return {returned}"
    return "\n".join([head, *lines(forward), *blank, *lines(back), end]) + "\n"
