"""What people call the parts of a layer: its two methods, their arguments, its parameters and their gradients."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from itertools import product
from typing import Any

from gradcheck.anatomy.places import Attribute, Item, Place, Step

FORWARD = (
    "forward", "forward_pass", "forward_propagation", "forward_propagate", "forward_prop", "feed_forward",
    "feedforward", "propagate_forward", "fprop", "fwd", "call", "__call__", "apply", "calculate", "loss", "cost",
    "compute_loss", "compute_cost", "calculate_loss",
)  # fmt: skip
"""Methods that compute the output, the commonest name first."""

BACKWARD = (
    "backward", "backward_pass", "backward_propagation", "backward_propagate", "backward_prop", "backpropagation",
    "backpropagate", "backprop", "back_prop", "propagate_backward", "bprop", "bwd", "gradient", "grad",
    "derivative", "prime", "loss_prime",
)  # fmt: skip
"""Methods that compute the gradients."""

RATES = frozenset({"lr", "learningrate", "rate", "eta", "alpha", "stepsize", "lrate", "learnrate"})
"""Arguments and attributes that are the rate of a step of gradient descent."""

MOMENTA = frozenset({"momentum", "mu", "beta"})
"""Attributes that are the share of earlier steps in the next."""

CACHES = frozenset({"cache", "caches", "ctx", "context", "memory", "mem", "saved", "tape", "intermediates"})
"""Arguments that are what forward kept for backward."""

OUTPUTS = ("output", "outputs", "out", "y", "a", "activation", "activations", "result", "z")
"""Attributes in which a forward that returns nothing leaves its output."""

INPUTS = frozenset({"x", "i", "in", "input", "data", "aprev", "a0", "layerinput"})
"""What the first input is called in the name of its gradient, whatever forward calls it."""

_PARAMETERS = frozenset(
    {"param", "parameter", "p", "state", "weight", "w", "learnable", "trainable", "variable", "theta", "getparam",
     "getparameter", "getweight", "trainableparam", "trainableweight"}
)  # fmt: skip
GRADIENTS = frozenset(
    {"grad", "gradient", "derivative", "deriv", "adjoint", "delta", "d", "g", "diff", "nabla", "getgrad", "getgradient",
     "parameterg", "gradparameter", "computedgrad"}
)  # fmt: skip
"""Words that say "gradient", and not of what."""

VAGUE = (
    frozenset({"delta", "error", "d", "diff", "g"}),
    frozenset({"delta", "error", "d", "diff"}),
    frozenset[str](),
)
"""Words that say "gradient" of a weight or of an activation, in the order in which they are given up on."""

VALUES = frozenset({"value", "val", "data", "array", "tensor", "param", "parameter"})
"""What an object or dict that holds a parameter and its gradient calls the parameter."""

_METHODS = frozenset({"param", "parameter", "getparam", "getparameter", "getweight", "grad", "gradient",
                      "getgrad", "getgradient", "trainableparam"})  # fmt: skip

_BEFORE = ("gradof", "gradwrt", "grad_wrt", "gradients", "gradient", "grads", "grad", "derivative", "deriv", "der",
           "d_loss_d", "delta", "nabla", "partial", "dlossd", "dcostd", "dld", "djd", "ded", "dcd",
           "dl", "d", "g")  # fmt: skip
_AFTER = ("gradient", "grad", "delta", "derivative", "deriv", "_der", "adjoint", "nabla", "diff", "error", "bar",
          "_g", "_d")  # fmt: skip

_LEIBNIZ = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r"d[a-z]+_?d_?(\w+)$", r"d\w*_(?:by|wrt)_d_?(\w+)$", r"(?:d|grad)\w*_(?:by|wrt)_(\w+)$")
)
"""``dL_dW``, ``dL_by_dW``, ``d_loss_wrt_W``."""

_PRIVATE = re.compile(r"^_[A-Z]\w*?__(?=\w)")
"""What Python puts before a name of two underscores: ``_Dense__W``."""

_CURRENT = re.compile(r"(\w+_\w+)_current$")
"""What some put after the name of all that belongs to the pass: ``_grad_W_current``."""

_TRAINING = re.compile(r"(is_?)?train(ing)?(_?(flg|flag|mode))?$")
_CONTAINER = re.compile(r"(?<=.)(_dict|_list|Dict|List)$")
_PLURAL = re.compile(r"[^s]s$(?<!bias)")
_TARGET = re.compile(r"true|target|label|actual|truth|desired|expected|teacher|^(t|y|gt)$")
_COTANGENT = re.compile(r"d|g$|g_|.*grad|.*cotangent|.*error|upstream|nabla|ct")

_PAIRS = re.compile(
    r"(get|all|named|trainable|learnable|iter|yield|collect|list)*(?=.*grad)(?=.*param)(grad|param)"
)

_STATISTIC = re.compile(r"running|moving|buffer")
_STATISTICS = re.compile("buffer|running(stat(istic)?)?|moving(average)?")
_SETTINGS = frozenset({"setting", "config", "option", "kwarg", "constant", "hyperparameter", "hparam"})


def loose(name: str) -> str:
    """A name but for case, underscores, plural and container: ``Weight_Grads``, ``weight_grad_list`` are one."""
    plain = _CONTAINER.sub("", name).replace("_", "").lower()
    return plain[:-1] if len(plain) > 2 and _PLURAL.search(plain) else plain


def short(name: str) -> str:
    """A loose name with the usual abbreviations: ``weights_ih`` is ``wih``, ``biases`` is ``b``."""
    plain = re.sub(r"weights?|kernel", "w", loose(name))
    return re.sub(r"biase?", "b", plain)


SPELLINGS: tuple[Callable[[str], str], ...] = (str, loose, short)
"""From the strictest to the loosest: two places belong together by the first in which they are one."""


def is_given(place: Place) -> bool:
    """Whether the place is called as running statistics, masks and settings are, which nobody derives by."""
    *ahead, last = _loosely(place)
    settings = any(name in _SETTINGS for name in (*ahead, last))
    return is_statistic(place) or settings or "mask" in last or last == "state"


def is_statistic(place: Place) -> bool:
    """Whether the place is called as running statistics are."""
    *ahead, last = _loosely(place)
    return any(_STATISTICS.fullmatch(name) for name in ahead) or bool(_STATISTIC.search(last))


def _loosely(place: Place) -> list[str]:
    return [loose(name) if isinstance(name, str) else "" for name in map(_name, place)]


def is_cotangent(name: str) -> bool:
    """Whether an argument of backward is called as derivatives of the loss are: ``dout``, ``grad_h``, ``delta``."""
    return bool(_COTANGENT.match(loose(name)))


def is_derivative(function: str) -> bool:
    """Whether a function is called as the derivative itself, to be multiplied by the cotangent: ``relu_prime``."""
    return loose(function).endswith(("gradient", "grad", "derivative", "deriv", "prime"))


def is_training(name: str) -> bool:
    """Whether a flag says that the layer is in training."""
    return bool(_TRAINING.match(name.lower().strip("_")))


def is_target(name: str) -> bool:
    """Whether an argument of a loss is called as what it is compared with, which nobody derives by."""
    return bool(_TARGET.search(name.lower()))


def hands_out(method: str) -> bool:
    """Whether a method of this name hands out parameters, gradients, or both."""
    return loose(method) in _METHODS or hands_out_pairs(method)


def hands_out_pairs(method: str) -> bool:
    """Whether a method of this name hands out parameters with their gradients: ``params_and_grads``."""
    return bool(_PAIRS.match(loose(method)))


def is_gradients(step: Step) -> bool:
    """Whether the step leads to a container of gradients."""
    name = _name(step)
    return isinstance(name, str) and (loose(name) in GRADIENTS or _strip(loose(name)) in _PARAMETERS | VALUES)


def is_delta(step: Step) -> bool:
    """Whether the step is called as what changes something is: ``delta_W``, ``deltas``."""
    name = _name(step)
    return isinstance(name, str) and loose(name).startswith("delta")


def says(place: Place, words: Collection[str]) -> bool:
    """Whether a step of the place is one of these words, ``l1_delta`` says one, too; inside gradients it is a name."""
    return any(
        isinstance(name := _name(step), str)
        and (loose(name) in words or any(loose(name).endswith(word) for word in words if len(word) > 1))
        and not any(map(is_gradients, place[:number]))
        for number, step in enumerate(place)
    )


def _name(step: Step) -> Any:
    return step.key if isinstance(step, Item) else _PRIVATE.sub("", step.name)


def parameter_keys(place: Place, spelling: Callable[[str], str]) -> Iterator[tuple[Any, ...]]:
    """What a parameter's place may be called once the words on the way that only say "parameter" are left out."""
    last = _name(place[-1])
    for way in _ways(place[:-1], spelling):
        yield (*way, spelling(last) if isinstance(last, str) else last)


