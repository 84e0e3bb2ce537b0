"""One check from the first look to the report: the straight line, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck import guard, trees
from gradcheck.arguments import Point, Slot
from gradcheck.comparison import Outcome
from gradcheck.diagnose import diagnose
from gradcheck.evidence import Evidence, Floats, LeafEvidence
from gradcheck.findings import Diagnosis, Entry, Leaf, OracleUse, Verdict
from gradcheck.guard import Counted, NotNumeric, Raised
from gradcheck.judge import Judgement, judge
from gradcheck.locate import entry_truth, truth_by_differences
from gradcheck.look import Look, look_at_claim, look_at_function, same
from gradcheck.oracles.tracing import Trace, Untraceable, hessian_vector, trace
from gradcheck.pairing import Pairing, Traced, step_scale
from gradcheck.panel import third_voice
from gradcheck.reading import Reading, shaped, sizes
from gradcheck.report import Report
from gradcheck.second_order import NoGradient

Through = Callable[[Counted], Callable[..., Any]]

ORACLES = ("autograd", "differences", "complex_step")

DENSE, DENSE_ROWS = 100_000, 256  # entries and rows of a Jacobian that a diagnosis compares one by one

SHOWN = 6  # entries of a leaf with truth beside claim in a report


@dataclass(frozen=True)
class Options:
    """The keywords common to all checks, validated."""

    rtol: float | None
    oracles: tuple[str, ...]
    named: bool  # whether the user named the oracles
    seed: int
    points: int
    executor: Executor | None


@dataclass(frozen=True)
class Task:
    """What is to be checked.

    Attributes
    ----------
    f
        ``f(*args)`` -> a number, an array or a tree of them.
    ask
        ``ask(args, u, output)``: the claim's pullback of the covector ``u`` (flat), as a reading.
    scalar
        Whether f must return one number.
    through
        Makes of f the function that the claim is about: its gradient, for claims about second derivatives.
    differentiated
        The function whose gradient ``f`` is.
    shown
        The leaves as the user knows them, where the point is seen through coordinates of its own.
    """

    kind: str
    f: Counted
    claim: Counted
    ask: Callable[[Point, tuple[Any, ...], Floats, Any], Reading]
    where: Point
    options: Options
    scalar: bool
    through: Through | None = None
    shown: tuple[Slot, ...] | None = None
    differentiated: Counted | None = None


@dataclass(frozen=True)
class Evaluate:
    """``<u, F(x)>`` for a flat point: a value of its own, so that it can be sent to another process."""

    function: Callable[..., Any]
    where: Point
    u: Floats
    native: bool
    copies: bool

    def __call__(self, x: Floats) -> float:
        """NaN where f raises, returns no numbers, or is not finite."""
        args = self.where.place(x, native=self.native)
        if self.copies:
            args = self.where.copied(args)
        try:
            y = guard.flat(self.function(*args), "f")
        except Exception:
            return float("nan")
        value = float(self.u @ y) if y.shape == self.u.shape else float("nan")
        return value if np.isfinite(value) else float("nan")


def run(task: Task) -> Report:
    """Check ``task`` at its point, and at more points near it where that is asked for."""
    start = time.perf_counter()
    generator = np.random.default_rng(task.options.seed)
    with guard.undisturbed():
        report = _at(task, generator, start)
        for _ in range(task.options.points):
            if report.verdict is Verdict.FAIL:
                break
            x = task.where.x
            jittered = x + 0.05 * step_scale(x, task.where.slots) * generator.standard_normal(x.size)
            report = _merged(report, _at(replace(task, where=task.where.moved(jittered)), generator, start))
    if task.shown is not None:
        report = replace(
            report,
            leaves=tuple(
                replace(leaf, shape=slot.shape, dtype=str(slot.dtype), worst_index=None, entries=())
                for leaf, slot in zip(report.leaves, task.shown, strict=True)
            ),
        )
    return replace(
        report,
        seconds=time.perf_counter() - start,
        evaluations=task.f.calls,
        claim_evaluations=task.claim.calls,
    )


def _merged(first: Report, second: Report) -> Report:
    """The report of two points: a leaf is tested if it was at either."""
    if second.verdict is not Verdict.PASS:
        if second.verdict is Verdict.FAIL:
            return replace(
                second, notes=(*second.notes, "the claim passed at the given point and fails at one near it")
            )
        return replace(
            first,
            notes=(*first.notes, f"a point near the given one was skipped: {'; '.join(second.reasons)}"),
        )
    if first.verdict is not Verdict.PASS:
        return first
    leaves = tuple(
        other if one.resolution is None and other.resolution is not None else one
        for one, other in zip(first.leaves, second.leaves, strict=True)
    )
    return replace(first, leaves=leaves)


def _at(task: Task, generator: np.random.Generator, start: float) -> Report:
    if task.through is not None:
        try:
            derived = Counted(task.through(task.f), task.f.label)
        except (NoGradient, Raised, NotNumeric) as problem:
            return _report(task, Judgement(Verdict.INCONCLUSIVE, reasons=[str(problem)]), Look(), None, ())
        twice = task.f if task.kind in ("hessian", "hvp") else None
        return _at(replace(task, f=derived, through=None, differentiated=twice), generator, start)
    look = look_at_function(task.f, task.where)
    if look.reasons:
        return _report(task, Judgement(Verdict.INCONCLUSIVE, reasons=look.reasons), look, None, ())
    if task.scalar and look.y.size != 1:
        shape = (
            np.shape(look.output)
            if not isinstance(look.output, tuple | list | dict)
            else f"{look.y.size} numbers"
        )
        raise ValueError(
            f"{task.f.label} must return a scalar for check_{task.kind}; it returned an array of shape {shape}. "
            "Sum it, or use check_vjp or check_jacobian"
        )
    u = _covector(task, look, generator)
    reading = look_at_claim(
        task.claim, lambda args: task.ask(task.where, args, u, look.output), task.where, look
    )
    if reading is None:
        return _report(task, Judgement(Verdict.FAIL), look, None, ())
    traced, tape, refused = _trace(task, look, u)
    pairing = _pairing(task, look, u, reading)
    if "differences" not in task.options.oracles and traced is None and not reading.problems:
        reason = f"autograd alone was asked for, and it does not apply: {refused}"
        return _report(
            task, Judgement(Verdict.INCONCLUSIVE, reasons=[reason], autograd=refused), look, pairing, ()
        )
    broken = reading.problems
    if broken:
        judgement = Judgement(Verdict.FAIL, differences=False, autograd=refused)
        judgement.truth = None if traced is None else traced.gradient
        judgement.bound = None if traced is None else 1e-9 * np.abs(traced.gradient)
    else:
        rtol = task.options.rtol or default_rtol(pairing)
        alone = "differences" not in task.options.oracles
        judgement = judge(pairing, traced, generator, rtol, differences=not alone)
        judgement.autograd = judgement.autograd or refused
    if judgement.verdict is not Verdict.PASS and not broken and _is_random(task, look):
        reason = (
            f"{task.f.label} is random: it returned different values for the same arguments. Fix its randomness (draw "
            "masks and noise once, outside, or from a generator seeded inside)"
        )
        return _report(task, Judgement(Verdict.INCONCLUSIVE, reasons=[reason]), look, None, ())
    if judgement.verdict is Verdict.PASS and _third_voice_wanted(task, traced):
        judgement.voices.append(third_voice(task.f.function, task.where, u, pairing, generator))
    judgement.remarks += reading.remarks
    if judgement.verdict is Verdict.FAIL:
        return _failure(task, look, u, reading, pairing, judgement, tape, generator)
    if look.diagnoses:
        rest = (
            "the derivative itself is right" if judgement.verdict is Verdict.PASS else "the rest is undecided"
        )
        judgement.verdict = Verdict.FAIL
        told = tuple(
            replace(diagnosis, message=f"{diagnosis.message}. Apart from that, {rest}")
            for diagnosis in look.diagnoses
        )
        return _report(task, judgement, look, pairing, told)
    return _report(task, judgement, look, pairing, ())


def _third_voice_wanted(task: Task, traced: Traced | None) -> bool:
    """Where it was asked for by name, and by default where autograd does not apply."""
    single = any(slot.dtype.itemsize < 8 for slot in task.where.slots)
    if single or task.kind in ("hessian", "hvp"):
        return False
    return "complex_step" in task.options.oracles and (task.options.named or traced is None)


def _is_random(task: Task, look: Look) -> bool:
    """Whether a third call of f, before it is held against anyone, differs from the first two."""
    try:
        return not same(look.y, guard.flat(task.f(*task.where.copied(task.where.args)), task.f.label)) and (
            not look.promoted
        )
    except (Raised, NotNumeric):
        return False


def default_rtol(pairing: Pairing) -> float:
    """The relative error a check must be able to see before it may pass: what single precision leaves, or a 1e-3."""
    return 3e-2 if pairing.unit > 1e-12 else 1e-3


def _covector(task: Task, look: Look, generator: np.random.Generator) -> Floats:
    """1 for a scalar f; else random, with signs of both kinds, equal shares for outputs of different size."""
    if task.scalar:
        return np.ones(1)
    u = generator.standard_normal(look.y.size)
    if u.size == 1:
        # a claim that squares its cotangent, or takes its absolute value, must not get away with it
        return -0.5 - np.abs(u)
    size = np.abs(look.y)
    spread = size[size > 0.0]
    if spread.size and spread.max() > 1e4 * spread.min():
        u *= _equalizer(task, look)
    return u


def _equalizer(task: Task, look: Look) -> Floats:
    x = task.where.x
    step = 1e-3 * step_scale(x, task.where.slots)
    try:
        moved = [guard.flat(task.f(*task.where.place(x + sign * step)), "f") for sign in (1.0, -1.0)]
    except (Raised, NotNumeric):
        return np.ones_like(look.y)
    change = np.abs(moved[0] - moved[1]) / 2e-3
    floor = 1e-12 * float(np.max(np.abs(look.y)))
    usable = np.isfinite(change) & (change > floor)
    if not usable.any():
        return np.ones_like(look.y)
    typical = float(np.median(change[usable]))
    return typical / np.where(usable, change, typical)


def _trace(task: Task, look: Look, u: Floats) -> tuple[Traced | None, Trace | None, str]:
    if "autograd" not in task.options.oracles:
        return None, None, "not asked for"
    if task.differentiated is not None:
        return _trace_twice(task, task.differentiated, u)
    where = task.where
    paths = [slot.keys for slot in where.slots]

    def attempt(args: tuple[Any, ...]) -> tuple[Trace, Floats]:
        task.f.calls += 1
        found = trace(task.f.function, args, paths)
        gradient = _flat_pullback(found, u)
        if not np.isfinite(gradient).all():
            raise Untraceable("its answer is not finite")
        return found, gradient

    try:
        tape, gradient = attempt(where.place(where.x))
    except Untraceable as refusal:
        return None, None, str(refusal)
    value = np.concatenate([output.ravel() for output in tape.outputs]) if tape.outputs else np.empty(0)
    if value.shape != look.y.shape:
        return None, None, "the traced function returned another shape than f"
    single = any(slot.dtype.itemsize < 8 for slot in where.slots) or _in_single(look.output)
    close = np.abs(value - look.y) <= (1e-3 if single else 1e-10) * max(float(np.max(np.abs(look.y))), 1e-300)
    if not close.all():
        return None, None, "the traced function has another value than f"

    def at(x: Floats) -> Floats | None:
        try:
            return attempt(where.place(x))[1]
        except Untraceable:
            return None

    return Traced(gradient, True, at), tape, ""


def _trace_twice(task: Task, f: Counted, u: Floats) -> tuple[Traced | None, None, str]:
    """Autograd's second derivatives: the gradient of ``<u, grad f>``, by a trace of a trace."""
    where = task.where
    if task.shown is not None or u.size != where.x.size:
        return None, None, "second derivatives along tangents are taken by differences of f's gradient"
    tangents = [u[slot.start : slot.stop].reshape(slot.shape) for slot in where.slots]

    def at(x: Floats) -> Floats | None:
        f.calls += 1
        try:
            pieces = hessian_vector(f.function, where.place(x), [slot.keys for slot in where.slots], tangents)
        except Untraceable:
            return None
        gradient = np.concatenate([np.asarray(piece, dtype=np.float64).ravel() for piece in pieces])
        return gradient if np.isfinite(gradient).all() else None

    gradient = at(where.x)
    if gradient is None:
        return None, None, "f cannot be traced twice"
    return Traced(gradient, True, at), None, ""


