"""A layer as something to run: a copy of its own for every call, the same random draws in each."""

from __future__ import annotations

import contextlib
import copy
import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.anatomy.copies import own_copy
from gradcheck.anatomy.naming import BACKWARD, FORWARD
from gradcheck.anatomy.places import arrays
from gradcheck.ask import trees
from gradcheck.ask.random_rounding import through


class ForwardRaised(Exception):
    """Forward raised at the inputs that are to be checked: a check of it will say what."""


@dataclass(frozen=True)
class Draws:
    """The state of the random generators that everybody shares, to draw the same masks in every call."""

    legacy: Any
    standard: Any

    def same(self, other: Draws) -> bool:
        """Whether nothing was drawn between the two."""
        mine, theirs = self.legacy, other.legacy
        return (
            self.standard == other.standard
            and bool(np.array_equal(mine[1], theirs[1]))
            and mine[2:] == theirs[2:]
        )

    def repeat(self) -> None:
        """Put the generators there."""
        np.random.set_state(self.legacy)  # noqa: NPY002 - layers draw their masks from it
        random.setstate(self.standard)


def draws() -> Draws:
    """The state that the shared generators are in."""
    return Draws(np.random.get_state(), random.getstate())  # noqa: NPY002


@dataclass(frozen=True)
class Ahead:
    """A pass forward: what it returned, and the inputs that it was given, which backward may be given as well."""

    result: Any
    inputs: tuple[Any, ...]


@dataclass(frozen=True)
class Machine:
    """A layer and how it is told to run.

    ``layer`` is None for a pair of functions; else the two are methods of it, and ``methods`` what they are called.
    """

    layer: Any
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    methods: tuple[str, str] = ("", "")
    draws: Draws | None = None

    def fresh(self) -> Any:
        """A copy of the layer that has seen no pass, as the run that is on sees it."""
        return None if self.layer is None else own_copy(through(self.layer))

    def ahead(self, own: Any, inputs: tuple[Any, ...]) -> Ahead:
        """A pass forward; settings and generators among the inputs are copies, so that it may write into them."""
        if self.draws is not None:
            self.draws.repeat()
        given = tuple(trees.map_leaves(_own, value) for value in inputs)
        forward = through(self.forward) if self.layer is None else getattr(own, self.methods[0])
        return Ahead(forward(*given), given)

    def tried_ahead(self, own: Any, inputs: tuple[Any, ...]) -> Ahead:
        """A pass forward with copies of the inputs.

        Raises
        ------
        ForwardRaised
            Whatever it raised.
        """
        try:
            return self.ahead(own, trees.copied(inputs))
        except Exception as error:
            raise ForwardRaised from error

    def back(self, own: Any, given: tuple[Any, ...]) -> Any:
        """What backward returns."""
        return through(self.backward)(*given) if self.layer is None else getattr(own, self.methods[1])(*given)

    @property
    def title(self) -> str:
        """What a report calls it."""
        if self.layer is not None:
            return f"{self.methods[0]}/{self.methods[1]} of {type(self.layer).__name__}"
        names = [getattr(one, "__name__", type(one).__name__) for one in (self.forward, self.backward)]
        return "/".join(names)


def _own(_: trees.Path, leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray | np.generic | float | int | str | None) or hasattr(
        leaf, "__array_ufunc__"
    ):
        return leaf
    try:
        return copy.deepcopy(leaf)
    except Exception:  # a lock, a file: the layer shares it with its caller
        return leaf


def machines(layer: Any) -> Iterator[Machine]:
    """The ways in which ``layer`` may be meant to run, the likeliest first.

    Raises
    ------
    TypeError
        There is none.
    """
    is_pair = isinstance(layer, tuple | list) and len(layer) == 2 and all(map(callable, layer))
    if is_pair and not _methods(type(layer), BACKWARD):  # no list of layers with methods of its own
        yield _of_two(*layer)
        return
    if inspect.isclass(layer):
        raise TypeError(
            f"layer must be an object, got the class {layer.__name__}: make one, {layer.__name__}(...)"
        )
    ahead, back = _methods(layer, FORWARD), _methods(layer, BACKWARD)
    if not ahead or not back:
        missing, usual = ("backward", BACKWARD) if ahead else ("forward", FORWARD)
        raise TypeError(
            f"layer must have forward(*inputs) and backward(cotangent), or be a pair of functions; "
            f"{type(layer).__name__} has no method {missing!r}, nor one of the other usual names "
            f"({', '.join(usual[1:5])}, ...). If it is called otherwise, pass the pair of its methods"
        )
    if isinstance(layer, tuple):
        _must_have_no_arrays(layer, ahead[0])
        yield Machine(None, getattr(layer, ahead[0]), getattr(layer, back[0]))
        return
    for name in ahead[:2]:
        yield Machine(layer, getattr(layer, name), getattr(layer, back[0]), (name, back[0]))


def _must_have_no_arrays(layer: tuple[Any, ...], forward: str) -> None:
    if any(isinstance(value, np.ndarray) for _, value in arrays(layer, lambda name: False)):
        raise TypeError(
            f"layer must be an object in which arrays can be put, got {type(layer).__name__}, which is a tuple: pass "
            f"two functions that take it, and return its gradients in one like it, "
            f"check_layer((lambda layer, x: layer.{forward}(x), lambda d, layer, x: ...), layer, x)"
        )


def _methods(layer: Any, names: Sequence[str]) -> list[str]:
    """Those that it has."""
    found = []
    for name in names:
        with contextlib.suppress(Exception):  # a __getattr__ that looks into a dict raises its KeyError
            found += [name] if callable(getattr(layer, name)) else []
    return found


def _of_two(forward: Callable[..., Any], backward: Callable[..., Any]) -> Machine:
    owner = getattr(backward, "__self__", None)
    same = owner is not None and owner is getattr(forward, "__self__", forward)
    if (
        same and inspect.ismethod(backward) and not inspect.isclass(owner)
    ):  # two methods of one layer are that layer
        names = (getattr(forward, "__name__", "__call__"), backward.__name__)
        return Machine(owner, forward, backward, names)
    return Machine(None, forward, backward)
