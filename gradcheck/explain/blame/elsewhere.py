"""The check far from its point: at other sizes, signs and settings. What is right near the point alone is no mend.

``1 / 2`` is ``1 / len(X)`` for two rows, ``3`` the number of three classes, ``2`` one over a step of a half, and the
sign of one vector may be that of another. Any sizes will do at which f runs. Those axes are lengthened together that
come first in arrays of one length: of the data alone where f runs then, else of all arguments; and those further back,
wherever that length stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask import trees
from gradcheck.ask.point import Point, point
from gradcheck.explain.blame.answer import Answer
from gradcheck.explain.blame.held import Arrays, Held, Number, counting, holding
from gradcheck.explain.blame.probes import NEAR, Probe, alone, moved, probes, screened, truth_at
from gradcheck.judge.examine import Examined

WIDER = 2
"""How many lengths of axes that are no rows are changed, each by itself."""
FEW, SLOW = 5, 2e-3
"""Rows that are enough to find an edit with, where f and the claim take more seconds than that."""
DRAWS = 20
"""How often rows are drawn anew until all sums are others."""
_KINDS = ("grad", "vjp", "layer")
"""Checks whose claim can be asked at arguments of other shapes."""


@dataclass(frozen=True)
class Elsewhere:
    """A point far from that of the check, and in words how it differs."""

    probe: Probe
    said: str
    resized: bool
    held: Arrays = ()
    others: Arrays = ()
    numbers: tuple[Number, ...] = ()
    settings: Mapping[float, float] = field(default_factory=dict)
    """By the values of the ``numbers`` that are held those that they have there."""

    @contextmanager
    def _there(self) -> Iterator[None]:
        with holding(self.held, self.others), counting(self.numbers, self.settings):
            yield

    def wrong(self) -> frozenset[int]:
        """The leaves in which the claim, as it is now, is wrong there."""
        with self._there():
            return self.probe.wrong()

    def answer(self) -> Answer | None:
        """What the claim, as it is now, returns there."""
        with self._there():
            return self.probe.answer()


def elsewhere(seen: Examined, here: Probe, wrong: frozenset[int], held: Held) -> tuple[Elsewhere, ...]:
    """Points at which a claim must be right as well that is wrong in these leaves at the given one.

    Where what is right at the given one is not so there, the claim was written for less than f takes, and nothing
    follows.
    """
    found = (
        one
        for one in (
            _resized(seen),
            *islice(_widened(seen, lambda _: 1), WIDER),
            *islice(_widened(seen, lambda length: length), 1),
            _oblong(seen),
            _turned(seen),
            *(_set_otherwise(seen, held.numbers, shares) for shares in _SHARES),
            _drawn_again(seen, held.arrays),
        )
        if one is not None
    )
    return tuple(one for one in found if _suits(one, here, wrong))


def shorter(seen: Examined, count: int) -> tuple[Probe, ...]:
    """Probes at fewer rows of the data, where a call takes long and f takes fewer; none where it does not."""
    data = tuple(
        number for number in range(len(seen.task.where.args)) if number not in seen.task.where.argnums
    )
    slow = seen.task.f.seconds + seen.task.claim.seconds > SLOW
    for length, numbers in _lengths(seen.task.where) if slow and seen.task.kind in _KINDS else ():
        if length <= FEW or numbers != data:
            continue
        where = _with_leaves(seen, numbers, partial(_first, length))
        if where is None:
            continue
        with suppress(Exception):  # of an f that wants that many
            return probes(replace(seen, task=replace(seen.task, where=where), judgement=None), count)
    return ()


def _first(length: int, leaf: Any) -> Any:
    """An array of that length with its first rows alone."""
    return leaf[:FEW] if _is_list(leaf) and len(leaf) == length else leaf


def _with_leaves(seen: Examined, numbers: tuple[int, ...], made: Callable[[Any], Any]) -> Point | None:
    """The point with each leaf of some arguments made anew; None where it is none."""
    where = seen.task.where
    args = tuple(
        trees.map_leaves(lambda _, leaf: made(leaf), arg) if number in numbers else arg
        for number, arg in enumerate(where.args)
    )
    try:
        return point(seen.task.f, args, where.argnums, where.names)
    except (TypeError, ValueError):
        return None


def has_sizes(where: Point) -> bool:
    """Whether any argument has a length that may be another one."""
    return any(True for _ in _lengths(where))


def _suits(there: Elsewhere, here: Probe, wrong: frozenset[int]) -> bool:
    answer, before = there.answer(), here.answer()
    if answer is None or before is None:
        return before is None  # what raises at both may be right at both when it is mended
    if any(_is_of_one_size(number, here, before, there.probe, answer) for number in range(len(here.slots))):
        return False
    right = zip(_right_entries(here, before), _right_entries(there.probe, answer), strict=True)
    kept = all(
        number in before.missing or number in answer.missing or _holds(old, now)
        for number, (old, now) in enumerate(right)
    )
    return kept and there.probe.wrong_in(answer) <= wrong


def _is_of_one_size(number: int, here: Probe, before: Answer, there: Probe, now: Answer) -> bool:
    """Whether a leaf of another shape gets the gradient that it had: the claim was written for that shape alone."""
    old, new = before.pieces[number], now.pieces[number]
    return (
        number not in before.missing
        and new is not None
        and old.shape == new.shape
        and here.slots[number].shape != there.slots[number].shape
    )


def _right_entries(probe: Probe, answer: Answer) -> tuple[NDArray[Any], ...]:
    right = (np.abs(answer.flat - probe.truth) <= probe.slack) | (np.abs(probe.truth) <= probe.slack)
    return probe.by_leaf(right)


def _holds(old: NDArray[np.bool_], now: NDArray[np.bool_]) -> bool:
    """Whether all that is right of the one is right in the other, too, whose axes may be longer."""
    return old.ndim == now.ndim and not np.any(old & ~now[tuple(map(slice, old.shape))])


def _turned(seen: Examined) -> Elsewhere | None:
    where, generator = seen.task.where, np.random.default_rng(0x7369676E)
    signs = generator.choice([-1.0, 1.0], where.x.size)
    probe = _at(seen, where.moved(where.x * signs), generator)
    said = f"with other signs of {', '.join(slot.path for slot in where.slots)}"
    return None if probe is None else Elsewhere(probe, said, resized=False)


def _set_otherwise(seen: Examined, held: tuple[Number, ...], shares: tuple[float, float]) -> Elsewhere | None:
    """With so many times the numbers that are no rows; what is equal stays so."""
    where, generator = seen.task.where, np.random.default_rng(0x73657420)
    given = [
        (trees.name(where.names[number], path), float(leaf))
        for number, arg in enumerate(where.args)
        if number not in where.argnums
        for path, leaf in trees.leaves(arg)
        if _is_setting(leaf)
    ]
    named = [(name, value) for name, value in (*given, *((one.name, one.value) for one in held)) if value]
    values = sorted({value for _, value in named if np.isfinite(value)})
    if not values:
        return None
    settings = dict(zip(values, np.array(values) * generator.uniform(*shares, len(values)), strict=True))
    settings = {old: float(new) for old, new in settings.items()}

    def other(leaf: Any) -> Any:
        return type(leaf)(settings.get(float(leaf), leaf)) if _is_setting(leaf) else leaf

    data = tuple(number for number in range(len(where.args)) if number not in where.argnums)
    there = _with_leaves(seen, data, other)
    if there is None:
        return None
    with counting(held, settings):
        probe = _at(seen, moved(there, generator, NEAR), generator)
    said = f"with other values of {', '.join(dict.fromkeys(name for name, _ in named))}"
    return None if probe is None else Elsewhere(probe, said, False, numbers=held, settings=settings)


_SHARES = (0.3, 0.7), (1.5, 2.5)
"""How many times what it is a number is elsewhere; what is a share stays one where it is less."""


def _is_setting(leaf: Any) -> bool:
    return isinstance(leaf, float)  # NumPy's own, too


def _drawn_again(seen: Examined, held: Arrays) -> Elsewhere | None:
    """With rows of the data that functions hold drawn anew from those that there are; a graph's columns with them."""
    arrays = [one for one in held if one.ndim and len(one) > 1 and one.dtype.kind in "fiub"]
    if not arrays:
        return None
    generator = np.random.default_rng(0x726F7773)
    (length, _), *_ = Counter(map(len, arrays)).most_common()
    arrays = [one for one in arrays if len(one) == length]
    for rows in generator.integers(length, size=(DRAWS, length)):
        others = tuple(one[rows][:, rows] if one.shape[1:2] == (length,) else one[rows] for one in arrays)
        if not any(np.isclose(one.sum(), other.sum()) for one, other in zip(arrays, others, strict=True)):
            break  # nor is it as many of each kind as it was
    with suppress(ValueError), holding(tuple(arrays), others):  # what is a part of something read only
        probe = _at(seen, moved(seen.task.where, generator, NEAR), generator)
        said = "with other rows of the data that the functions hold"
        return None if probe is None else Elsewhere(probe, said, False, tuple(arrays), others)
    return None


