"""The first look, before any number: is f a function here, is the claim one, do they leave their arguments alone?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradcheck.ask import precision, trees
from gradcheck.ask.calls import Counted, Nothing, NotNumeric, Raised, flat, identical, written
from gradcheck.ask.point import Point, beside, is_list_of_numbers
from gradcheck.ask.reading import Reading
from gradcheck.ask.trees import Floats
from gradcheck.findings import Diagnosis


@dataclass(frozen=True)
class Look:
    """What the first calls of f showed.

    Attributes
    ----------
    output
        What f returned, as returned.
    y
        Its entries, flat.
    reasons
        Why f cannot be judged at this point (empty where it can).
    conduct
        What is wrong with it whatever the numbers say: writing into its arguments.
    promoted
        ``y`` was computed in double precision because f is not finite in its own.
    spread
        What two calls with the same arguments differ by, each entry; zeros for most functions.
    """

    output: Any = None
    y: Floats = field(default_factory=lambda: np.empty(0))
    reasons: tuple[str, ...] = ()
    conduct: tuple[Diagnosis, ...] = ()
    promoted: bool = False
    spread: Floats | float = 0.0


@dataclass(frozen=True)
class Asked:
    """What the first calls of the claim showed.

    Attributes
    ----------
    reading
        What came, leaf by leaf; None where it raised.
    conduct
        What is wrong with it whatever the numbers say: writing into arguments, another answer from call to call.
    lends
        Of that, what is wrong with the memory it hands out.
    spread
        What two calls with the same arguments differ by, each entry.
    """

    reading: Reading | None
    conduct: tuple[Diagnosis, ...] = ()
    lends: tuple[Diagnosis, ...] = ()
    spread: Floats | float = 0.0


def look_at_function(f: Counted, where: Point, times: int = 2) -> Look:
    """Call f at the point, twice or once."""
    args = where.copied(where.args)
    try:
        output = f(*args)
        y = flat(output, f.label)
        # the output may be a view of an argument, or of a buffer that the next call fills anew
        output = trees.map_leaves(
            lambda _, leaf: np.array(leaf) if isinstance(leaf, np.ndarray) else leaf, output
        )
        conduct = _writing(f.label, where, args)
        again = y if times < 2 else flat(f(*(where.copied(where.args) if conduct else args)), f.label)
    except Nothing as problem:
        return Look(reasons=(f"{problem}: does it lack a return?",))
    except (Raised, NotNumeric) as problem:
        lists = [name for name, arg in zip(where.names, where.args, strict=True) if is_list_of_numbers(arg)]
        want = (
            f"does it want an array, numpy.array({lists[0]})" if lists else "does it accept these arguments"
        )
        return Look(reasons=(f"{problem}: {want}?",))
    look = Look(output, y, conduct=conduct)
    if not steady(
        y, again, lambda: flat(f(*where.place(beside(where.x, where.slots), native=True)), f.label)
    ):
        return replace(look, reasons=(random(f.label, y, again),))
    if not np.isfinite(y).all():
        promoted = _in_double(f, where, y)
        if promoted is None:
            return replace(look, reasons=(not_finite(f.label, where, y),))
        return replace(look, y=promoted, promoted=True)
    if not trees.all_finite(where.x):
        return replace(look, reasons=(f"{f.label} has no derivative at this point: {_held(where)}",))
    return look if identical(y, again) else replace(look, spread=np.abs(y - again))


def random(label: str, one: Floats, other: Floats) -> str:
    """The reason of a function whose values differ by more than rounding."""
    first, second = _told_apart(one, other)
    return (
        f"{label} is random, or keeps state between calls (an object, a generator, a cache): two calls with the same "
        f"arguments returned {first} and {second}. Fix its randomness (draw masks and noise once, outside, or "
        "from a generator seeded inside)"
    )


def look_at_claim(
    claim: Counted, ask: Callable[[tuple[Any, ...]], Reading], where: Point, look: Look, times: int = 2
) -> Asked:
    """Ask the claim at the point, twice or once."""
    args = where.copied(where.args)
    try:
        reading = ask(args)
        writes = _writing(claim.label, where, args)
        again = reading if times < 2 else ask(where.copied(where.args) if writes or look.conduct else args)
    except Raised as problem:
        message = f"{problem}. The claim must accept the arguments that f accepts"
        told = Diagnosis("other", "", message, {"exception": repr(problem.__cause__)})
        return Asked(None, (told,))
    conduct = (*writes, *reading.conduct)
    numeric = not reading.problems and not again.problems
    if numeric and identical(reading.flat, again.flat):
        return Asked(reading, conduct, reading.lends)
    for number, (one, other) in enumerate(zip(reading.raw, again.raw, strict=True)):
        if one is None or other is None:
            continue

        def near(leaf: int = number) -> Floats | None:
            return ask(where.fresh(beside(where.x, where.slots))).raw[leaf]

        if not steady(one, other, near):
            return Asked(reading, (*conduct, changing(claim.label, one, other)), reading.lends)
    return Asked(reading, conduct, reading.lends, np.abs(reading.flat - again.flat) if numeric else 0.0)


def changing(label: str, one: Floats, other: Floats, when: str = "") -> Diagnosis:
    """The diagnosis of a claim whose answers for the same arguments differ, after something happened in between."""
    before, now = _told_apart(one, other)
    message = (
        f"{label} changes from call to call: the same arguments gave {before} and {now}"
        f"{f' after {when}' if when else ''}. "
        "A derivative is a function of the point; look for randomness or state kept between calls"
    )
    return Diagnosis("nondeterministic", "", message, {"first": one.ravel()[:4].tolist()})


def steady(one: Floats, other: Floats, near: Callable[[], Floats | None]) -> bool:
    """Whether what two calls differ by is no more than rounding in another order, in the precision that both show.

    Sums of ten thousand terms in any order differ by as many roundoffs; whatever the precision, a thousandth is more.
    Where the terms cancel (at an optimum), their size shows ``near`` the point, and is looked at where it matters.
    """
    if identical(one, other):
        return True
    unit = precision.shown(np.concatenate([np.ravel(one), np.ravel(other)]))
    share = min(2.0**14 * unit, 2.0**-10)
    if alike(one, other, share):
        return True
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return False
    try:
        there = near()
    except (Raised, NotNumeric):
        return False
    if there is None or not np.isfinite(there).all():
        return False
    return bool(np.all(np.abs(one - other) <= share * np.max(np.abs(there), initial=0.0)))


def _in_double(f: Counted, where: Point, y: Floats) -> Floats | None:
    # float32 overflows at exp(89); the derivative may still be fine, and double precision sees it
    if all(slot.dtype.itemsize >= 8 for slot in where.slots):
        return None
    try:
        promoted = flat(f(*where.copied(where.place(where.x))), f.label)
    except (Raised, NotNumeric):
        return None
    return promoted if promoted.shape == y.shape and np.isfinite(promoted).all() else None


def _writing(label: str, where: Point, args: tuple[Any, ...]) -> tuple[Diagnosis, ...]:
    name = written(where.args, args, where.names)
    if name is None:
        return ()
    message = (
        f"{label} writes into its argument {name}: whoever calls it finds {name} changed. "
        "Work on a copy of it, or avoid out= and in-place operators on it"
    )
    return (Diagnosis("mutates_input", name, message, {"function": label, "argument": name}),)


def alike(one: Floats, other: Floats, share: float) -> bool:
    """Whether two results are one but for a share of their largest entry."""
    if identical(one, other):
        return True
    if one.shape != other.shape or not np.array_equal(np.isfinite(one), np.isfinite(other)):
        return False
    finite = np.isfinite(one)
    largest = float(np.max(np.abs(one[finite]), initial=0.0))
    return bool(np.all(np.abs(one[finite] - other[finite]) <= share * largest))


def not_finite(label: str, where: Point, y: Floats) -> str:
    """The reason of a function that is not finite at the point."""
    index = int(np.flatnonzero(~np.isfinite(y))[0])
    place = "" if y.size == 1 else f" at entry {index} of its output"
    if held := _held(where):
        return f"{label} is {y[index]}{place} because {held}"
    return (
        f"{label} is {y[index]}{place} at this point: there is no derivative to check. Move the point into f's "
        "domain, or guard the log, division or overflow that does it"
    )


def _held(where: Point) -> str:
    """Which argument holds what is not finite; "" where none does."""
    for number, arg in enumerate(where.args):
        for path, leaf in trees.leaves(arg):
            if trees.is_floating(leaf) and not np.isfinite(leaf).all():
                value = np.asarray(leaf)
                entry = [int(i) for i in np.argwhere(~np.isfinite(value))[0]] if value.ndim else []
                return (
                    f"its argument {trees.name(where.names[number], path)} holds {value[tuple(entry)]} at {entry}: "
                    "check at a point where every input is finite"
                )
    return ""


def _told_apart(one: Floats, other: Floats) -> tuple[str, str]:
    """What two calls returned, from the first entry that differs, with digits that show it."""
    one, other = one.ravel(), other.ravel()
    start = int(np.argmax(one != other)) if one.size == other.size else 0
    for digits in (6, 9, 12, 17):
        told = _few(one, start, digits), _few(other, start, digits)
        if told[0] != told[1]:
            break
    return told


def _few(values: Floats, start: int, digits: int) -> str:
    shown = [f"{value:.{digits}g}" for value in values[start : start + 3]]
    if values.size == 1:
        return shown[0]
    return f"[{', '.join(['...'] * (start > 0) + shown + ['...'] * (start + 3 < values.size))}]"
