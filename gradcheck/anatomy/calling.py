"""How forward and backward are called: which outputs there are, what backward is given, in which order."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.anatomy.machine import Ahead
from gradcheck.anatomy.naming import CACHES, INPUTS, OUTPUTS, RATES, is_cotangent, loose
from gradcheck.ask import trees


@dataclass(frozen=True)
class Outputs:
    """What of forward's result is its output.

    ``count`` is how many of a tuple, the first ones, are (the rest is kept for backward), None for all that came;
    ``passed_over`` how many after them are neither (a prediction beside a state); ``attribute`` where forward leaves
    its output if it returns nothing.
    """

    count: int | None = None
    passed_over: int = 0
    attribute: str = ""

    def of(self, result: Any, own: Any) -> Any:
        """The output: an array, a tree, a tuple where there are several."""
        if self.attribute:
            return getattr(own, self.attribute)
        if self.count is None:
            return result
        return result[0] if self.count == 1 else tuple(result[: self.count])

    def kept(self, result: Any) -> Any:
        """What forward returned for backward."""
        rest = result[(self.count or 0) + self.passed_over :]
        return rest[0] if len(rest) == 1 else rest


WHOLE, CACHE, RATE, OUTPUT, LEFT = "cotangent", "cache", "rate", "output", "left"
"""What backward may be given; a number stands for the cotangent of that output, a tuple ``(k,)`` for input k, the last
for what forward leaves in the layer as its output besides what it returns (a softmax, of a loss of it)."""

Role = str | int | tuple[int]

STEP = 1.0
"""The rate of descent that a backward which also steps is given: the step is then the gradient itself."""


@dataclass(frozen=True)
class Convention:
    """How a layer is called.

    ``roles`` is what backward is given in order; without a cotangent among it what comes is the derivative of the
    one number that forward returns.
    """

    outputs: Outputs
    roles: tuple[Role, ...]

    @property
    def implied(self) -> bool:
        """Whether backward takes no cotangent: that of the loss itself is 1."""
        return not any(role == WHOLE or isinstance(role, int) for role in self.roles)

    def given(self, cotangent: Any, ahead: Ahead, own: Any, rate: float = STEP) -> tuple[Any, ...]:
        """The arguments of backward after this pass."""

        def one(role: Role) -> Any:
            if isinstance(role, int):
                return cotangent[role]
            if isinstance(role, tuple):
                return ahead.inputs[role[0]]
            if role == WHOLE:
                return cotangent
            if role == CACHE:
                return self.outputs.kept(ahead.result)
            if role == LEFT:
                return next(filter(_is_batch, _left(own)))
            return rate if role == RATE else self.outputs.of(ahead.result, own)

        return tuple(map(one, self.roles))


@dataclass(frozen=True)
class Takes:
    """What backward can be called with: the arguments it needs, those it may do without, whether any number of them."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]
    any_number: bool


