"""What a layer is, found out by running copies of it: how it is called, its parameters, the place of each gradient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import returned_names
from gradcheck.anatomy.calling import LEFT, WHOLE, Convention, Outputs, conventions, takes
from gradcheck.anatomy.candidates import candidates
from gradcheck.anatomy.descent import are_steps, settings_of
from gradcheck.anatomy.in_turn import Part, in_turn
from gradcheck.anatomy.inputs import cut, names_in, without_gradient
from gradcheck.anatomy.left_outside import called_gradients, left_outside, unread
from gradcheck.anatomy.left_outside import returned as returned_arrays
from gradcheck.anatomy.machine import ForwardRaised, Machine
from gradcheck.anatomy.named import Params, left_out, named, named_inputs
from gradcheck.anatomy.naming import (
    INPUTS,
    is_cotangent,
    is_derivative,
    is_given,
    is_target,
    loose,
    stems,
)
from gradcheck.anatomy.number_lists import in_whole, of_the_shape
from gradcheck.anatomy.outside import reached
from gradcheck.anatomy.parameters import (
    Kept,
    called,
    in_order,
    is_moved,
    kept,
)
from gradcheck.anatomy.passes import Passes, found_outside, passes
from gradcheck.anatomy.places import Attribute, Place, arrays, found, spelled
from gradcheck.anatomy.returned import Target, by_keys
from gradcheck.anatomy.shared import is_part
from gradcheck.anatomy.source import Source
from gradcheck.anatomy.trying import Tried, returned_again, tried_once
from gradcheck.ask import trees


@dataclass(frozen=True)
class Layout:
    """A reading of the layer.

    Attributes
    ----------
    machine
        The layer as it is before every pass.
    parameters
        Arrays that it keeps through a pass and that are checked; where no gradient was found at all, those that should.
    targets
        They and the inputs, in that order; of a dict of parameters that forward takes, what has a gradient.
    values
        The inputs as they were given.
    sources
        For each target that has a gradient, by its name, where.
    unchecked
        Arrays that the output depends on and that have none.
    more
        What backward returns as well that goes with the cotangent, and was taken for no gradient.
    given, steps
        Running statistics, masks, settings; arrays that backward itself changes.
    rates
        Where the layer keeps what the steps that it makes hang on, and what that is set to: its rate to 1.
    elementwise
        Whether backward gives the derivative of each entry of the output.
    ran, fitting
        Whether a pass forward and backward went through; for how many inputs what came has the right shape.
    """

    machine: Machine
    convention: Convention
    targets: tuple[Target, ...]
    values: tuple[Any, ...]
    parameters: tuple[Kept, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    rates: tuple[tuple[Place, float], ...] = ()
    ran: bool = False
    fitting: int = 0
    elementwise: bool = False

    @property
    def inputs(self) -> tuple[Target, ...]:
        """The targets that are arguments of forward."""
        return self.targets[len(self.parameters) :]

    def gradients(self, own: Any) -> list[Kept]:
        """The arrays of a layer that are gradients; one that is as yet a weight under another name is none."""
        places = {place for source in self.sources.values() for place in source.places}
        weights = {place for one in self.parameters for place in one.places if place not in places}
        return [one for one in kept(own) if places & {*one.places} and weights.isdisjoint(one.places)]

    @property
    def rank(self) -> tuple[bool, int, int]:
        """The larger one is the likelier reading."""
        return self.ran, self.fitting, len(self.sources)

    @property
    def fits(self) -> bool:
        """Whether nothing is left open: every input has a gradient of its shape, what is stepped one as well."""
        wanted = sum(one.differentiable for one in self.inputs)
        return (
            self.ran
            and self.fitting == wanted
            and bool(self.sources)
            and {*self.steps} <= self.sources.keys()
        )


def layouts(machine: Machine, inputs: Sequence[Target], params: Params) -> Iterator[Layout]:
    """The readings of a layer, one for each way in which it may be called."""
    values = tuple(target.value for target in inputs)
    likely = Convention(Outputs(), (WHOLE,))
    try:
        seen = passes(machine, values)
        own = seen.machine.fresh()
        result = seen.machine.tried_ahead(own, values).result
    except ForwardRaised:
        yield Layout(machine, likely, tuple(inputs), values)
        return
    names = tuple(target.name for target in inputs)

    def layout(convention: Convention) -> Layout:
        tried = tried_once(seen.machine, convention, values)
        if tried is None:
            return Layout(seen.machine, convention, tuple(inputs), values)
        return _layout(seen, tried, inputs, params)

    ways = _conventions(seen.machine, result, own, names) or [likely]
    implied = [one for one in ways if one.implied]
    for convention in ways:
        one = layout(convention)
        if implied and not convention.implied and one.fitting and not _is_pulled_back(one, implied):
            yield from (other for other in map(layout, implied) if other.rank >= one.rank)
        yield one


def _is_pulled_back(layout: Layout, implied: Sequence[Convention]) -> bool:
    """Whether the gradients of the inputs go with what is taken for a cotangent; to pass it over is a mistake.

    Not where backward is called as the derivative, which may be a constant, or may be given what forward left.
    """
    once, again = (_gradients(layout, factor) for factor in (1.0, -2.0))
    machine = layout.machine
    named = any(map(is_cotangent, takes(machine.backward).needed))
    derives = is_derivative(machine.methods[1] or getattr(machine.backward, "__name__", "")) and not named
    left = any(LEFT in one.roles for one in implied)
    return any(
        len(once) == len(again)
        and all(
            np.allclose(factor * a, b, rtol=1e-3, equal_nan=True) for a, b in zip(once, again, strict=True)
        )
        for factor in ((-2.0,) if derives or left else (-2.0, 1.0))
    )


def _gradients(layout: Layout, factor: float) -> list[np.ndarray]:
    """The gradients of the inputs, of ``factor`` times the usual cotangent."""
    tried = tried_once(layout.machine, layout.convention, layout.values, factor)
    return [] if tried is None else _read(layout.sources, layout.inputs, tried)


def _read(sources: Mapping[str, Source], targets: Sequence[Target], tried: Tried) -> list[np.ndarray]:
    """The gradients of those that have one, as a pass left or returned them."""
    came = [sources[one.name].of(tried.came, tried.own, one.value) for one in targets if one.name in sources]
    return [np.asarray(leaf) for _, leaf in trees.leaves(came) if trees.is_floating(leaf)]


def _conventions(machine: Machine, result: Any, own: Any, names: tuple[str, ...]) -> list[Convention]:
    # a function is given a cotangent first, whatever it is called
    return conventions(result, own, takes(machine.backward), names, is_derivative(machine.methods[1]))


def _layout(seen: Passes, tried: Tried, inputs: Sequence[Target], params: Params) -> Layout:
    machine = tried.machine
    outside = {one.name: one for one in seen.outside if one.name not in names_in(inputs)}
    elsewhere = names_in(inputs) | ((outside.keys() | _further(tried, params)) & left_out(params))
    by_user = named(
        machine, {name: place for name, place in params.items() if name not in elsewhere}, tried.own
    )
    may_be = candidates(seen, tried, by_user.keys())
    if any(source and not isinstance(one.array, np.ndarray) for one, source in by_user.values()):
        may_be = replace(may_be, numbers=[])  # the user has said whose gradient a number is
    every = [*dict(by_user.values()), *may_be.beside, *may_be.others, *may_be.wholes, *may_be.numbers]
    labels = _labels(every, {target.name for target in inputs})
    outside = {name: one for name, one in outside.items() if name not in labels.values()}
    kept_so = {labels[one]: Target(labels[one], one.array, places=one.places) for one in every}
    may_come = [*(labels[one] for one in may_be.open_to(tried.own)), *outside]
    beside = [found(tried.own, place) for places in may_be.beside.values() for place in places]
    known = {*by_user, *(place for one in may_be.beside for place in one.places)}
    numbers = [one for one in seen.lasting if known.isdisjoint(one.places)]
    returned, spare = _returned(tried, inputs, kept_so | outside, may_come, beside, numbers)
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
    settings = settings_of(tried) if steps else ()
    stepping = bool(steps) and are_steps(tried, steps, settings)
    if stepping:
        sources |= {labels[one]: Source(stepped=one.settable[0]) for one in steps}
    shown = sources or {labels[one] for one in dependent}
    shown_so = [one for one in every if labels[one] in shown]
    fixed = {labels[one]: one for one in found_outside(machine, shown_so, tried.depends)}
    sources = {name: source for name, source in sources.items() if name not in fixed}
    parameters = tuple(one for one in shown_so if labels[one] not in fixed)
    written = {place for one in seen.remade for place in one.places}
    changed = [one for one in dict.fromkeys((*parameters, *steps)) if written.isdisjoint(one.places)]
    came = {
        one.name: sources[one.name].of(tried.came, tried.own, one.value)
        for one in inputs
        if one.name in sources
    }
    elementwise = tried.convention.implied and not _is_number(tried.output)
    is_loss = (
        bool(sources)
        and _is_number(tried.output)
        and (tried.convention.implied or np.ndim(tried.output) == 0)
    )
    sourced = [one for one in parameters if labels[one] in sources]
    lacking = [one for one in dependent if one not in sourced and not is_part(one, sourced)]
    missing = [*in_whole(lacking, labels, tried)]
    data = {one.name for one in inputs if is_loss or _is_data(one.name, elementwise)} - came.keys()
    # a gradient came of them, and they cannot be moved
    read = partial(_read, sources, [*kept_so.values(), *inputs])
    left = left_outside(tried, read)
    told = {id(value) for value in left.values()}
    missing += [name for name, one in fixed.items() if id(found(machine.layer, one.settable[0])) not in told]
    missing += [*(name for name in outside if name in returned), *map(spelled, left)]
    taken = {place for one in (*sourced, *lacking) for place in one.places} | by_user.keys()
    open_ = [one for one in seen.lasting if taken.isdisjoint(one.places)]
    more = unread(tried, read, returned_arrays)
    used = {place for source in sources.values() for place in source.places}
    beside_them = unread(tried, read, partial(called_gradients, used))
    missing += [spelled(one.place) for one in of_the_shape([*more, *beside_them], open_, tried)]
    missing += without_gradient([one for one in inputs if one.name not in data], came, tried.depends)
    return Layout(
        machine,
        tried.convention,
        (*(kept_so[labels[one]] for one in parameters), *cut(inputs, came)),
        tried.values,
        parameters,
        sources,
        tuple(dict.fromkeys(name for name in missing if name not in left_out(params))),
        tuple(spelled(place) for place, _ in more),
        seen.given,
        tuple(labels[one] for one in changed if is_moved(one, tried.own)),
        settings if stepping else (),
        ran=True,
        elementwise=elementwise,
        fitting=sum(one.fits(came[one.name]) for one in inputs if one.name in came),
    )


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
    beside: Sequence[Any],
    numbers: Sequence[Kept],
) -> tuple[Mapping[str, Place], bool]:
    """Where in what backward returned the gradient of each input and parameter stands; whether a number is left.

    Those that ``may_be`` there, and by no name, are told by shapes and order. What fits none of them, and is kept
    ``beside`` a parameter, is the gradient of that once more. What fits none, and has the shape of a list of
    ``numbers``, may be that of the list.
    """
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


def _is_number(output: Any) -> bool:
    return [np.size(leaf) for _, leaf in trees.leaves(output)] == [1]


def _is_data(name: str, loss: bool) -> bool:
    """Whether an input is called as a mask is, or, of a loss, as what it is compared with."""
    return is_given((Attribute(name),)) or (loss and is_target(name))


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