def _in_single(output: Any) -> bool:
    return any(str(getattr(leaf, "dtype", "")) in ("float32", "float16") for _, leaf in trees.leaves(output))


def _flat_pullback(tape: Trace, u: Floats) -> Floats:
    cotangents, position = [], 0
    for output in tape.outputs:
        cotangents.append(u[position : position + output.size].reshape(output.shape))
        position += output.size
    pieces = tape.pullback(cotangents)
    return np.concatenate([np.asarray(piece, dtype=np.float64).ravel() for piece in pieces])


def _pairing(task: Task, look: Look, u: Floats, reading: Reading) -> Pairing:
    where = task.where
    copies = task.f.label in look.writes
    value = Evaluate(task.f.function, where, u, native=False, copies=copies)
    base = float(u @ look.y)
    magnitude = max(float(np.abs(u) @ np.abs(look.y)), abs(base))
    single = any(slot.dtype.itemsize < 8 for slot in where.slots)
    precision = 2.0**-53
    if single:
        # double precision shows the derivative far better, if f is the same function there
        double = replace(value, where=where.doubled())
        promoted = double(where.x)
        task.f.calls += 1
        if abs(promoted - base) <= 1e-3 * magnitude:
            # a step far below float32 that changes nothing: f rounds its arguments before it uses them
            probe = double(where.x * (1.0 + 1e-10))
            task.f.calls += 1
            precision = 2.0**-24 if probe == promoted else precision
            value, base = double, promoted
        else:
            value, precision = replace(value, native=True), 2.0**-24

    def claim_at(x: Floats) -> Floats | None:
        args = where.copied(where.place(x, native=True))
        try:
            again = task.ask(where, args, u, look.output)
        except Raised:
            return None
        return None if again.problems else again.flat

    def count(calls: int) -> None:
        task.f.calls += calls

    claim_single = single or any(dtype in ("float32", "float16") for dtype in reading.dtypes)
    return Pairing(
        x=where.x,
        claimed=np.zeros(0) if reading.problems else reading.flat,
        slots=where.slots,
        value=value,
        claim_at=claim_at,
        base=base,
        magnitude=magnitude,
        precision=precision,
        unit=2.0**-24 if claim_single else 2.0**-53,
        scale=step_scale(where.x, where.slots),
        count=count,
        executor=task.options.executor,
    )


