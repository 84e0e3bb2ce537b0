"""What backward returned, told apart by shapes and order: ``return dx, dW, db``, lists beside the gradient of x."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.anatomy.naming import INPUTS, is_target, short, stems
from gradcheck.anatomy.places import Item, Place
from gradcheck.anatomy.returned import Target


@dataclass(frozen=True, eq=False)
class Part:
    """One part of what was returned, the variable that was, and what it is the gradient of by that."""

    place: Place
    value: Any
    name: str
    meant: frozenset[str]

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return isinstance(self.value, int | float | np.generic | np.ndarray) and np.ndim(self.value) == 0


@dataclass(frozen=True)
class Reading:
    """Parts for targets, those that fit first, what is left of both; what gradients may be called, and which were."""

    fitting: dict[str, Place]
    targets: list[Target]
    parts: list[Part]
    called: Mapping[str, frozenset[str]]
    named: frozenset[str]

    @property
    def whole(self) -> bool:
        """Whether every part is the gradient of something, or None."""
        return all(part.value is None for part in self.parts)

    def filled(self, data: Collection[Target]) -> dict[str, Place]:
        """With the parts that fit nothing for the targets without one, in order; for ``data`` if they are called so."""
        rest = zip(self.targets, self.parts, strict=False)
        return self.fitting | {
            one.name: part.place
            for one, part in rest
            if self._is_meant(part, one) or (one not in data and _may_be_misshapen(part, one))
        }

    def _is_meant(self, part: Part, target: Target) -> bool:
        return (
            target.differentiable and part.value is not None and bool(part.meant & self.called[target.name])
        )


def _may_be_misshapen(part: Part, target: Target) -> bool:
    """Whether a part that does not fit may be meant as the gradient, whatever it is called.

    Of an input no number that is one of several, nor what stands behind others: a net that derives by its weights
    alone may return activations, or their gradients, as well.
    """
    is_one = target.differentiable and not target.may_be_setting and part.value is not None
    first = part.place == (Item(0),) and not part.is_number
    return is_one and bool(target.places or not part.place or first)


def in_turn(
    result: Any,
    inputs: Sequence[Target],
    parameters: Sequence[Target],
    names: Sequence[str],
    is_doubtful: Callable[[Part], bool],
    taken: Collection[Place],
) -> Reading:
    """Which part of ``result`` is the gradient of which target.

    Of several ways to read it one in which all parts fit, as gradients the most of them, and of those the first in
    which there are as many parts as targets; else, for then the shapes are what is wrong, the one in which most do.
    ``names`` are what the parts are called where backward returns them, ``taken`` are those that are told already; what
    ``is_doubtful`` is a gradient only of what it is called after.
    """
    wanted = [one for one in inputs if one.differentiable]
    parts = [one for one in _parts(result, (), [*wanted, *parameters], names) if one.place not in taken]
    likely = [one for one in wanted if not is_target(one.name)]
    arrays = [one for one in wanted if one.is_array]
    choices = [inputs, wanted, likely, arrays]
    choices += [*([*some, *parameters] for some in choices), parameters]
    exact = [some for some in choices if len(some) == len(parts)]
    every = [*likely, *parameters, *(one for one in wanted if one not in likely)]
    doubtful = [part for part in parts if is_doubtful(part)]
    choices = [*exact, every, [*likely, *parameters], likely]
    readings = [_read(parts, some, inputs, doubtful) for some in choices]
    # what has the shape of targets in a net that does not derive by its input is the gradient of its output
    readings = [one for one in readings if not _is_of_targets_alone(one, likely, inputs)]
    whole = [one for one in readings if one.whole]
    # a table of tokens: what fits it is not the gradient of them
    return max(whole or readings, key=lambda one: len(one.fitting))


def _is_of_targets_alone(reading: Reading, likely: Sequence[Target], inputs: Sequence[Target]) -> bool:
    """Whether targets are given a gradient that is not called theirs, and what they are compared with is not."""
    targets = [one.name for one in inputs if one.name in reading.fitting and one not in likely]
    lacking = any(one.name not in reading.fitting for one in likely)
    return lacking and bool({*targets} - reading.named)


def _parts(result: Any, place: Place, targets: Sequence[Target], names: Sequence[str]) -> Iterator[Part]:
    """What fits a target, of lists what is in them, else what is a number, an array or None."""
    if not any(one.fits(result) for one in targets):
        if isinstance(result, tuple | list):
            for number, child in enumerate(result):
                yield from _parts(child, (*place, Item(number)), targets, names)
            return
        if not _is_numeric(result):
            return
    top = place[0].key if place and isinstance(place[0], Item) else len(names)
    name = names[top] if top < len(names) else ""
    yield Part(place, result, name, frozenset(map(short, stems(name))))


def _is_numeric(result: Any) -> bool:
    try:
        return result is None or np.asarray(result).dtype.kind in "fiub"
    except Exception:  # an object that is asked for its numbers in vain
        return False


def _read(
    parts: Sequence[Part], targets: Sequence[Target], inputs: Sequence[Target], doubtful: Sequence[Part]
) -> Reading:
    """Parts by their names, then in order, those of inputs not in a list that the parameters have for themselves."""
    found: dict[str, Place] = {}
    open_, rest = list(targets), list(parts)
    called = {one.name: _called(one, inputs) for one in targets}

    def take(part: Part, target: Target) -> None:
        if target.differentiable:
            found[target.name] = part.place
        open_.remove(target)
        rest.remove(part)

    def first(part: Part, among: Iterable[Target]) -> None:
        fitting = (one for one in among if one.differentiable and one in open_ and one.fits(part.value))
        if (target := next(fitting, None)) is not None:
            take(part, target)

    for part in parts:
        first(part, [one for one in open_ if part.meant & called[one.name]])
    named, aside = frozenset(found), [part for part in rest if part in doubtful]
    rest = [part for part in rest if part not in doubtful]
    numbers = [one for one in open_ if one.may_be_setting]
    as_many = len(numbers) == sum(part.is_number for part in rest)
    likely = [one for one in open_ if as_many or one not in numbers]
    nested = [part for part in rest if len(part.place) > 1]
    for part in tuple(rest) if nested else ():
        first(part, [one for one in likely if (one in inputs) != (part in nested)])
    aligned = list(zip(rest, open_, strict=True)) if len(rest) == len(open_) else []
    odd = [(part, one) for part, one in aligned if one.differentiable and not one.fits(part.value)]
    # what is out of place, and is not in the place of another, says that this is not the order
    turned = any(one.fits(part.value) for part, _ in odd for _, one in odd)
    for part, _ in odd if turned else ():
        first(part, [one for _, one in odd if one in inputs])
    for part, target in () if turned else aligned:
        if not target.differentiable or (target in likely and target.fits(part.value)):
            take(part, target)
    for part in tuple(rest):
        first(part, likely)
    return Reading(found, open_, [*rest, *aside], called, named)


def _called(target: Target, inputs: Sequence[Target]) -> frozenset[str]:
    """What its gradient may be called after: ``weights[0]`` is one of the weights."""
    name = short(target.name.rpartition(".")[2].partition("[")[0])
    is_sole = target.is_array and [one for one in inputs if one.is_array] == [target]
    return frozenset({name}) | (INPUTS if is_sole else frozenset())
