"""What to ask next: from cheap to dear, each question in the light of the facts so far.

`plan` is a conversation: it yields a question, is sent the fact that came of it, and ends when nothing more is worth
asking. It decides nothing but that.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from gradcheck.ask.draws import signs
from gradcheck.ask.trees import Floats
from gradcheck.judge.directions import GROUP_SPAN, equilibrated, groups
from gradcheck.judge.entrywise import Entrywise, Near
from gradcheck.judge.facts import Case, Fact, Purpose, Question, Side, supported
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.resolution import of_group
from gradcheck.oracles.ball import Relation

Plan = Generator[Question, Fact, None]

_GUARD_SPAN = 1e2
"""Where claim and autograd are one, differences only guard against a blindness common to both: the entries that
contribute most show it best."""

_GUARD_FLOOR = 12.5
"""Contributions below so many evaluations' noise show nothing."""

_NARROWEST, _MOST_GROUPS = 8.0, 12
"""A group's span at the least, and how many groups there may be: beyond, f's rounding hides what is left."""

_DIRECTIONS, _MOST_DIRECTIONS = 3, 6
"""Directions a group, the further ones only where one cannot see what it should (`gradcheck.judge.resolution`); more
where an error as large as the leaf itself could go unseen."""


def plan(case: Case, generator: np.random.Generator) -> Plan:
    """The questions of one check."""
    if case.entries is None:
        yield from _by_groups(case, generator)
    elif case.entries.differs:
        yield from _arbitration(case, case.entries, generator)
    elif case.differences:
        yield from _guard(case.pairing, generator)


def _arbitration(case: Case, entries: Entrywise | Near, generator: np.random.Generator) -> Plan:
    pairing = case.pairing
    gap = np.where(entries.apart, np.abs(entries.gap), 0.0)
    # each by its largest: of tiny numbers the product would be none
    mask = next(groups(gap / np.max(gap) * (pairing.scale / np.max(pairing.scale)), 0.0))
    # signs that make every disagreement count in the same sense: nothing cancels
    size = equilibrated(generator, entries.gap, pairing.scale, mask, pairing.slots)
    fact = yield Question(Purpose.ARBITER, np.abs(size) * np.sign(entries.gap), mask)
    side = supported(fact, pairing.magnitude)
    if side in (Side.CLAIM, Side.NEITHER):
        yield from _by_groups(case, generator)
    elif side is Side.HIDDEN:
        yield from _guard(pairing, generator)


def _guard(pairing: Pairing, generator: np.random.Generator) -> Plan:
    mask = next(groups(pairing.contribution, _GUARD_FLOOR * pairing.noise, _GUARD_SPAN), None)
    if mask is None:
        yield _flat(pairing, np.ones(pairing.x.shape, dtype=bool), generator)
        return
    fact = yield Question(Purpose.GUARD, along(pairing, mask, generator), mask)
    if fact.ruling is None and fact.relation is Relation.APART:
        # a second look, in another direction, before anything is said
        yield Question(Purpose.GUARD, along(pairing, mask, generator), mask)


def _by_groups(case: Case, generator: np.random.Generator) -> Plan:
    pairing = case.pairing
    floor = 0.5 * pairing.noise
    span = _span(pairing, case.rtol)
    resolved: Fact | None = None
    asked = 0
    left = pairing.contribution > floor
    while left.any() and asked < _MOST_GROUPS:
        mask = next(groups(np.where(left, pairing.contribution, 0.0), floor, span))
        v = along(pairing, mask, generator)
        if resolved is not None and pairing.span(v) <= resolved.slope.noise:
            break  # noise belongs to f, not to the direction: it would drown this one, and all smaller ones
        fact = yield Question(Purpose.GROUP, v, mask)
        asked += 1
        if fact.relation is Relation.APART or (fact.ruling is not None and fact.relation is Relation.UNTOLD):
            return
        if fact.ruling is None and not fact.sees(case.rtol):
            narrower = (
                max(_NARROWEST, 0.25 * span * case.rtol * fact.size / fact.radius) if fact.size else span
            )
            if resolved is None and narrower < 0.5 * span and not _same(mask, pairing, left, floor, narrower):
                span = narrower
                continue
            if resolved is None:
                return
        elif fact.ruling is None:
            resolved = resolved or fact
            seen = [fact]
            while _worth_another(case, seen):
                seen.append((yield Question(Purpose.GROUP, along(pairing, mask, generator), mask)))
                if seen[-1].relation is not Relation.AGREE:
                    return
        left &= ~mask
    zero = pairing.contribution <= floor
    if zero.any():
        yield _flat(pairing, zero, generator)


def _worth_another(case: Case, seen: list[Fact]) -> bool:
    """Whether one more direction about a group may show what those so far do not."""
    resolved = of_group(case.pairing.slots, case.pairing, seen)
    return resolved > case.rtol and (
        len(seen) < _DIRECTIONS or (resolved >= 1.0 and len(seen) < _MOST_DIRECTIONS)
    )


def _same(mask: np.ndarray, pairing: Pairing, left: np.ndarray, floor: float, span: float) -> bool:
    return bool(np.array_equal(mask, next(groups(np.where(left, pairing.contribution, 0.0), floor, span))))


def _span(pairing: Pairing, rtol: float) -> float:
    """How far contributions in a group may lie apart for the smallest to be seen.

    A central difference at its best step errs by about u^(2/3) of f (truncation h^2 against rounding u / h); every
    entry of a group contributes as the smallest does.
    """
    error = pairing.precision ** (2.0 / 3.0) * pairing.magnitude + pairing.spread
    contribution = pairing.contribution
    top = float(np.max(contribution, initial=0.0)) * float(np.sqrt(np.count_nonzero(contribution)))
    return float(np.clip(0.25 * rtol * top / error, _NARROWEST, GROUP_SPAN)) if error > 0.0 else GROUP_SPAN


def _flat(pairing: Pairing, mask: np.ndarray, generator: np.random.Generator) -> Question:
    return Question(Purpose.FLAT, np.where(mask, pairing.scale, 0.0) * signs(generator, mask.size), mask)


def along(pairing: Pairing, mask: np.ndarray, generator: np.random.Generator) -> Floats:
    """A direction in which every entry of ``mask`` contributes alike, by the claim."""
    return equilibrated(generator, pairing.claim.value, pairing.scale, mask, pairing.slots)