# --- a failure: where, and which mistake ---------------------------------------------------------------------


def _failure(
    task: Task,
    look: Look,
    u: Floats,
    reading: Reading,
    pairing: Pairing,
    judgement: Judgement,
    tape: Trace | None,
    generator: np.random.Generator,
) -> Report:
    truth, bound = judgement.truth, judgement.bound
    if truth is None or bound is None:
        if reading.problems:
            pairing = replace(pairing, claimed=_overlaid(task.where, reading))
        truth, bound = truth_by_differences(pairing, generator)
    for kink in judgement.kinks:
        # autograd's or the central difference's answer at a kink is a convention; the interval is the truth
        truth[kink.index], bound[kink.index] = 0.5 * (kink.left + kink.right), 0.5 * (kink.right - kink.left)
    wrong = _wrong_entries(pairing, reading, judgement, truth, bound).copy()
    for kink in judgement.kinks:
        wrong[kink.index] = judgement.torn or kink.outcome is Outcome.DIFFERS
    leaves = tuple(
        _leaf_evidence(task.where, number, slot, reading, truth, bound, wrong)
        for number, slot in enumerate(task.where.slots)
    )

    def truth_at(number: int, indices: Sequence[tuple[int, ...]]) -> tuple[Floats, Floats]:
        slot = task.where.slots[number]
        found = [
            entry_truth(
                pairing, slot.start + int(np.ravel_multi_index(index, slot.shape)) if index else slot.start
            )
            for index in indices
        ]
        return np.array([value for value, _ in found]), np.array([error for _, error in found])

    def ask(cotangent: Floats) -> tuple[Floats | None, ...]:
        try:
            again = task.ask(task.where, task.where.copied(task.where.args), np.ravel(cotangent), look.output)
        except Raised:
            return tuple(None for _ in task.where.slots)
        return again.raw

    def pullback(cotangent: Floats) -> tuple[Floats, ...]:
        assert tape is not None
        flat = _flat_pullback(tape, np.ravel(cotangent))
        return tuple(flat[slot.start : slot.stop].reshape(slot.shape) for slot in task.where.slots)

    dense = dense_evidence(task, reading, tape) if tape is not None and task.kind == "jacobian" else None
    evidence = Evidence(
        check=task.kind,
        leaves=leaves if dense is None else dense,
        arguments=tuple(zip(task.where.names, task.where.args, strict=True)),
        output=look.y
        if task.scalar or not isinstance(look.output, np.ndarray)
        else look.output.astype(np.float64),
        cotangent=None if task.scalar else u,
        truth_at=truth_at,
        pullback=pullback if tape is not None and dense is None else None,
        claim=ask if dense is None else None,
        tape=tape,
    )
    told = _told(reading, look, _at_kinks(task.where, judgement), _diagnosed(evidence, judgement))
    return _report(task, judgement, look, pairing, told, (reading, truth, bound, wrong))


