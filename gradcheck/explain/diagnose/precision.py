"""Small relative errors: a fudge in a denominator, a cast to fewer digits, to whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcheck.explain.diagnose.guess import COMMON, EXACT, PATTERN, RECOGNISED, Guess
from gradcheck.explain.diagnose.subject import Subject, norm

# Above this an error is no matter of precision or of a fudge; unit roundoff of float16 is 4.9e-4.
SMALL = 0.02


def whole_numbers(subject: Subject) -> Iterator[Guess]:
    """The claim is the truth cut or rounded to whole numbers, as an integer array makes it."""
    claimed = subject.claimed
    integer = np.dtype(subject.leaf.claimed_dtype).kind in "iub" if subject.leaf.claimed_dtype else False
    if not np.array_equal(claimed, np.round(claimed)) or not (integer or np.any(claimed)):
        return
    for verb, cut in (("cut", np.trunc), ("rounded", np.round), ("rounded down", np.floor)):
        if subject.explained_by(cut(subject.truth)) and (integer or subject.entries > 1):
            says = f"{{leaves}} {{is}} the truth {verb} to whole numbers"
            remedy = (
                "A buffer made with the dtype of integer data (zeros_like) cuts what is written into"
                " it: give it a float dtype."
            )
            cost = COMMON - 1.0 if integer or np.any(claimed) else RECOGNISED
            yield Guess(
                "dtype",
                (subject.number,),
                cost,
                says,
                remedy,
                {"how": verb, "dtype": subject.leaf.claimed_dtype},
                verb,
            )
            return
    if integer:
        says = f"{{leaves}} came as {subject.leaf.claimed_dtype}, whole numbers that are not the truth"
        yield Guess(
            "dtype",
            (subject.number,),
            EXACT,
            says,
            "Compute in floats.",
            {"dtype": subject.leaf.claimed_dtype},
            "integer",
        )


def small_relative(subject: Subject) -> Iterator[Guess]:
    """Errors small beside the truth, everywhere."""
    known = subject.known & (subject.truth != 0.0)
    size = norm(subject.error[subject.known]) / max(norm(subject.truth[known]), np.finfo(np.float64).tiny)
    errors = np.abs(subject.error[known] / subject.truth[known])
    wrong = np.abs(subject.error[subject.wrong]) / np.abs(subject.truth[subject.wrong])
    if not 0.0 < size < SMALL or not wrong.size or np.sort(wrong)[(3 * wrong.size) // 4] > SMALL:
        return
    largest = float(np.max(errors[np.abs(subject.truth[known]) > 1e-3 * subject.scale], initial=0.0))
    figures: dict[str, Any] = {"relative_error": size, "largest": largest, "median": float(np.median(errors))}
    kind = _format(subject)
    if kind:
        figures["format"] = kind
        says = f"{{leaves}} {{is}} right to {size:.2g} only: every entry is a {kind} number"
        remedy = f"A cast to {kind} on the way costs these digits."
        came_so = float(subject.leaf.claimed_dtype == kind and kind != subject.leaf.dtype)
        yield Guess("small_relative", (subject.number,), COMMON - 0.5 + came_so, says, remedy, figures, kind)
        yield Guess("dtype", (subject.number,), COMMON + 0.5 - came_so, says, remedy, figures, kind)
        return
    says = (
        f"{{leaves}} {{differs}} from the truth by a relative {size:.2g} only "
        f"(at most {largest:.2g} in an entry that matters){_guess_size(size)}"
    )
    remedy = (
        "Look for a fudge (+ eps in a denominator or a logarithm), a cast to lower precision, "
        "a difference quotient, a rounded constant."
    )
    everywhere = wrong.size > 0.6 * errors.size
    cost = PATTERN - 2.5 + (2.0 if size > 5e-3 else 0.0) + (0.0 if everywhere else 0.8)
    yield Guess("small_relative", (subject.number,), cost, says, remedy, figures, "small")


def _format(subject: Subject) -> str:
    """The narrow format in which every entry of the claim is exact, "" where there is none."""
    claimed, entries = subject.claimed, np.unique(subject.claimed)
    formats: dict[str, tuple[type, ...]] = {"float64": (np.float16, np.float32), "float32": (np.float16,)}
    narrow = formats.get(subject.leaf.dtype, ()) if np.any(entries) else ()
    with np.errstate(over="ignore", under="ignore"):
        for dtype in narrow:
            cast = claimed.astype(dtype).astype(np.float64)
            near = norm(subject.error) <= 64 * np.finfo(dtype).eps * norm(subject.truth[subject.known])
            if np.array_equal(cast, claimed) and near:
                return str(np.dtype(dtype))
    return ""


def _guess_size(size: float) -> str:
    if 1e-8 < size < 3e-6:
        return ", as float32 somewhere inside would"
    if 1e-4 < size < 3e-3:
        return ", as float16 somewhere inside or a fudge would"
    return ""
