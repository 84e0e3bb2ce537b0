"""Small fully connected networks: the student's backward pass with each of its classical mistakes."""

import itertools

import numpy as np

from .specimen import Book

book = Book("networks")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def two_layers():
    r = np.random.default_rng(21)
    return (
        r.normal(size=(3, 5)), 0.1 * r.normal(size=5),
        r.normal(size=(5, 2)), 0.1 * r.normal(size=2),
        r.normal(size=(8, 3)), r.normal(size=(8, 2)),
    )  # fmt: skip


def two_layers_saturated():
    W1, b1, W2, b2, X, y = two_layers()
    return W1, b1 + np.array([18.0, -19.0, 18.0, 19.0, -18.0]), W2, b2, X, y


def mlp(W1, b1, W2, b2, X, y):
    a = sigmoid(X @ W1 + b1)
    out = a @ W2 + b2
    return np.mean((out - y) ** 2)


def mlp_grad(W1, b1, W2, b2, X, y):
    a = sigmoid(X @ W1 + b1)
    out = a @ W2 + b2
    d_out = 2 * (out - y) / y.size
    dW2 = a.T @ d_out
    db2 = d_out.sum(axis=0)
    d_z = d_out @ W2.T * a * (1 - a)
    return X.T @ d_z, d_z.sum(axis=0), dW2, db2


ALL = ("W1", "b1", "W2", "b2")
student = book.system("sigmoid_mse", mlp, mlp_grad, two_layers, argnums=(0, 1, 2, 3))
student.right("saturated", two_layers_saturated)


@student.wrong("activation derivative forgotten", "missing_activation_derivative", leaf=("W1", "b1"))
def _(W1, b1, W2, b2, X, y):
    a = sigmoid(X @ W1 + b1)
    d_out = 2 * (a @ W2 + b2 - y) / y.size
    d_z = d_out @ W2.T
    return X.T @ d_z, d_z.sum(axis=0), a.T @ d_out, d_out.sum(axis=0)


@student.wrong("tanh derivative for sigmoid", "wrong_activation_derivative", leaf=("W1", "b1"))
def _(W1, b1, W2, b2, X, y):
    a = sigmoid(X @ W1 + b1)
    d_out = 2 * (a @ W2 + b2 - y) / y.size
    d_z = d_out @ W2.T * (1 - a**2)
    return X.T @ d_z, d_z.sum(axis=0), a.T @ d_out, d_out.sum(axis=0)


@student.wrong("derivative at z instead of a", "wrong_activation_derivative", leaf=("W1", "b1"))
def _(W1, b1, W2, b2, X, y):
    z = X @ W1 + b1
    a = sigmoid(z)
    d_out = 2 * (a @ W2 + b2 - y) / y.size
    d_z = d_out @ W2.T * z * (1 - z)
    return X.T @ d_z, d_z.sum(axis=0), a.T @ d_out, d_out.sum(axis=0)


@student.wrong("relu derivative for sigmoid", "wrong_activation_derivative", leaf=("W1", "b1"))
def _(W1, b1, W2, b2, X, y):
    z = X @ W1 + b1
    a = sigmoid(z)
    d_out = 2 * (a @ W2 + b2 - y) / y.size
    d_z = d_out @ W2.T * (z > 0)
    return X.T @ d_z, d_z.sum(axis=0), a.T @ d_out, d_out.sum(axis=0)


@student.wrong("divided by batch, not by size", "scale", leaf=ALL)
def _(W1, b1, W2, b2, X, y):
    return tuple(g * y.shape[1] for g in mlp_grad(W1, b1, W2, b2, X, y))


@student.wrong("weights summed, biases averaged", "scale", leaf=("W1", "W2"))
def _(W1, b1, W2, b2, X, y):
    dW1, db1, dW2, db2 = mlp_grad(W1, b1, W2, b2, X, y)
    return dW1 * len(X), db1, dW2 * len(X), db2


@student.wrong("bias gradients swapped with zeros", "zero", leaf=("b1", "b2"))
def _(W1, b1, W2, b2, X, y):
    dW1, _, dW2, _ = mlp_grad(W1, b1, W2, b2, X, y)
    return dW1, np.zeros_like(b1), dW2, np.zeros_like(b2)


@student.wrong("output bias gradient kept per sample", "shape", leaf="b2")
def _(W1, b1, W2, b2, X, y):
    a = sigmoid(X @ W1 + b1)
    d_out = 2 * (a @ W2 + b2 - y) / y.size
    d_z = d_out @ W2.T * a * (1 - a)
    return X.T @ d_z, d_z.sum(axis=0), a.T @ d_out, d_out


@student.wrong("hidden error through the inputs of the layer", "other", leaf=("W1", "b1"))
def _(W1, b1, W2, b2, X, y):
    a = sigmoid(X @ W1 + b1)
    d_out = 2 * (a @ W2 + b2 - y) / y.size
    d_z = (a @ W2 + b2) @ W2.T * a * (1 - a) * 2 / y.size
    return X.T @ d_z, d_z.sum(axis=0), a.T @ d_out, d_out.sum(axis=0)


