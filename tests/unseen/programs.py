"""Small right programs, in general position and with one blind spot each, twenty of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import gradcheck
from gradcheck.findings import Blind


@dataclass(frozen=True)
class Program:
    """A right claim at a point; ``blind`` is what the point hides, None where it hides nothing."""

    name: str
    f: Callable[..., Any]
    claim: Callable[..., Any]
    args: dict[str, Any]
    checked: tuple[str, ...]
    blind: Blind | None = None

    @property
    def argnums(self) -> tuple[int, ...]:
        return tuple(list(self.args).index(name) for name in self.checked)

    def but(self, kind: Blind, **args: Any) -> Program:
        return replace(self, name=f"{self.name}, {kind}", args=self.args | args, blind=kind)


def check(program: Program, **options: Any) -> gradcheck.Report:
    return gradcheck.check_grad(
        program.f,
        program.claim,
        *program.args.values(),
        argnums=program.argnums,
        raise_on_failure=False,
        **options,
    )


# --- the programs ---------------------------------------------------------------------------------------------


def leaky_loss(W, b, X, Y):
    z = X @ W + b
    return np.mean(np.sum((np.where(z > 0, z, 0.1 * z) - Y) ** 2, axis=1))


def leaky_grad(W, b, X, Y):
    z = X @ W + b
    d = 2 * (np.where(z > 0, z, 0.1 * z) - Y) * np.where(z > 0, 1.0, 0.1) / len(X)
    return X.T @ d, d.sum(0)


def relu_loss(W, b, X, Y):
    return 0.5 * np.sum((np.maximum(X @ W + b, 0.0) - Y) ** 2)


def relu_grad(W, b, X, Y):
    z = X @ W + b
    d = (np.maximum(z, 0.0) - Y) * (z > 0)
    return X.T @ d, d.sum(0)


def masked_loss(W, b, X, Y):
    h = np.abs(X @ W + b)
    return np.sum(h * Y)


def masked_grad(W, b, X, Y):
    z = X @ W + b
    d = np.sign(z) * Y
    return X.T @ d, d.sum(0)


def huber_loss(W, b, X, Y):
    r = X @ W + b - Y
    a = np.abs(r)
    if a.max() > 100.0:
        raise ValueError("far away")
    return np.sum(np.where(a <= 1.0, 0.5 * r**2, a - 0.5))


def huber_grad(W, b, X, Y):
    r = X @ W + b - Y
    d = np.minimum(np.maximum(r, -1.0), 1.0)
    return X.T @ d, d.sum(0)


def tanh_loss(W, b, X, Y):
    return np.sum(np.tanh(X @ W + b) * Y)


def tanh_grad(W, b, X, Y):
    d = (1 - np.tanh(X @ W + b) ** 2) * Y
    return X.T @ d, d.sum(0)


DENSE = {
    "leaky": (leaky_loss, leaky_grad),
    "relu": (relu_loss, relu_grad),
    "absolute": (masked_loss, masked_grad),
    "huber": (huber_loss, huber_grad),
    "tanh": (tanh_loss, tanh_grad),
}
SHAPES = ((6, 3, 2), (5, 4, 3), (8, 2, 4), (7, 5, 3))


def dense(name: str, seed: int) -> Program:
    n, d, h = SHAPES[seed % 4]
    draw = np.random.default_rng([seed, 77]).standard_normal
    f, claim = DENSE[name]
    args = {"W": draw((d, h)), "b": draw(h), "X": draw((n, d)), "Y": 1.5 * draw((n, h))}
    return Program(f"{name} {seed}", f, claim, args, ("W", "b"))


def lookup_loss(E, ids, T):
    return np.sum(np.tanh(E[ids]) * T)


def lookup_grad(E, ids, T):
    g = np.zeros_like(E)
    np.add.at(g, ids, (1 - np.tanh(E[ids]) ** 2) * T)
    return g


def lookup(seed: int) -> Program:
    r = np.random.default_rng([seed, 78])
    ids = np.array([3, 0, 3, 1, 0])
    args = {"E": r.standard_normal((6, 3 + seed % 3)), "ids": ids, "T": r.standard_normal((5, 3 + seed % 3))}
    return Program(f"lookup {seed}", lookup_loss, lookup_grad, args, ("E",))


def pooled_loss(W, X, keep):
    return np.sum(np.tanh(X[keep] @ W))


def pooled_grad(W, X, keep):
    h = np.tanh(X[keep] @ W)
    return X[keep].T @ (1 - h**2)


def pooled(seed: int) -> Program:
    n, d, h = SHAPES[seed % 4]
    draw = np.random.default_rng([seed, 79]).standard_normal
    args = {"W": draw((d, h)), "X": draw((n, d)), "keep": np.arange(n) % 3 != 0}
    return Program(f"pooled {seed}", pooled_loss, pooled_grad, args, ("W",))


def dropped_loss(W, X, drop_rate, training):
    h = np.tanh(X @ W)
    if training:
        h = h * (np.random.default_rng(1).random(h.shape) >= drop_rate) / (1.0 - drop_rate)
    return np.sum(h)


def dropped_grad(W, X, drop_rate, training):
    h = np.tanh(X @ W)
    d = np.ones(h.shape)
    if training:
        d = d * (np.random.default_rng(1).random(h.shape) >= drop_rate) / (1.0 - drop_rate)
    return X.T @ (d * (1 - h**2))


def dropped(seed: int) -> Program:
    n, d, h = SHAPES[seed % 4]
    draw = np.random.default_rng([seed, 80]).standard_normal
    args = {"W": draw((d, h)), "X": draw((n, d)), "drop_rate": 0.4, "training": True}
    return Program(f"dropped {seed}", dropped_loss, dropped_grad, args, ("W",))


def quadratic(A, x):
    return x @ A @ A @ x


def quadratic_grad(A, x):
    return np.outer(x, A @ x) + np.outer(A.T @ x, x), A @ A @ x + A.T @ A.T @ x


def square(seed: int) -> Program:
    draw = np.random.default_rng([seed, 81]).standard_normal
    n = 3 + seed % 4
    return Program(f"square {seed}", quadratic, quadratic_grad, {"A": draw((n, n)), "x": draw(n)}, ("A", "x"))


def layer_forward(W, X):
    return np.tanh(X @ W)


def layer_backward(dout, W, X):
    return X.T @ (dout * (1 - np.tanh(X @ W) ** 2))


def summed(W, X):
    return np.sum(layer_forward(W, X))


def summed_grad(W, X):
    return layer_backward(np.ones_like(X @ W), W, X)


def weighted(W, X, C):
    return np.sum(layer_forward(W, X) * C)


def weighted_grad(W, X, C):
    return layer_backward(C, W, X)


def through_layer(seed: int) -> Program:
    n, d, h = SHAPES[seed % 4]
    draw = np.random.default_rng([seed, 82]).standard_normal
    args = {"W": draw((d, h)), "X": draw((n, d)), "C": draw((n, h))}
    return Program(f"weighted {seed}", weighted, weighted_grad, args, ("W",))


def general() -> Iterator[Program]:
    """Programs that hide nothing."""
    for seed in range(8):
        yield from (dense(name, seed) for name in DENSE)
        yield from (lookup(seed), pooled(seed), dropped(seed), square(seed), through_layer(seed))
        yield from (with_settings(seed), scatter(seed), stack(seed))


@dataclass(frozen=True)
class Settings:
    """What a loss is given beside its weights."""

    X: np.ndarray
    decay: float
    lengths: np.ndarray


def set_loss(W, s, power=1.5):
    seen = np.arange(W.shape[1]) < s.lengths[:, None]
    return np.sum(np.tanh(s.X @ W) * seen) * power**2 + s.decay * np.sum(W**2)


def set_grad(W, s, power=1.5):
    seen = np.arange(W.shape[1]) < s.lengths[:, None]
    return s.X.T @ ((1 - np.tanh(s.X @ W) ** 2) * seen) * power**2 + 2 * s.decay * W


def with_settings(seed: int) -> Program:
    n, d, h = SHAPES[seed % 4]
    draw = np.random.default_rng([seed, 84]).standard_normal
    settings = Settings(draw((n, d)), 0.1, 1 + np.arange(n) % h)
    return Program(f"settings {seed}", set_loss, set_grad, {"W": draw((d, h)), "s": settings}, ("W",))


def scattered(x, ids):
    return np.sum(np.tanh(np.bincount(ids, weights=x, minlength=6)))


def scattered_grad(x, ids):
    z = np.zeros(6)
    np.add.at(z, ids, x)
    return (1 - np.tanh(z) ** 2)[ids]


def scatter(seed: int) -> Program:
    x = np.random.default_rng([seed, 85]).standard_normal(5)
    args = {"x": x, "ids": np.array([3, 0, 3, 1, 0])}
    return Program(f"scatter {seed}", scattered, scattered_grad, args, ("x",))


def stacked(A, B):
    return np.sum(np.tanh(np.einsum("nij,njk->nik", A, B)))


def stacked_grad(A, B):
    d = 1 - np.tanh(A @ B) ** 2
    return np.einsum("nik,njk->nij", d, B)


def stack(seed: int) -> Program:
    draw = np.random.default_rng([seed, 86]).standard_normal
    args = {"A": draw((2 + seed % 3, 3, 3)), "B": draw((2 + seed % 3, 3, 2))}
    return Program(f"stack {seed}", stacked, stacked_grad, args, ("A",))


# --- one blind spot each --------------------------------------------------------------------------------------


def blind() -> Iterator[Program]:
    for seed in range(4):
        for name in DENSE:
            yield from _blind_dense(dense(name, seed), seed)
        for number in range(5):
            at = 5 * seed + number
            yield from _blind_others(at)


def _blind_dense(one: Program, seed: int) -> Iterator[Program]:
    W, X, Y = one.args["W"], one.args["X"], one.args["Y"]
    yield one.but(Blind.AXIS, X=X[:1], Y=Y[:1])
    yield one.but(Blind.ROWS, X=np.vstack([X[:-1], X[:1]]))
    value = (0.0, 1.0, 0.5, -2.0)[seed]
    yield one.but(Blind.CONSTANT, b=np.full(W.shape[1], value))
    if not one.name.startswith("tanh"):
        positive = {"W": np.abs(W), "X": np.abs(X), "b": np.abs(one.args["b"]) + 2.0, "Y": np.abs(Y)}
        yield one.but(Blind.BRANCH, **positive | ({"Y": positive["Y"] - 9.0} if "huber" in one.name else {}))
    integers = np.random.default_rng(seed).integers(-4, 5, X.shape)
    integers[0, :2] = 3, -2
    yield one.but(Blind.INTEGERS, X=integers)


def _settings(s: Settings) -> Iterator[tuple[Blind, dict[str, Any]]]:
    yield Blind.CONSTANT, {"decay": 0.0}
    yield Blind.CONSTANT, {"lengths": np.full(len(s.X), 2)}
    yield Blind.ROWS, {"X": np.vstack([s.X[:-1], s.X[:1]])}
    yield Blind.AXIS, {"X": s.X[:1], "lengths": s.lengths[:1]}


def _blind_others(at: int) -> Iterator[Program]:
    one = lookup(at)
    yield one.but(Blind.INDEX, ids=np.array([3, 0, 5, 1, 2]))
    one = pooled(at)
    yield one.but(Blind.MASK, keep=np.ones(len(one.args["keep"]), dtype=bool))
    one = dropped(at)
    yield one.but(Blind.DROPOUT, **({"drop_rate": 0.0} if at % 2 else {"training": False}))
    one = square(at)
    A = one.args["A"]
    yield one.but(Blind.SYMMETRIC, A=np.eye(len(A)) if at % 2 else A + A.T)
    one = pooled(at)
    yield one.but(Blind.MASK, keep=np.zeros(len(one.args["keep"]), dtype=bool))
    one = scatter(at)
    yield one.but(Blind.INDEX, ids=np.array([3, 0, 5, 1, 2]))
    one = stack(at)
    A, B = one.args["A"], one.args["B"]
    yield one.but(Blind.SYMMETRIC, A=A + A.swapaxes(1, 2))
    yield one.but(Blind.INTEGERS, B=np.arange(B.size).reshape(B.shape) - 4)
    one = with_settings(at)
    yield from (
        one.but(kind, s=replace(one.args["s"], **special)) for kind, special in _settings(one.args["s"])
    )
    f, claim = partial(set_loss, power=1.0), partial(set_grad, power=1.0)
    yield replace(one, name=f"bound {at}", f=f, claim=claim, blind=Blind.CONSTANT)
    one = through_layer(at)
    args = {name: one.args[name] for name in ("W", "X")}
    yield Program(f"summed {at}, cotangent", summed, summed_grad, args, ("W",), Blind.COTANGENT)
