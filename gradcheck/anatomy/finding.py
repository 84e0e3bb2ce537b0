"""What a layer is, found out by running copies of it: how it is called, its parameters, the place of each gradient."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import returned_names
from gradcheck.anatomy.calling import RATE, STEP, WHOLE, Convention, Outputs, conventions, takes
from gradcheck.anatomy.descent import are_steps, memories_of, rates_of
from gradcheck.anatomy.in_turn import in_turn
from gradcheck.anatomy.inputs import cut, names_in, without_gradient
from gradcheck.anatomy.machine import ForwardRaised, Machine
from gradcheck.anatomy.named import Params, named, named_inputs
from gradcheck.anatomy.naming import DERIVATIVES, GRADIENTS, INPUTS, is_given, is_target, loose, says, stems
from gradcheck.anatomy.parameters import (
    Kept,
    as_floats,
    called,
    felt,
    in_order,
    is_moved,
    kept,
    moved,
    paired,
)
from gradcheck.anatomy.passes import Dependence, Passes, cotangent_like, passes
from gradcheck.anatomy.places import Attribute, Item, Place, arrays, found, spelled
from gradcheck.anatomy.returned import Target, by_keys
from gradcheck.anatomy.source import Source
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
    for convention in _conventions(seen.machine, result, own, names) or [likely]:
        tried = _tried(seen.machine, convention, values)
        yield (
            Layout(seen.machine, convention, tuple(inputs), values)
            if tried is None
            else _layout(seen, tried, inputs, params)
        )


def _conventions(machine: Machine, result: Any, own: Any, names: tuple[str, ...]) -> list[Convention]:
    derives = machine.methods[1] in DERIVATIVES
    return conventions(result, own, takes(machine.backward), names, derives)


@dataclass(frozen=True)
class _Tried:
    """One pass forward and backward: the layer after it, its output, what came back, the arrays that backward moved."""

    machine: Machine
    convention: Convention
    values: tuple[Any, ...]
    own: Any
    output: Any
    came: Any
    after: tuple[tuple[Place, Any], ...]


def _tried(machine: Machine, convention: Convention, inputs: tuple[Any, ...]) -> _Tried | None:
    own, values = machine.fresh(), trees.copied(inputs)
    ahead = machine.ahead(own, values)
    before = () if machine.layer is None else kept(own)
    try:
        output = convention.outputs.of(ahead.result, own)
        given = convention.given(trees.map_leaves(cotangent_like, output), ahead, own)
        came = machine.back(own, given)
    except Exception:  # it is not called so
        return None
    after = tuple(there for there in moved(before, own) if not _is_given_on(*there, given))
    return _Tried(machine, convention, inputs, own, output, came, after)


def _is_given_on(place: Place, value: Any, given: Sequence[Any]) -> bool:
    """Whether it is called a gradient, not of what, and is what backward was given."""
    return says(place[-1:], GRADIENTS) and any(
        np.array_equal(value, leaf) for _, leaf in trees.leaves(tuple(given)) if isinstance(leaf, np.ndarray)
    )


def _layout(seen: Passes, tried: _Tried, inputs: Sequence[Target], params: Params) -> Layout:
    machine = tried.machine
    by_user = named(
        machine, {name: place for name, place in params.items() if name not in names_in(inputs)}, tried.own
    )
    pairs, dependent, numbers = _parameters(seen, tried, set(by_user))
    if any(source and not isinstance(one.array, np.ndarray) for one, source in by_user.values()):
        numbers = []  # the user has said whose gradient a number is
    every = [*dict(by_user.values()), *pairs, *dependent, *numbers]
    labels = _labels(every, {target.name for target in inputs})
    left = {
        labels[one]
        for one in (
            *dependent,
            *numbers,
            *(one for one, places in pairs.items() if _is_vague(tried, one, places)),
        )
    }
    returned, spare = _returned(tried, inputs, {labels[one]: one for one in every}, left)
    dependent += numbers if spare else [one for one in numbers if labels[one] in returned]
    sources = {name: Source(returned=place) for name, place in returned.items()}
    sources |= _left(inputs, tried.after, sources)
    # what is returned by name counts before what is left in the layer: it is what a caller uses
    sources = {labels[one]: Source(places=places) for one, places in pairs.items()} | sources
    sources |= {labels[one]: source for one, source in by_user.values() if source is not None}
    sources |= named_inputs(params, inputs, tried.own)
    rest = [one for one in dependent if labels[one] not in sources]
    listed = in_order(rest, tried.after, {place for source in sources.values() for place in source.places})
    sources |= {labels[one]: Source(places=(place,)) for one, place in listed.items()}
    lasting = [one for one in rest if one not in listed and one not in seen.remade]
    steps = [one for one in lasting if is_moved(one, tried.own)]
    rates, memories = (rates_of(machine), memories_of(machine)) if steps else ((), ())
    stepping = bool(steps) and are_steps(machine, tried.convention, tried.values, steps, rates, memories)
    if stepping:
        sources |= {labels[one]: Source(stepped=one.settable[0]) for one in steps}
    shown = sources or {labels[one] for one in dependent}
    parameters = tuple(one for one in every if labels[one] in shown)
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
    missing = [labels[one] for one in dependent if labels[one] not in sources]
    data = {one.name for one in inputs if is_loss or _is_data(one.name, elementwise)} - came.keys()
    depends = Dependence(machine, tried.values, tried.convention.outputs)
    missing += without_gradient([one for one in inputs if one.name not in data], came, depends)
    left_out = {name for name, place in params.items() if place is None}
    return Layout(
        machine,
        tried.convention,
        (*(Target(labels[one], one.array) for one in parameters), *cut(inputs, came)),
        tried.values,
        parameters,
        sources,
        tuple(name for name in missing if name not in left_out),
        seen.given,
        tuple(labels[one] for one in steps),
        (*((place, STEP) for place in rates), *((place, 0.0) for place in memories)) if stepping else (),
        ran=True,
        elementwise=elementwise,
        fitting=sum(one.fits(came[one.name]) for one in inputs if one.name in came),
    )


def _parameters(
    seen: Passes, tried: _Tried, by_user: set[Place]
) -> tuple[dict[Kept, tuple[Place, ...]], list[Kept], list[Kept]]:
    """Those that have their gradients in places called like them; others on which the output depends; numbers, too.

    The last are settings, but for those of which a gradient is returned.
    """
    depends = Dependence(tried.machine, tried.values, tried.convention.outputs)
    free = [one for one in seen.lasting if by_user.isdisjoint(one.places)]
    pairs = {
        as_floats(free[number]): places
        for number, places in sorted(paired(free, tried.after).items())
        if not any(_is_step(tried, free[number], place) for place in places)
    }
    taken = {place for one in pairs for place in one.places}
    used = {place for places in pairs.values() for place in places}
    others = [there for there in tried.after if there[0] not in used]
    anew = [one for one in seen.remade if by_user.isdisjoint(one.places)]
    again = {anew[number]: places for number, places in paired(anew, others).items()}
    pairs |= {one: again[one] for one in felt(list(again), depends)}
    left = [one for one in free if taken.isdisjoint(one.places)]
    states = [one for one in anew if one not in pairs]
    dependent = felt([one for one in (*left, *states) if _may_be_one(one, tried.own)], depends)
    asked = [one for one in left if one not in dependent and not isinstance(one.array, np.ndarray)]
    numbers = felt(asked, depends) if _holds_numbers(tried.came) else []
    return pairs, dependent, [as_floats(one) for one in numbers]


def _is_vague(tried: _Tried, one: Kept, places: Sequence[Place]) -> bool:
    """Whether what is returned may rather be its gradient: what is kept has another shape, or a name of none."""
    return np.shape(found(tried.own, places[0])) != one.held.shape or (
        len(places[0]) == 1 and says(places[0], GRADIENTS)
    )


def _is_step(tried: _Tried, one: Kept, place: Place) -> bool:
    """Whether what is kept there is how far backward moved the parameter, by a rate that can be set."""
    now, kept_there = found(tried.own, one.settable[0]), found(tried.own, place)
    if not is_moved(one, tried.own) or np.shape(now) != np.shape(kept_there):
        return False
    step = np.asarray(now) - one.held
    if not any(np.allclose(kept_there, sign * step, rtol=1e-12) for sign in (1.0, -1.0)):
        return False
    return RATE in tried.convention.roles or bool(rates_of(tried.machine))


def _may_be_one(one: Kept, own: Any) -> bool:
    """Whether an array or number whose gradient is not called like it may be a parameter: a number if it is stepped."""
    is_array = (
        isinstance(one.array, np.ndarray) and one.array.dtype.kind == "f" and not is_given(one.places[0])
    )
    return is_array or (isinstance(one.array, float | np.floating) and is_moved(one, own))


def _returned(
    tried: _Tried, inputs: Sequence[Target], every: Mapping[str, Kept], dependent: Collection[str]
) -> tuple[Mapping[str, Place], bool]:
    """Where in what backward returned the gradient of each input and parameter stands; whether a number is left."""
    parameters = [Target(name, one.array, places=one.places) for name, one in every.items()]
    found = by_keys(tried.came, inputs, parameters)
    rest = [one for one in parameters if one.name in dependent and one.name not in found]
    names = returned_names(tried.machine.backward)
    taken = {*found.values(), *_returned_again(tried)}
    reading = in_turn(tried.came, [one for one in inputs if one.name not in found], rest, names, taken)
    return found | reading.filled, any(part.is_number for part in reading.parts)


def _returned_again(tried: _Tried) -> list[Place]:
    """Where among what backward returned the output is, which is no gradient: ``return loss, grads``."""
    parts = tried.came if isinstance(tried.came, tuple | list) else ()
    return [
        (Item(number),)
        for number, part in enumerate(parts)
        if isinstance(part, float | np.generic | np.ndarray) and np.array_equal(part, tried.output)
    ]


def _holds_numbers(came: Any) -> bool:
    return any(np.ndim(value) == 0 for _, value in arrays(came, lambda name: False))


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
    wanted = [one for one in inputs if one.differentiable and one.name not in sources]
    wanted = [one for one in wanted if not is_target(one.name)] or wanted
    result: dict[str, Source] = {}
    for target in wanted:
        names = {loose(target.name)} | (INPUTS if len(wanted) == 1 else set())
        for place, value in after:
            last = place[-1]
            named_so = isinstance(last, Attribute) and names & {loose(stem) for stem in stems(last.name)}
            if named_so and len(place) == 1 and target.fits(value):
                result.setdefault(target.name, Source(places=(place,)))
    return result
