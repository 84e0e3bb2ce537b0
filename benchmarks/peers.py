"""One function per rival: given a `nets.Net`, a call that gives its loss and gradients once.

Every rival gets its inputs in its own arrays beforehand, so that what is timed is one forward and one
backward pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.nets import Net
from benchmarks.rounds import Call
from reference_impls.fast_mlp import Workspace, loss_and_gradients
from reference_impls.parameters import like


class Missing(Exception):
    """A rival that is not installed; the message names the extra."""


def imported(name: str) -> Any:
    """The module ``name``, or `Missing`."""
    try:
        return __import__(name, fromlist=["_"])
    except ImportError as problem:
        raise Missing(f'{name} is not installed: pip install "gradcheck[peers]"') from problem


def ours(net: Net) -> Call:
    """The fast form with a workspace, gradients written over the last ones."""
    params, X, targets = net.data
    workspace, out = Workspace(), like(params)
    return lambda: loss_and_gradients(params, X, targets, net.hidden, net.loss, workspace=workspace, out=out)


def simple(net: Net) -> Call:
    """The fast form as a newcomer calls it: no workspace."""
    params, X, targets = net.data
    return lambda: loss_and_gradients(params, X, targets, net.hidden, net.loss)


def floor(net: Net) -> Call:
    """The matrix products alone."""
    params, X, _ = net.data
    rng = np.random.default_rng(1)
    values = [X, *(rng.standard_normal((len(X), len(layer["b"]))).astype(net.dtype) for layer in params)]
    spare = [np.empty_like(value) for value in values]
    out = like(params)

    def products() -> None:
        for k, layer in enumerate(params):
            np.matmul(values[k], layer["W"], out=spare[k + 1])
        for k in reversed(range(len(params))):
            np.matmul(values[k].T, values[k + 1], out=out[k]["W"])
            if k > 0:
                np.matmul(values[k + 1], params[k]["W"].T, out=spare[k])

    return products


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _numpy_loss(loss: str, z: Any, targets: Any) -> tuple[Any, Any]:
    """A loss and its gradient as usually written."""
    if loss == "mse_mean":
        difference = z - targets
        return np.mean(difference**2), 2 * difference / difference.size
    if loss == "binary_cross_entropy_with_logits":
        p = _sigmoid(z)
        value = np.mean(np.maximum(z, 0) - z * targets + np.log1p(np.exp(-np.abs(z))))
        return value, (p - targets) / z.size
    rows = np.arange(len(z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    gradient = p.copy()
    gradient[rows, targets] -= 1
    return -np.mean(np.log(p[rows, targets])), gradient / len(z)


def _numpy_pass(net: Net, h: Callable[[Any], Any], slope: Callable[[Any, Any], Any]) -> Call:
    params, X, targets = net.data

    def once() -> Any:
        inputs, outputs = [X], []
        for k, layer in enumerate(params):
            outputs.append(inputs[-1] @ layer["W"] + layer["b"])
            inputs.append(h(outputs[-1]) if k < len(params) - 1 else outputs[-1])
        value, upstream = _numpy_loss(net.loss, outputs[-1], targets)
        gradients = []
        for k in reversed(range(len(params))):
            gradients.insert(0, {"W": inputs[k].T @ upstream, "b": upstream.sum(axis=0)})
            if k > 0:
                upstream = (upstream @ params[k]["W"].T) * slope(outputs[k - 1], inputs[k])
        return value, gradients

    return once


def textbook(net: Net) -> Call:
    """Plain NumPy, one expression a formula."""
    if net.hidden == "relu":
        return _numpy_pass(net, lambda z: np.maximum(z, 0), lambda z, a: z > 0)
    return _numpy_pass(net, _sigmoid, lambda z, a: a * (1 - a))


def vectorize(net: Net) -> Call:
    """Plain NumPy with the activations as scalar functions through ``np.vectorize``."""
    if not net.tiny:
        raise Missing("np.vectorize: tiny networks only")
    if net.hidden == "relu":
        return _numpy_pass(
            net,
            np.vectorize(lambda z: max(z, 0.0), otypes=[net.dtype]),
            np.vectorize(lambda z, a: 1.0 if z > 0 else 0.0, otypes=[net.dtype]),
        )
    return _numpy_pass(
        net,
        np.vectorize(lambda z: 1 / (1 + math.exp(-z)), otypes=[net.dtype]),
        np.vectorize(lambda z, a: a * (1 - a), otypes=[net.dtype]),
    )


def loops(net: Net) -> Call:
    """Python floats and loops over examples and units."""
    if not net.tiny:
        raise Missing("loops: tiny networks only")
    params, X, targets = net.data
    weights = [(layer["W"].tolist(), layer["b"].tolist()) for layer in params]
    rows, goals = X.tolist(), targets.tolist()
    relu = net.hidden == "relu"

    def point(z: float, t: float) -> tuple[float, float]:
        if net.loss == "mse_mean":
            return (z - t) ** 2 / targets.size, 2 * (z - t) / targets.size
        p = 1 / (1 + math.exp(-z))
        value = max(z, 0.0) - z * t + math.log1p(math.exp(-abs(z)))
        return value / targets.size, (p - t) / targets.size

    def once() -> Any:
        total = 0.0
        gradients = [([[0.0] * len(b) for _ in W], [0.0] * len(b)) for W, b in weights]
        for row, goal in zip(rows, goals, strict=True):
            inputs = [row]
            for k, (W, b) in enumerate(weights):
                z = [b[j] + sum(x * W[i][j] for i, x in enumerate(inputs[k])) for j in range(len(b))]
                if k < len(weights) - 1:
                    z = [max(v, 0.0) if relu else 1 / (1 + math.exp(-v)) for v in z]
                inputs.append(z)
            pairs = [point(z, t) for z, t in zip(inputs[-1], goal, strict=True)]
            total += sum(value for value, _ in pairs)
            upstream = [slope for _, slope in pairs]
            for k in reversed(range(len(weights))):
                dW, db = gradients[k]
                for j, u in enumerate(upstream):
                    db[j] += u
                    for i, x in enumerate(inputs[k]):
                        dW[i][j] += x * u
                if k > 0:
                    W = weights[k][0]
                    upstream = [
                        sum(W[i][j] * u for j, u in enumerate(upstream))
                        * ((1.0 if a > 0 else 0.0) if relu else a * (1 - a))
                        for i, a in enumerate(inputs[k])
                    ]
        return total, [{"W": dW, "b": db} for dW, db in gradients]

    return once


def torch(net: Net) -> Call:
    """PyTorch, eager."""
    torch = imported("torch")
    params, X, targets = net.data
    leaves = [torch.tensor(layer[name], requires_grad=True) for layer in params for name in ("W", "b")]
    X, targets = torch.tensor(X), torch.tensor(targets)
    hidden = torch.relu if net.hidden == "relu" else torch.sigmoid
    loss = {
        "mse_mean": torch.nn.functional.mse_loss,
        "binary_cross_entropy_with_logits": torch.nn.functional.binary_cross_entropy_with_logits,
        "softmax_cross_entropy": torch.nn.functional.cross_entropy,
    }[net.loss]

    def once() -> Any:
        z = X
        for k in range(0, len(leaves), 2):
            z = torch.addmm(leaves[k + 1], z, leaves[k])
            if k < len(leaves) - 2:
                z = hidden(z)
        value = loss(z, targets)
        return value, torch.autograd.grad(value, leaves)

    return once


def jax(net: Net) -> Call:
    """JAX, loss and gradient compiled as one."""
    jax = imported("jax")
    jax.config.update("jax_enable_x64", True)
    params, X, targets = net.data
    params = [{name: jax.numpy.asarray(array) for name, array in layer.items()} for layer in params]
    X, targets = jax.numpy.asarray(X), jax.numpy.asarray(targets)
    hidden = jax.nn.relu if net.hidden == "relu" else jax.nn.sigmoid

    def value(params: Any, X: Any, targets: Any) -> Any:
        for layer in params[:-1]:
            X = hidden(X @ layer["W"] + layer["b"])
        z = X @ params[-1]["W"] + params[-1]["b"]
        if net.loss == "mse_mean":
            return jax.numpy.mean((z - targets) ** 2)
        if net.loss == "binary_cross_entropy_with_logits":
            return jax.numpy.mean(jax.nn.softplus(z) - targets * z)
        chosen = jax.numpy.take_along_axis(z, targets[:, None], axis=1)[:, 0]
        return jax.numpy.mean(jax.nn.logsumexp(z, axis=1) - chosen)

    compiled = jax.jit(jax.value_and_grad(value))
    return lambda: jax.block_until_ready(compiled(params, X, targets))


def autograd(net: Net) -> Call:
    """HIPS autograd."""
    np_ = imported("autograd.numpy")
    value_and_grad = imported("autograd").value_and_grad
    params, X, targets = net.data
    rows = np.arange(net.batch)

    def hidden(z: Any) -> Any:
        return np_.maximum(z, 0) if net.hidden == "relu" else 1 / (1 + np_.exp(-z))

    def value(params: Any) -> Any:
        a = X
        for layer in params[:-1]:
            a = hidden(np_.dot(a, layer["W"]) + layer["b"])
        z = np_.dot(a, params[-1]["W"]) + params[-1]["b"]
        if net.loss == "mse_mean":
            return np_.mean((z - targets) ** 2)
        if net.loss == "binary_cross_entropy_with_logits":
            return np_.mean(np_.logaddexp(0, z) - targets * z)
        shifted = z - np_.max(z, axis=1, keepdims=True)
        return np_.mean(np_.log(np_.sum(np_.exp(shifted), axis=1)) - shifted[rows, targets])

    both = value_and_grad(value)
    return lambda: both(params)


PEERS: dict[str, Callable[[Net], Call]] = {
    "ours": ours,
    "floor": floor,
    "simple call": simple,
    "textbook": textbook,
    "vectorize": vectorize,
    "loops": loops,
    "torch": torch,
    "jax.jit": jax,
    "autograd": autograd,
}
"""Every rival by the name a table gives it; the floor computes no gradient, only the products."""