def _resized(seen: Examined) -> Elsewhere | None:
    if seen.task.kind not in _KINDS or seen.task.given is not None:
        return None
    generator = np.random.default_rng(0x73697A65)
    where = seen.task.where
    for length, numbers in _lengths(where):
        longer = _with_leaves(seen, numbers, partial(_longer, length))
        if longer is None:
            continue
        probe = _at(seen, moved(longer, generator, NEAR), generator)
        if probe is not None:
            said = f"with {length + 1} for {length} rows of {_listed(where, length, numbers)}"
            return Elsewhere(probe, said, resized=True)
    return None


def _widened(seen: Examined, more: Callable[[int], int]) -> Iterator[Elsewhere]:
    """With so many more of what is no row, a class or a unit, wherever that length stands.

    With one more an f may not run, or take no more windows of it than before; with twice as many it does.
    """
    if seen.task.kind not in _KINDS or seen.task.given is not None:
        return
    where, generator = seen.task.where, np.random.default_rng(0x77696465)
    shapes = [np.shape(leaf) for arg in where.args for _, leaf in trees.leaves(arg) if _is_list(leaf)]
    for length, _ in Counter(length for shape in shapes for length in shape[1:] if length > 1).most_common():
        wider = _with_leaves(seen, tuple(range(len(where.args))), partial(_wider, length, more(length)))
        probe = None if wider is None else _at(seen, moved(wider, generator, NEAR), generator)
        if probe is not None:
            yield Elsewhere(
                probe,
                f"with {length + more(length)} for {length} in every axis of that length",
                resized=False,
            )


