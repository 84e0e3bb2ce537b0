"""The arrays and whole numbers that f is given or holds, and what they are when a length of theirs has grown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask import trees
from gradcheck.ask.calls import Counted, flat
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.apart import ENDED, no_longer_than
from gradcheck.explain.blame.growth import Growth
from gradcheck.explain.blame.held import Held, Place, Put, putting


@dataclass(frozen=True, eq=False)
class Thing:
    """An array or a number, by its name; ``data`` is what no gradient is asked of.

    It is at a path in the arguments, or at places where functions find it.
    """

    name: str
    value: Any
    data: bool
    path: trees.Path = ()
    places: tuple[Place, ...] = ()

    @property
    def shape(self) -> tuple[int, ...] | int:
        """Of a number itself."""
        return self.value if isinstance(self.value, int) else self.value.shape

    def grown(self, growth: Growth, axes: tuple[int, ...]) -> Any:
        """It with more along these axes; -1 for a number."""
        value = self.value
        for axis in axes:
            if axis < 0:
                value += growth.of(value)
            else:
                value = longer(value, axis, growth.of(self.value.shape[axis]))
        return value


@dataclass(frozen=True, eq=False)
class Sizes:
    """All things of f that have lengths, its arguments, and the seconds that a call may take."""

    things: tuple[Thing, ...]
    f: Counted
    args: tuple[Any, ...]
    patience: float

    def grown(self, growth: Growth) -> tuple[tuple[Any, ...], Put]:
        """The arguments, and what functions have to hold, when a length has grown."""
        axes: dict[Thing, tuple[int, ...]] = {}
        for number, axis in growth.places:
            thing = self.things[number]
            axes[thing] = (*axes.get(thing, ()), axis)
        made = {thing: thing.grown(growth, some) for thing, some in axes.items()}
        given: Mapping[trees.Path, Any] = {thing.path: value for thing, value in made.items() if thing.path}
        args = tuple(
            trees.map_leaves(lambda path, leaf: given.get(path, trees.copied_leaf(leaf)), arg, (number,))
            for number, arg in enumerate(self.args)
        )
        return args, tuple((place, value) for thing, value in made.items() for place in thing.places)

    def output(self, growth: Growth) -> Floats | None:
        """What f returns then; None where it does not run."""
        args, put = self.grown(growth)
        try:
            with putting(put), no_longer_than(self.patience), np.errstate(all="ignore"):
                y = flat(self.f(*args), self.f.label)
        except ENDED:
            return None
        return y if y.size and np.isfinite(y).all() else None

    def has_data(self, growth: Growth) -> bool:
        """Whether it is of data, among others."""
        return any(self.things[number].data for number, _ in growth.places)

    def has_defaults(self, growth: Growth) -> bool:
        """Whether it is of a default, among others: what it parts or strides over may come to be a single one."""
        places = (place for number, _ in growth.places for place in self.things[number].places)
        return any(isinstance(place.space, FunctionType) for place in places)

    def has_rows(self, growth: Growth) -> bool:
        """Whether it is of the first axis of data, or of anything where there is no data."""
        no_data = not any(thing.data and not isinstance(thing.value, int) for thing in self.things)
        return any(axis == 0 and (self.things[number].data or no_data) for number, axis in growth.places)

    def said(self, growth: Growth) -> str:
        """In words what is different."""
        named = [(self.things[number].name, axis) for number, axis in growth.places]
        new = f"with {growth.length + growth.more} for {growth.length}"
        if all(axis == 0 for _, axis in named):
            return f"{new} rows of {', '.join(name for name, _ in named)}"
        where = (name if axis < 0 else f"axis {axis} of {name}" for name, axis in named)
        return f"{new} in {', '.join(where)}"


def sizes_of(task: Task, held: Held) -> Sizes:
    """All that has lengths in a task and in what its functions hold."""
    where = task.where
    things = [
        Thing(trees.name(where.names[number], path), leaf, number not in where.argnums, (number, *path))
        for number, arg in enumerate(where.args)
        for path, leaf in trees.leaves(arg)
        if _has_sizes(leaf)
    ]
    kept: dict[Any, list[Place]] = {}
    for place in held.places:
        if _has_sizes(place.value):
            # an array is one wherever it stands, a default f's and the claim's; numbers are many that are equal
            space = None if isinstance(place.space, FunctionType) else id(place.space)
            what = (space, place.name) if type(place.value) is int else id(place.value)
            kept.setdefault(what, []).append(place)
    things += [Thing(places[0].name, places[0].value, True, places=tuple(places)) for places in kept.values()]
    return Sizes(tuple(things), task.f, where.args, 20.0 * task.f.seconds + 0.05)


def _has_sizes(leaf: Any) -> bool:
    if type(leaf) is int:
        return leaf > 0
    return isinstance(leaf, np.ndarray) and leaf.ndim > 0 and leaf.size > 0


def longer(leaf: NDArray[Any], axis: int, more: int) -> NDArray[Any]:
    """An array with some of its first slices once more; what sums to one still does."""
    # not all of them: what is a mean would stay as it is
    slices = np.arange(more) % leaf.shape[axis]
    slices[-1] = 0
    again = leaf.take(slices, axis)
    if leaf.dtype.kind != "f":
        return np.concatenate([leaf, again], axis)
    shares, whole = np.allclose(leaf.sum(axis), 1.0), np.isclose(leaf.sum(), 1.0)
    if shares and axis > 0:
        return np.concatenate([leaf, np.zeros_like(again)], axis)
    made = np.concatenate([leaf, again], axis)
    return made / made.sum(axis if shares else None) if shares or whole else made