def dense_evidence(task: Task, reading: Reading, tape: Trace) -> tuple[LeafEvidence, ...] | None:
    """A dense Jacobian beside autograd's, entry by entry; None where it is too large to be worth it."""
    output = tape.outputs[0]
    if output.size * task.where.x.size > DENSE or output.size > DENSE_ROWS:
        return None
    rows = np.stack([_flat_pullback(tape, row) for row in np.eye(output.size)])
    told = []
    for number, slot in enumerate(task.where.slots):
        truth = rows[:, slot.start : slot.stop].reshape(*output.shape, *slot.shape)
        bound = 1e-9 * np.abs(truth)
        raw = reading.dense[number] if reading.dense else reading.raw[number]
        wrong = raw is None or raw.shape != truth.shape or bool(np.any(np.abs(raw - truth) > bound))
        value = np.zeros(truth.shape)  # the entries of a Jacobian are no multiples of the argument's
        told.append(
            LeafEvidence(
                slot.path,
                slot.argnum,
                value,
                raw,
                truth,
                bound,
                wrong,
                str(slot.dtype),
                reading.dtypes[number],
            )
        )
    return tuple(told)


def _diagnosed(evidence: Evidence, judgement: Judgement) -> tuple[Diagnosis, ...]:
    try:
        return diagnose(evidence)
    except Exception as error:  # the verdict stands, whatever becomes of its explanation
        judgement.remarks.append(
            f"the diagnosis itself failed ({type(error).__name__}: {error}); please report it"
        )
        return ()


