"""Inputs and weights that are arrays of another library: refused, for nobody would see that they are not checked."""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import partial
from typing import Any

from gradcheck.anatomy.finding import Layout
from gradcheck.anatomy.passes import Dependence
from gradcheck.anatomy.places import found, put, spelled, walk
from gradcheck.ask import trees
from gradcheck.ask.foreign import foreign_array, holds_floats


def must_be_plain(layout: Layout, left_out: Set[str]) -> None:
    """Refuse what holds numbers and is no array of NumPy.

    Raises
    ------
    TypeError
        Such a thing is among the inputs, or among what the layer keeps and its output depends on, and the user has not
        left it out by name.
    """
    for name, whole, value in (*_inputs(layout), *_kept(layout)):
        known = foreign_array(value, name)
        if known is not None and left_out.isdisjoint((name, whole)):
            what, plain = known
            raise TypeError(
                f"{name} is {what}, which would not be checked: make it a plain array, {plain}, or leave it out, "
                f"params={{{whole!r}: None}}"
            )


def _inputs(layout: Layout) -> Iterator[tuple[str, str, Any]]:
    for one in layout.inputs:
        for path, leaf in trees.leaves(one.value):
            if _is_foreign(leaf):
                yield trees.name(one.name, path), one.name, leaf


def _kept(layout: Layout) -> Iterator[tuple[str, str, Any]]:
    machine, own = layout.machine, layout.machine.fresh()
    output = Dependence(machine, layout.values, layout.convention.outputs)
    for place, value in walk(own, lambda name: False):
        if not _is_foreign(value) or found(own, place[:-1]) is found(machine.layer, place[:-1]):
            continue  # what the copy shares with the layer is left alone
        if output(lambda own: None) != output(partial(put, place=place, value=None)):
            yield spelled(place), spelled(place), value


def _is_foreign(value: Any) -> bool:
    return foreign_array(value, "") is not None and holds_floats(value)