def takes(function: Callable[..., Any]) -> Takes:
    """The positional arguments of a function or bound method; of one without a signature, one."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return Takes(("cotangent",), (), False)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return Takes(
        tuple(p.name for p in positional if p.default is p.empty),
        tuple(p.name for p in positional if p.default is not p.empty),
        any(p.kind is p.VAR_POSITIONAL for p in parameters),
    )


def conventions(
    result: Any, own: Any, backward: Takes, inputs: tuple[str, ...], derives: bool = False
) -> list[Convention]:
    """The ways in which a layer may be meant to be called, the likeliest first.

    Parameters
    ----------
    result, own
        What forward returned, and the layer that it ran on.
    inputs
        The names of forward's arguments.
    derives
        Backward is called as the derivative itself: with forward's arguments it gives that of each entry.
    """
    backward = _given_as_forward(backward, inputs)
    several = len(result) if isinstance(result, tuple) and len(result) > 1 else 0
    if result is None:
        every = [Outputs(attribute=name) for name in OUTPUTS if getattr(own, name, None) is not None][:1]
    elif several:
        # (output, cache) is the common pair; several outputs have a cotangent each or one for all
        fewer = range(1, several - 1)
        every = [Outputs(several - 1), Outputs(), *map(Outputs, fewer)]
        every += [Outputs(count, passed_over=several - 1 - count) for count in fewer]
    else:
        every = [Outputs()]
    found: dict[Convention, None] = {}
    if not several and _is_number(every[0].of(result, own)) and any(map(_is_batch, _left(own))):
        first = backward.needed[:1]
        if len(backward.needed) == len(inputs) and not {*first} & {*inputs} and is_cotangent(first[0]):
            found[Convention(every[0], (LEFT, *((number,) for number in range(1, len(inputs)))))] = None
    if derives and not several and backward.needed == inputs:
        found[Convention(every[0], tuple((number,) for number in range(len(inputs))))] = None
    for way in (_by_name, _by_number):
        for outputs in every:
            count = (outputs.count or several) if several else 1
            scalar = count == 1 and _is_number(outputs.of(result, own))
            for roles in way(backward, inputs, count, bool(several and outputs.count), scalar):
                found.setdefault(Convention(outputs, roles))
    alone = backward.needed[0] if len(backward.needed) == len(inputs) == 1 and not several else ""
    if alone and (alone in inputs or not is_cotangent(alone)):
        of_output = loose(alone) in {*OUTPUTS} - {*inputs, "z"}  # z goes into an activation
        if of_output:
            found.pop(Convention(every[0], ((0,),)), None)
        found.setdefault(Convention(every[0], (OUTPUT if of_output else (0,),)))
    if not (several or backward.needed or backward.any_number):
        found.setdefault(Convention(every[0], ()))
    ways = list(found)
    if several and not any(_is_number(part) or _is_array(part) for part in result[1:]):
        ways.sort(key=lambda one: one.outputs.count is None)  # what is no array is no output
    if any(LEFT in one.roles for one in ways):
        ways.sort(key=lambda one: one.implied)  # what is called a cotangent may be one
    if loose(next(iter(backward.optional), "")) in RATES:
        ways += [
            replace(one, roles=(*one.roles, RATE)) for one in ways if len(one.roles) == len(backward.needed)
        ]
    return ways


def _given_as_forward(backward: Takes, inputs: tuple[str, ...]) -> Takes:
    """What backward may do without, and forward was given, is given to it as well: ``gradient(x, y=None)``."""
    count = next(
        (n for n, name in enumerate(backward.optional) if name not in inputs), len(backward.optional)
    )
    return replace(
        backward,
        needed=(*backward.needed, *backward.optional[:count]),
        optional=backward.optional[count:],
    )


def _left(own: Any) -> list[Any]:
    """What forward has left in the layer as its output."""
    return [getattr(own, name) for name in OUTPUTS if getattr(own, name, None) is not None]


def _is_batch(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0 and trees.is_floating(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.size == 1)


def _is_array(value: Any) -> bool:
    return all(trees.is_floating(leaf) for _, leaf in trees.leaves(value))


def _by_name(
    backward: Takes, inputs: tuple[str, ...], count: int, kept: bool, scalar: bool
) -> Iterator[tuple[Role, ...]]:
    """Backward's needed arguments by what they are called; the rest are cotangents."""
    roles: list[Role | None] = []
    for position, name in enumerate(backward.needed):
        if loose(name) in RATES:
            roles.append(RATE)
        elif name in inputs:
            roles.append((inputs.index(name),))
        elif loose(name) in CACHES:
            if not kept:
                return
            roles.append(CACHE)
        elif loose(name) in INPUTS and len(inputs) == 1 and len(backward.needed) > 1:
            roles.append((0,))
        elif position and loose(name) in OUTPUTS:
            roles.append(OUTPUT)
        else:
            roles.append(None)
    if kept and CACHE not in roles and (roles or not scalar):
        return
    open_ = roles.count(None)
    named = [name for name, role in zip(backward.needed, roles, strict=True) if role is None]
    if open_ == count and open_ > 1 and all(map(is_cotangent, named)):
        numbers = iter(range(count))
        yield tuple(next(numbers) if role is None else role for role in roles)
    elif open_ == 1:
        yield tuple(WHOLE if role is None else role for role in roles)
    elif open_ == 0 and scalar:
        yield tuple(role for role in roles if role is not None)
    elif open_ == 0 and backward.optional:
        yield (WHOLE, *(role for role in roles if role is not None))


def _by_number(
    backward: Takes, inputs: tuple[str, ...], count: int, kept: bool, scalar: bool
) -> Iterator[tuple[Role, ...]]:
    """Backward's arguments by how many they are."""
    every: tuple[Role, ...] = tuple((number,) for number in range(len(inputs)))
    each: tuple[Role, ...] = (WHOLE,) if count == 1 else tuple(range(count))
    spread = dict.fromkeys((each, (WHOLE,)))
    numbers = [len(backward.needed)]
    if backward.any_number:
        numbers = [1 + len(inputs), 1, 2]
    for number in numbers:
        for cotangents in spread:
            more = number - len(cotangents)
            if more == 1 and kept:
                yield (*cotangents, CACHE)
                yield (CACHE, *cotangents)
            elif more == 0:
                yield cotangents
            if more == len(inputs):
                yield (*cotangents, *every)
                yield (*every, *cotangents)
            if more == 1 and not kept:
                yield (*cotangents, OUTPUT)
                yield (*cotangents, RATE)
        if scalar and number == len(inputs):
            yield every
        if scalar and number == 0:
            yield ()
        if scalar and number == 1 and kept:
            yield (CACHE,)