def keyed_keys(place: Place, spelling: Callable[[str], str]) -> Iterator[tuple[Any, ...]]:
    """The same without the name of the dict: what a key names, ``store["W"]`` or a list ``store["W"][0]``, it names."""
    named = [
        number for number, step in enumerate(place) if isinstance(step, Item) and isinstance(step.key, str)
    ]
    last = max(named, default=0)
    if last and not any(isinstance(step, Attribute) for step in place[last:]):
        yield from parameter_keys((*place[: last - 1], *place[last:]), spelling)


def bare_keys(place: Place, spelling: Callable[[str], str]) -> Iterator[tuple[Any, ...]]:
    """The same without the last word, where it says no more: ``value`` of ``W.value``, ``W`` of a layer's only one."""
    last = _name(place[-1])
    if isinstance(last, str) and loose(last) in (_PARAMETERS if len(place) == 1 else VALUES | {"v", "w"}):
        yield from _ways(place[:-1], spelling)


def _ways(place: Place, spelling: Callable[[str], str]) -> Iterator[tuple[Any, ...]]:
    ways: list[list[tuple[Any, ...]]] = []
    for name in map(_name, place):
        ways.append([(spelling(name) if isinstance(name, str) else name,)])
        if isinstance(name, str) and loose(name) in _PARAMETERS:
            ways[-1].append(())
    for way in product(*ways):
        yield tuple(part for step in way for part in step)


