"""Arrays without entries, of which a claim can be wrong in its shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck.anatomy.by_name import by_argument
from gradcheck.ask import trees
from gradcheck.ask.calls import undisturbed
from gradcheck.ask.point import argument_names
from gradcheck.exploration.asked import Asked
from gradcheck.exploration.example import names_in

if TYPE_CHECKING:
    from gradcheck.strategies import At


def of_nothing(asked: Asked, args: list[Any]) -> str:
    """What is wrong with a claim about arrays without entries; "" where its shapes are right."""
    numbers = asked.numbers(args)
    if asked.kind not in ("grad", "vjp") or any(isinstance(args[n], dict | list | tuple) for n in numbers):
        return ""
    try:
        given = trees.copied(args)
        with undisturbed():
            if asked.kind == "vjp":  # linear in its cotangent, zeros of which are as good as any
                given.insert(0, trees.map_leaves(lambda _, leaf: np.zeros_like(leaf), asked.f(*args)))
            came = asked.claim(*given)
    except Exception as error:
        return f"no entries: the claim raises {type(error).__name__}: {error}"
    wanted = [np.shape(args[number]) for number in numbers]
    if isinstance(came, Mapping):
        named = by_argument(argument_names(asked.f, len(args)), came)
        came = [named.get(number) for number in numbers]
    parts = came if len(numbers) > 1 or isinstance(came, list) else (came,)
    shapes = [np.shape(part) for part in parts]
    return "" if shapes == wanted else f"no entries: gradients of shapes {shapes} came, {wanted} are due"


def without_entries(asked: Asked, at: At) -> str:
    """What shows that the claim fails for arrays that no check takes."""
    args = list(at.args.values())
    numbers = asked.numbers(args)
    shapes, given = [np.shape(args[number]) for number in numbers], ", ".join(names_in(at))
    if asked.kind == "vjp":
        several = isinstance(asked.f(*trees.copied(args)), tuple | list)
        zeros = (
            f"tuple(np.zeros_like(one) for one in f({given}))" if several else f"np.zeros_like(f({given}))"
        )
        given = f"{zeros}, {given}"
    if len(numbers) == 1:
        return f"assert np.shape(claim({given})) == {shapes[0]}"
    return f"assert [np.shape(one) for one in claim({given})] == {shapes}"
