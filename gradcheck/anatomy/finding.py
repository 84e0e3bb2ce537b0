"""What a layer is, found out by running copies of it: how it is called, its parameters, the place of each gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import LEFT, WHOLE, Convention, Outputs, conventions, takes
from gradcheck.anatomy.inputs import cut, without_gradient
from gradcheck.anatomy.left_outside import Read, called_gradients, left_outside, returned, unread
from gradcheck.anatomy.machine import ForwardRaised, Machine
from gradcheck.anatomy.named import Params, left_out
from gradcheck.anatomy.naming import (
    is_cotangent,
    is_derivative,
    is_given,
    is_target,
)
from gradcheck.anatomy.number_lists import in_whole, of_the_shape
from gradcheck.anatomy.parameters import (
    Kept,
    is_moved,
    kept,
)
from gradcheck.anatomy.passes import Passes, passes
from gradcheck.anatomy.places import Attribute, Place, found, spelled
from gradcheck.anatomy.returned import Target
from gradcheck.anatomy.shared import is_part
from gradcheck.anatomy.side_by_side import Left
from gradcheck.anatomy.source import Source
from gradcheck.anatomy.sourcing import Sourced, sourced
from gradcheck.anatomy.trying import Tried, tried_once
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
    where = sourced(seen, tried, inputs, params)
    labels, sources = where.labels, where.sources
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
    data = {one.name for one in inputs if is_loss or _is_data(one.name, elementwise)} - came.keys()
    read = partial(_read, sources, [*where.targets.values(), *inputs])
    more = unread(tried, read, returned)
    missing = [
        *_unchecked(seen, tried, where, read, more),
        *without_gradient([one for one in inputs if one.name not in data], came, tried.depends),
    ]
    written = {place for one in seen.remade for place in one.places}
    changed = [
        one for one in dict.fromkeys((*where.parameters, *where.steps)) if written.isdisjoint(one.places)
    ]
    return Layout(
        tried.machine,
        tried.convention,
        (*(where.targets[labels[one]] for one in where.parameters), *cut(inputs, came)),
        tried.values,
        where.parameters,
        sources,
        tuple(dict.fromkeys(name for name in missing if name not in left_out(params))),
        tuple(spelled(place) for place, _ in more),
        seen.given,
        tuple(labels[one] for one in changed if is_moved(one, tried.own)),
        where.rates,
        ran=True,
        elementwise=elementwise,
        fitting=sum(one.fits(came[one.name]) for one in inputs if one.name in came),
    )


def _unchecked(seen: Passes, tried: Tried, where: Sourced, read: Read, more: Left) -> list[str]:
    """What the output depends on and no gradient was found of; of lists, what has the shape of one that is not read."""
    checked = [one for one in where.parameters if where.labels[one] in where.sources]
    lacking = [one for one in where.dependent if one not in checked and not is_part(one, checked)]
    # a gradient came of them, and they cannot be moved
    left = left_outside(tried, read)
    told = {id(value) for value in left.values()}
    fixed = [
        name
        for name, one in where.fixed.items()
        if id(found(tried.machine.layer, one.settable[0])) not in told
    ]
    taken = {place for one in (*checked, *lacking) for place in one.places} | where.by_user
    open_ = [one for one in seen.lasting if taken.isdisjoint(one.places)]
    used = {place for source in where.sources.values() for place in source.places}
    beside_them = unread(tried, read, partial(called_gradients, used))
    lists = of_the_shape([*more, *beside_them], open_, tried)
    return [
        *in_whole(lacking, where.labels, tried),
        *fixed,
        *where.outside,
        *map(spelled, left),
        *(spelled(one.place) for one in lists),
    ]


def _is_number(output: Any) -> bool:
    return [np.size(leaf) for _, leaf in trees.leaves(output)] == [1]


def _is_data(name: str, loss: bool) -> bool:
    """Whether an input is called as a mask is, or, of a loss, as what it is compared with."""
    return is_given((Attribute(name),)) or (loss and is_target(name))
