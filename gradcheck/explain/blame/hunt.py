"""The hunt for one edit: the most natural one that mends all that is wrong, else the one that mends most of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from gradcheck.explain.blame.edits import ADDED, Edit
from gradcheck.explain.blame.elsewhere import WRONG
from gradcheck.explain.blame.grafting import offered
from gradcheck.explain.blame.hollow import decides_nothing
from gradcheck.explain.blame.offers import Ranked, offers
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.progress import Progress, standing
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.suspects import Suspects
from gradcheck.explain.blame.undone import Container, undone
from gradcheck.explain.blame.written import Written

HOLLOW = 2
"""How much less natural an edit is after which a condition decides nothing."""
RIVALS, LONG, MANY = 12, 16.0, 80
"""Edits that are tried for a better one after the first that mends everything, where they do not come in order.

More are where that one is of so many letters more.
"""
HALFWAY = 0.5
"""Share of the time after which what mends a part is taken, and the rest looked for from there."""


@dataclass(frozen=True, eq=False)
class Quarry:
    """What a hunt came back with; ``misfit`` is how ill it fits far from it."""

    function: Written
    edit: Edit
    progress: Progress
    misfit: int


def hunt(scene: Scene, suspects: Suspects, settled: Callable[[Probe], bool]) -> tuple[Quarry | None, int]:
    """The best edit, and how many were tried; the first point has to be ``settled`` with one that mends everything."""
    best: Quarry | None = None
    most, tried, rank_of_best, spread_of_best = math.inf, 0, (math.inf, 0.0, 0.0), 0
    several = suspects.several
    # where nothing comes, what lets anything come mends some leaves, and tells nothing of the others
    comes = scene.reach.whole
    stands = standing(scene.points, scene.left, scene.shares)
    # each is in force until the next one is asked for
    for rank, function, edit in chain.from_iterable(
        in_force(some, scene.holds) for some in offers(scene, suspects)
    ):
        # where others are needed in any case, what mends a part is not weighed against what is added from afar
        enough = best is not None and (
            best.progress.leaves == scene.left
            or (best.progress.leaves and comes and (several or rank[0] >= ADDED))
        )
        if (
            scene.time.late()
            or tried > most
            or (enough and best and not best.misfit and rank[0] > rank_of_best[0])
        ):
            break
        tried += 1
        progress = stands.progress()
        if not progress or not stands.is_quiet():
            continue
        every = progress.leaves == scene.left
        hollow = every and decides_nothing(function, edit, suspects.force)
        if hollow:
            rank = (rank[0] + HOLLOW, *rank[1:])
        misfit = sum(one.misfit(progress.leaves) for one in scene.elsewhere)
        # what mends a part by itself is no place that the rest hangs on, too
        spread = 0 if every else suspects.spread(function, edit.node)
        merit = progress.amount, -misfit
        better = best is None or merit > (best.progress.amount, -best.misfit)
        same = best is not None and merit == (best.progress.amount, -best.misfit)
        chosen = better or (same and (spread, rank) < (spread_of_best, rank_of_best))
        if every and chosen and not settled(scene.points[0]):
            continue  # right in its values alone: it writes into an argument, say
        if every and misfit >= WRONG:
            scene.time.relax()
        elif comes or every:
            scene.time.hurry(HALFWAY)
        suspects.several |= comes and bool(progress.leaves) and not every
        if (better or (chosen and most == math.inf)) and every and not misfit and not hollow:
            most = tried if edit.cost < ADDED else tried + (RIVALS if rank[2] <= LONG else MANY)
        if chosen:
            best, rank_of_best, spread_of_best = Quarry(function, edit, progress, misfit), rank, spread
    return best, tried


def in_force(some: Sequence[Ranked], holds: tuple[Container, ...] = ()) -> Iterator[Ranked]:
    """One after another in force; where one of them does not compile, the halves by themselves.

    What the functions hold is for each as it was before.
    """
    with offered([(function, edit) for _, function, edit in some]) as choose:
        for number, offer in enumerate(some):
            if choose is not None and choose(number):
                with undone(holds):
                    yield offer
    if choose is None and len(some) > 1:
        half = len(some) // 2
        yield from in_force(some[:half], holds)
        yield from in_force(some[half:], holds)