def _told(
    reading: Reading, look: Look, kinks: tuple[Diagnosis, ...], named: tuple[Diagnosis, ...]
) -> tuple[Diagnosis, ...]:
    """All diagnoses in the order a reader wants them: what is wrong, then how it is done."""
    known = {(diagnosis.kind, diagnosis.leaf) for diagnosis in named}
    built = tuple(problem for problem in reading.problems if (problem.kind, problem.leaf) not in known)
    ours = (*built, *kinks)
    writes = tuple(diagnosis for diagnosis in look.diagnoses if "returns the memory" not in diagnosis.message)
    lends = tuple(diagnosis for diagnosis in look.diagnoses if diagnosis not in writes)
    certain = (*ours, *named) if ours else named
    return (*writes, *certain[:1], *lends, *certain[1:])


def _at_kinks(where: Point, judgement: Judgement) -> tuple[Diagnosis, ...]:
    """What is wrong with a claim at the kinks of f."""
    told = []
    for kink in judgement.kinks:
        slot = next(slot for slot in where.slots if slot.start <= kink.index < slot.stop)
        place = f"{slot.path}{list(_index(kink.index - slot.start, slot.shape)) if slot.shape else ''}"
        evidence = {"left": kink.left, "right": kink.right, "claimed": kink.claimed, "index": place}
        if kink.outcome is Outcome.DIFFERS:
            message = (
                f"{place} sits on a kink of f, with slope {kink.left:.6g} on one side and {kink.right:.6g} on the "
                f"other; any value between them is a subgradient, {kink.claimed:.6g} is not"
            )
            told.append(Diagnosis("kink", slot.path, message, evidence))
        elif judgement.torn:
            message = (
                f"{place} and its neighbours sit on a common kink of f: each of their entries lies between the "
                "one-sided slopes, but together they are the gradient of no mixture of the pieces that meet "
                "there (at a tie of max(a, b) one of the two may take the 1, or they share it)"
            )
            return (*told, Diagnosis("kink", slot.path, message, evidence))
    return tuple(told)


