"""Where the gradient of each input and parameter of a layer is after a pass: returned, kept, or the step it makes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import returned_names
from gradcheck.anatomy.candidates import Candidates, candidates
from gradcheck.anatomy.descent import are_steps, settings_of
from gradcheck.anatomy.in_turn import Part, in_turn
from gradcheck.anatomy.inputs import names_in
from gradcheck.anatomy.named import Params, left_out, named, named_inputs
from gradcheck.anatomy.naming import INPUTS, is_target, loose, stems
from gradcheck.anatomy.number_lists import of_the_shape
from gradcheck.anatomy.outside import reached
from gradcheck.anatomy.parameters import Kept, called, in_order, is_moved, kept
from gradcheck.anatomy.passes import Passes, found_outside
from gradcheck.anatomy.places import Attribute, Place, arrays, found, spelled
from gradcheck.anatomy.returned import Target, by_keys
from gradcheck.anatomy.source import Source
from gradcheck.anatomy.trying import Tried, returned_again, tried_once


@dataclass(frozen=True)
class Sourced:
    """What of a layer may be a parameter, and where gradients are.

    Attributes
    ----------
    labels, targets
        What each is called that may be a parameter; it by that name.
    dependent
        Those on which the output depends and whose gradient is not kept in a place called like them.
    parameters
        Those that have a gradient; where nothing has one, those that should.
    sources
        Where the gradients of inputs and parameters are, by name.
    by_user
        The places that the user named.
    fixed
        What the layer keeps, and forward finds elsewhere, by name.
    outside
        What forward finds outside, and backward returned a gradient of.
    steps, rates
        What backward itself changes; on what the size of these steps hangs, where they are gradients.
    """

    labels: Mapping[Kept, str]
    targets: Mapping[str, Target]
    dependent: Sequence[Kept]
    parameters: tuple[Kept, ...]
    sources: Mapping[str, Source]
    by_user: Set[Place]
    fixed: Mapping[str, Kept]
    outside: Sequence[str]
    steps: Sequence[Kept]
    rates: tuple[tuple[Place, float], ...]


def sourced(seen: Passes, tried: Tried, inputs: Sequence[Target], params: Params) -> Sourced:
    """Where the gradients of a layer are, for one way in which it may be called."""
    around = {one.name: one for one in seen.outside if one.name not in names_in(inputs)}
    elsewhere = names_in(inputs) | ((around.keys() | _further(tried, params)) & left_out(params))
    by_user = named(
        tried.machine, {name: place for name, place in params.items() if name not in elsewhere}, tried.own
    )
    may_be = candidates(seen, tried, by_user.keys())
    if any(source and not isinstance(one.array, np.ndarray) for one, source in by_user.values()):
        may_be = replace(may_be, numbers=[])  # the user has said whose gradient a number is
    every = [*dict(by_user.values()), *may_be.beside, *may_be.others, *may_be.wholes, *may_be.numbers]
    labels = _labels(every, {target.name for target in inputs})
    outside = {name: one for name, one in around.items() if name not in labels.values()}
    targets = {labels[one]: Target(labels[one], one.array, places=one.places) for one in every}
    may_come = [*(labels[one] for one in may_be.open_to(tried.own)), *outside]
    numbers = _numbers(seen, may_be, by_user.keys())
    returned, spare = _returned(tried, inputs, targets | outside, may_come, may_be, numbers)
    dependent = [*may_be.others, *(one for one in may_be.numbers if spare or labels[one] in returned)]
    sources = {name: Source(returned=place) for name, place in returned.items() if name not in outside}
    sources |= _left(inputs, tried.after, sources)
    # what is returned by name counts before what is left in the layer: it is what a caller uses
    sources = {labels[one]: Source(places=places) for one, places in may_be.beside.items()} | sources
    sources |= {labels[one]: source for one, source in by_user.values() if source is not None}
    sources |= named_inputs(params, inputs, tried.own)
    rest = [one for one in dependent if labels[one] not in sources]
    listed = in_order(rest, tried.after, {place for source in sources.values() for place in source.places})
    sources |= {labels[one]: Source(places=(place,)) for one, place in listed.items()}
    lasting = [one for one in rest if one not in listed and one not in seen.remade]
    steps = [one for one in lasting if is_moved(one, tried.own)]
    rates = settings_of(tried) if steps else ()
    stepping = bool(steps) and are_steps(tried, steps, rates)
    if stepping:
        sources |= {labels[one]: Source(stepped=one.settable[0]) for one in steps}
    shown = sources or {labels[one] for one in dependent}
    shown_so = [one for one in every if labels[one] in shown]
    fixed = {labels[one]: one for one in found_outside(tried.machine, shown_so, tried.depends)}
    return Sourced(
        labels,
        targets,
        dependent,
        tuple(one for one in shown_so if labels[one] not in fixed),
        {name: source for name, source in sources.items() if name not in fixed},
        by_user.keys(),
        fixed,
        [name for name in outside if name in returned],
        steps,
        rates if stepping else (),
    )


def _numbers(seen: Passes, may_be: Candidates, by_user: Set[Place]) -> list[Kept]:
    """What lasts and has no gradient beside it."""
    known = {*by_user, *(place for one in may_be.beside for place in one.places)}
    return [one for one in seen.lasting if known.isdisjoint(one.places)]


def _further(tried: Tried, params: Params) -> set[str]:
    """The names of what forward finds outside, in what it calls as well, where the layer has none of that name."""
    if not left_out(params):
        return set()
    own = {spelled(place) for one in kept(tried.own) for place in one.places}
    return {spelled(place) for place, _ in reached(tried.machine, tried.own, ahead=True)} - own


def _returned(
    tried: Tried,
    inputs: Sequence[Target],
    parameters: Mapping[str, Target],
    may_be: Collection[str],
    among: Candidates,
    numbers: Sequence[Kept],
) -> tuple[Mapping[str, Place], bool]:
    """Where in what backward returned the gradient of each input and parameter stands; whether a number is left.

    Those that ``may_be`` there, and by no name, are told by shapes and order. What fits none of them, and is kept
    beside a parameter, is the gradient of that once more. What fits none, and has the shape of a list of
    ``numbers``, may be that of the list.
    """
    beside = [found(tried.own, place) for places in among.beside.values() for place in places]
    names = returned_names(
        tried.machine.backward, len(tried.came) if isinstance(tried.came, tuple | list) else 0
    )
    told = by_keys(tried.came, inputs, list(parameters.values()), names)
    rest = [one for name, one in parameters.items() if name in may_be and name not in told]
    is_doubtful = _doubtful(tried) if any(one.may_be_setting for one in rest) else lambda part: False
    read = partial(
        in_turn, tried.came, [one for one in inputs if one.name not in told], rest, names, is_doubtful
    )
    came = [there for there in arrays(tried.came, lambda name: False) if isinstance(there[1], np.ndarray)]
    odd = [there for there in came if not any(one.fits(there[1]) for one in (*inputs, *rest))]
    lists = [one for one in of_the_shape(odd, numbers, tried) if one.array.ndim]
    of_lists = [place for place, value in odd if any(one.is_like(value) for one in lists)]
    taken = {*told.values(), *returned_again(tried, [tried.output]), *of_lists}
    reading = read(taken)
    if not reading.whole and (again := read({*taken, *returned_again(tried, beside)})).whole:
        reading = again
    # a net derives by its weights; what else comes of a loss is no gradient of its data
    of_weights = beside or of_lists or any(name in parameters for name in (*told, *reading.fitting))
    data = inputs if tried.convention.implied and of_weights else ()
    return told | reading.filled(data), any(part.is_number for part in reading.parts)


def _doubtful(tried: Tried) -> Callable[[Part], bool]:
    """Whether a number may be a metric, not the gradient of one: it does not go with the cotangent, as a norm does not.

    Where there is no cotangent, it is called otherwise than gradients are.
    """
    if tried.convention.implied:
        return lambda part: part.is_number and bool(part.name) and not part.meant
    other = tried_once(tried.machine, tried.convention, tried.values, -2.0)
    turned = {} if other is None else dict(arrays(other.came, lambda name: False))
    return lambda part: (
        part.is_number
        and not np.allclose(-2.0 * part.value, turned.get(part.place, np.nan), rtol=1e-3, equal_nan=True)
    )


def _labels(parameters: Sequence[Kept], taken: set[str]) -> dict[Kept, str]:
    """What each parameter is called, no two alike."""
    labels: dict[Kept, str] = {}
    for one in parameters:
        ways = (called(one), spelled(one.settable[0]), f"layer.{spelled(one.settable[0])}")
        labels[one] = next((way for way in ways if way not in taken), ways[-1])
        taken = taken | {labels[one]}
    return labels


def _left(
    inputs: Sequence[Target], after: Sequence[tuple[Place, Any]], sources: Mapping[str, Source]
) -> dict[str, Source]:
    """Gradients of inputs that backward leaves in attributes: ``dinputs``, ``dx``."""
    every = [one for one in inputs if one.differentiable]
    wanted = [one for one in every if not is_target(one.name)] or every
    result: dict[str, Source] = {}
    for target in (one for one in wanted if one.name not in sources):
        names = {loose(target.name)} | (INPUTS if len(wanted) == 1 else set())
        for place, value in after:
            last = place[-1]
            named_so = isinstance(last, Attribute) and names & {loose(stem) for stem in stems(last.name)}
            if named_so and len(place) == 1 and target.fits(value):
                result.setdefault(target.name, Source(places=(place,)))
    return result
