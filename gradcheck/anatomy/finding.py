"""What a layer is, found out by running copies of it: how it is called, its parameters, the place of each gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import WHOLE, Convention, Outputs, conventions, takes
from gradcheck.anatomy.descent import are_steps, rates_of
from gradcheck.anatomy.machine import ForwardRaised, Machine
from gradcheck.anatomy.named import Params, named
from gradcheck.anatomy.naming import INPUTS, is_given, loose, stems
from gradcheck.anatomy.parameters import Kept, called, felt, in_order, kept, moved, paired
from gradcheck.anatomy.passes import Dependence, Passes, cotangent_like, passes
from gradcheck.anatomy.places import Attribute, Place, spelled
from gradcheck.anatomy.returned import Target, assigned
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
        Arrays that it keeps through a pass and that are checked.
    targets
        They and the inputs, in that order.
    sources
        For each target that has a gradient, by its name, where.
    unchecked
        Arrays that the output depends on and that have none.
    given, steps
        Running statistics, masks, settings; arrays that backward itself changes.
    rates
        Where the layer keeps the rate of the steps it makes.
    ran, fitting
        Whether a pass forward and backward went through; for how many inputs what came has the right shape.
    """

    machine: Machine
    convention: Convention
    targets: tuple[Target, ...]
    parameters: tuple[Kept, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    rates: tuple[Place, ...] = ()
    ran: bool = False
    fitting: int = 0

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
        """Whether every input that can have a gradient has one of its own shape, or parameters alone have."""
        wanted = sum(one.differentiable for one in self.inputs)
        return self.ran and self.fitting == wanted and bool(self.sources)


def layouts(machine: Machine, inputs: Sequence[Target], params: Params) -> Iterator[Layout]:
    """The readings of a layer, one for each way in which it may be called."""
    values = tuple(target.value for target in inputs)
    likely = Convention(Outputs(), (WHOLE,))
    try:
        seen = passes(machine, values)
        own = seen.machine.fresh()
        result = seen.machine.tried_ahead(own, values)
    except ForwardRaised:
        yield Layout(machine, likely, tuple(inputs))
        return
    names = tuple(target.name for target in inputs)
    for convention in conventions(result, own, takes(machine.backward), names) or [likely]:
        tried = _tried(seen.machine, convention, values)
        yield (
            Layout(seen.machine, convention, tuple(inputs))
            if tried is None
            else _layout(seen, tried, inputs, params)
        )


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


def _tried(machine: Machine, convention: Convention, values: tuple[Any, ...]) -> _Tried | None:
    own = machine.fresh()
    result = machine.ahead(own, values)
    before = () if machine.layer is None else kept(own)
    try:
        output = convention.outputs.of(result, own)
        given = convention.given(trees.map_leaves(cotangent_like, output), result, own, values)
        came = machine.back(own, given)
    except Exception:  # it is not called so
        return None
    return _Tried(machine, convention, values, own, output, came, moved(before, own))


def _layout(seen: Passes, tried: _Tried, inputs: Sequence[Target], params: Params) -> Layout:
    machine = tried.machine
    by_user = named(machine, params, tried.own)
    free = [one for one in seen.lasting if not {*one.places} & {*by_user} and not is_given(one.places[0])]
    pairs = {free[number]: Source(place=place) for number, place in paired(free, tried.after).items()}
    alone = [one for one in free if one not in pairs and isinstance(one.array, np.ndarray)]
    dependent = felt(alone, Dependence(machine, tried.values, tried.convention.outputs, tried.output))
    every = [*dict(by_user.values()), *(one for one in free if one in pairs), *dependent]
    labels = _labels(every, {target.name for target in inputs})
    returned = assigned(tried.came, inputs, [Target(labels[one], one.array) for one in dependent])
    sources = {name: Source(keys=keys) for name, keys in returned.items()}
    sources |= _left(inputs, tried.after, sources)
    sources |= {labels[one]: source for one, source in pairs.items()}
    sources |= {labels[one]: source for one, source in by_user.values() if source is not None}
    rest = [one for one in dependent if labels[one] not in sources]
    listed = in_order(rest, tried.after, {source.place for source in sources.values()})
    sources |= {labels[one]: Source(place=place) for one, place in listed.items()}
    steps = [one for one in rest if one not in listed and {place for place, _ in tried.after} & {*one.places}]
    rates = rates_of(machine)
    stepping = bool(steps) and are_steps(machine, tried.convention, tried.values, steps, rates)
    if stepping:
        sources |= {labels[one]: Source(stepped=one.settable[0]) for one in steps}
    parameters = tuple(one for one in every if labels[one] in sources)
    missing = [labels[one] for one in dependent if labels[one] not in sources]
    if machine.layer is not None and not _is_loss(tried.output, inputs, sources):
        missing += [one.name for one in inputs if one.is_array and one.name not in sources]
    fitting = (one for one in inputs if one.name in sources)
    return Layout(
        machine,
        tried.convention,
        (*(Target(labels[one], one.array) for one in parameters), *inputs),
        parameters,
        sources,
        tuple(missing),
        seen.given,
        tuple(labels[one] for one in steps),
        rates if stepping else (),
        True,
        sum(one.fits(sources[one.name].of(tried.came, tried.own, one.value)) for one in fitting),
    )


def _is_loss(output: Any, inputs: Sequence[Target], sources: Mapping[str, Source]) -> bool:
    """Whether inputs without a gradient are what a loss compares with: one number comes, and another input has one."""
    return np.size(output) == 1 and any(one.name in sources for one in inputs)


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
    result: dict[str, Source] = {}
    for target in wanted:
        names = {loose(target.name)} | (INPUTS if len(wanted) == 1 else set())
        for place, value in after:
            last = place[-1]
            named_so = isinstance(last, Attribute) and names & {loose(stem) for stem in stems(last.name)}
            if named_so and len(place) == 1 and target.fits(value):
                result.setdefault(target.name, Source(place=place))
    return result