def gradient_keys(
    place: Place, spelling: Callable[[str], str], known: Collection[tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    """What a gradient's place may be called once the words that say "gradient" are left out; none without them.

    Of the names that it may have only those that begin like one that is ``known``: a place that is many steps away has
    too many to look at them all.
    """
    found: set[tuple[tuple[Any, ...], bool]] = {((), False)}
    for step in place:
        ways = _gradient_ways(_name(step), spelling, alone=len(place) == 1)
        found = {
            ((*key, *more), marked or says)
            for key, marked in found
            for more, says in ways
            if (*key, *more) in known
        }
    return (key for key, marked in found if marked)


def _gradient_ways(
    name: Any, spelling: Callable[[str], str], alone: bool
) -> set[tuple[tuple[Any, ...], bool]]:
    """What a step of a gradient's place adds to its name, and whether it says "gradient" there."""
    if not isinstance(name, str):
        return {((name,), False)}
    ways: set[tuple[tuple[Any, ...], bool]] = {((spelling(name),), False)}
    if loose(name) in GRADIENTS:
        ways.add(((), True))
    for stem in stems(name):
        ways.add(((spelling(stem),), True))
        if loose(stem) in _PARAMETERS | VALUES and not alone:
            ways.add(((), True))
    if loose(name) in _PARAMETERS | CACHES and not alone:
        ways.add(((), False))
    return ways


def stems(name: str) -> Iterator[str]:
    """Of what ``name`` may be the gradient: ``dW`` and ``grad_W`` are that of ``W``."""
    plain = name.strip("_")
    for bare in dict.fromkeys((plain, _CURRENT.sub(r"\1", plain))):
        yield from _stems(bare)


def _stems(bare: str) -> Iterator[str]:
    lower = bare.lower()
    for word in _BEFORE:
        for joined in (f"{word}_", word):
            if lower.startswith(joined) and len(bare) > len(joined):
                yield bare[len(joined) :].lstrip("_")
    for word in _AFTER:
        for joined in (f"{word}s", word):
            if lower.endswith(joined) and len(bare) > len(joined):
                yield bare[: -len(joined)].rstrip("_")
    for spelled_out in _LEIBNIZ:
        if found := spelled_out.match(bare):
            yield found[1]


def _strip(name: str) -> str:
    return next((loose(stem) for stem in stems(name)), "")
