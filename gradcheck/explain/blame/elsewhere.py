"""The check far from its point: at other sizes, signs, settings and indices. What is right near it alone is no mend.

``1 / 2`` is ``1 / len(X)`` for two rows, ``3`` the number of three classes, ``2`` one over a step of a half, and the
sign of one vector may be that of another. Any sizes will do at which f runs; each length changes by itself (`growth`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask import trees
from gradcheck.ask.point import Point, point
from gradcheck.explain.blame.answer import Answer
from gradcheck.explain.blame.apart import ENDED, no_longer_than
from gradcheck.explain.blame.growth import Growth, growths
from gradcheck.explain.blame.held import Arrays, Held, Place, Put, holding, putting
from gradcheck.explain.blame.probes import NEAR, Probe, alone, moved, probes, screened, stands_still, truth_at
from gradcheck.explain.blame.progress import telling
from gradcheck.explain.blame.sizes import sizes_of
from gradcheck.judge.examine import Examined

MOST = 10
"""How many lengths are changed, each by itself."""
CHECKS = 50.0
"""How many times as long as the check the truth at such a point may take."""
FEW, SLOW = 5, 2e-3
"""Rows that are enough to find an edit with, where f and the claim take more seconds than that."""
WRONG = 100
"""More than there are ways in which a length may change."""
DRAWS = 20
"""How often rows are drawn anew until all sums are others."""
TURNS = 5
"""How often fewer signs are turned, of entries beyond a guard."""
_LITTLE = 0.1
"""Share of a leaf that may be right at one size by the mistake."""
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
    put: Put = ()
    rows: bool = False
    """Whether it has another number of rows."""
    instead: tuple[Elsewhere, ...] = ()
    """Where the claim, as it was, raises there: other ways in which that length may change. The first counts
    at which it does not raise."""
    raised: bool = False
    """Whether it does in all of them: it may have been written for less than f takes."""
    doubtful: bool = False
    """Whether the claim, as it was, has less right there than at the given point: its mistake may be why, or that it
    was written for less than f takes, as f may be for less than a default lets it."""

    @contextmanager
    def _there(self) -> Iterator[None]:
        with holding(self.held, self.others), putting(self.put):
            yield

    def misfit(self, leaves: frozenset[int]) -> int:
        """How ill the claim, as it is now, fits in these leaves there: 0 where it is right in them, `WRONG` where not.

        Where it raises, how many ways come before the first ``instead`` in which it does not.
        """
        ways = (self, *self.instead)
        number, way = next(((number, one) for number, one in enumerate(ways) if one.runs()), (0, self))
        return WRONG if way.probe.wrong_in(way.answer()) & leaves else number

    def runs(self) -> bool:
        """Whether the claim, as it is now, comes to its end there, with the shapes that are due."""
        answer = self.answer()
        return answer is not None and not answer.missing

    def fits(self) -> bool:
        """Whether the claim, as it is now, is right there."""
        return self.misfit(frozenset(range(len(self.probe.slots)))) < WRONG

    def refutes(self) -> bool:
        """Whether the claim, as it is now, is no mend, for it is wrong there."""
        raises = self.raised and not any(one.runs() for one in (self, *self.instead))
        return not self.doubtful and not raises and not self.fits()

    def answer(self) -> Answer | None:
        """What the claim, as it is now, returns there."""
        with self._there():
            return self.probe.answer()


def elsewhere(
    seen: Examined, here: Probe, wrong: frozenset[int], held: Held, late: Callable[[], bool]
) -> tuple[Elsewhere, ...]:
    """Points at which a claim must be right as well that is wrong in these leaves at the given one.

    Where what is right at the given one is not so there, the claim was written for less than f takes, and nothing
    follows; but that other sizes are better witnesses than none for which of two edits is meant.
    """
    found = (
        one
        for one in (
            *islice(_resized(seen, here, wrong, held, late), MOST),
            *(_turned(seen, here, side) for side in (1.0, -1.0)),
            *(_scaled(seen, here, times) for times in _TIMES),
            *(_set_otherwise(seen, held.of(float), shares) for shares in _SHARES),
            _told_otherwise(seen, held.defaults(bool)),
            _indexed_otherwise(seen, held.arrays),
            _drawn_again(seen, held.arrays),
            *(_made_uneven(seen, held.arrays, change) for change in (_of_both, _of_both_signs)),
        )
        if one is not None
    )
    return tuple(one for one in found if one.resized or _suits(one, here, wrong))


def shorter(seen: Examined, count: int) -> tuple[Probe, ...]:
    """Probes at fewer rows of the data, where a call takes long and f takes fewer; none where it does not."""
    data = _data(seen.task.where)
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


def _data(where: Point) -> tuple[int, ...]:
    """The arguments that are not checked, by their numbers."""
    return tuple(number for number in range(len(where.args)) if number not in where.argnums)


def _leaves(where: Point) -> Iterator[tuple[str, Any]]:
    """What they hold, by name."""
    for number in _data(where):
        for path, leaf in trees.leaves(where.args[number]):
            yield trees.name(where.names[number], path), leaf


def has_sizes(where: Point) -> bool:
    """Whether any argument has a length that may be another one."""
    return any(True for _ in _lengths(where))


def _suits(there: Elsewhere, here: Probe, wrong: frozenset[int]) -> bool:
    answer, before = there.answer(), here.answer()
    if answer is None or before is None:
        return before is None  # what raises at both may be right at both when it is mended
    if _is_of_one_size(here, there):
        return False
    tells, now = telling(here), _right(there.probe, answer) | ~telling(there.probe)
    leaves = zip(
        *(here.by_leaf(each) for each in (_right(here, before) & tells, tells)),
        there.probe.by_leaf(now),
        strict=True,
    )
    kept = all(
        number in before.missing or number in answer.missing or _holds(*leaf)
        for number, leaf in enumerate(leaves)
    )
    return kept and there.probe.wrong_in(answer) <= wrong


def _is_of_one_size(here: Probe, there: Elsewhere) -> bool:
    """Whether a leaf of another shape gets the gradient that it had: the claim was written for that shape alone."""
    before, now = here.answer(), there.answer()
    return (
        before is not None
        and now is not None
        and any(
            number not in before.missing
            and new is not None
            and old.shape == new.shape
            and one.shape != other.shape
            for number, (old, new, one, other) in enumerate(
                zip(before.pieces, now.pieces, here.slots, there.probe.slots, strict=True)
            )
        )
    )


def _right(probe: Probe, answer: Answer) -> NDArray[np.bool_]:
    return np.abs(answer.flat - probe.truth) <= probe.slack


def _holds(right: NDArray[np.bool_], tells: NDArray[np.bool_], now: NDArray[np.bool_]) -> bool:
    """Whether most of what is right and tells something is right elsewhere, where axes may be longer; or little is.

    Not all of it need be: another entry may be the largest there, or have crossed a corner.
    """
    if right.ndim != now.ndim:
        return False
    kept, count = np.count_nonzero(right & now[tuple(map(slice, right.shape))]), np.count_nonzero(right)
    return bool(2 * kept >= count or count < _LITTLE * np.count_nonzero(tells))


def _turned(seen: Examined, here: Probe, side: float) -> Elsewhere | None:
    """With other signs, but where f stands still for them and the claim does not: beyond a guard as of a logarithm.

    What keeps its sign on the one ``side`` has another one on the other: that of a single parameter, too.
    """
    where, generator = seen.task.where, np.random.default_rng(0x7369676E)
    signs = side * generator.choice([-1.0, 1.0], where.x.size)
    if not (signs < 0).any():
        return None
    for _ in range(TURNS):
        # beside a corner that the point may be at
        probe = _at(seen, moved(where.moved(where.x * signs), generator, NEAR), generator)
        if probe is None:
            return None
        beyond = _beyond(probe, here)
        if not beyond.any():
            said = f"with other signs of {', '.join(slot.path for slot in where.slots)}"
            return Elsewhere(probe, said, resized=False)
        if not (signs[beyond] < 0).any():
            return None
        signs[beyond] = 1.0
    return None


def _beyond(there: Probe, here: Probe) -> NDArray[np.bool_]:
    """The entries for which f does not move there, as it does here, and of which the claim, as it is, knows nothing."""
    answer = there.answer()
    still = stands_still(there.truth, here.truth)
    return still if answer is None else np.logical_and(still, answer.flat != 0.0)


def _scaled(seen: Examined, here: Probe, times: float) -> Elsewhere | None:
    """With parameters so many times as large: on the side of a bend that no entry is on, as of a Huber loss."""
    where, generator = seen.task.where, np.random.default_rng(0x7363616C)
    probe = _at(seen, moved(where.moved(times * where.x), generator, NEAR), generator)
    if probe is None or _beyond(probe, here).any():
        return None
    said = f"with {times:g} times {', '.join(slot.path for slot in where.slots)}"
    return Elsewhere(probe, said, resized=False)


_TIMES = (0.01, 3.0)
"""How many times as large parameters are elsewhere."""


def _set_otherwise(seen: Examined, held: tuple[Place, ...], shares: tuple[float, float]) -> Elsewhere | None:
    """With so many times the numbers that are no rows; what is equal stays so."""
    where, generator = seen.task.where, np.random.default_rng(0x73657420)
    given = [(name, float(leaf)) for name, leaf in _leaves(where) if _is_setting(leaf)]
    named = [(name, value) for name, value in (*given, *((one.name, one.value) for one in held)) if value]
    values = sorted({value for _, value in named if np.isfinite(value)})
    if not values:
        return None
    settings = dict(zip(values, np.array(values) * generator.uniform(*shares, len(values)), strict=True))
    settings = {old: float(new) for old, new in settings.items()}

    def other(leaf: Any) -> Any:
        return type(leaf)(settings.get(float(leaf), leaf)) if _is_setting(leaf) else leaf

    there = _with_leaves(seen, _data(where), other)
    if there is None:
        return None
    put = tuple((one, settings.get(one.value, one.value)) for one in held)
    with putting(put):
        probe = _at(seen, moved(there, generator, NEAR), generator)
    said = f"with other values of {', '.join(dict.fromkeys(name for name, _ in named))}"
    return None if probe is None else Elsewhere(probe, said, False, put=put)


_SHARES = (0.3, 0.7), (1.5, 2.5)
"""How many times what it is a number is elsewhere; what is a share stays one where it is less."""


def _told_otherwise(seen: Examined, held: tuple[Place, ...]) -> Elsewhere | None:
    """With every flag turned, given or a default: what it asks for may not have run."""
    where, generator = seen.task.where, np.random.default_rng(0x666C6167)
    given = [name for name, leaf in _leaves(where) if type(leaf) is bool]
    there = _with_leaves(seen, _data(where), lambda leaf: not leaf if type(leaf) is bool else leaf)
    if there is None or not (given or held):
        return None
    put = tuple((one, not one.value) for one in held)
    with putting(put):
        probe = _at(seen, moved(there, generator, NEAR), generator)
        if probe is None or not probe.keeps_f():  # what is random then has another truth at each call
            return None
    said = f"with {', '.join(dict.fromkeys([*given, *(one.name for one in held)]))} turned"
    return Elsewhere(probe, said, resized=False, put=put)


def _is_setting(leaf: Any) -> bool:
    return isinstance(leaf, float)  # NumPy's own, too


def _indexed_otherwise(seen: Examined, held: Arrays) -> Elsewhere | None:
    """With other indices among those that there are, labels and repeated ids: rows of them may be alike by accident."""
    return _with_entries(seen, held, _is_index, _indices_like, "indices")


Change = Callable[[np.random.Generator, NDArray[Any]], NDArray[Any]]


def _with_entries(
    seen: Examined, held: Arrays, is_one: Callable[[Any], bool], change: Change, what: str
) -> Elsewhere | None:
    """With other entries of the data that ``is_one``, given or held; None where there is none, or f takes no others."""
    where, generator = seen.task.where, np.random.default_rng(0x69647320)
    arrays = tuple(filter(is_one, held))
    names = [name for name, leaf in _leaves(where) if is_one(leaf)]
    there = _with_leaves(seen, _data(where), lambda leaf: change(generator, leaf) if is_one(leaf) else leaf)
    if there is None or not (names or arrays):
        return None
    others = tuple(change(generator, one) for one in arrays)
    with suppress(ValueError), holding(arrays, others):  # what is a part of something read only
        probe = _at(seen, moved(there, generator, NEAR), generator)
        said = f"with other entries of {', '.join(names) or f'the {what} that the functions hold'}"
        return None if probe is None else Elsewhere(probe, said, False, arrays, others)
    return None


def _is_index(leaf: Any) -> bool:
    return _is_list(leaf) and leaf.dtype.kind in "iu"


def _indices_like(generator: np.random.Generator, array: NDArray[Any]) -> NDArray[Any]:
    """Other indices of the same kind: each once, or in order and to the same end, where these are."""
    values = np.unique(array)
    if values.size == array.size > 1 and array.ndim == 1 and np.ptp(values) == values.size - 1:
        return generator.permutation(array)
    drawn = generator.choice(values, array.shape)
    if array.ndim == 1 and np.all(np.diff(array) >= 0):
        drawn = np.sort(drawn)
        drawn[0], drawn[-1] = array[0], array[-1]
    return drawn


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


def _made_uneven(seen: Examined, held: Arrays, change: Change) -> Elsewhere | None:
    """With other entries of the data that are all one number: labels of one class, weights or masks of ones."""
    ways = (change, _of_any)  # f may take no zeros, or no negative ones
    found = (_with_entries(seen, held, _is_even, way, "data") for way in ways)
    return next((one for one in found if one is not None), None)


def _is_even(leaf: Any) -> bool:
    return (
        isinstance(leaf, np.ndarray)
        and leaf.dtype.kind == "f"
        and leaf.size > 1
        and bool((leaf == leaf.flat[0]).all())
    )


def _of_both(generator: np.random.Generator, array: NDArray[Any]) -> NDArray[Any]:
    """Half of zeros or of ones made the other; what is neither, as it may be."""
    if array.flat[0] not in (0.0, 1.0):
        return _of_any(generator, array)
    return np.where(_half(generator, array), 1.0 - array, array).astype(array.dtype)


def _of_both_signs(generator: np.random.Generator, array: NDArray[Any]) -> NDArray[Any]:
    return np.where(_half(generator, array), -array, array)


def _of_any(generator: np.random.Generator, array: NDArray[Any]) -> NDArray[Any]:
    """Smaller numbers of the same sign."""
    return (array * generator.uniform(0.3, 1.0, array.shape)).astype(array.dtype)


def _half(generator: np.random.Generator, array: NDArray[Any]) -> NDArray[np.bool_]:
    return generator.permutation(array.size).reshape(array.shape) < array.size // 2


def _resized(
    seen: Examined, here: Probe, wrong: frozenset[int], held: Held, late: Callable[[], bool]
) -> Iterator[Elsewhere]:
    """With another number of rows, units, heads, ...: whatever length f takes another one of."""
    if seen.task.kind not in _KINDS or seen.task.given is not None:
        return
    where, sizes = seen.task.where, sizes_of(seen.task, held)

    before = here.answer()
    answers = before is not None and not before.missing

    @cache
    def made(growth: Growth) -> Elsewhere | None:
        (args, put), generator = sizes.grown(growth), np.random.default_rng(0x73697A65)
        with putting(put), suppress(TypeError, ValueError):
            there = point(seen.task.f, args, where.argnums, where.names)
            probe = _at(seen, moved(there, generator, NEAR), generator)
            if probe is not None:
                rows, doubtful = sizes.has_rows(growth), sizes.has_defaults(growth)
                return Elsewhere(probe, sizes.said(growth), True, put=put, rows=rows, doubtful=doubtful)
        return None

    def suits(growth: Growth) -> bool:
        # that more parameters were meant to be taken, a claim of a wrong shape does not show
        if before is None or not (answers or sizes.has_data(growth)):
            return False
        one = made(growth)
        return one is not None and _suits(one, here, wrong)

    def takes(growth: Growth) -> bool:
        y = sizes.output(growth)
        if y is None or not np.array_equal(y, seen.look.y):
            return y is not None
        # more of what f does not look at: of parameters there may be, of data it is not all that has to grow
        return not sizes.has_data(growth) and suits(growth)

    for ways in growths([one.shape for one in sizes.things], takes, suits, late):
        found = [one for one in map(made, ways) if one is not None]
        raising = [one for one in found if one.answer() is None]
        if raising:
            suiting = found[-1:] if found[-1] not in raising and suits(ways[-1]) else []
            yield replace(raising[0], instead=(*raising[1:], *suiting), raised=not suiting)
        elif found and suits(ways[-1]):
            yield found[-1]
        elif found and not _is_of_one_size(here, found[0]):
            yield replace(found[0], doubtful=True)


def _at(seen: Examined, where: Point, generator: np.random.Generator) -> Probe | None:
    """The probe at a point; None where f does not take it."""
    task = replace(alone(seen.task), where=where)
    try:
        with no_longer_than(CHECKS * seen.seconds):  # a loop to a length or a time may come to no end
            truth = truth_at(task, generator)
    except ENDED:
        return None
    return screened(seen, task, truth) if truth is not None and np.isfinite(truth[2]).all() else None


def _lengths(where: Point) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Lengths of first axes, and the arguments in which they are to change: data first, and what has most of it."""
    every = tuple(range(len(where.args)))
    for numbers in (_data(where), every):
        arrays = [
            leaf for number in numbers for _, leaf in trees.leaves(where.args[number]) if _is_list(leaf)
        ]
        found = sorted({len(leaf) for leaf in arrays}, key=lambda n: -sum(len(leaf) == n for leaf in arrays))
        yield from ((length, numbers) for length in found)


def _is_list(leaf: Any) -> bool:
    # of a single row more may be broadcast
    return isinstance(leaf, np.ndarray) and leaf.ndim > 0 and len(leaf) > 1