def _oblong(seen: Examined) -> Elsewhere | None:
    """Longer along the last of two axes of one length: height and width are told apart, with strides, too."""
    if seen.task.kind not in _KINDS or seen.task.given is not None:
        return None
    where, generator = seen.task.where, np.random.default_rng(0x6F626C6F)
    shapes = [np.shape(leaf) for arg in where.args for _, leaf in trees.leaves(arg) if _is_list(leaf)]
    for length in dict.fromkeys(shape[-1] for shape in shapes if shape[-1] in shape[:-1] and shape[-1] > 1):
        longer = _with_leaves(seen, tuple(range(len(where.args))), partial(_last_longer, length))
        probe = None if longer is None else _at(seen, moved(longer, generator, NEAR), generator)
        if probe is not None:
            return Elsewhere(probe, f"with {length + 2} for {length} in the last of two axes", resized=False)
    return None


def _last_longer(length: int, leaf: Any) -> Any:
    """An array of two axes of that length with the first slices once more along the last of them."""
    if _is_list(leaf) and leaf.shape[-1] == length and length in leaf.shape[:-1]:
        return np.concatenate([leaf, leaf[..., :2]], axis=-1)
    return leaf


def _wider(length: int, more: int, leaf: Any) -> Any:
    """An array with its first slices again along every axis of that length; nothing, where slices sum to one."""
    for axis in range(np.ndim(leaf)) if isinstance(leaf, np.ndarray) else ():
        if leaf.shape[axis] == length:
            first = leaf.take(range(more), axis)
            shared = leaf.dtype.kind == "f" and np.allclose(leaf.sum(axis), 1.0)
            whole = leaf.dtype.kind == "f" and np.isclose(leaf.sum(), 1.0)
            leaf = np.concatenate([leaf, np.zeros_like(first) if shared else first], axis)
            leaf = leaf / leaf.sum() if whole else leaf
    return leaf


def _at(seen: Examined, where: Point, generator: np.random.Generator) -> Probe | None:
    """The probe at a point; None where f does not take it."""
    task = replace(alone(seen.task), where=where)
    try:
        truth = truth_at(task, generator)
    except Exception:
        return None
    return screened(seen, task, truth) if truth is not None and np.isfinite(truth[2]).all() else None


def _lengths(where: Point) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Lengths of first axes, and the arguments in which they are to change: data first, and what has most of it."""
    every = tuple(range(len(where.args)))
    data = tuple(number for number in every if number not in where.argnums)
    for numbers in (data, every):
        arrays = [
            leaf for number in numbers for _, leaf in trees.leaves(where.args[number]) if _is_list(leaf)
        ]
        found = sorted({len(leaf) for leaf in arrays}, key=lambda n: -sum(len(leaf) == n for leaf in arrays))
        yield from ((length, numbers) for length in found)


def _is_list(leaf: Any) -> bool:
    # of a single row more may be broadcast
    return isinstance(leaf, np.ndarray) and leaf.ndim > 0 and len(leaf) > 1


def _longer(length: int, leaf: Any) -> Any:
    """An array of that length with its first row once more; what sums to one still does."""
    if not _is_list(leaf) or len(leaf) != length:
        return leaf
    longer = np.concatenate([leaf, leaf[:1]])
    for axis in (0, None) if leaf.dtype.kind == "f" else ():
        if np.allclose(leaf.sum(axis=axis), 1.0):
            longer /= longer.sum(axis=axis)
    return longer


def _listed(where: Point, length: int, numbers: tuple[int, ...]) -> str:
    held = (
        trees.name(where.names[number], path)
        for number in numbers
        for path, leaf in trees.leaves(where.args[number])
        if _is_list(leaf) and len(leaf) == length
    )
    return ", ".join(held)
