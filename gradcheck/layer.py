"""Checking a whole layer: forward and backward, inputs and parameters, as it is used."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.calls import undisturbed
from gradcheck.ask.options import Keywords, options_of, stated
from gradcheck.ask.point import argument_names
from gradcheck.checks import Request, concluded, pullback_task
from gradcheck.report.report import Report

__tracebackhide__ = True  # a failure is the caller's: pytest shows the line of the test

COMPANIONS = ("d{}", "{}_grad", "grad_{}", "{}_gradient", "g{}")
"""What people call the gradient of a parameter ``W``: dW, W_grad, grad_W, W_gradient, gW."""


@dataclass(frozen=True)
class Pullback:
    """A layer as the pair that `check_vjp` takes: ``forward(*args)`` and ``backward(cotangent, *args)``."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    args: tuple[Any, ...]
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@stated
def check_layer(
    layer: Any, *inputs: Any, params: Mapping[str, str] | None = None, **keywords: Unpack[Keywords]
) -> Report:
    """Check the backward pass of a layer: the gradients of its inputs and of its parameters.

    Parameters
    ----------
    layer
        An object with ``forward(*inputs)`` and ``backward(cotangent)``, which returns the gradients of the
        inputs and leaves those of the parameters beside them: in ``layer.grads`` by the names of
        ``layer.params``, or in attributes called after the parameter (``dW``, ``W_grad``, ``grad_W``,
        ``W_gradient``, ``gW``). Or a pair of functions ``(forward, backward)``, where ``forward`` returns the
        output, or the output and a cache, and ``backward`` takes the cotangent and then the cache, the
        inputs, or nothing. The layer itself is never changed: a copy is.
    *inputs
        What ``forward`` takes. Integer inputs (tokens, labels) are passed on and not checked.
    params
        ``{parameter: where its gradient is left}`` where the names are others: ``{"weights": "weights_grad"}``.
    argnums
        Positions in parameters (in their order) followed by inputs, to check only some.
    rtol, oracles, seed, raise_on_failure, points, executor
        As for `check_grad`.

    Raises
    ------
    TypeError
        ``layer`` is neither; or there is nothing floating-point to check.
    ValueError
        ``params`` names what the layer does not have.
    """
    options = options_of("check_layer", keywords)
    pulled = (
        _of_functions(layer[0], layer[1], inputs) if _is_pair(layer) else _of_object(layer, inputs, params)
    )
    called = ("forward", "backward")
    request = Request("layer", pulled.forward, pulled.backward, called, pulled.args, options, pulled.names)
    return concluded(request, lambda asked: replace(pullback_task(asked), remarks=pulled.remarks))


def _is_pair(layer: Any) -> bool:
    return isinstance(layer, tuple | list) and len(layer) == 2 and all(callable(part) for part in layer)


def _of_functions(
    forward: Callable[..., Any], backward: Callable[..., Any], inputs: tuple[Any, ...]
) -> Pullback:
    takes = _required(backward)

    def output_and_cache(args: tuple[Any, ...]) -> tuple[Any, Any]:
        result = forward(*args)
        # (output, cache) is told from two outputs by what backward asks for: the cotangent and one thing more
        if isinstance(result, tuple) and len(result) == 2 and takes == 2:
            return result
        return result, None

    def output(*args: Any) -> Any:
        return output_and_cache(args)[0]

    def pulled(cotangent: Any, *args: Any) -> Any:
        _, cache = output_and_cache(args)
        if cache is not None:
            return backward(cotangent, cache)
        return backward(cotangent) if takes == 1 else backward(cotangent, *args)

    return Pullback(output, pulled, inputs, argument_names(forward, len(inputs)))


def _required(function: Callable[..., Any]) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 3  # it takes whatever comes: the inputs
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len([p for p in positional if p.default is p.empty])


