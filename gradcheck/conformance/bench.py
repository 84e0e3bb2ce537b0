"""A layer on the bench: made anew, run forward and backward, its gradients by name."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradcheck.anatomy.finding import Layout
from gradcheck.anatomy.machine import Ahead
from gradcheck.anatomy.naming import is_statistic
from gradcheck.anatomy.parameters import zeroed
from gradcheck.anatomy.passes import cotangent_like
from gradcheck.anatomy.places import Place, found, walk
from gradcheck.anatomy.pullback import layout_of
from gradcheck.ask import trees
from gradcheck.conformance.comparing import arrays_of, batched, demanded, rows, scaled

Gradients = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """A layer on the bench: how it is run, on what, and what is expected of it."""

    make: Callable[[], Any]
    params: Mapping[str, Any] | None
    layout: Layout
    callers: tuple[Any, ...]
    accumulates: bool | None
    independent: bool | None

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Copies of the caller's inputs, into which a layer may write."""
        return tuple(map(trees.copied, self.callers))

    def fresh(self) -> Any:
        """A copy of the layer, its gradients zero."""
        own = self.layout.machine.fresh()
        self.clear(own)
        return own

    def clear(self, own: Any) -> None:
        """Set the gradients that it keeps to zero."""
        if own is not None:
            zeroed(own, self.layout.gradients(own))

    def forward(self, own: Any, inputs: tuple[Any, ...]) -> tuple[Any, Ahead]:
        """The output, and the pass that it came from."""
        ahead = self.layout.machine.ahead(own, inputs)
        return self.layout.convention.outputs.of(ahead.result, own), ahead

    def backward(self, own: Any, cotangent: Any, ahead: Ahead) -> Gradients:
        """Copies of the gradients by what they are of."""
        layout = self.layout
        before = {
            one.name: np.array(found(own, part.settable[0]))
            for one, part in zip(layout.targets, layout.parameters, strict=False)
        }
        came = layout.machine.back(own, layout.convention.given(cotangent, ahead, own))
        return {
            name: trees.map_leaves(lambda _, leaf: copy.copy(leaf), source.of(came, own, before.get(name)))
            for name, source in layout.sources.items()
        }

    def passed(self, own: Any, inputs: tuple[Any, ...], factor: float = 1.0) -> tuple[Any, Gradients]:
        """Output and gradients of one pass, for a cotangent drawn by the shape of the output."""
        output, ahead = self.forward(own, inputs)
        return output, self.backward(own, self.cotangent(output, factor), ahead)

    def cotangent(self, output: Any, factor: float = 1.0) -> Any:
        """The same for outputs of the same shape."""
        return trees.map_leaves(lambda path, leaf: scaled(cotangent_like(path, leaf), factor), output)

    @cached_property
    def batch(self) -> int:
        """Samples in the batch; 0 where inputs and outputs have no such axis in common."""
        output, _ = self.forward(self.fresh(), self.inputs)
        lengths = {len(leaf) for leaf in (*batched(self.inputs), *batched((output,)))}
        count = lengths.pop() if len(lengths) == 1 and batched((output,)) else 0
        return 0 if count > 2 and self._is_by_chance(count) else count

    def _is_by_chance(self, count: int) -> bool:
        """Whether inputs after the first, the weights of two functions, are as long as the batch, but no samples."""
        first, *others = self.inputs
        fewer = (rows(first, count, slice(1, None)), *rows(tuple(others), count, slice(1, None)))
        return bool(others) and not self._runs(fewer) and self._runs((fewer[0], *others))

    def _runs(self, inputs: tuple[Any, ...]) -> bool:
        try:
            self.forward(self.fresh(), inputs)
        except Exception:  # the samples of one input, and more or fewer of another
            return False
        return True

    @property
    def random(self) -> bool:
        """Whether the layer draws numbers, from a generator of its own or from everybody's."""
        return self.layout.machine.draws is not None or self.draws_its_own

    @property
    def draws_its_own(self) -> bool:
        """Whether it, or a layer inside it, keeps a generator."""
        return any(isinstance(one, _GENERATORS) for _, one in self.parts())

    def parts(self) -> Iterator[tuple[Place, Any]]:
        """Everything that the layer keeps, with its place."""
        layer = self.layout.machine.layer
        return iter(()) if layer is None else walk(layer, lambda name: False)


_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)


def bench_of(
    make: Callable[[], Any],
    inputs: tuple[Any, ...],
    params: Mapping[str, Any] | None,
    accumulates: bool | None,
    independent: bool | None,
) -> Bench:
    try:
        layout = layout_of(make(), inputs, params)
    except TypeError as error:
        raise TypeError(f"make_layer makes no layer: {error}") from error
    demanded(layout.ran, "forward or backward raised: see the check of the derivative")
    own = layout.machine.fresh()
    layout.machine.tried_ahead(own, inputs)
    statistics = any(is_statistic(place) for one in arrays_of(own) for place in one.places)
    expected = None if statistics else True
    return Bench(make, params, layout, inputs, accumulates, expected if independent is None else independent)
