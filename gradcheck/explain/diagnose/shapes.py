"""A claim of the wrong shape: which sum, axis or transpose would mend it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.guess import CERTAIN, Guess
from gradcheck.explain.evidence import Evidence, LeafEvidence


def shape(evidence: Evidence) -> Iterator[Guess]:
    """Leaves whose claim is missing or has another shape than the argument."""
    for number, leaf in enumerate(evidence.leaves):
        claimed = leaf.claimed
        if claimed is None:
            says = f"no gradient came back for {leaf.path}"
            remedy = "Does the claim return a value for every argument that is checked?"
            yield Guess("shape", (number,), CERTAIN, says, remedy, {"claimed": None})
        elif claimed.shape != leaf.truth.shape:
            yield from _wrong_shape(number, leaf, claimed)


def _wrong_shape(number: int, leaf: LeafEvidence, claimed: Floats) -> Iterator[Guess]:
    truth = leaf.truth
    figures: dict[str, Any] = {"claimed_shape": list(claimed.shape), "shape": list(truth.shape)}
    came = f"the claim for {leaf.path} has shape {claimed.shape} where {truth.shape} is due"
    mended = next(_mends(claimed, truth, leaf.bound), None)
    if mended is None:
        likely = _by_shape_alone(claimed.shape, truth.shape)
        says = came + (
            f"; {likely}, and even so its values are wrong" if likely else ", with other values as well"
        )
        yield Guess("shape", (number,), CERTAIN, says, "", figures)
        return
    what, remedy, name = mended
    figures["mended_by"] = remedy
    if name == "transpose":
        yield Guess(
            "transpose", (number,), CERTAIN, f"{came}: it is the transpose", f"Return {remedy}.", figures
        )
        yield Guess("shape", (number,), CERTAIN + 1.0, f"{came}; {what}", f"Return {remedy}.", figures)
        return
    yield Guess("shape", (number,), CERTAIN, f"{came}; {what}", f"Return {remedy}.", figures)


def _mends(claimed: Floats, truth: Floats, bound: Floats) -> Iterator[tuple[str, str, str]]:
    for what, remedy, name, attempt in _attempts(claimed, truth.shape):
        if _agree(attempt, truth, bound):
            yield f"{what}, its values are right", remedy, name


def _attempts(claimed: Floats, due: tuple[int, ...]) -> Iterator[tuple[str, str, str, Floats]]:
    if claimed.ndim == 2 and claimed.shape[::-1] == due and 1 not in due:
        yield "it is transposed", "its transpose", "transpose", claimed.T
    if claimed.size == int(np.prod(due)):
        what, remedy = _reshaped(claimed.shape, due)
        yield what, remedy, "axis", claimed.reshape(due)
        if claimed.ndim == 2:
            yield (
                "it is transposed and its axes differ",
                f"its transpose, reshaped to {due}",
                "axis",
                claimed.T.reshape(due),
            )
    yield from _sums(claimed, due)
    if claimed.size == 1:
        filled = np.full(due, claimed.reshape(()))
        yield "one number stands for all entries", f"np.full({due}, ...)", "axis", filled
    else:
        yield from _broadcast(claimed, due)


def _reshaped(came: tuple[int, ...], due: tuple[int, ...]) -> tuple[str, str]:
    kept = tuple(n for n in came if n != 1) == tuple(n for n in due if n != 1)
    if kept and len(came) > len(due):
        axes = ", ".join(str(a) for a, n in enumerate(came) if n == 1)
        return f"an axis of length 1 was kept (axis {axes}: keepdims?)", f"it reshaped to {due}"
    if kept and len(came) < len(due):
        return "an axis of length 1 was lost", f"it reshaped to {due} (keepdims=True in the sum)"
    if kept:
        return "its axis of length 1 stands elsewhere", f"it reshaped to {due}"
    return "it was flattened or regrouped", f"it reshaped to {due}"


def _sums(claimed: Floats, due: tuple[int, ...]) -> Iterator[tuple[str, str, str, Floats]]:
    axes = range(claimed.ndim)
    for count in range(1, min(claimed.ndim, 4) + 1):
        for chosen in combinations(axes, count):
            summed = claimed.sum(axis=chosen)
            if summed.size != int(np.prod(due)):
                continue
            over = chosen[0] if count == 1 else chosen
            length = int(np.prod([claimed.shape[a] for a in chosen]))
            keep = "" if summed.shape == due else f", reshaped to {due}"
            total, mean = summed.reshape(due), summed.reshape(due) / length
            what = f"the sum over axis {over} (length {length}: the batch?) is missing"
            yield what, f"its sum over axis {over}{keep}", "sum", total
            yield (
                f"the mean over axis {over} (length {length}) is missing",
                f"its mean over axis {over}{keep}",
                "sum",
                mean,
            )


def _broadcast(claimed: Floats, due: tuple[int, ...]) -> Iterator[tuple[str, str, str, Floats]]:
    for candidate in (claimed, claimed[..., None]):
        try:
            full = np.broadcast_to(candidate, due)
        except ValueError:
            continue
        yield (
            "an axis was summed or dropped along which the gradient is constant",
            f"it broadcast to {due}",
            "axis",
            full,
        )
        for axis in range(len(due)):
            if due[axis] > 1 and candidate.size * due[axis] == int(np.prod(due)):
                what = f"it was summed over axis {axis} of the argument"
                yield what, f"it without that sum, as {due}", "axis", full / due[axis]


def _agree(attempt: Floats, truth: Floats, bound: Floats) -> bool:
    known = np.isfinite(truth)
    if not np.any(known) or not np.all(np.isfinite(attempt)):
        return False
    scale = float(np.max(np.abs(truth[known]), initial=0.0))
    allowed = 3.0 * bound[known] + 1e-6 * np.abs(truth[known]) + 1e-9 * scale
    return bool(np.all(np.abs(attempt - truth)[known] <= allowed))


def _by_shape_alone(came: tuple[int, ...], due: tuple[int, ...]) -> str:
    if came[::-1] == due:
        return "it looks transposed"
    if len(came) > len(due) and came[len(came) - len(due) :] == due:
        return f"a sum over the leading axes {came[: len(came) - len(due)]} (the batch?) looks missing"
    if int(np.prod(came)) == int(np.prod(due)):
        return "it has the right number of entries, in another arrangement"
    return ""
