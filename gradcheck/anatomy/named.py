"""The parameters that a user names, each with the place of its gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gradcheck.anatomy.machine import Machine
from gradcheck.anatomy.parameters import Kept, kept
from gradcheck.anatomy.places import Item, Place, found, place_of
from gradcheck.anatomy.returned import Keys, part
from gradcheck.anatomy.source import Source
from gradcheck.ask import trees

Params = Mapping[str, Any]
"""A parameter's place, and where its gradient is left: a place, a function of the layer, None for nowhere."""


def named(machine: Machine, params: Params, after: Any) -> dict[Place, tuple[Kept, Source | None]]:
    """The parameters that the user named, each with the place of its gradient.

    Raises
    ------
    ValueError
        A name is no place of the layer, or nothing is where a gradient should be after backward.
    """
    if not params:
        return {}
    own = machine.fresh()
    everything = kept(own)
    result: dict[Place, tuple[Kept, Source | None]] = {}
    for text, gradient in params.items():
        where, leads_to = place_of(text), place_of(gradient) if isinstance(gradient, str) else None
        value = found(own, where)
        if value is None:
            raise ValueError(f"params names {text!r}, which {type(machine.layer).__name__} does not have")
        if leads_to is not None and found(after, leads_to) is None:
            raise ValueError(
                f"params names {gradient!r}, which {type(machine.layer).__name__} does not have after backward"
            )
        for keys, leaf in trees.leaves(value):
            inner = tuple(Item(key) for key in keys)
            place = (*where, *inner)
            one = next((one for one in everything if place in one.places), None)
            if one is None or not trees.is_floating(leaf):
                raise ValueError(
                    f"params names {text!r}, which holds {type(leaf).__name__}, no array of floats"
                )
            if gradient is None:
                source = None
            elif leads_to is not None:
                source = Source(place=(*leads_to, *inner))
            else:
                source = Source(read=_reader(gradient, keys))
            result |= {there: (one, source) for there in one.places}
    return result


def _reader(gradient: Callable[[Any], Any], keys: Keys) -> Callable[[Any], Any]:
    return lambda own: part(gradient(own), keys)
