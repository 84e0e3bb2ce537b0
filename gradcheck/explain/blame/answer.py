"""What a claim answers at a probe, as one flat vector, had at little more than the price of a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.point import Slot
from gradcheck.ask.reading import Reading
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats


@dataclass(frozen=True)
class Answer:
    """All entries in the order of the point; NaN in the ``missing`` leaves, which did not come in their shape.

    ``pieces`` are the leaves as they came.
    """

    flat: Floats
    missing: frozenset[int]
    pieces: tuple[Any, ...]

    def moved_from(self, other: Answer, number: int) -> bool:
        """Whether a leaf that was missing before has come in another way."""
        now, before = self.pieces[number], other.pieces[number]
        return (now is None) != (before is None) or (
            now is not None and not np.array_equal(now, before, equal_nan=True)
        )


def answer_of(pieces: tuple[Any, ...], slots: tuple[Slot, ...]) -> Answer:
    """The answer that is made of one array for each leaf."""
    missing = frozenset(
        number
        for number, (piece, slot) in enumerate(zip(pieces, slots, strict=True))
        if piece is None or piece.shape != slot.shape
    )
    if not missing:
        flat = np.concatenate([piece.ravel() for piece in pieces], dtype=np.float64)
        return Answer(flat, missing, pieces)
    parts = [
        np.full(slot.size, np.nan) if number in missing else piece.ravel()
        for number, (piece, slot) in enumerate(zip(pieces, slots, strict=True))
    ]
    return Answer(np.concatenate(parts), missing, pieces)


Asked = Callable[[], Answer]


def asked(task: Task, ask: Callable[[], Reading]) -> Asked:
    """A way to ask the claim: past what a report would say of the answer, where nothing but its entries counts."""
    slots = task.where.slots

    def whole() -> Answer:
        return answer_of(ask().raw, slots)

    calls, function = [], task.claim.function

    def noted(*args: Any) -> Any:
        kept = tuple(map(trees.copied, args))
        result = function(*args)
        calls.append((kept, _pieces(result, task)))
        return result

    task.claim.function = noted
    try:
        reading = ask()
    except Exception:  # it may come to its end when it is mended
        return whole
    finally:
        task.claim.function = function
    if len(calls) != 1 or reading.problems or not _same(calls[0][1], reading.raw):
        return whole
    ((args, _),) = calls
    return lambda: answer_of(_pieces(function(*map(trees.copied, args)), task), slots)


def _pieces(result: Any, task: Task) -> tuple[Any, ...]:
    where = task.where
    if len(where.argnums) == 1:
        parts = {where.argnums[0]: result}
    elif isinstance(result, tuple | list) and len(result) == len(where.argnums):
        parts = dict(zip(where.argnums, result, strict=True))
    else:
        parts = {}
    return tuple(_piece(parts.get(slot.argnum), slot.keys[1:]) for slot in where.slots)


def _piece(tree: Any, keys: trees.Path) -> Any:
    try:
        for key in keys:
            tree = tree[key]
        array = np.asarray(tree)
    except Exception:  # of another build
        return None
    return array if array.dtype.kind in "fiub" else None


def _same(pieces: tuple[Any, ...], raw: tuple[Floats | None, ...]) -> bool:
    return all(
        one is not None and other is not None and np.array_equal(one, other, equal_nan=True)
        for one, other in zip(pieces, raw, strict=True)
    )
