"""The first look, before any number: is f a function here, is the claim one, do they leave their arguments alone?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.calls import Counted, NotNumeric, Raised, flat, identical, written
from gradcheck.ask.point import Point
from gradcheck.ask.reading import Reading
from gradcheck.ask.trees import Floats
from gradcheck.report.findings import Diagnosis

_SAME = 1e-13
"""Two calls that differ by less than this share of the largest entry differ by rounding (threads sum in any
order), not by chance."""


@dataclass
class Look:
    """What the first calls showed.

    Attributes
    ----------
    output
        What f returned, as returned.
    y
        Its entries, flat.
    reasons
        Why f cannot be judged at this point (empty where it can).
    diagnoses
        What is wrong whatever the numbers say: writing into arguments, a claim that is random.
    writes
        Labels of the functions that write into their arguments: they get copies from now on.
    promoted
        ``y`` was computed in double precision because f is not finite in its own.
    """

    output: Any = None
    y: Floats = field(default_factory=lambda: np.empty(0))
    reasons: list[str] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    writes: set[str] = field(default_factory=set)
    promoted: bool = False


def look_at_function(f: Counted, where: Point) -> Look:
    """Call f twice at the point."""
    look = Look()
    args = where.copied(where.args)
    try:
        output = f(*args)
        look.y = flat(output, f.label)
        # the output may be a view of an argument, or of a buffer that the next call fills anew
        look.output = trees.map_leaves(
            lambda _, leaf: np.array(leaf) if isinstance(leaf, np.ndarray) else leaf, output
        )
        _note_writing(f.label, where, args, look)
        again = flat(f(*(where.copied(where.args) if look.writes else args)), f.label)
    except (Raised, NotNumeric) as problem:
        advice = (
            "does it lack a return?" if "returned None" in str(problem) else "does it accept these arguments?"
        )
        look.reasons.append(f"{problem}: {advice}")
        return look
    if not same(look.y, again):
        look.reasons.append(
            f"{f.label} is random: two calls with the same arguments returned {_few(look.y)} and {_few(again)}. "
            "Fix its randomness (draw masks and noise once, outside, or from a generator seeded inside)"
        )
    elif not np.isfinite(look.y).all() and not _finite_in_double(f, where, look):
        look.reasons.append(_not_finite(f.label, where, look.y))
    return look


def look_at_claim(
    claim: Counted, ask: Callable[[tuple[Any, ...]], Reading], where: Point, look: Look
) -> Reading | None:
    """Ask the claim twice at the point; None where it raised (the diagnosis says so)."""
    args = where.copied(where.args)
    try:
        reading = ask(args)
        _note_writing(claim.label, where, args, look)
        look.diagnoses += reading.conduct
        again = ask(where.copied(where.args) if look.writes else args)
    except Raised as problem:
        message = f"{problem}. The claim must accept the arguments that f accepts"
        look.diagnoses.append(Diagnosis("other", "", message, {"exception": repr(problem.__cause__)}))
        return None
    for one, other in zip(reading.raw, again.raw, strict=True):
        if one is not None and other is not None and not same(one, other):
            message = (
                f"{claim.label} changes from call to call: the same arguments gave {_few(one)} and {_few(other)}. "
                "A derivative is a function of the point; look for randomness or state kept between calls"
            )
            look.diagnoses.append(
                Diagnosis("nondeterministic", "", message, {"first": one.ravel()[:4].tolist()})
            )
            break
    return reading


def _finite_in_double(f: Counted, where: Point, look: Look) -> bool:
    # float32 overflows at exp(89); the derivative may still be fine, and double precision sees it
    if all(slot.dtype.itemsize >= 8 for slot in where.slots):
        return False
    try:
        promoted = flat(f(*where.copied(where.place(where.x))), f.label)
    except (Raised, NotNumeric):
        return False
    if promoted.shape != look.y.shape or not np.isfinite(promoted).all():
        return False
    look.y, look.promoted = promoted, True
    return True


def _note_writing(label: str, where: Point, args: tuple[Any, ...], look: Look) -> None:
    name = written(where.args, args, where.names)
    if name is not None:
        look.writes.add(label)
        message = (
            f"{label} writes into its argument {name}: whoever calls it finds {name} changed. "
            "Work on a copy of it, or avoid out= and in-place operators on it"
        )
        look.diagnoses.append(
            Diagnosis("mutates_input", name, message, {"function": label, "argument": name})
        )


def same(one: Floats, other: Floats) -> bool:
    """Whether two results are one but for rounding."""
    if identical(one, other):
        return True
    if one.shape != other.shape or not np.array_equal(np.isfinite(one), np.isfinite(other)):
        return False
    finite = np.isfinite(one)
    largest = float(np.max(np.abs(one[finite]), initial=0.0))
    return bool(np.all(np.abs(one[finite] - other[finite]) <= _SAME * largest))


def _not_finite(label: str, where: Point, y: Floats) -> str:
    index = int(np.flatnonzero(~np.isfinite(y))[0])
    place = "" if y.size == 1 else f" at entry {index} of its output"
    for number, arg in enumerate(where.args):
        for path, leaf in trees.leaves(arg):
            if isinstance(leaf, np.ndarray | float | np.floating) and trees.is_floating(leaf):
                bad = np.argwhere(~np.isfinite(np.asarray(leaf)))
                if bad.size or (np.ndim(leaf) == 0 and not np.isfinite(leaf)):
                    name = trees.name(where.names[number], path)
                    entry = [int(i) for i in bad[0]] if bad.size else []
                    held = np.asarray(leaf)[tuple(entry)]
                    return (
                        f"{label} is {y[index]}{place} because its argument {name} holds {held} at {entry}: check at "
                        "a point where every input is finite"
                    )
    return (
        f"{label} is {y[index]}{place} at this point: there is no derivative to check. Move the point into f's "
        "domain, or guard the log, division or overflow that does it"
    )


def _few(values: Floats) -> str:
    shown = ", ".join(f"{value:.6g}" for value in values.ravel()[:3])
    return f"[{shown}, ...]" if values.size > 3 else f"[{shown}]" if values.size != 1 else shown
