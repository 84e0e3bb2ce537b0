"""Points at which a mended claim must be right, with the truth there."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask import precision, trees
from gradcheck.ask.look import Asked as Looked
from gradcheck.ask.look import look_at_function
from gradcheck.ask.point import Point, Slot, point, step_scale
from gradcheck.ask.reading import Reading
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.answer import Answer, Asked, asked
from gradcheck.explain.blame.apart import ENDED, no_longer_than
from gradcheck.explain.locate import entry_truth
from gradcheck.judge.evaluation import covector, evaluated, pair
from gradcheck.judge.examine import Examined, examine
from gradcheck.judge.pairing import Pairing
from gradcheck.oracles.autodiff import trace_task

SCREEN = 1e-7
"""Share of a leaf's largest entry by which a claim in double precision may be off to be looked at more closely."""
ROUNDOFFS = 2.0**11
"""The same in unit roundoffs, for one in lower precision."""
NEAR, NEARER = 0.1, (0.01, 0.001)
"""How far a second point is from the first, in each entry's own scale; and where f is not, or stands still, so far."""
ENTRIES = 200
"""Of an f that no oracle traces the truth is had entry by entry, for so many at most."""


@dataclass(frozen=True, eq=False)
class Probe:
    """One point and covector, with the truth and what each entry of a claim may be off by, leaf after leaf.

    At a kink the truth is the middle of the one-sided slopes, and half of what is between them is allowed.
    """

    task: Task
    u: Floats
    output: Any
    truth: Floats
    slack: Floats

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The leaves."""
        return self.task.where.slots

    def by_leaf(self, flat: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """A flat vector leaf by leaf, each in its shape."""
        return tuple(flat[slot.start : slot.stop].reshape(slot.shape) for slot in self.slots)

    def ask(self) -> Reading:
        """What the claim, as it is now, returns here."""
        where = self.task.where
        return self.task.ask(where, where.copied(where.args), self.u, self.output)

    @cached_property
    def asked(self) -> Asked:
        """The entries of what the claim, as it is now, returns here."""
        return asked(self.task, self.ask)

    def answer(self) -> Answer | None:
        """The same; None where the claim raises, or is about to come to no end."""
        try:
            with no_longer_than(self._patience):
                return self.asked()
        except ENDED:  # of an edit that makes no sense
            return None

    @cached_property
    def _patience(self) -> float:
        """So many seconds a call may take, by what one took before anything was edited or watched."""
        return 20.0 * (self.task.f.seconds + self.task.claim.seconds) + 0.05

    def wrong(self) -> frozenset[int]:
        """The leaves in which the claim, as it is now, is wrong here; all where it raises."""
        return self.wrong_in(self.answer())

    def wrong_in(self, answer: Answer | None) -> frozenset[int]:
        """The leaves in which an answer is wrong."""
        if answer is None:
            return frozenset(range(len(self.slots)))
        return answer.missing | self.leaves_with(~(np.abs(answer.flat - self.truth) <= self.slack))

    def leaves_with(self, entries: NDArray[np.bool_]) -> frozenset[int]:
        """The leaves some of whose entries are marked."""
        places = np.flatnonzero(entries)
        return frozenset((np.searchsorted(self._starts, places, side="right") - 1).tolist())

    @cached_property
    def _starts(self) -> NDArray[np.int_]:
        return np.array([slot.start for slot in self.slots])

    def noise(self) -> frozenset[str]:
        """What the claim, as it is now, is warned of here: that it divides by zero, say."""
        return _noise(self.answer)

    def noise_of_f(self) -> frozenset[str]:
        """What f is warned of."""
        return _noise(self.result)

    def result(self) -> Any:
        """What f, as it is now, returns here."""
        where = self.task.where
        return self.task.f(*where.copied(where.args))

    def keeps_f(self) -> bool:
        """Whether f, as it is now, returns what it did before anything was edited."""
        try:
            with no_longer_than(self._patience):
                before, now = list(trees.leaves(self.output)), list(trees.leaves(self.result()))
        except ENDED:  # of an edit that makes no sense
            return False
        return len(before) == len(now) and all(
            np.array_equal(old, new, equal_nan=True) for (_, old), (_, new) in zip(before, now, strict=True)
        )

    def proved(self) -> bool:
        """Whether the claim, as it is now, passes a whole check here."""
        return examine(self.task, np.random.default_rng(7)).verdict == "pass"

    def right(self) -> bool:
        """Whether its values pass, whatever it does to what it is given."""
        judgement = examine(self.task, np.random.default_rng(7)).judgement
        return judgement is not None and judgement.verdict == "pass"


def _noise(run: Callable[[], Any]) -> frozenset[str]:
    heard: set[str] = set()
    with (
        np.errstate(divide="call", over="call", invalid="call", call=lambda kind, _: heard.add(kind)),
        warnings.catch_warnings(record=True) as told,
        suppress(Exception),
    ):
        warnings.simplefilter("always")
        run()
    return frozenset([*heard, *(one.category.__name__ for one in told)])


def probes(seen: Examined, count: int, fine: bool = False) -> tuple[Probe, ...]:
    """The point of a check that failed, and others near it with covectors of their own.

    Where it is to be ``fine``, no entry may be off by more than its own share, however large others are.
    """
    found: list[tuple[Task, Truth]] = []
    kinks = {kink.index for kink in seen.judgement.kinks} if seen.judgement else set()
    for number in range(count):
        for by in (NEAR, *NEARER) if number else (0.0,):
            generator = np.random.default_rng([number, 0x626C])
            task = replace(alone(seen.task), where=moved(seen.task.where, generator, by))
            try:
                truth = truth_at(task, generator)
            except Exception:  # of a point where f cannot be
                continue
            if truth is None or not np.isfinite(truth[2]).all():
                continue
            # beside a kink f may stand still on the one side
            if not found or kinks.issuperset(np.flatnonzero(stands_still(truth[2], found[0][1][2]))):
                found.append((task, truth))
                break
    # a leaf whose truth is zero at one point, by symmetry or at an optimum, is as large as at the others
    sizes = np.max([np.abs(truth[2]) for _, truth in found], axis=0) if found else np.empty(0)
    made = []
    for task, (u, output, flat) in found:
        slack = _slack(seen, task.where.slots, sizes)
        rounding = ROUNDOFFS * _unit(seen) / _share(seen) * slack
        middle, allowed = flat.copy(), np.maximum(SCREEN * np.abs(flat), rounding) if fine else slack
        for kink in seen.judgement.kinks if seen.judgement and task.where is seen.task.where else ():
            middle[kink.index] = 0.5 * (kink.left + kink.right)
            allowed[kink.index] += 0.5 * abs(kink.right - kink.left)
        made.append(Probe(task, u, output, middle, allowed))
    return tuple(made)


def stands_still(truth: Floats, here: Floats) -> NDArray[np.bool_]:
    """The entries for which f does not move, as it does here: it may be beyond a guard, as of a logarithm."""
    still: NDArray[np.bool_] = (truth == 0.0) & (here != 0.0)
    return still


def in_double(seen: Examined) -> Examined | None:
    """What a check has seen, at its point in double precision; None where that is its own."""
    where = seen.task.where
    if all(slot.dtype.itemsize >= 8 for slot in where.slots):
        return None
    wide = point(seen.task.f, where.doubled().args, where.argnums, where.names)
    return replace(seen, task=replace(seen.task, where=wide), pairing=None, judgement=None)


Truth = tuple[Floats, Any, Floats]
"""A covector, the output of f, and the pullback of the one at the other's point."""


