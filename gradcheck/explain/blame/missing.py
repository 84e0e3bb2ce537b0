"""Edits that add what stands elsewhere: tried as values before they are written, the most suspicious places first."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import numpy as np

from gradcheck.explain.blame.edits import ADDED, Edit, operand
from gradcheck.explain.blame.experiments import Candidate, Trial, candidates, experiments
from gradcheck.explain.blame.grafting import above
from gradcheck.explain.blame.needed import Needed
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.suspects import Suspects
from gradcheck.explain.blame.synthesis import products, with_products
from gradcheck.explain.blame.written import Written


def missing(
    scene: Scene, suspects: Suspects, function: Written, places: Sequence[ast.expr]
) -> Iterator[Edit]:
    """Edits of one function that add a factor, a term or an operand that is in sight, at some of its `places`."""
    texts = [(node, operand(function.source, node)) for node in places]
    where, held = scene.points[0].task.where, scene.reach.values
    data = frozenset(name for number, name in enumerate(where.names) if number not in where.argnums)
    sight = candidates(function, scene.of_f, held, data, scene.patience)
    trial = Trial(
        scene.observer, scene.left, scene.points[0], scene.patience, scene.time.late, suspects.solution
    )
    # where the value that is needed is known, what is worth it is found without a call of the claim
    known = {node for node, _ in texts if suspects.solution(node) is not None}
    yield from experiments(trial, held, sight, [one for one in texts if one[0] in known])
    for node, text in texts:
        if node in known and not scene.time.late() and (solution := suspects.solution(node)) is not None:
            for new in _written(solution, held[node][0], text, sight):
                yield Edit(ADDED, "written", node, new)
    yield from experiments(trial, held, sight, [one for one in texts if one[0] not in known])


def places(
    scene: Scene, suspects: Suspects, function: Written
) -> tuple[Sequence[ast.expr], Sequence[ast.expr]]:
    """The expressions another value of which may make every leaf right, and the others; the suspicious ones first."""
    inside = set(ast.walk(function.node))
    found = [
        ((suspicion, len(list(above(function, node))), number), node)
        for number, node in enumerate(scene.reach.leaves)
        if isinstance(node, ast.expr) and node in inside
        if (suspicion := suspects.suspicion(function, node)) is not None
    ]
    ordered = [node for _, node in sorted(found, key=lambda each: each[0])]
    able = [node for node in ordered if suspects.able(function, node)]
    return able, [node for node in ordered if node not in able]


def _written(
    solution: Needed,
    now: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    text: str,
    sight: tuple[Candidate, ...],
) -> Iterator[str]:
    """Texts for the value that the expression should have."""
    then = solution.value
    wide = with_products(sight, np.shape(then))
    with np.errstate(all="ignore"):
        yield from products(then, wide)
        yield from (f"{text} + {more}" for more in products(then - now, wide))
        factor = then / now
    if np.isfinite(factor).all():
        yield from (f"{text} * {more}" for more in products(factor, wide))
