"""The edits of the claim's source after which every leaf is right: program repair with a whole gradient as the oracle.

Edits by mutation with a test as the oracle are GenProg's idea (Le Goues et al., 2012). Tests are weak oracles; a
gradient at generic points is not: what makes every leaf right at several of them is right.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from gradcheck.explain.blame.apart import Alive
from gradcheck.explain.blame.draft import Draft, Mend, Step
from gradcheck.explain.blame.elsewhere import Elsewhere, elsewhere, has_sizes, shorter
from gradcheck.explain.blame.forcing import Force
from gradcheck.explain.blame.goals import Goals
from gradcheck.explain.blame.grafting import edited, install, spelled_here
from gradcheck.explain.blame.held import held_by, protect
from gradcheck.explain.blame.hunt import Quarry, hunt
from gradcheck.explain.blame.known import derivatives, first_unknown
from gradcheck.explain.blame.manners import manners
from gradcheck.explain.blame.meaning import Meanings, values_by_text
from gradcheck.explain.blame.probes import Probe, alone, in_double, probes
from gradcheck.explain.blame.reach import is_left, reach_of, taken
from gradcheck.explain.blame.reached import reached
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.still import still
from gradcheck.explain.blame.stopwatch import Allowance
from gradcheck.explain.blame.suspects import Suspects
from gradcheck.explain.blame.undone import Container, arrays_in, containers, undone
from gradcheck.explain.blame.watch import observing
from gradcheck.explain.blame.written import Written
from gradcheck.judge.examine import Examined

PROBES = 3
"""Points at which an edit must make every leaf right: two to find it, one more to believe it."""
REACHING, FORCING = 0.2, 0.45
"""Shares of the seconds after which is told what hangs on what, and which expressions mend when they are forced."""
RESIZING = 0.1
"""Share of the seconds in which it is found out which lengths may be others."""
WHOLE = 3.0
"""How many times the seconds of one step all steps may take together."""


@dataclass(eq=False)
class Search:
    """What a search for repairs found, and what became of it."""

    wrong: frozenset[int] = frozenset()
    mends: tuple[Mend, ...] = ()
    left: frozenset[int] = frozenset()
    proved: bool = False
    tried: int = 0
    said: str = ""
    points: int = 0
    elsewhere: str = ""
    """Where the mended claim is wrong, though it is right at every point."""
    one_size: bool = False
    """Whether there are sizes, and none but this one could be tried."""


def search(seen: Examined, seconds: float, alive: Alive) -> Search:
    """Look for edits, each for so many seconds; changes the user's functions, so only in a process of our own.

    The seconds are those of a `stopwatch`.
    """
    found = Search()
    points = probes(seen, PROBES)
    if not points:
        found.said = "the truth at other points, which a repair must be right at, is not to be had"
        return found
    first, found.points = points[0], len(points)
    of_f = reached(first.result)
    functions = _editable(reached(first.ask), of_f, first)
    if not functions:
        found.said = "the claim has no source here: it cannot be searched for the mistake"
        return found
    found.said = still(of_f, points)
    if found.said:
        return found
    # how it behaves is mended after its values are
    raises = first.answer() is None
    behaves = seen.asked is None or not (seen.asked.conduct or seen.asked.lends or seen.look.conduct)
    found.wrong = _wrong(points)
    if behaves and not found.wrong:  # wrong in an entry that is small beside others
        points = probes(seen, PROBES, fine=True)
        found.wrong = _wrong(points)
    alive()
    given = seen
    if (wide := in_double(seen)) is not None and _wrong(finer := probes(wide, PROBES)) == found.wrong:
        seen, points, first = wide, finer, finer[0]  # digits tell which edit is meant
    held = held_by((*functions, *of_f), first.task)
    kept = [place.value for place in held.places]
    holds = containers(kept)
    # what raises may write where it comes to its end
    protect(held.arrays if raises else arrays_in(kept), first)
    early = Allowance(RESIZING * seconds)
    others = elsewhere(seen, first, found.wrong, held, early.late)
    sizes = [one for one in others if one.rows]
    found.one_size = has_sizes(first.task.where) and all(one.doubtful for one in sizes)
    every = (*functions, *of_f)
    fewer = shorter(seen, PROBES)
    for some in (fewer, points) if fewer and _wrong(fewer) == found.wrong else (points,):
        found.left = found.wrong
        draft = _mended(
            found, Draft(every, every), _Setting(len(functions), some, seconds, behaves, others, holds)
        )
        if found.left:
            break
        passes = bool(draft.passages) and all(probe.proved() for probe in _and_the_point(given, points))
        # what is right at one point alone may be so by accident
        found.proved = passes and len(points) > 1
        if passes or some is points:
            break
        for one in functions:
            install(one)
    if not found.left:
        off = next((f"something is wrong {one.said}" for one in others if found.proved and one.refutes()), "")
        found.one_size &= not any(found.proved and one.fits() for one in sizes)
        if found.proved and raises and seen.task.kind == "layer":
            off = "the parameters of a layer are not found before its backward comes to an end"
        if off:
            found.proved, found.elsewhere = False, off
        elif not passes:
            written = draft.now[: len(functions)] if not seen.look.conduct else draft.now
            proofs = _and_the_point(given, points)
            draft = _behaved(found, draft, written, proofs, holds, Allowance(seconds))
    found.mends = tuple(draft.mends())
    return found


def _editable(of_claim: tuple[Written, ...], of_f: tuple[Written, ...], first: Probe) -> tuple[Written, ...]:
    """The functions of the claim without those of f, of which an edit would change f: but for what f makes no use of.

    One function often returns a loss and its gradient.
    """
    shared = _shared(of_claim, of_f)
    with observing(shared) as observer:
        left = [one for one in shared if is_left(observer, first, one)]
    # what calls them with the arguments that f does is hardly where the mistake is
    return (*left, *(one for one in of_claim if one not in shared))


def _shared(functions: tuple[Written, ...], of_f: tuple[Written, ...]) -> tuple[Written, ...]:
    return tuple(one for one in functions if one.is_one_of(of_f))


def _and_the_point(seen: Examined, points: tuple[Probe, ...]) -> tuple[Probe, ...]:
    """Where a mended claim must pass: the very point, too, where its truth is not to be had for a search."""
    if any(probe.task.where is seen.task.where for probe in points):
        return points
    return (replace(points[0], task=alone(seen.task)), *points)


def _wrong(points: tuple[Probe, ...]) -> frozenset[int]:
    return frozenset().union(*(probe.wrong() for probe in points))


@dataclass(frozen=True, eq=False)
class _Setting:
    """What all steps of one search share: how many functions are the claim's, the points, the seconds of a step."""

    claims: int
    points: tuple[Probe, ...]
    seconds: float
    behaves: bool
    elsewhere: tuple[Elsewhere, ...]
    holds: tuple[Container, ...]