def _of_object(layer: Any, inputs: tuple[Any, ...], params: Mapping[str, str] | None) -> Pullback:
    for method in ("forward", "backward"):
        if not callable(getattr(layer, method, None)):
            raise TypeError(
                f"layer must have forward(*inputs) and backward(cotangent), or be a pair of functions; "
                f"{type(layer).__name__} has no method {method!r}"
            )
    with undisturbed():
        after = _after_backward(layer, inputs)
    found = _parameters(after, params)
    values = tuple(copy.copy(_get(layer, name)) for name in found)

    def prepared(args: tuple[Any, ...]) -> Any:
        own = _own_copy(layer)
        for name, value in zip(found, args, strict=False):
            _set(own, name, value)
        for companion in found.values():  # layers that accumulate start from nothing
            if isinstance(before := _get(own, companion), np.ndarray):
                _set(own, companion, np.zeros_like(before))
        return own

    def forward(*args: Any) -> Any:
        return prepared(args).forward(*args[len(found) :])

    def backward(cotangent: Any, *args: Any) -> Any:
        own = prepared(args)
        own.forward(*args[len(found) :])
        given = own.backward(cotangent)
        by_input = tuple(given) if isinstance(given, tuple | list) and len(inputs) > 1 else (given,)
        floating = [any(trees.is_floating(leaf) for _, leaf in trees.leaves(value)) for value in inputs]
        if len(by_input) == len(inputs):
            by_input = tuple(one for one, checked in zip(by_input, floating, strict=True) if checked)
        gradients = (*(_get(own, companion) for companion in found.values()), *by_input)
        return gradients[0] if len(gradients) == 1 else gradients

    names = (*(_shown(name) for name in found), *argument_names(layer.forward, len(inputs)))
    return Pullback(forward, backward, (*values, *inputs), names, _unpaired(layer, found))


def _unpaired(layer: Any, found: Mapping[Place, Place]) -> tuple[str, ...]:
    """A remark on each array that the layer brought along and backward leaves no gradient beside."""
    paired = {place[-1] for place in (*found, *found.values())}
    by_name = getattr(layer, "params", None)
    own = {**vars(layer), **(by_name if isinstance(by_name, dict) else {})}
    alone = [
        name
        for name, value in own.items()
        if isinstance(value, np.ndarray) and trees.is_floating(value) and name not in paired
    ]
    if not found and not alone:
        return ("no parameter of the layer was found: its inputs alone were checked",)
    looked_for = ", ".join(companion.format("W") for companion in COMPANIONS)
    return tuple(
        f"{name} was taken for a constant: backward leaves no gradient beside it (for W that would be {looked_for} or "
        "grads['W']); name the place with params= if there is one"
        for name in alone
    )


Place = tuple[str, ...]
"""Where a layer keeps an array: an attribute, or a dict attribute and a key of it."""


def _after_backward(layer: Any, inputs: tuple[Any, ...]) -> Any:
    """A copy of the layer that has been through one forward and backward pass, so that its gradients exist."""
    own = _own_copy(layer)
    output = own.forward(*(trees.map_leaves(lambda _, leaf: copy.copy(leaf), value) for value in inputs))
    own.backward(trees.map_leaves(lambda _, leaf: np.ones_like(leaf, dtype=np.float64)[()], output))
    return own


def _own_copy(layer: Any) -> Any:
    try:
        return copy.deepcopy(layer)
    except Exception:  # a layer that holds what cannot be copied (a lock, a file) is copied at its surface
        own = copy.copy(layer)
        for name, value in list(vars(own).items()):
            if isinstance(value, dict):
                setattr(own, name, dict(value))
        return own


def _parameters(layer: Any, params: Mapping[str, str] | None) -> dict[Place, Place]:
    """Each parameter's place and that of its gradient."""
    if params is not None:
        if not isinstance(params, Mapping):
            raise TypeError(
                f"params must map each parameter to where its gradient is left, got params={params!r}"
            )
        for attribute in (*params, *params.values()):
            if not hasattr(layer, attribute):
                raise ValueError(f"params names {attribute!r}, which {type(layer).__name__} does not have")
        return {(name,): (companion,) for name, companion in params.items()}
    found: dict[Place, Place] = {}
    by_name, gradients = getattr(layer, "params", None), getattr(layer, "grads", None)
    if isinstance(by_name, dict) and isinstance(gradients, dict):
        found |= {("params", name): ("grads", name) for name in by_name if name in gradients}
    attributes = vars(layer)
    for name, value in attributes.items():
        if not isinstance(value, np.ndarray) or not trees.is_floating(value):
            continue
        companions = [c.format(name) for c in COMPANIONS if attributes.get(c.format(name)) is not None]
        if companions:
            found[(name,)] = (companions[0],)
    return found


def _get(layer: Any, place: Place) -> Any:
    value = getattr(layer, place[0], None)
    return value.get(place[1]) if len(place) == 2 and isinstance(value, dict) else value


def _set(layer: Any, place: Place, value: Any) -> None:
    if len(place) == 2:
        getattr(layer, place[0])[place[1]] = value
    else:
        setattr(layer, place[0], value)


def _shown(place: Place) -> str:
    return place[-1]
