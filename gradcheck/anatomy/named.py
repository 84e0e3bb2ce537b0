"""The parameters that a user names, each with the place of its gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradcheck.anatomy.machine import Machine
from gradcheck.anatomy.parameters import Kept, called, kept
from gradcheck.anatomy.places import Item, Place, arrays, found, place_of, spelled
from gradcheck.anatomy.returned import Target
from gradcheck.anatomy.source import Source
from gradcheck.ask import trees
from gradcheck.ask.foreign import foreign_array

Params = Mapping[str, Any]
"""A parameter's name or place, and where its gradient is left: a place, a function of the layer, None for nowhere."""


def left_out(params: Params) -> set[str]:
    """What the user says needs no gradient."""
    return {name for name, place in params.items() if place is None}


def named(machine: Machine, params: Params, after: Any) -> dict[Place, tuple[Kept, Source | None]]:
    """The parameters that the user named, each with the place of its gradient.

    Raises
    ------
    ValueError
        A name is none of the layer, or nothing is where a gradient should be after backward.
    """
    if not params:
        return {}
    title = machine.title if machine.layer is None else type(machine.layer).__name__
    own = machine.fresh()
    everything = [one for one in kept(own) if one.settable]
    result: dict[Place, tuple[Kept, Source | None]] = {}
    for text, gradient in params.items():
        meant = _meant(text, own, everything)
        if not meant:
            held = found(own, place_of(text))
            of_numbers = isinstance(held, list | tuple) and any(arrays(held, lambda name: False))
            if gradient is None and (of_numbers or foreign_array(held, text) is not None):
                continue
            what = "does not have" if held is None else f"has as {type(held).__name__}: no array of floats"
            raise ValueError(f"params names {text!r}, which {title} {what}{_arrays_of(own)}")
        for rest, one in meant:
            source = _source(gradient, rest, after, alone=len(meant) == 1)
            if source is None and gradient is not None:
                raise ValueError(
                    f"params names {gradient!r}, which {title} does not have after backward{_arrays_of(after)}"
                )
            result |= {there: (one, source) for there in one.places}
    return result


def named_inputs(params: Params, inputs: Sequence[Target], after: Any) -> dict[str, Source]:
    """The places of gradients of inputs that the user named.

    Raises
    ------
    ValueError
        Nothing is there.
    """
    asked = {one.name: params[one.name] for one in inputs if params.get(one.name) is not None}
    sources = {name: _source(gradient, (), after, alone=True) for name, gradient in asked.items()}
    nowhere = [name for name, source in sources.items() if source is None]
    if nowhere:
        raise ValueError(
            f"params names {asked[nowhere[0]]!r} for {nowhere[0]}, which the layer does not have after backward"
            f"{_arrays_of(after)}"
        )
    return {name: source for name, source in sources.items() if source is not None}


_TOLD = 12
"""Arrays of a layer that a message names."""


def _arrays_of(own: Any) -> str:
    """What could have been meant, to end a message with."""
    names = [spelled(one.places[0]) for one in kept(own) if isinstance(one.array, np.ndarray)]
    more = ", ..." if len(names) > _TOLD else ""
    return f"; its arrays are {', '.join(names[:_TOLD])}{more}" if names else ""


def _meant(text: str, own: Any, everything: Sequence[Kept]) -> list[tuple[Place, Kept]]:
    """The arrays that a place leads to, each with the rest of the way; else what a report calls so."""
    where = place_of(text)
    inside = [
        (rest, one)
        for rest, leaf in arrays(found(own, where), lambda name: False)
        for one in everything
        if trees.is_floating(leaf)
        and ((*where, *rest) in one.places or (isinstance(leaf, np.ndarray) and one.array is leaf))
    ]
    return inside or [
        ((), one)
        for one in everything
        if text in (called(one), f"layer.{spelled(one.settable[0])}") and trees.is_floating(one.array)
    ]


def _source(gradient: Any, rest: Place, after: Any, alone: bool) -> Source | None:
    """Where the gradient is of what lies at ``rest`` of the place that the user named; None where nothing is."""
    if callable(gradient):
        return Source(read=_reader(gradient, tuple(step for step in rest if isinstance(step, Item))))
    if not isinstance(gradient, str):
        return None
    ends = [(*place_of(gradient), *rest), *([place_of(gradient)] if alone else [])]
    return next((Source(places=(place,)) for place in ends if _is_gradient(found(after, place))), None)


def _is_gradient(value: Any) -> bool:
    return value is not None and not isinstance(value, dict)


def _reader(gradient: Callable[[Any], Any], rest: Place) -> Callable[[Any], Any]:
    return lambda own: found(gradient(own), rest)
