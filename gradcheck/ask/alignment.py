"""Which arguments the gradients belong to that came, where ``argnums`` was left out and f takes data beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.point import MAX_BLOCKS, Point, floating_argnums

SAME, OF_ITS_SIZE = 2, 1
"""What a gradient counts that has its argument's build, and one that has as many entries, laid out otherwise."""


def fitting_argnums(
    where: Point, result: Any, named: Sequence[int] = (), output: tuple[int, ...] = ()
) -> tuple[tuple[int, ...], ...]:
    """The choices of fewer arguments, in order, that ``result`` is most likely the gradient of.

    Those that fit best, and half at least; of several that of the arguments ``named`` by what the claim returns. Where
    none fits in every part, names are believed before shapes, and parameters to stand side by side. A list of
    parameters has a list of gradients, whatever else is given. ``output`` are the axes ahead of a dense Jacobian's. At
    most ``MAX_BLOCKS + 1``.
    """
    floating = floating_argnums(where.args)
    listed = isinstance(result, tuple | list)
    parts = list(result) if listed else [result]
    whole = tuple(
        (number,) for number in floating if listed and _fit(where.args[number], result, output) == SAME
    )
    if not 0 < len(parts) < len(floating):
        return () if len(parts) == len(floating) and _fits(where, floating, parts, output) else whole
    fits = [[_fit(where.args[number], part, output) for part in parts] for number in floating]
    best = _best(fits)
    choices = tuple(
        tuple(floating[i] for i in chosen) for chosen in islice(_choices(fits, best), MAX_BLOCKS + 1)
    )
    by_name = tuple(number for number in floating if number in named)
    exact = best[0][0] == SAME * len(parts)
    if whole:
        return (*whole, *choices) if exact else whole
    if exact and len(choices) == 1:
        return choices
    if len(by_name) == len(parts) and (not exact or _fits(where, by_name, parts, output)):
        return (by_name,)
    if exact:
        return choices
    side_by_side = tuple(chosen for chosen in choices if chosen[-1] - chosen[0] == len(chosen) - 1)
    return (
        (side_by_side if len(side_by_side) == 1 else choices) if 2 * best[0][0] >= SAME * len(parts) else ()
    )


def _fits(where: Point, chosen: Sequence[int], parts: Sequence[Any], output: tuple[int, ...]) -> bool:
    pairs = zip(chosen, parts, strict=True)
    return all(_fit(where.args[number], part, output) == SAME for number, part in pairs)


def _best(fits: Sequence[Sequence[int]]) -> list[list[float]]:
    """What the parts from j on count at most, given in order to arguments from i on: a longest common subsequence."""
    count, parts = len(fits), len(fits[0])
    best = [[-np.inf] * parts + [0.0] for _ in range(count + 1)]
    for i in reversed(range(count)):
        for j in reversed(range(parts)):
            best[i][j] = max(best[i + 1][j], fits[i][j] + best[i + 1][j + 1])
    return best


def _choices(fits: Sequence[Sequence[int]], best: Sequence[Sequence[float]]) -> Iterator[tuple[int, ...]]:
    """Every choice that counts most, by positions."""
    open_ends: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    while open_ends:
        i, chosen = open_ends.pop()
        j = len(chosen)
        if j == len(fits[0]):
            yield chosen
            continue
        if best[i + 1][j] == best[i][j]:
            open_ends.append((i + 1, chosen))
        if fits[i][j] + best[i + 1][j + 1] == best[i][j]:
            open_ends.append((i + 1, (*chosen, i)))


def _fit(argument: Any, gradient: Any, output: tuple[int, ...]) -> int:
    wanted = [(path, (*output, *np.shape(leaf))) for path, leaf in trees.leaves(argument)]
    try:
        came = [(path, np.shape(leaf)) for path, leaf in trees.leaves(gradient)]
    except Exception:  # a ragged list, an array of another library: it has no build that could fit
        return 0
    if came == wanted:
        return SAME
    sizes = [[np.prod(shape) for _, shape in leaves] for leaves in (came, wanted)]
    return OF_ITS_SIZE if sizes[0] == sizes[1] and len(sizes[0]) > 0 else 0
