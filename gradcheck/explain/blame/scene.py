"""What is known when the next edit of a claim is looked for."""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck.explain.blame.elsewhere import Elsewhere
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.reach import Reach
from gradcheck.explain.blame.stopwatch import Allowance
from gradcheck.explain.blame.undone import Container
from gradcheck.explain.blame.watch import Observer
from gradcheck.explain.blame.written import Written


@dataclass(frozen=True, eq=False)
class Scene:
    """The functions of the claim and of f, what calls of the claim showed, the leaves that are wrong, the time left.

    ``shares`` is whether f calls some of the functions of the claim, which compute more than f makes use of. ``holds``
    is what an edit may change that is to be as it was when the next is tried.
    """

    functions: tuple[Written, ...]
    of_f: tuple[Written, ...]
    points: tuple[Probe, ...]
    observer: Observer
    reach: Reach
    left: frozenset[int]
    time: Allowance
    patience: float
    shares: bool
    elsewhere: tuple[Elsewhere, ...] = ()
    holds: tuple[Container, ...] = ()