def _overlaid(where: Point, reading: Reading) -> Floats:
    pieces = [
        raw.ravel() if raw is not None and raw.shape == slot.shape else np.zeros(slot.size)
        for raw, slot in zip(reading.raw, where.slots, strict=True)
    ]
    return np.where(np.isfinite(whole := np.concatenate(pieces)), whole, 0.0)


def _wrong_entries(
    pairing: Pairing, reading: Reading, judgement: Judgement, truth: Floats, bound: Floats
) -> np.ndarray:
    if judgement.wrong is not None:
        return judgement.wrong
    claimed = (
        pairing.claimed
        if not reading.problems
        else np.concatenate(
            [
                raw.ravel() if raw is not None and raw.shape == slot.shape else np.full(slot.size, np.nan)
                for raw, slot in zip(reading.raw, pairing.slots, strict=True)
            ]
        )
    )
    off = np.abs(claimed - truth) > 2.0 * bound + 1e-9 * np.abs(truth)
    off |= ~np.isfinite(claimed)
    return off & np.isfinite(truth)


def _leaf_evidence(
    where: Point, number: int, slot: Slot, reading: Reading, truth: Floats, bound: Floats, wrong: np.ndarray
) -> LeafEvidence:
    part = slice(slot.start, slot.stop)
    raw = reading.raw[number]
    broken = raw is None or raw.shape != slot.shape
    return LeafEvidence(
        path=slot.path,
        argnum=slot.argnum,
        value=where.x[part].reshape(slot.shape),
        claimed=raw,
        truth=truth[part].reshape(slot.shape),
        bound=bound[part].reshape(slot.shape),
        wrong=bool(broken or wrong[part].any()),
        dtype=str(slot.dtype),
        claimed_dtype=reading.dtypes[number],
    )


# --- the report ----------------------------------------------------------------------------------------------

Located = tuple[Reading, Floats, Floats, np.ndarray]