@student.wrong("one weight a hundred thousandth off", "single_entry", leaf="W1", entry=(2, 3))
def _(W1, b1, W2, b2, X, y):
    dW1, db1, dW2, db2 = mlp_grad(W1, b1, W2, b2, X, y)
    dW1[2, 3] *= 1 + 1e-5
    return dW1, db1, dW2, db2


@student.wrong("saturated hidden bias doubled", "scale", leaf="b1", point=two_layers_saturated)
def _(W1, b1, W2, b2, X, y):
    dW1, db1, dW2, db2 = mlp_grad(W1, b1, W2, b2, X, y)
    return dW1, 2 * db1, dW2, db2


@student.wrong("saturated hidden layer taken for zero", "zero", leaf=("W1", "b1"), point=two_layers_saturated)
def _(W1, b1, W2, b2, X, y):
    dW1, db1, dW2, db2 = mlp_grad(W1, b1, W2, b2, X, y)
    return 0 * dW1, 0 * db1, dW2, db2


@student.wrong("single precision inside", "small_relative", "dtype", leaf=ALL)
def _(W1, b1, W2, b2, X, y):
    low = [v.astype(np.float16) for v in (W1, b1, W2, b2, X, y)]
    return tuple(g.astype(float) for g in mlp_grad(*low))


def relu_net(params, X, t):
    h = X
    for layer in params[:-1]:
        h = np.maximum(h @ layer["W"] + layer["b"], 0)
    z = h @ params[-1]["W"] + params[-1]["b"]
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(t)), t])


def relu_net_backward(params, X, t, mask=True):
    inputs, pre, h = [], [], X
    for layer in params[:-1]:
        inputs.append(h)
        pre.append(h @ layer["W"] + layer["b"])
        h = np.maximum(pre[-1], 0)
    inputs.append(h)
    z = h @ params[-1]["W"] + params[-1]["b"]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    d = e / e.sum(axis=1, keepdims=True)
    d[np.arange(len(t)), t] -= 1
    d /= len(t)
    grads = []
    for k in reversed(range(len(params))):
        grads.append({"W": inputs[k].T @ d, "b": d.sum(axis=0)})
        if k:
            d = d @ params[k]["W"].T
            if mask:
                d = d * (pre[k - 1] > 0)
    return grads[::-1]


def relu_net_point():
    r = np.random.default_rng(22)
    sizes = (4, 6, 5, 3)
    params = [
        {"W": r.normal(size=(m, n)) / np.sqrt(m), "b": 0.1 * r.normal(size=n)}
        for m, n in itertools.pairwise(sizes)
    ]
    return params, r.normal(size=(6, 4)), np.array([0, 1, 2, 2, 1, 0])


deep = book.system("relu_dicts", relu_net, relu_net_backward, relu_net_point, argnums=0)


@deep.wrong(
    "masks forgotten",
    "missing_activation_derivative",
    leaf=("params[0]['W']", "params[0]['b']", "params[1]['W']", "params[1]['b']"),
)
def _(params, X, t):
    return relu_net_backward(params, X, t, mask=False)


@deep.wrong("layers in the order of the backward pass", "shape", "swapped_leaves", "permutation")
def _(params, X, t):
    return relu_net_backward(params, X, t)[::-1]


@deep.wrong(
    "batch size divided out of the biases twice", "scale", leaf=tuple(f"params[{k}]['b']" for k in range(3))
)
def _(params, X, t):
    grads = relu_net_backward(params, X, t)
    for g in grads:
        g["b"] = g["b"] / len(t)
    return grads


@deep.wrong("a bias entry ten thousandth off", "single_entry", leaf="params[1]['b']", entry=(2,))
def _(params, X, t):
    grads = relu_net_backward(params, X, t)
    live = grads[1]["b"]
    live[2] += 1e-4 * np.abs(live).max()
    return grads


@deep.wrong("one row of a weight negative", "rows", "sign", leaf="params[2]['W']")
def _(params, X, t):
    grads = relu_net_backward(params, X, t)
    grads[2]["W"][1] *= -1
    return grads


def column_major(W1, b1, W2, b2, X, Y):
    A = np.maximum(W1 @ X + b1, 0)
    P = sigmoid(W2 @ A + b2)
    return np.mean((P - Y) ** 2)


def column_major_grad(W1, b1, W2, b2, X, Y):
    Z = W1 @ X + b1
    A = np.maximum(Z, 0)
    P = sigmoid(W2 @ A + b2)
    m = X.shape[1]
    dZ2 = 2 * (P - Y) * P * (1 - P) / m
    dZ1 = (W2.T @ dZ2) * (Z > 0)
    return (
        dZ1 @ X.T,
        dZ1.sum(axis=1, keepdims=True),
        dZ2 @ A.T,
        dZ2.sum(axis=1, keepdims=True),
    )


def column_major_point():
    r = np.random.default_rng(23)
    X = r.normal(size=(3, 4))
    return (
        r.normal(size=(5, 3)), 0.2 * r.normal(size=(5, 1)),
        r.normal(size=(1, 5)), 0.2 * r.normal(size=(1, 1)),
        X, np.array([[0.0, 1.0, 1.0, 0.0]]),
    )  # fmt: skip


