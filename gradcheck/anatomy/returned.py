"""What backward returned, told apart: which part is the gradient of which input or parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, permutations
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import in_common
from gradcheck.anatomy.naming import INPUTS, SPELLINGS, is_target, loose, short, stems
from gradcheck.ask import trees

Keys = tuple[Any, ...]
"""From what was returned to one part of it; () is the whole."""

_ORDERS = 720
"""Orders of parts that are tried at the most: six of them."""


@dataclass(frozen=True)
class Target:
    """What a gradient is looked for of: an argument of forward, or a parameter."""

    name: str
    value: Any
    differentiable: bool = True

    @property
    def is_array(self) -> bool:
        """Whether it is one array of floats."""
        return self.differentiable and isinstance(self.value, np.ndarray)

    def fits(self, gradient: Any) -> bool:
        """Whether this has the tree and the shapes of what it should be the gradient of."""
        try:
            mine, theirs = (
                [(path, np.shape(leaf)) for path, leaf in trees.leaves(tree)]
                for tree in in_common(self.value, gradient)
            )
        except Exception:
            return False
        return mine == theirs


def assigned(
    result: Any, inputs: Sequence[Target], parameters: Sequence[Target], names: Sequence[str] = ()
) -> dict[str, Keys]:
    """Where in ``result`` the gradient of each target stands, by the target's name.

    Of several ways to read it those in which all shapes fit, else those in which those of the inputs do, else the
    likeliest by their number: then the shapes are what is wrong. Among them the first that agrees best with ``names``,
    what the parts are called where backward returns them.
    """
    ways = list(_ways(result, inputs, parameters))
    targets = {target.name: target for target in (*inputs, *parameters)}

    def fitting(way: Mapping[str, Keys], among: Sequence[Target]) -> bool:
        names = {target.name for target in among}
        return all(targets[name].fits(part(result, way[name])) for name in way if name in names)

    for wanted in ((*inputs, *parameters), inputs):
        fit = [way for way in ways if way and fitting(way, wanted)]
        if fit:
            return _named_best([way for way in fit if len(way) == len(fit[0])], inputs, parameters, names)
    likely = (way for way in ways if all(_is_numeric(part(result, keys)) for keys in way.values()))
    return next(likely, {})


def _named_best(
    ways: list[dict[str, Keys]], inputs: Sequence[Target], parameters: Sequence[Target], names: Sequence[str]
) -> dict[str, Keys]:
    meant = {number: {short(stem) for stem in stems(name)} for number, name in enumerate(names) if name}
    called = {one.name: {short(one.name.rpartition(".")[2])} for one in (*inputs, *parameters)}
    if len(inputs) == 1:
        called[inputs[0].name] |= INPUTS

    def agreeing(way: dict[str, Keys]) -> int:
        return sum(
            len(keys) == 1 and bool(meant.get(keys[0], set()) & called[name]) for name, keys in way.items()
        )

    return max(ways, key=agreeing)


def part(result: Any, keys: Keys) -> Any:
    """The part of what was returned; None where there is none."""
    for key in keys:
        try:
            result = result[key]
        except (LookupError, TypeError):
            return None
    return result


def _ways(result: Any, inputs: Sequence[Target], parameters: Sequence[Target]) -> Iterator[dict[str, Keys]]:
    wanted = sorted((one for one in inputs if one.differentiable), key=lambda one: is_target(one.name))
    if result is None:
        return
    if len(wanted) == 1 and wanted[0].fits(result):
        yield {wanted[0].name: ()}
    if isinstance(result, Mapping):
        yield _by_names(result, (), inputs, parameters)
        return
    if not isinstance(result, tuple | list):
        if wanted:
            yield {next((one.name for one in wanted if one.fits(result)), wanted[0].name): ()}
        return
    yield from _in_order(result, inputs, [one for one in inputs if one.differentiable], parameters)


def _in_order(
    result: Sequence[Any], inputs: Sequence[Target], wanted: Sequence[Target], parameters: Sequence[Target]
) -> Iterator[dict[str, Keys]]:
    count = len(result)
    if count == len(inputs):
        yield {one.name: (number,) for number, one in enumerate(inputs) if one.differentiable}
    if count == len(wanted):
        yield {one.name: (number,) for number, one in enumerate(wanted)}
    arrays = [one for one in wanted if one.is_array]
    if count == len(arrays):
        yield {one.name: (number,) for number, one in enumerate(arrays)}
    for of_inputs in (inputs, wanted, arrays):
        if parameters and count == len(of_inputs) + 1:
            yield from _beside(result, of_inputs, parameters)
    for of_inputs in (wanted, arrays):
        every = [*of_inputs, *parameters]
        if count == len(every) and parameters:
            for order in islice(permutations(range(count)), _ORDERS):
                yield {one.name: (number,) for one, number in zip(every, order, strict=True)}
    if count == len(wanted):
        for order in islice(permutations(range(count)), _ORDERS):
            yield {one.name: (number,) for one, number in zip(wanted, order, strict=True)}
    if count < len(arrays):
        for chosen in _choices(arrays, count):
            yield {one.name: (number,) for number, one in enumerate(chosen)}
    if wanted and count > len(wanted):  # beside what else is returned, kept in the layer as well
        for first in (0, count - len(wanted)):
            yield {one.name: (first + number,) for number, one in enumerate(wanted)}
    if len(wanted) == 1:
        yield {wanted[0].name: ()}


def _is_numeric(result: Any) -> bool:
    try:
        return result is None or np.asarray(result).dtype.kind in "fiub"
    except Exception:  # ragged, or an object that is asked for its numbers in vain
        return False


def _choices(arrays: Sequence[Target], count: int) -> Iterator[Sequence[Target]]:
    """Fewer arrays in their order: backward leaves some out (the data)."""
    yield from islice(combinations(arrays, count), _ORDERS)


def _beside(
    result: Sequence[Any], inputs: Sequence[Target], parameters: Sequence[Target]
) -> Iterator[dict[str, Keys]]:
    """The gradients of the inputs and, beside them in one container, those of the parameters."""
    last = len(inputs)
    for at, first in ((last, 0), (0, 1)):
        box = result[at]
        ahead = {one.name: (first + number,) for number, one in enumerate(inputs) if one.differentiable}
        if isinstance(box, Mapping):
            yield ahead | _by_names(box, (at,), (), parameters)
        elif isinstance(box, tuple | list):
            inside = [(at, *path) for path, _ in trees.leaves(box)]
            for order in islice(permutations(inside), _ORDERS if len(inside) == len(parameters) else 0):
                yield ahead | {one.name: keys for one, keys in zip(parameters, order, strict=True)}


def _by_names(
    box: Mapping[Any, Any], prefix: Keys, inputs: Sequence[Target], parameters: Sequence[Target]
) -> dict[str, Keys]:
    """Of a dict of gradients each part by its key: that of ``W`` is under "W", "dW", "grad_W"."""
    found: dict[str, Keys] = {}
    for spelling in SPELLINGS:
        by_name: dict[str, Any] = {}
        for key in box:
            for stem in (key, *stems(key)) if isinstance(key, str) else ():
                by_name.setdefault(spelling(stem), key)
        for target in (*parameters, *inputs):
            names = [spelling(target.name.rpartition(".")[2])]
            if target in inputs and len(inputs) == 1:
                names += [name for name in INPUTS if loose(name) == name]
            key = next((by_name[name] for name in names if name in by_name), None)
            if key is not None and target.name not in found and target.differentiable:
                found[target.name] = (*prefix, key)
    for (
        target
    ) in inputs:  # a dict of parameters that forward takes, their gradients beside those of the others
        if target.name not in found and target.differentiable and target.fits(box):
            found[target.name] = prefix
    return found
