"""Checkers of one MLP's gradient, ours and the peers'; the unit of time is one loss and one gradient.

A peer differentiates its own network of the same arrays: torch and jax check their own backward pass, as they
are used; autograd and scipy check the hand-written gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import gradcheck
from benchmarks.nets import Net
from benchmarks.peers import Call, Missing, imported
from reference_impls import mlp

# 9, 998, 100,180 and 1,000,120 parameters
SIZES = ((2, 2, 1), (27, 26, 10), (784, 126, 10), (784, 1258, 10))
# Beyond this a checker that perturbs every parameter needs minutes.
ONE_BY_ONE = 2_000


def network(sizes: tuple[int, ...]) -> Net:
    """A sigmoid network, smooth so that no checker has an excuse, and a batch of 16."""
    loss = "binary_cross_entropy_with_logits" if sizes[-1] == 1 else "softmax_cross_entropy"
    return Net(sizes, 16, "sigmoid", loss, "float64")


def parameters(net: Net) -> int:
    """How many numbers the network has."""
    return sum(array.size for layer in net.data[0] for array in layer.values())


def _functions(net: Net) -> tuple[Any, Any]:
    options = {"hidden": net.hidden, "loss": net.loss}
    return partial(mlp.loss, **options), partial(mlp.gradients, **options)


def one_pass(net: Net) -> Call:
    """The unit: the loss once and its gradient once."""
    value, gradient = _functions(net)
    return lambda: (value(*net.data), gradient(*net.data))


def ours(net: Net) -> Call:
    """``gradcheck.check_grad`` at its defaults."""
    return lambda: gradcheck.check_grad(*_functions(net), *net.data, argnums=0)


def torch(net: Net, fast: bool) -> Call:
    """``torch.autograd.gradcheck``."""
    torch = imported("torch")
    if not fast:
        _only_small(net)
    params, X, targets = net.data
    leaves = [torch.tensor(layer[name], requires_grad=True) for layer in params for name in ("W", "b")]
    X, targets = torch.tensor(X), torch.tensor(targets)
    functional = torch.nn.functional
    loss = functional.binary_cross_entropy_with_logits if net.sizes[-1] == 1 else functional.cross_entropy

    def value(*leaves: Any) -> Any:
        return loss(
            torch.addmm(leaves[3], torch.sigmoid(torch.addmm(leaves[1], X, leaves[0])), leaves[2]), targets
        )

    return lambda: torch.autograd.gradcheck(value, leaves, fast_mode=fast)


def jax(net: Net) -> Call:
    """``jax.test_util.check_grads``, first order, reverse mode, the function compiled."""
    jax = imported("jax")
    check_grads = imported("jax.test_util").check_grads
    jax.config.update("jax_enable_x64", True)
    params, X, targets = net.data

    @jax.jit
    def value(params: Any) -> Any:
        hidden = jax.nn.sigmoid(X @ params[0]["W"] + params[0]["b"])
        z = hidden @ params[1]["W"] + params[1]["b"]
        if net.sizes[-1] == 1:
            return jax.numpy.mean(jax.nn.softplus(z) - targets * z)
        chosen = jax.numpy.take_along_axis(z, targets[:, None], axis=1)[:, 0]
        return jax.numpy.mean(jax.nn.logsumexp(z, axis=1) - chosen)

    return lambda: check_grads(value, (params,), order=1, modes=["rev"])


def autograd(net: Net) -> Call:
    """``autograd.test_util.check_grads`` of the hand-written gradient, made known to autograd as a primitive."""
    check_grads = imported("autograd.test_util").check_grads
    extend = imported("autograd.extend")
    value, gradient, point = _flat(net)
    primitive = extend.primitive(value)
    extend.defvjp(primitive, lambda ans, x: lambda g: g * gradient(x))
    return lambda: check_grads(primitive, modes=["rev"], order=1)(point)


def scipy(net: Net, direction: str) -> Call:
    """``scipy.optimize.check_grad``."""
    check_grad = imported("scipy.optimize").check_grad
    if direction == "all":
        _only_small(net)
    value, gradient, point = _flat(net)
    return lambda: check_grad(value, gradient, point, direction=direction, rng=np.random.default_rng(0))


def _flat(net: Net) -> tuple[Any, Any, Any]:
    """Loss and gradient as functions of one vector, and the vector."""
    params, X, targets = net.data
    value, gradient = _functions(net)
    arrays = [array for layer in params for array in (layer["W"], layer["b"])]
    ends = np.cumsum([array.size for array in arrays])

    def unflatten(x: Any) -> mlp.Parameters:
        parts = [part.reshape(a.shape) for part, a in zip(np.split(x, ends[:-1]), arrays, strict=True)]
        return [{"W": W, "b": b} for W, b in zip(parts[::2], parts[1::2], strict=True)]

    def flat_gradient(x: Any) -> Any:
        found = gradient(unflatten(x), X, targets)
        return np.concatenate([layer[name].ravel() for layer in found for name in ("W", "b")])

    point = np.concatenate([array.ravel() for array in arrays])
    return lambda x: value(unflatten(x), X, targets), flat_gradient, point


def _only_small(net: Net) -> None:
    if parameters(net) > ONE_BY_ONE:
        raise Missing("one parameter at a time: minutes at this size")


CHECKERS: dict[str, Callable[[Net], Call]] = {
    "ours": ours,
    "one pass": one_pass,
    "torch fast": partial(torch, fast=True),
    "torch slow": partial(torch, fast=False),
    "jax": jax,
    "autograd": autograd,
    "scipy random": partial(scipy, direction="random"),
    "scipy all": partial(scipy, direction="all"),
}