def screened(seen: Examined, task: Task, truth: Truth) -> Probe:
    """A probe by the measure of a check, where the truth of another task is known."""
    u, output, flat = truth
    return Probe(task, u, output, flat, _slack(seen, task.where.slots, np.abs(flat)))


def _slack(seen: Examined, slots: tuple[Slot, ...], sizes: Floats) -> Floats:
    """What each entry may be off by, where they are as large as that."""
    largest = [float(np.max(sizes[slot.start : slot.stop], initial=0.0)) for slot in slots]
    most = max(largest, default=0.0)
    shares = [_share(seen) * max(one, 1e-6 * most) for one in largest]
    return np.repeat(np.array(shares, dtype=np.float64), [slot.size for slot in slots])


def _share(seen: Examined) -> float:
    return max(SCREEN, ROUNDOFFS * _unit(seen))


def alone(task: Task) -> Task:
    """The task without what is not to be had in a copy of a process: workers, and compilers that have threads."""
    oracles = tuple(oracle for oracle in task.options.oracles if oracle != "complex_step")
    return replace(
        task, options=replace(task.options, executor=None, oracles=oracles or task.options.oracles)
    )


def truth_at(task: Task, generator: np.random.Generator) -> Truth | None:
    """The truth where a task asks for it, None where no oracle has it."""
    return _traced(task, generator) or _differenced(task, generator)


def _unit(seen: Examined) -> float:
    """The unit roundoff of what is compared."""
    own = max(precision.of(slot.dtype) for slot in seen.task.where.slots)
    return own if seen.pairing is None else max(own, seen.pairing.claim.unit, seen.pairing.precision)


def moved(where: Point, generator: np.random.Generator, by: float) -> Point:
    """The point with each entry moved by about so much of its own scale."""
    if by == 0.0:
        return where
    return where.moved(
        where.x + by * step_scale(where.x, where.slots) * generator.standard_normal(where.x.size)
    )


def _traced(task: Task, generator: np.random.Generator) -> Truth | None:
    look = look_at_function(task.f, task.where)
    if look.reasons:
        return None
    u = covector(task, look, generator)
    answer, _, _ = trace_task(task, look, u)
    return None if answer is None else (u, look.output, answer.value)


def _differenced(task: Task, generator: np.random.Generator) -> Truth | None:
    again = examine(task, generator)
    reading = None if again.asked is None else again.asked.reading
    pairing = _without_claim(again) if reading is None or reading.problems else again.pairing
    if task.where.x.size > ENTRIES or pairing is None or again.u is None:
        return None
    truth = np.array([entry_truth(pairing, index)[0] for index in range(pairing.x.size)])
    return again.u, again.look.output, truth


def _without_claim(seen: Examined) -> Pairing | None:
    """F paired with a claim of ones, where the one that is made is none; None where f cannot be paired."""
    if seen.u is None:
        return None
    ones = tuple(np.ones(slot.shape) for slot in seen.task.where.slots)
    reading = Reading(ones, ("float64",) * len(ones), ())
    f = evaluated(seen.task, seen.look, seen.u, reading)
    return pair(seen.task, seen.look, Looked(reading), f, None)