def _mended(found: Search, draft: Draft, setting: _Setting) -> Draft:
    """The claim after one edit after another, until nothing is wrong or nothing more is found."""
    first, of_f = setting.points[0], draft.now[setting.claims :]
    started = time.perf_counter()
    first.wrong()
    patience = 20.0 * (time.perf_counter() - started) + 0.05
    beginning = Allowance(REACHING * setting.seconds)
    shared = _shared(draft.now[: setting.claims], of_f)
    goals = Goals(first, Meanings(of_f, shared, first, beginning.late))
    settled = Probe.proved if setting.behaves else Probe.right
    whole = Allowance(WHOLE * setting.seconds)
    while found.left and not whole.late():
        functions, allowed = draft.now[: setting.claims], Allowance(min(setting.seconds, whole.left))
        shared = _shared(functions, of_f)
        with observing(functions) as observer:
            fixed = taken(observer, first, shared, lambda: allowed.past(REACHING))  # noqa: B023
            reach = reach_of(observer, first, lambda: allowed.past(REACHING), fixed)  # noqa: B023
            scene = Scene(
                functions,
                of_f,
                setting.points,
                observer,
                reach,
                found.left,
                allowed,
                patience,
                bool(shared),
                setting.elsewhere,
                setting.holds,
            )
            force = Force(
                functions,
                observer,
                reach,
                first,
                found.left,
                patience,
                lambda: allowed.past(FORCING),  # noqa: B023
            )
            suspects = Suspects(scene, force, goals, force.wanted(goals) if reach.whole else ())
            quarry, tried = hunt(scene, suspects, settled)
        found.tried += tried
        further = None if quarry is None else _kept(draft, quarry, goals.meanings, scene)
        if quarry is None or further is None:
            found.said = "" if draft.passages else _in_vain(suspects, goals)
            break
        draft = further
        found.left -= quarry.progress.leaves
    return draft


def _in_vain(suspects: Suspects, goals: Goals) -> str:
    """What can be said where no edit was found."""
    said = suspects.unexplained(), first_unknown(suspects.scene, derivatives(goals), goals.meanings)
    return ". ".join(one for one in said if one)


def _kept(draft: Draft, quarry: Quarry, meanings: Meanings, scene: Scene) -> Draft | None:
    """The draft with what was found in it, and in force."""
    function, edit, progress = quarry.function, quarry.edit, quarry.progress
    known, old = values_by_text(scene.reach.values, function), function.source.segment(edit.node)
    was, now = (meanings.of(known[text], text) if text in known else None for text in (old, edit.text))
    step = Step(draft.now.index(function), progress.leaves, progress.nearer, was, now)
    further = draft.edited(edit.node, spelled_here(edit, function) or edit.text, step)
    for one in () if further is None else further.now[: len(scene.functions)]:
        if one.source.path == function.source.path:
            install(one)
    return further


def _behaved(
    found: Search,
    draft: Draft,
    functions: tuple[Written, ...],
    points: tuple[Probe, ...],
    holds: tuple[Container, ...],
    allowed: Allowance,
) -> Draft:
    """The claim with the edit by which what is right in its values leaves alone what it is given."""
    for function in functions:
        for edit in manners(function):
            if allowed.late():
                return draft
            found.tried += 1
            with edited(function, edit) as installed, undone(holds):
                proved = installed and all(probe.proved() for probe in points)
            further = (
                draft.edited(
                    edit.node, spelled_here(edit, function) or edit.text, Step(draft.now.index(function))
                )
                if proved
                else None
            )
            if further is not None:
                found.proved = len(points) > 1
                return further
    return draft
