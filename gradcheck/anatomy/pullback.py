"""A layer as the pair of functions that a check of pullbacks takes: of parameters first, then of inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import in_common, restored
from gradcheck.anatomy.calling import CACHE
from gradcheck.anatomy.copies import by_identity, keyed_anew
from gradcheck.anatomy.finding import Layout, layouts
from gradcheck.anatomy.machine import machines
from gradcheck.anatomy.named import Params, left_out
from gradcheck.anatomy.orders import in_lists, in_other_orders
from gradcheck.anatomy.parameters import kept, zeroed
from gradcheck.anatomy.places import Item, found, put, walk
from gradcheck.anatomy.plain import must_be_plain
from gradcheck.anatomy.returned import Target
from gradcheck.anatomy.shared import Shares, placed, shares
from gradcheck.ask import trees
from gradcheck.ask.callees import values_named
from gradcheck.ask.point import argument_names, describe


@dataclass(frozen=True)
class Pullback:
    """A layer as ``forward(*args)`` and ``backward(cotangent, *args)``.

    Attributes
    ----------
    args, names
        The point, and what its parts are called.
    argnums
        Those that are checked.
    subject
        In a line: what was taken for what.
    unchecked
        Arrays that the output depends on and that have no gradient.
    none_came
        Whether nothing that is checked has one.
    layer
        It as it is before every pass, None for a pair of functions.
    scalar
        Whether backward takes no cotangent, for forward returns one number.
    each
        The same, weights that share memory each moved by itself; None where no two of them do.
    reordered
        The same, gradients in a list taken for those of the parameters in another order, which its shapes allow, each
        with the parameters that it gives another gradient.
    upwards
        The same, every step that backward makes taken for one along the gradient; None where it makes none.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    args: tuple[Any, ...]
    names: tuple[str, ...]
    argnums: tuple[int, ...]
    subject: str
    unchecked: tuple[str, ...] = ()
    none_came: bool = False
    layer: Any = None
    scalar: bool = False
    each: Callable[[], Pullback] | None = None
    reordered: Callable[[], list[Reordered]] = list
    upwards: Callable[[], Pullback] | None = None


Reordered = tuple[frozenset[str], Callable[[], Pullback]]


def pullback_of(
    layer: Any, inputs: tuple[Any, ...], params: Params | None, argnums: int | Sequence[int] | None
) -> Pullback:
    """``layer`` as a check of pullbacks takes it; see `layout_of`.

    Raises
    ------
    TypeError
        An input, or a weight, is an array of another library.
    """
    layout = layout_of(layer, inputs, params)
    if argnums is None:
        must_be_plain(layout, left_out(params or {}))
    own = layout.machine.fresh()
    shared = shares(layout.parameters, () if own is None else kept(own))
    pulled = _pullback(layout, argnums, shared)
    if not params and in_lists(layout):

        def reordered() -> list[Reordered]:
            return [
                (moved, partial(_pullback, one, argnums, shared)) for moved, one in in_other_orders(layout)
            ]

        pulled = replace(pulled, reordered=reordered)
    if any(one.stepped for one in layout.sources.values()):
        pulled = replace(pulled, upwards=partial(_pullback, _turned_round(layout), argnums, shared))
    places = {place for one in layout.parameters for place in one.settable}
    if any(place in places for others in shared for place, _ in others):
        return replace(pulled, each=partial(_pullback, layout, argnums, [()] * len(shared)))
    return pulled


def _turned_round(layout: Layout) -> Layout:
    sources = {name: replace(one, rate=-one.rate) for name, one in layout.sources.items()}
    return replace(layout, sources=sources)


