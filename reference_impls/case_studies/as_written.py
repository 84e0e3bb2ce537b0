"""Training loops in the manner of the originals, to be timed: the same numbers as the studies', the long way.

What is slow about them is kept: a call of Python for each example or, through ``np.vectorize``, for each
number; new memory for every array; the loss computed apart from its gradient. Their mistakes are not: each
follows the mended derivation.
"""

from __future__ import annotations

import numpy as np

from reference_impls.case_studies import column_major as columns
from reference_impls.case_studies.digits import one_hot, shipped
from reference_impls.case_studies.functional_layers import network as functional
from reference_impls.case_studies.history import Array, Parameters
from reference_impls.case_studies.layer_network import digits, xor
from reference_impls.case_studies.logistic_network import ramps
from reference_impls.case_studies.xor_backprop import network as xor_network


def _sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def logistic_network(steps: int) -> Array:
    """000: examples turned to columns and back at every product, the forward pass done again for the loss."""
    X, Y = ramps.data()
    W1, b1, W2, b2 = ramps.start()
    b1, b2 = b1[:, None], b2[:, None]
    losses = []
    for _ in range(steps):
        H = _sigmoid(W1.T.dot(X.T) + b1).T
        losses.append(-np.sum(np.log(_sigmoid(Y * (W2.T.dot(H.T) + b2).T))))
        H = _sigmoid(W1.T.dot(X.T) + b1).T
        dF = (_sigmoid(Y * (W2.T.dot(H.T) + b2).T) - 1) * Y
        dZ = dF.dot(W2.T) * H * (1 - H)
        ones = np.ones((len(X), 1))
        W1, b1 = W1 - 1e-4 * X.T.dot(dZ), b1 - 1e-4 * dZ.T.dot(ones)
        W2, b2 = W2 - 1e-4 * H.T.dot(dF), b2 - 1e-4 * ones.T.dot(dF)
    return np.array(losses)


def functional_layers(steps: int) -> Array:
    """001: relu through ``np.vectorize``, one pass for the loss and another for the gradient."""
    relu = np.vectorize(lambda z: z if z > 0 else 0.0)
    X, T = functional.data()
    W0, B0, W1, B1 = functional.start()
    losses = []
    for _ in range(steps):
        p = (np.tanh((relu(X @ W0 + B0) @ W1 + B1) / 2) + 1) / 2
        losses.append(sum(-np.log(p * T + (1 - p) * (1 - T)))[0])
        Z = X @ W0 + B0
        A = relu(Z)
        p = (np.tanh((A @ W1 + B1) / 2) + 1) / 2
        dz = (-T / p + (1 - T) / (1 - p)) * p * (1 - p)
        dZ = (dz @ W1.T) * relu(np.sign(Z))
        W0, B0 = W0 - 0.01 * (X.T @ dZ), B0 - 0.01 * (np.ones((1, 10)) @ dZ)[0]
        W1, B1 = W1 - 0.01 * (A.T @ dz), B1 - 0.01 * (np.ones((1, 10)) @ dz)[0]
    return np.array(losses)


def layer_network_xor(steps: int) -> Array:
    """002: one example at a time through two layers."""
    first, second = xor.start()
    W1, b1, W2, b2 = first["weights"], first["biases"], second["weights"], second["biases"]
    losses = []
    for _ in range(steps):
        total = 0.0
        for x, y in zip(xor.X, xor.Y, strict=True):
            z1 = np.dot(W1, x) + b1
            a1 = _sigmoid(z1)
            z2 = np.dot(W2, a1) + b2
            a2 = np.maximum(0, z2)
            total += np.mean((y - a2) ** 2) / 4
            d2 = 2 * (a2 - y) / len(y) * np.where(z2 > 0, 1, 0)
            d1 = (d2 @ W2) * (np.exp(-z1) / (1 + np.exp(-z1)) ** 2)
            W2, b2 = W2 - 0.1 * np.outer(d2, a1), b2 - 0.1 * d2
            W1, b1 = W1 - 0.1 * np.outer(d1, x), b1 - 0.1 * d1
        losses.append(total)
    return np.array(losses)


def layer_network_digits(steps: int) -> Array:
    """002: one digit at a time, and for each a gradient as large as the weights."""
    images, labels = shipped()
    start = digits.shifted()
    weights, biases = [layer["weights"] for layer in start], [layer["biases"] for layer in start]
    losses = []
    for _ in range(steps):
        total = 0.0
        for x, y in zip(images, one_hot(labels), strict=True):
            inputs, sums = [x], []
            for W, b in zip(weights, biases, strict=True):
                sums.append(np.dot(W, inputs[-1]) + b)
                inputs.append(_sigmoid(sums[-1]))
            total += np.mean((y - inputs[-1]) ** 2) / len(images)
            upstream = 2 * (inputs[-1] - y) / len(y)
            for k in reversed(range(3)):
                d = upstream * (np.exp(-sums[k]) / (1 + np.exp(-sums[k])) ** 2)
                upstream = d @ weights[k]
                weights[k] = weights[k] - np.outer(d, inputs[k]) * 0.1
                biases[k] = biases[k] - d * 0.1
        losses.append(total)
    return np.array(losses)


def xor_backprop(steps: int) -> Array:
    """003: four examples at once, new arrays at every step, every activation computed from its sum again."""
    X, Y = xor_network.X, xor_network.Y
    W1, b1, W2, b2 = xor_network.start()
    losses = []
    for _ in range(steps):
        Z1 = X @ W1 + b1
        A1 = _sigmoid(Z1)
        p = _sigmoid(A1 @ W2 + b2)
        losses.append((-Y.T @ np.log(p) - (1 - Y).T @ np.log(1 - p)).squeeze())
        dZ1 = np.multiply((p - Y) @ W2.T, _sigmoid(Z1) * (1 - _sigmoid(Z1)))
        W2, b2 = W2 - A1.T @ (p - Y), b2 - (p - Y).sum(axis=0)
        W1, b1 = W1 - X.T @ dZ1, b1 - dZ1.sum(axis=0)
    return np.array(losses)


def column_major(steps: int) -> Array:
    """004: every intermediate array new, the sigmoid's derivative from its sum."""
    X, Y = columns.X, columns.Y
    parameters: Parameters = columns.start()
    W1, b1, W2, b2 = parameters
    losses = []
    for _ in range(steps):
        Z1 = np.dot(W1, X) + b1
        A1 = np.maximum(0, Z1)
        z2 = np.dot(W2, A1) + b2
        a = _sigmoid(z2)
        losses.append(((Y - a) ** 2).mean())
        dz2 = (2 * a - 2 * Y) * (_sigmoid(z2) * (1 - _sigmoid(z2)))
        dZ1 = np.dot(W2.T, dz2) * (Z1 > 0)
        W2, b2 = W2 - 0.3 * np.dot(dz2, A1.T) / 4, b2 - 0.3 * np.mean(dz2, axis=1, keepdims=True)
        W1, b1 = W1 - 0.3 * np.dot(dZ1, X.T) / 4, b1 - 0.3 * np.mean(dZ1, axis=1, keepdims=True)
    return np.array(losses)
