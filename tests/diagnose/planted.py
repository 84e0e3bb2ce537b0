"""Mistakes planted in right gradients: every kind, in every leaf that can bear it, of a dozen functions.

The right gradient is the traced one; what is planted in it, and under which name, is known exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.explain.evidence import Evidence, LeafEvidence
from gradcheck.oracles.tracing import trace

Array = np.ndarray


@dataclass(frozen=True)
class System:
    """A function, its arguments by name, and how many of them, from the first, are checked."""

    name: str
    f: Callable[..., Any]
    args: dict[str, Any]
    checked: int
    vector: bool = False


@dataclass(frozen=True)
class Planted:
    """Evidence with a known mistake: accepted kinds, the expected one first; leaves; entry."""

    name: str
    evidence: Evidence
    kinds: tuple[str, ...]
    leaves: tuple[str, ...]
    entry: tuple[int, ...] | None = None


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def systems(seed: int = 0) -> Iterator[System]:
    """Networks, losses and layers; arguments drawn afresh for each seed."""
    r = np.random.default_rng(seed)
    n, d, h, k = 7, 4, 5, 3

    def mlp(W1, b1, W2, b2, X, y):
        return np.mean((np.tanh(X @ W1 + b1) @ W2 + b2 - y) ** 2)

    yield System("tanh_mse", mlp, {
        "W1": r.normal(size=(d, h)), "b1": r.normal(size=h), "W2": r.normal(size=(h, k)), "b2": r.normal(size=k),
        "X": r.normal(size=(n, d)), "y": r.normal(size=(n, k)),
    }, 4)  # fmt: skip

    def classifier(W1, b1, W2, b2, X, onehot):
        z = np.maximum(X @ W1 + b1, 0.0) @ W2 + b2
        z = z - np.max(z, axis=1, keepdims=True)
        return -np.sum(onehot * (z - np.log(np.sum(np.exp(z), axis=1, keepdims=True)))) / len(X)

    yield System("relu_softmax", classifier, {
        "W1": r.normal(size=(d, h)), "b1": r.normal(size=h), "W2": r.normal(size=(h, k)), "b2": r.normal(size=k),
        "X": r.normal(size=(n, d)), "onehot": np.eye(k)[r.integers(k, size=n)],
    }, 4)  # fmt: skip

    def logistic(w, b, X, y, lam):
        return np.sum(np.log1p(np.exp(-y * (X @ w + b)))) + 0.5 * lam * np.sum(w * w)

    yield System("logistic_l2", logistic, {
        "w": r.normal(size=d), "b": np.array(r.normal()), "X": r.normal(size=(n, d)),
        "y": np.sign(r.normal(size=n)), "lam": 0.3,
    }, 2)  # fmt: skip

    def square_net(A, B, c, X):
        return np.sum(sigmoid(np.tanh(X @ A) @ B + c) ** 2)

    yield System("square_net", square_net, {
        "A": r.normal(size=(d, d)), "B": r.normal(size=(d, d)), "c": r.normal(size=d), "X": r.normal(size=(n, d)),
    }, 3)  # fmt: skip

    def layer_norm(x, gain, shift, t):
        m = np.mean(x, axis=1, keepdims=True)
        v = np.mean((x - m) ** 2, axis=1, keepdims=True)
        return np.sum(t * ((x - m) / np.sqrt(v + 1e-5) * gain + shift))

    yield System("layer_norm", layer_norm, {
        "x": r.normal(size=(n, h)), "gain": r.normal(size=h), "shift": r.normal(size=h), "t": r.normal(size=(n, h)),
    }, 3)  # fmt: skip

    def lstm(W, U, b, x, h0, c0):
        z = x @ W + h0 @ U + b
        m = h0.shape[1]
        i, f, o, g = (
            sigmoid(z[:, :m]),
            sigmoid(z[:, m : 2 * m]),
            sigmoid(z[:, 2 * m : 3 * m]),
            np.tanh(z[:, 3 * m :]),
        )
        return np.sum((o * np.tanh(f * c0 + i * g)) ** 2)

    yield System("lstm", lstm, {
        "W": r.normal(size=(d, 12)), "U": r.normal(size=(3, 12)), "b": r.normal(size=12), "x": r.normal(size=(n, d)),
        "h0": r.normal(size=(n, 3)), "c0": r.normal(size=(n, 3)),
    }, 3)  # fmt: skip

    def gaussian(mu, log_sigma, x):
        return np.sum(0.5 * ((x - mu) / np.exp(log_sigma)) ** 2 + log_sigma)

    yield System("gaussian", gaussian, {
        "mu": r.normal(size=d), "log_sigma": 0.3 * r.normal(size=d), "x": r.normal(size=(n, d)),
    }, 2)  # fmt: skip

    def attention(Q, K, V, t):
        s = Q @ K.T / np.sqrt(Q.shape[1])
        p = np.exp(s - s.max(axis=1, keepdims=True))
        return np.sum(t * (p / p.sum(axis=1, keepdims=True) @ V))

    yield System("attention", attention, {
        "Q": r.normal(size=(n, d)), "K": r.normal(size=(n, d)), "V": r.normal(size=(n, d)), "t": r.normal(size=(n, d)),
    }, 3)  # fmt: skip

    def dense(x, W, b):
        return np.tanh(x @ W + b)

    yield System("dense_pullback", dense, {
        "x": r.normal(size=(n, d)), "W": r.normal(size=(d, d)), "b": r.normal(size=d),
    }, 3, vector=True)  # fmt: skip

    def softplus(x):
        return np.log1p(np.exp(x))

    yield System("softplus_pullback", softplus, {"x": r.normal(size=(n, k))}, 1, vector=True)

    def embedding(E, idx, t):
        return 0.5 * np.sum((E[idx] - t) ** 2)

    yield System("embedding", embedding, {
        "E": r.normal(size=(6, k)), "idx": np.array([0, 2, 5, 3, 1, 4, 3]), "t": r.normal(size=(7, k)),
    }, 1)  # fmt: skip

    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    yield System("rosenbrock", rosenbrock, {"x": r.normal(size=9)}, 1)


def right(system: System, seed: int = 0, traced: bool = True) -> Evidence:
    """Evidence of a claim without any mistake."""
    args = tuple(system.args.values())
    tape = trace(system.f, args, [(i,) for i in range(system.checked)])
    output = np.asarray(system.f(*args))
    cotangent = np.random.default_rng(seed + 99).normal(size=output.shape) if system.vector else None

    truth = tape.pullback([np.ones(output.shape) if cotangent is None else cotangent])
    names = list(system.args)
    leaves = tuple(
        LeafEvidence(
            names[i],
            i,
            np.asarray(args[i]),
            g.copy(),
            g,
            1e-12 * np.abs(g) + 1e-16 * np.max(np.abs(g)),
            False,
        )
        for i, g in enumerate(truth)
    )
    return Evidence(leaves, tuple(system.args.items()), output, cotangent, tape if traced else None)


def with_claims(evidence: Evidence, claims: dict[int, Any], claimed_dtype: str = "float64") -> Evidence:
    """The evidence with other claims for some leaves."""
    leaves = list(evidence.leaves)
    for number, claimed in claims.items():
        leaves[number] = replace(
            leaves[number], claimed=np.asarray(claimed, dtype=float), wrong=True, claimed_dtype=claimed_dtype
        )
    return replace(evidence, leaves=tuple(leaves))


def planted(seed: int = 0, traced: bool = True) -> Iterator[Planted]:
    """Every mistake in every system that can bear it."""
    for system in systems(seed):
        base = right(system, seed, traced)
        r = np.random.default_rng(seed + 7)
        for number, leaf in enumerate(base.leaves):
            for what, kinds, claimed, entry, dtype in in_one_leaf(leaf.truth, leaf.value, r):
                wrong = with_claims(base, {number: claimed}, dtype)
                yield Planted(f"{system.name}/{leaf.path}/{what}", wrong, kinds, (leaf.path,), entry)
        yield from in_several(system, base)


Mistake = tuple[str, tuple[str, ...], Any, tuple[int, ...] | None, str]


def in_one_leaf(g: Array, x: Array, r: np.random.Generator) -> Iterator[Mistake]:
    """(name, kinds, claim, entry, dtype) of mistakes in one leaf whose right gradient is ``g``."""
    for what, factor in (
        ("7 times", 7.0),
        ("a seventh", 1 / 7),
        ("doubled", 2.0),
        ("halved", 0.5),
        ("by 1.37", 1.37),
    ):
        yield what, ("scale",), factor * g, None, "float64"
    yield "negative", ("sign", "scale"), -g, None, "float64"
    yield "float32", ("small_relative", "dtype"), g.astype(np.float32), None, "float64"
    yield "float16", ("small_relative", "dtype"), g.astype(np.float16), None, "float64"
    yield "fudge", ("small_relative", "scale"), g * (1.0 + 1e-4), None, "float64"
    if g.size == 1:
        return
    yield "zero", ("zero",), 0 * g, None, "float64"
    yield "constant", ("constant",), np.full(g.shape, float(np.mean(g)) or 1.0), None, "float64"
    yield "whole", ("dtype",), np.trunc(g), None, "int64"
    yield "noise 1e-5", ("small_relative",), g * (1.0 + 1e-5 * r.normal(size=g.shape)), None, "float64"
    yield "penalty too many", ("extra_term",), g + 0.01 * x, None, "float64"
    yield "penalty too few", ("missing_term", "extra_term"), g - 0.02 * x, None, "float64"
    yield "constant too many", ("extra_term", "missing_term"), g + 0.1, None, "float64"
    yield (
        "not finite",
        ("nonfinite",),
        np.where(np.arange(g.size).reshape(g.shape) == 1, np.nan, g),
        None,
        "float64",
    )
    yield "kept axis", ("shape",), g[None], None, "float64"
    yield "per sample", ("shape",), np.stack([0.25 * g, 0.5 * g, 0.25 * g]), None, "float64"
    if g.size > 3:
        yield from _entries(g, r)
    if g.ndim == 1 and g.size > 3:
        yield "reversed", ("permutation",), g[::-1], None, "float64"
        yield "two exchanged", ("permutation",), g[[1, 0, *range(2, g.size)]], None, "float64"
    if g.ndim == 2:
        yield from _lines(g, r)


def _entries(g: Array, r: np.random.Generator) -> Iterator[Mistake]:
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.abs(g))), g.shape))
    for what, value in (
        ("one entry off", 1.3 * g[index]),
        ("one entry zero", 0.0),
        ("one entry negative", -g[index]),
    ):
        claimed = g.copy()
        claimed[index] = value
        yield what, ("single_entry",), claimed, index, "float64"
    claimed = g.copy().ravel()
    chosen = r.permutation(np.flatnonzero(claimed))[: max(2, g.size // 5)]
    claimed[chosen] += np.abs(claimed[chosen]) * r.uniform(0.5, 2.0, size=chosen.size)
    yield "a few entries off", ("sparse", "rows", "columns"), claimed.reshape(g.shape), None, "float64"


def _lines(g: Array, r: np.random.Generator) -> Iterator[Mistake]:
    rows, columns = g.shape
    if columns > 2 and rows > 2:
        row = int(np.argmax(np.abs(g).sum(axis=1)))
        for what, values in (
            ("row zero", 0 * g[row]),
            ("row doubled", 2 * g[row]),
            ("row off", g[row] * r.uniform(2, 3, size=columns)),
        ):
            claimed = g.copy()
            claimed[row] = values
            yield what, ("rows",), claimed, None, "float64"
        claimed = g.copy()
        claimed[:, 1] = g[:, 1] * r.uniform(2, 3, size=rows)
        if np.count_nonzero(g[:, 1]) > 1:
            yield "column off", ("columns",), claimed, None, "float64"
        yield "rows rolled", ("permutation",), np.roll(g, 1, axis=0), None, "float64"
        yield "columns reversed", ("permutation",), g[:, ::-1], None, "float64"
    if rows == columns:
        yield "transposed", ("transpose",), g.T, None, "float64"
        yield "transposed, doubled", ("transpose",), 2 * g.T, None, "float64"
    else:
        yield "transposed shape", ("transpose", "shape"), g.T, None, "float64"
        yield "refilled", ("permutation",), g.T.reshape(g.shape), None, "float64"
    if columns == 12:
        yield "gates exchanged", ("permutation",), g[:, [3, 4, 5, 0, 1, 2, *range(6, 12)]], None, "float64"


def in_several(system: System, base: Evidence) -> Iterator[Planted]:
    """Leaves exchanged, all leaves by one factor, mistakes inside the chain."""
    truth = [leaf.truth for leaf in base.leaves]
    paths = tuple(leaf.path for leaf in base.leaves)
    if len(truth) > 1:
        doubled = {i: 2.0 * g for i, g in enumerate(truth)}
        yield Planted(f"{system.name}/all doubled", with_claims(base, doubled), ("scale",), paths)
        negative = {i: -g for i, g in enumerate(truth)}
        yield Planted(f"{system.name}/all negative", with_claims(base, negative), ("sign", "scale"), paths)
    for i, one in enumerate(truth):
        for j in range(i + 1, len(truth)):
            if one.shape == truth[j].shape:
                swapped = with_claims(base, {i: truth[j], j: one})
                yield Planted(
                    f"{system.name}/{paths[i]} and {paths[j]}",
                    swapped,
                    ("swapped_leaves",),
                    (paths[i], paths[j]),
                )
    if base.tape is not None:
        for what, kinds, claims in inside(system):
            differs = {
                i: c for i, c in enumerate(claims) if not np.allclose(c, truth[i], rtol=1e-9, atol=0.0)
            }
            wrong = tuple(paths[i] for i in differs)
            yield Planted(f"{system.name}/{what}", with_claims(base, differs), kinds, wrong)


def inside(system: System) -> Iterator[tuple[str, tuple[str, ...], list[Array]]]:
    """(name, kinds, claims of all leaves) for hand-written backward passes with one slip."""
    a = system.args
    if system.name in ("tanh_mse", "relu_softmax"):
        yield from _two_layers(system.name, *a.values())
    if system.name == "logistic_l2":
        z = a["y"] * (a["X"] @ a["w"] + a["b"])
        for what, kinds, s, lam in (
            ("penalty forgotten", ("missing_term",), sigmoid(-z), 0.0),
            ("penalty doubled", ("extra_term", "scale", "missing_term"), sigmoid(-z), 2 * a["lam"]),
            (
                "sigmoid forgotten",
                ("missing_activation_derivative", "wrong_activation_derivative"),
                1.0 - z,
                a["lam"],
            ),
            (
                "sigmoid's derivative for it",
                ("wrong_activation_derivative",),
                sigmoid(z) * sigmoid(-z),
                a["lam"],
            ),
        ):
            g = -a["y"] * s
            yield what, kinds, [a["X"].T @ g + lam * a["w"], np.asarray(np.sum(g))]
    if system.name == "square_net":
        u = np.tanh(a["X"] @ a["A"])
        s = sigmoid(u @ a["B"] + a["c"])
        for what, kinds, outer, inner, back in (
            ("sigmoid's derivative forgotten", ("missing_activation_derivative",), 1.0, 1 - u**2, a["B"].T),
            ("tanh's derivative forgotten", ("missing_activation_derivative",), s * (1 - s), 1.0, a["B"].T),
            ("tanh's formula for sigmoid", ("wrong_activation_derivative",), 1 - s**2, 1 - u**2, a["B"].T),
            (
                "sigmoid's formula for tanh",
                ("wrong_activation_derivative",),
                s * (1 - s),
                u * (1 - u),
                a["B"].T,
            ),
            ("weights not transposed", ("transpose",), s * (1 - s), 1 - u**2, a["B"]),
        ):
            g = 2 * s * outer
            yield what, kinds, [a["X"].T @ (g @ back * inner), u.T @ g, g.sum(axis=0)]
    if system.name == "layer_norm":
        yield from _norms(**a)
    if system.name == "attention":
        yield from _attentions(**a)
    if system.name == "gaussian":
        z = (a["x"] - a["mu"]) / np.exp(a["log_sigma"])
        mu = -np.sum(z, axis=0) / np.exp(a["log_sigma"])
        yield "normaliser forgotten", ("missing_term",), [mu, -np.sum(z**2, axis=0)]
        yield "deviation's sign", ("sign", "missing_term"), [mu, np.sum(z**2, axis=0) + len(z)]


def _two_layers(name, W1, b1, W2, b2, X, y):
    z = X @ W1 + b1
    a = np.tanh(z) if name == "tanh_mse" else np.maximum(z, 0.0)
    out = a @ W2 + b2
    if name == "tanh_mse":
        d_out, right_slope = 2 * (out - y) / y.size, 1 - a**2
        slips = {
            "sigmoid's formula": a * (1 - a),
            "at the input": 1 - z**2,
            "square forgotten": 1 - a,
            "tanh twice": 1 - np.tanh(a) ** 2,
        }
    else:
        e = np.exp(out - out.max(axis=1, keepdims=True))
        d_out, right_slope = (e / e.sum(axis=1, keepdims=True) - y) / len(X), (z > 0) * 1.0
        slips = {"leaky": np.where(z > 0, 1.0, 0.01), "at negatives": (z < 0) * 1.0, "the output itself": a}

    def gradients(slope, d_out=d_out):
        d_z = d_out @ W2.T * slope
        return [X.T @ d_z, d_z.sum(axis=0), a.T @ d_out, d_out.sum(axis=0)]

    yield "activation forgotten", ("missing_activation_derivative",), gradients(np.ones_like(z))
    for what, slope in slips.items():
        yield f"activation {what}", ("wrong_activation_derivative",), gradients(slope)
    yield "hidden layer negative", ("sign",), gradients(-right_slope)
    yield (
        "weights by the batch",
        ("scale",),
        [g * (len(X) if g.ndim == 2 else 1) for g in gradients(right_slope)],
    )
    if name == "relu_softmax":
        yield "target forgotten", ("missing_term",), gradients(right_slope, d_out + y / len(X))


def _norms(x, gain, shift, t):
    m, n = x.mean(axis=1, keepdims=True), x.shape[1]
    s = np.sqrt(((x - m) ** 2).mean(axis=1, keepdims=True) + 1e-5)
    hat, g = (x - m) / s, t * gain
    first, second = g.sum(axis=1, keepdims=True) / n, hat * (g * hat).sum(axis=1, keepdims=True) / n
    rest = [np.sum(t * hat, axis=0), t.sum(axis=0)]
    yield "mean's term dropped", ("missing_term",), [(g - second) / s, *rest]
    yield "variance's term dropped", ("missing_term",), [(g - first) / s, *rest]
    yield "both dropped", ("missing_term",), [g / s, *rest]


def _attentions(Q, K, V, t):
    s = Q @ K.T / 2.0
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    g = t @ V.T
    d = {
        "softmax's diagonal only": g * p * (1 - p),
        "softmax's sum forgotten": g * p,
    }
    for what, ds in d.items():
        yield what, ("missing_term", "wrong_activation_derivative"), [ds @ K / 2.0, ds.T @ Q / 2.0, p.T @ t]
    ds = p * (g - (p * g).sum(axis=1, keepdims=True))
    yield "root of d forgotten", ("scale",), [ds @ K, ds.T @ Q, p.T @ t]