def _report(
    task: Task,
    judgement: Judgement,
    look: Look,
    pairing: Pairing | None,
    diagnoses: tuple[Diagnosis, ...],
    located: Located | None = None,
) -> Report:
    if not diagnoses:
        diagnoses = tuple(look.diagnoses)
    leaves = tuple(
        _leaf(number, slot, judgement, located, task.where) for number, slot in enumerate(task.where.slots)
    )
    used = pairing is not None
    oracles = (
        OracleUse("autograd", used and not judgement.autograd, judgement.autograd),
        OracleUse("differences", judgement.differences),
        *judgement.voices,
    )
    rtol = task.options.rtol or (default_rtol(pairing) if pairing is not None else 1e-3)
    return Report(
        check=task.kind,
        verdict=judgement.verdict,
        leaves=leaves,
        diagnoses=diagnoses,
        reasons=tuple(judgement.reasons) if judgement.verdict is Verdict.INCONCLUSIVE else (),
        oracles=oracles,
        evaluations=task.f.calls,
        claim_evaluations=task.claim.calls,
        seconds=0.0,
        seed=task.options.seed,
        rtol=rtol,
        miss_probability=judgement.miss_probability,
        notes=tuple(judgement.remarks),
    )


def _leaf(number: int, slot: Slot, judgement: Judgement, located: Located | None, where: Point) -> Leaf:
    common = {"path": slot.path, "shape": slot.shape, "dtype": str(slot.dtype)}
    resolution = judgement.resolution.get(number)
    note = judgement.notes.get(number, "")
    if located is None:
        return Leaf(**common, verdict=judgement.verdict, resolution=resolution, note=note)
    reading, truth, bound, wrong = located
    part = slice(slot.start, slot.stop)
    raw = reading.raw[number]
    if raw is None or raw.shape != slot.shape:
        return Leaf(**common, verdict=Verdict.FAIL, note="no gradient of this shape came back")
    claim, true, off = raw.ravel(), truth[part], np.abs(raw.ravel() - truth[part])
    if not wrong[part].any():
        verdict = Verdict.PASS if np.isfinite(true).any() else Verdict.INCONCLUSIVE
        if any(problem.leaf == slot.path for problem in reading.problems):
            verdict = Verdict.FAIL
        resolution = resolution or _located_resolution(true, bound[part])
        return Leaf(**common, verdict=verdict, resolution=resolution, note=note)
    order = _worst_first(claim, true, off, wrong[part])
    entries = tuple(
        Entry(_index(int(i), slot.shape), float(claim[i]), float(true[i]), float(bound[part][i]))
        for i in order[:SHOWN]
    )
    worst = int(order[0])
    known = np.isfinite(true)
    largest = float(np.max(np.abs(true[known]), initial=0.0))
    relative = off[known] / np.where(true[known] != 0.0, np.abs(true[known]), largest or np.inf)
    return Leaf(
        **common,
        verdict=Verdict.FAIL,
        resolution=resolution,
        max_abs_error=float(np.max(off[known], initial=0.0)),
        max_rel_error=float(np.max(relative, initial=0.0)) if largest > 0.0 else float("inf"),
        worst_index=_index(worst, slot.shape),
        entries=entries,
        note=note,
    )


def _located_resolution(true: Floats, bound: Floats) -> float | None:
    largest = float(np.max(np.abs(true), where=np.isfinite(true), initial=0.0))
    return float(np.max(bound, where=np.isfinite(bound), initial=0.0)) / largest if largest > 0.0 else None


def _worst_first(claim: Floats, true: Floats, off: Floats, wrong: np.ndarray) -> np.ndarray:
    # not finite first, then wrong ones by size, then the right ones that are known
    rank = np.where(np.isfinite(off), off, -1.0)
    rank = np.where(
        wrong & np.isfinite(rank), rank + (np.max(rank, initial=0.0) if wrong.any() else 0.0), rank
    )
    rank = np.where(~np.isfinite(claim), np.inf, rank)
    if rank.size > 10_000:
        top = np.argpartition(-rank, SHOWN)[:SHOWN]
        return top[np.argsort(-rank[top], kind="stable")]
    order = np.argsort(-rank, kind="stable")
    return order[rank[order] >= 0.0] if (rank >= 0.0).any() else order


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()


__all__ = ["ORACLES", "Options", "Task", "run", "shaped", "sizes"]