def layout_of(layer: Any, inputs: tuple[Any, ...], params: Params | None = None) -> Layout:
    """What ``layer`` is, found out by running copies of it.

    Raises
    ------
    TypeError
        It is no layer, or ``params`` no mapping.
    ValueError
        ``params`` names what the layer does not have.
    """
    if params is not None and not (
        isinstance(params, Mapping) and all(isinstance(name, str) for name in params)
    ):
        raise TypeError(
            f"params must map the name of each parameter to where its gradient is left, got params={params!r}"
        )
    best: Layout | None = None
    data = left_out(params or {})
    for machine in machines(layer):
        names = argument_names(machine.forward, len(inputs))
        targets = tuple(
            Target(name, value, name not in data and any(map(trees.is_floating, _leaves(value))))
            for name, value in zip(names, inputs, strict=True)
        )
        for one in layouts(machine, targets, params or {}):
            best = one if best is None or one.rank > best.rank else best
            if one.fits:
                return one
    assert best is not None
    return best


def _leaves(tree: Any) -> list[Any]:
    return [leaf for _, leaf in trees.leaves(tree)]


def _pullback(layout: Layout, argnums: int | Sequence[int] | None, shared: Sequence[Shares]) -> Pullback:
    # what its owner does with the layer after the check (to train it, to put it into evaluation) is not to be seen
    machine = replace(layout.machine, layer=layout.machine.fresh())
    convention, targets = layout.convention, layout.targets
    count = len(layout.parameters)
    checked = _checked(layout, argnums)
    if not checked and argnums is None:
        raise TypeError(_nothing(layout))
    own = machine.fresh()
    added = [] if own is None else layout.gradients(own)
    first = [one.settable[0] for one in layout.parameters]
    keyed = by_identity(walk(own, lambda name: False), [id(found(own, place)) for place in first])

    def prepared(args: tuple[Any, ...]) -> Any:
        own = machine.fresh()
        if own is None:
            return own
        zeroed(own, added)
        before = [found(own, place) for place in first]
        for parameter, others, value in zip(layout.parameters, shared, args, strict=False):
            placed(own, parameter, others, value)
        for place, value in layout.rates:
            put(own, place, value)
        keyed_anew(own, keyed, {id(old): found(own, place) for old, place in zip(before, first, strict=True)})
        return own

    def inputs(args: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(map(restored, layout.values, args[count:]))

    def forward(*args: Any) -> Any:
        own = prepared(args)
        return convention.outputs.of(machine.ahead(own, inputs(args)).result, own)

    def backward(cotangent: Any, *args: Any) -> Any:
        # a layer may step its parameters in place: they are its own
        own = prepared(trees.copied(args[:count]))
        ahead = machine.ahead(own, inputs(args))
        came = machine.back(own, convention.given(cotangent, ahead, own))
        if not layout.sources:
            return came
        gradients = []
        for number in checked:
            source = layout.sources.get(targets[number].name)
            gradient = (
                None if source is None else in_common(args[number], source.of(came, own, args[number]))[1]
            )
            gradients.append(_times(gradient, cotangent) if convention.implied else gradient)
        return gradients[0] if len(gradients) == 1 else tuple(gradients)

    return Pullback(
        forward,
        backward,
        (
            *(trees.copied(one.array) for one in layout.parameters),
            *(target.value for target in layout.inputs),
        ),
        tuple(target.name for target in targets),
        checked,
        _subject(layout),
        layout.unchecked if argnums is None else (),
        argnums is None and _none_came(layout),
        machine.layer,
        convention.implied and layout.ran and not layout.elementwise,
    )


def _none_came(layout: Layout) -> bool:
    """Whether of all on which the output depends no gradient was found."""
    wanted = {one.name for one in layout.inputs if one.differentiable}
    return bool(layout.unchecked) and not layout.sources and wanted <= {*layout.unchecked}


def _times(gradient: Any, cotangent: Any) -> Any:
    """The derivative of one number, or of each entry by its own, with its cotangent."""
    each = np.asarray(cotangent)
    scale = float(each.ravel()[0]) if each.size == 1 else each
    return trees.map_leaves(lambda _, leaf: None if leaf is None else leaf * scale, gradient)


def _checked(layout: Layout, argnums: int | Sequence[int] | None) -> tuple[int, ...]:
    """The positions that are checked: as the user says, or all that have a gradient."""
    every = tuple(number for number, target in enumerate(layout.targets) if target.differentiable)
    if argnums is None:
        sourced = tuple(number for number in every if layout.targets[number].name in layout.sources)
        return sourced or every
    numbers = argnums if isinstance(argnums, tuple | list) else (argnums,)
    try:
        return tuple(range(len(layout.targets))[number] for number in numbers)
    except (TypeError, IndexError):  # the check will say what is wrong with it
        return every


def _nothing(layout: Layout) -> str:
    """Why there is nothing to check, in words."""
    given = ", ".join(f"{one.name}: {describe(one.value)}" for one in layout.inputs) or "no inputs"
    ran = "no parameter was found in it" if layout.ran else "its forward raises"
    return (
        f"nothing to check in {layout.machine.title}: {ran}, and no input is floating-point that params does not leave "
        f"out (got {given}); pass floating-point arrays, for example x.astype(float)"
    )


def _subject(layout: Layout) -> str:
    """What was taken for what, in a line."""
    parts = [layout.machine.title]
    names = [target.name for target in layout.targets[: len(layout.parameters)]]
    if names and layout.sources:
        sources = [layout.sources[name] for name in names]
        kept_so = ", ".join(dict.fromkeys(one.kept for one in sources if one.places))
        told = [f"in {kept_so}"] if kept_so else []
        told += dict.fromkeys(str(one) for one in sources if not one.places)
        parts.append(f"{_noun('parameter', names)} {', '.join(names)}")
        parts.append(f"{_noun('gradient', names)} {', '.join(told)}")
    parts += [
        f"that of {one.name} {layout.sources[one.name]}"
        for one in layout.inputs
        if one.name in layout.sources and layout.sources[one.name].places
    ]
    if turned := _in_another_order(layout):
        parts.append(f"backward returns first that of {', then that of '.join(turned)}")
    if layout.more:
        parts.append(f"of what backward returns taken for no gradient: {', '.join(layout.more)}")
    given = [
        *(one.name for one in layout.inputs if _is_given(layout, one)),
        *layout.given,
        *_closed_over(layout),
    ]
    if given:
        parts.append(f"taken as given {', '.join(given)}")
    few = layout.convention.outputs.count
    if few and (CACHE not in layout.convention.roles or layout.convention.outputs.passed_over):
        parts.append(
            f"of its outputs the first {few if few > 1 else 'one'} alone, for which backward takes a cotangent"
        )
    if layout.steps:
        parts.append(f"backward itself changes {', '.join(layout.steps)}")
    if layout.convention.implied and layout.ran:
        parts.append(
            f"{layout.machine.methods[1] or 'backward'} is taken for the derivative of each entry"
            if layout.elementwise
            else "backward takes no cotangent, that of its one number is 1"
        )
    if layout.machine.draws is not None:
        parts.append("random draws are repeated in every call")
    return "; ".join(parts)


def _in_another_order(layout: Layout) -> list[str]:
    """The inputs whose gradients are returned one by one, as they come there, if forward takes them otherwise."""
    at = {
        one.name: place[0].key
        for one in layout.inputs
        if one.name in layout.sources and (place := layout.sources[one.name].returned)
        if len(place) == 1 and isinstance(place[0], Item) and isinstance(place[0].key, int)
    }
    order = sorted(at, key=at.__getitem__)
    return [] if order == [*at] else order


def _closed_over(layout: Layout) -> list[str]:
    """Arrays that forward finds outside its arguments and the layer."""
    named = values_named(layout.machine.forward)
    return [
        name
        for name, value in named.items()
        if name not in layout.unchecked and any(isinstance(leaf, np.ndarray) for leaf in _leaves(value))
    ]


def _is_given(layout: Layout, one: Target) -> bool:
    if not one.differentiable:
        return isinstance(one.value, dict)
    return bool(layout.sources) and one.name not in layout.sources and one.name not in layout.unchecked


def _noun(noun: str, names: Sequence[str]) -> str:
    return noun if len(names) == 1 else f"{noun}s"
