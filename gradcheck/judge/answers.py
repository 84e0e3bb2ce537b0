"""Answering a question: the claim, autograd and differences along its direction, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gradcheck.ask import precision
from gradcheck.ask.draws import signs
from gradcheck.ask.trees import Floats
from gradcheck.judge import kinks
from gradcheck.judge.facts import Case, Fact, Purpose, Question
from gradcheck.judge.pairing import Line, Pairing
from gradcheck.judge.rounding import Digits, ulps
from gradcheck.judge.slope import (
    HIDDEN,
    SHARP,
    Slope,
    slope_along,
    slope_between,
    slope_of,
)
from gradcheck.oracles.ball import Ball, Relation, length
from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.ladder import COARSE, FINE

Measure = Callable[[], Floats]
"""The claim's measured radius, measured when it is first asked for."""

_HIDDEN = 4.0
"""A gap below so many evaluations' noise over a step of the entries' own size is out of reach of differences."""

_FAR = (1.0, 1e3, 1e6)
"""How many times their own size entries are moved to see whether f depends on them at all."""


def answer(question: Question, case: Case, measure: Measure) -> Fact:
    """The fact that a question asks for."""
    asked = {
        Purpose.ARBITER: _arbiter,
        Purpose.GUARD: _guard,
        Purpose.GROUP: _group,
        Purpose.FLAT: _flat,
    }[question.purpose]
    return asked(question, case, measure)


def _guard(question: Question, case: Case, measure: Measure) -> Fact:
    assert case.entries is not None
    v = question.v
    claim, autograd = case.entries.claim.along(v), case.entries.autograd.along(v)
    span = case.pairing.span(v)
    line = Line(case.pairing, v)
    slope = slope_along(line, claim, span)
    fact = Fact(question, claim, autograd, slope, span, samples=line.samples)
    return _ruled(fact, case.pairing, case.entries.claim, v) if slope.kinked else fact


def _arbiter(question: Question, case: Case, measure: Measure) -> Fact:
    assert case.entries is not None
    pairing, v = case.pairing, question.v
    claim, autograd = case.entries.claim.along(v), case.entries.autograd.along(v)
    between = float(case.entries.gap @ v)
    line, slope = Line(pairing, v), HIDDEN
    if between > _HIDDEN * pairing.noise:
        slope = slope_between(line, float(autograd.value), float(claim.value))
    fact = Fact(question, claim, autograd, slope, between, samples=line.samples)
    if not slope.kinked:
        return fact
    if v.size > kinks.ONE_BY_ONE:
        return _ruled(fact, pairing, case.entries.claim, v)
    # entries that agree may share a kink with one that does not
    beside = np.where(v == 0.0, pairing.scale * signs(np.random.default_rng(0), v.size), v)
    return _ruled(fact, pairing, case.entries.claim, beside, settled=v == 0.0)


def _group(question: Question, case: Case, measure: Measure) -> Fact:
    pairing, v = case.pairing, question.v
    own = _own(pairing, measure)
    claim = own.along(v)
    span = pairing.span(v)
    line = Line(pairing, v)
    slope = slope_along(line, claim, span, SHARP)
    if slope.kinked:
        return _ruled(Fact(question, claim, None, slope, span), pairing, own, v)
    limit = max(pairing.claim.unit**0.25 * span, length(pairing.natural * v))
    if slope.meets(claim) is not Relation.AGREE and slope.off(float(claim.value)) <= limit:
        claim = Ball(pairing.claim.value, measure()).along(v)
    fact = Fact(question, claim, None, slope, span, samples=line.samples)
    return fact if fact.sees(case.rtol) else replace(fact, size=_size_of_terms(pairing, v, span))


def _size_of_terms(pairing: Pairing, v: Floats, span: float) -> float:
    """At an optimum the gradient is what is left of terms that cancel: their size is met at a small distance."""
    moved = pairing.claim.at(pairing.x + np.where(np.arange(v.size) % 2, 0.01, -0.01) * pairing.scale)
    return span if moved is None else max(span, length(moved * v))


def _flat(question: Question, case: Case, measure: Measure) -> Fact:
    """Entries claimed to be zero (or all rounding): there is no span to judge by, so f's own moves are judged by."""
    pairing, v = case.pairing, question.v
    line = Line(pairing, v)
    own = _own(pairing, measure) if case.entries is None else case.entries.claim
    claim = own.along(v)
    autograd = None if case.entries is None else case.entries.autograd.along(v)
    (coarse, fine), resolved = line.central(COARSE, FINE), line.noise(COARSE)
    if autograd is not None and fine == line.bend(FINE) == 0.0:
        # a step function stands still, and autograd has seen that it does for more than rounding
        return Fact(question, claim, autograd, Slope(0.0, 0.0, resolved), 0.0)
    if abs(coarse - float(claim.value)) <= resolved + float(claim.radius) and line.bend(FINE) <= line.noise(
        FINE
    ):
        moved, far = _moves(line)
        # flat here and moved there: were f linear, it would have been seen to move here
        if moved <= pairing.noise or not math.isfinite(moved) or resolved <= 1e-3 * moved / far:
            return Fact(question, claim, autograd, Slope(coarse, coarse, resolved), 0.0)
        resolved = 1e-3 * moved / far
    slope = slope_of(derivative(line, samples=line.samples, tolerance=resolved, grid=line.grid))
    fact = Fact(question, claim, autograd, replace(slope, error=slope.error + 1e-3 * resolved), 0.0)
    if slope.kinked:
        return _ruled(fact, pairing, own, v)
    steepest = max(
        (abs(value - line(0.0)) / abs(t) for t, value in line.samples.items() if abs(t) >= 1e-3), default=0.0
    )
    return replace(fact, still=slope.error <= 1e-2 * steepest)


def _moves(line: Line) -> tuple[float, float]:
    """How much f moves where entries move far, and how far that was."""
    for far in _FAR:
        moved = max(abs(value - line(0.0)) for value in line.ask((far, -far)))
        if not moved <= line.pairing.noise:
            return moved, far
    return moved, far


def _own(pairing: Pairing, measure: Measure) -> Ball:
    """The claim with its rounding: below double, where all that is resolved hangs on it, measured at once."""
    single = pairing.claim.unit > precision.DOUBLE
    return Ball(pairing.claim.value, measure() if single else ulps(pairing.claim))


def _ruled(
    fact: Fact, pairing: Pairing, own: Ball | Digits, v: Floats, settled: np.ndarray | None = None
) -> Fact:
    return replace(fact, ruling=kinks.rule(pairing, Ball(own.value, own.radius), v, fact.slope, settled))