columns = book.system(
    "column_major", column_major, column_major_grad, column_major_point, argnums=(0, 1, 2, 3)
)


@columns.wrong("weights are sums over the batch", "scale", leaf=("W1", "W2"))
def _(W1, b1, W2, b2, X, Y):
    dW1, db1, dW2, db2 = column_major_grad(W1, b1, W2, b2, X, Y)
    return dW1 * 4, db1, dW2 * 4, db2


@columns.wrong("batch axis kept in the hidden bias", "shape", leaf="b1")
def _(W1, b1, W2, b2, X, Y):
    Z = W1 @ X + b1
    P = sigmoid(W2 @ np.maximum(Z, 0) + b2)
    dZ2 = 2 * (P - Y) * P * (1 - P) / 4
    dZ1 = (W2.T @ dZ2) * (Z > 0)
    return dZ1 @ X.T, dZ1, dZ2 @ np.maximum(Z, 0).T, dZ2.sum(axis=1, keepdims=True)


@columns.wrong("keepdims forgotten", "shape", leaf=("b1", "b2"))
def _(W1, b1, W2, b2, X, Y):
    dW1, db1, dW2, db2 = column_major_grad(W1, b1, W2, b2, X, Y)
    return dW1, db1[:, 0], dW2, db2[:, 0]


@columns.wrong("output sigmoid forgotten", "missing_activation_derivative", leaf=ALL)
def _(W1, b1, W2, b2, X, Y):
    Z = W1 @ X + b1
    A = np.maximum(Z, 0)
    dZ2 = 2 * (sigmoid(W2 @ A + b2) - Y) / 4
    dZ1 = (W2.T @ dZ2) * (Z > 0)
    return dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True), dZ2 @ A.T, dZ2.sum(axis=1, keepdims=True)


@columns.wrong("mask of the wrong layer's sign", "wrong_activation_derivative", "other", leaf=("W1", "b1"))
def _(W1, b1, W2, b2, X, Y):
    Z = W1 @ X + b1
    A = np.maximum(Z, 0)
    P = sigmoid(W2 @ A + b2)
    dZ2 = 2 * (P - Y) * P * (1 - P) / 4
    dZ1 = (W2.T @ dZ2) * (Z < 0)
    return dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True), dZ2 @ A.T, dZ2.sum(axis=1, keepdims=True)


def square_chain(A, B, C, x):
    return np.sum(np.tanh(A @ np.tanh(B @ np.tanh(C @ x))) ** 2)


def square_chain_grad(A, B, C, x):
    h1 = np.tanh(C @ x)
    h2 = np.tanh(B @ h1)
    h3 = np.tanh(A @ h2)
    d3 = 2 * h3 * (1 - h3**2)
    d2 = (A.T @ d3) * (1 - h2**2)
    d1 = (B.T @ d2) * (1 - h1**2)
    return np.outer(d3, h2), np.outer(d2, h1), np.outer(d1, x)


def square_chain_point():
    r = np.random.default_rng(24)
    return r.normal(size=(4, 4)), r.normal(size=(4, 4)), r.normal(size=(4, 4)), r.normal(size=4)


chain = book.system("tanh_chain", square_chain, square_chain_grad, square_chain_point, argnums=(0, 1, 2))


@chain.wrong("A and B exchanged", "swapped_leaves", leaf=("A", "B"))
def _(A, B, C, x):
    dA, dB, dC = square_chain_grad(A, B, C, x)
    return dB, dA, dC


@chain.wrong("outer product the other way round", "transpose", leaf="B")
def _(A, B, C, x):
    dA, dB, dC = square_chain_grad(A, B, C, x)
    return dA, dB.T, dC


@chain.wrong("all outer products the other way round", "transpose", leaf=("A", "B", "C"))
def _(A, B, C, x):
    return tuple(g.T for g in square_chain_grad(A, B, C, x))


@chain.wrong("weights not transposed going back", "other", "transpose", leaf=("B", "C"))
def _(A, B, C, x):
    h1 = np.tanh(C @ x)
    h2 = np.tanh(B @ h1)
    h3 = np.tanh(A @ h2)
    d3 = 2 * h3 * (1 - h3**2)
    d2 = (A @ d3) * (1 - h2**2)
    d1 = (B.T @ d2) * (1 - h1**2)
    return np.outer(d3, h2), np.outer(d2, h1), np.outer(d1, x)


@chain.wrong("middle tanh's derivative forgotten", "missing_activation_derivative", leaf=("B", "C"))
def _(A, B, C, x):
    h1 = np.tanh(C @ x)
    h2 = np.tanh(B @ h1)
    h3 = np.tanh(A @ h2)
    d3 = 2 * h3 * (1 - h3**2)
    d2 = A.T @ d3
    d1 = (B.T @ d2) * (1 - h1**2)
    return np.outer(d3, h2), np.outer(d2, h1), np.outer(d1, x)


@chain.wrong("lowest layer negative", "sign", leaf="C")
def _(A, B, C, x):
    dA, dB, dC = square_chain_grad(A, B, C, x)
    return dA, dB, -dC
