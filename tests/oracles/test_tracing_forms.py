# ruff: noqa: E501 (one form a line)
"""Short forms of NumPy calls, as a net: methods, keywords and spellings that traced code must survive."""

import functools
import itertools
import math
import operator
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass

import numpy as np
import numpy.linalg as la
import pytest
from numpy import array, dot, exp, float64, linalg, maximum, newaxis, ones, zeros
from scipy.special import expit, logsumexp, softmax

from gradcheck.oracles.tracing import trace

A = np.random.default_rng(0).normal(size=(3, 4))
S = A @ A.T + 2 * np.eye(3)


@dataclass
class Config:
    rate: float = 0.1
    activation: object = np.tanh


CONFIG = Config()
TABLE = {"relu": lambda z: maximum(z, 0), "leaky": lambda z: np.where(z > 0, z, 0.1 * z)}


def fan_in(shape):
    return 1.0 / math.sqrt(shape[0])


@functools.lru_cache
def scale(n):
    return np.sqrt(float(n))


def decorated(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs) + 0.0

    return wrapper


@decorated
def squared(x, *, power=2):
    return x**power


def generator(x):
    for row in x:
        yield row * row.sum()


def recursive(x, depth):
    return x if depth == 0 else np.sin(recursive(x, depth - 1)) + x


def nested_lists(x):
    return np.array([[x[0, 0], 2.0], [x[1, 1] * x[0, 1], x[2].sum()]])


def dictionary(x):
    d = defaultdict(list)
    for i, row in enumerate(x):
        d[i % 2].append(row)
    return {k: np.vstack(v).prod(axis=0) for k, v in d.items()}[0]


def queue(x):
    q = deque(x, maxlen=2)
    return np.stack(list(q)).sum(0) + OrderedDict(a=x[0])["a"]


def newton_sqrt(x):
    y = np.ones_like(x)
    while np.max(np.abs(y * y - x**2 - 1)) > 1e-12:
        y = 0.5 * (y + (x**2 + 1) / y)
    return y


def gradient_step(x):
    w = np.zeros(4)
    for _ in range(3):
        r = x @ w - 1.0
        w -= 0.05 * x.T @ r
    return w


def momentum_dict(x):
    state = {"v": np.zeros_like(x), "n": 0}
    for _ in range(2):
        state["v"] *= 0.9
        state["v"] += x**2
        state["n"] += 1
    return state["v"] / state["n"]


def try_except(x):
    try:
        return x @ x
    except ValueError:
        return x @ x.T


def dropout_fixed(x):
    rng = np.random.default_rng(0)
    mask = (rng.random(x.shape) < 0.5) / 0.5
    return x * mask


def running_statistics(x):
    mean, m2 = np.zeros(4), np.zeros(4)
    for n, row in enumerate(x, 1):
        delta = row - mean
        mean += delta / n
        m2 += delta * (row - mean)
    return np.sqrt(m2 / 3) + mean


def viterbi_scores(x):
    best = x[0].copy()
    for row in x[1:]:
        best = np.max(best[:, None] + np.outer(row, row), axis=0)
    return best


def sinkhorn(x):
    K = np.exp(-(x**2))
    u, v = np.ones(3), np.ones(4)
    for _ in range(5):
        u = 1.0 / (K @ v)
        v = 1.0 / (K.T @ u)
    return u[:, None] * K * v


def power_iteration(x):
    v = np.ones(3) / np.sqrt(3)
    for _ in range(6):
        v = x @ x.T @ v
        v /= la.norm(v)
    return v @ x @ x.T @ v


def housekeeping(x):
    assert not np.isnan(x).any() and np.isfinite(x).all(), x
    if x.ndim != 2 or x.shape[1] != 4 or len(x) != 3 or x.size == 0 or x.dtype != np.float64:
        raise ValueError(f"bad {x.shape} {x!r}")
    print(f"{x.sum():.3f} {x}", end="", file=open("/dev/null", "w"))  # noqa: SIM115
    return x.astype(np.float64, copy=False) * isinstance(x, np.ndarray)


FORMS = {
    "methods": lambda x: x.T.dot(x).trace() + x.cumsum(axis=1).clip(-1, 1).sum(-1).max() + x.T.dot(x).ravel() + x.std() + x.prod(),
    "swapaxes repeat take": lambda x: x.swapaxes(0, 1).repeat(2, axis=0).take([0, 3], axis=0) + x.take(1),
    "flatten view": lambda x: x.flatten()[::2].reshape(2, -1).T.squeeze().copy(),
    "squeeze axis": lambda x: np.squeeze(x[:, newaxis, :], axis=1)[..., None][:, :, 0],
    "reductions by keyword": lambda x: x.sum(axis=(0, 1), keepdims=True) * np.mean(a=x, axis=-1) + np.sum(x, dtype=float),
    "sum of generator": lambda x: sum(generator(x)),
    "builtin sum max min abs pow round": lambda x: sum(x[0]) + max(x[1]) - min(x[2]) + abs(x[0, 0]) + pow(x[0, 1], 2) + round(2.6),
    "max with key": lambda x: max(x, key=lambda row: row.sum()) + sorted(x[0], reverse=True)[0],
    "operator functions": lambda x: functools.reduce(operator.mul, x) + operator.matmul(x, x.T)[0, 1],
    "itertools": lambda x: np.array([a * b for a, b in itertools.combinations(x[0], 2)]),
    "zip enumerate map": lambda x: sum(i * a * b for i, (a, b) in enumerate(zip(x[0], x[1], strict=True))) + sum(map(math.exp, x[2])),
    "nested lists": nested_lists,
    "dictionary": dictionary,
    "deque": queue,
    "from imports": lambda x: dot(exp(x), ones(4)) + zeros(3) + array([x[0, 0], 1, 2]) + linalg.norm(x),
    "float64 call": lambda x: float64(2.0) * x + np.float32(0.5) * x + np.int64(3) * x,
    "reflected operators": lambda x: 1 - x + 2 / (3 + x**2) + (2.0**x) + (-x) + (+x) + 3 // (1 + x**2) + 7 % (2 + x**2),
    "scalar types": lambda x: x[0, 0] * x.mean() ** 2 / np.sqrt(x.var()) + float(x.sum()) + x.item(3) + x[1].tolist()[2],
    "config object": lambda x: CONFIG.activation(x) * CONFIG.rate,
    "table of functions": lambda x: TABLE["relu"](x) + TABLE["leaky"](x),
    "helpers": lambda x: x * fan_in(x.shape) * scale(len(x)),
    "decorated": lambda x: squared(x) + squared(x, power=3),
    "recursive": lambda x: recursive(x, 3),
    "partial": functools.partial(lambda c, x: c @ x, A.T),
    "default array argument": lambda x, c=A: np.sum(c * x, axis=1) + c.dot(x.T)[0],
    "captured array first": lambda x: A.T.dot(x) + A.T @ x + np.dot(A.T, x) + np.einsum("ij,ik->jk", A, x),
    "captured copy written": lambda x: _written_copy(x),
    "newton": newton_sqrt,
    "gradient step": gradient_step,
    "momentum": momentum_dict,
    "try except": try_except,
    "dropout": dropout_fixed,
    "welford": running_statistics,
    "viterbi": viterbi_scores,
    "sinkhorn": sinkhorn,
    "power iteration": power_iteration,
    "housekeeping": housekeeping,
    "scipy names": lambda x: expit(x).sum(0) + softmax(x, axis=0)[0] + logsumexp(x, axis=0, b=2.0) + logsumexp(x),
    "boolean chains": lambda x: x[(x > 0) & (x < 1)].sum() + x[~(x > 0)].sum() + x[np.logical_or(x > 1, x < -1)].sum(),
    "nonzero": lambda x: x[np.nonzero(x > 0)].sum() + x[np.where(x > 0)].prod() + np.argwhere(x > 0).sum() * x[0],
    "argmax one-hot": lambda x: x[np.arange(3), x.argmax(axis=1)] + np.eye(4)[x.argmax(axis=1)].dot(x[0]),
    "ellipsis newaxis": lambda x: x[..., None] * x[:, None, :] + x[None, ..., 0:1].sum(),
    "negative steps": lambda x: x[::-1, ::-2] + x[-1, -1],
    "tuple of slices": lambda x: x[(slice(None), slice(1, 3))] + x[tuple([1, 2])],
    "where of scalars": lambda x: np.where(x > 0, 1.0, x) + np.where(x.sum() > 0, x, 2.0) + np.where([True, False, True, False], x, 0.0),
    "minimum chain": lambda x: np.minimum(np.maximum(x, -0.5), 0.5) + np.fmax(x, 0.1) + np.fmin(x, 0.1) + x.clip(min=0),
    "clip by arrays": lambda x: np.clip(x, x - 1, a_max=0.7) + np.clip(x, None, 0.2) + x.clip(-0.3, None),
    "logaddexp": lambda x: np.logaddexp(x, 0) + np.logaddexp.reduce(x, axis=0) + np.log1p(np.expm1(np.abs(x))),
    "ufunc methods": lambda x: np.add.outer(x[0], x[1]) * np.multiply.reduce(x, axis=0) + np.maximum.reduce(x) + np.add.accumulate(x, axis=1)[0],
    "ufunc at": lambda x: _accumulated(x),
    "split family": lambda x: np.hsplit(x, 2)[1] + np.array_split(x, 3)[0][:, :2] + np.split(x, [1, 3], axis=1)[1] + np.vsplit(x, 3)[1][:, :2],
    "meshgrid": lambda x: np.meshgrid(x[0], x[1])[0] * np.meshgrid(x[0], x[1], indexing="ij")[1] + np.broadcast_arrays(x[0], x[:, :1])[0].sum(),
    "tril triu diag": lambda x: np.tril(x[:, :3], -1) + np.triu(x[:, :3], k=1) + np.diag(np.diag(x)) + np.diagflat(x[0, :3]) + x.diagonal(offset=1).sum(),
    "trace rot flip": lambda x: np.trace(x[:, :3] @ x[:, :3]) + np.fliplr(x) + np.flipud(x) + np.rot90(x, 2) + np.roll(x, (1, 1), axis=(0, 1)) + np.roll(x, 5),
    "stack along axes": lambda x: np.stack([x, x * 2], axis=1).mean(axis=1) + np.stack((x[0], x[1])).sum() + np.concatenate((x, x), axis=None)[:4],
    "pad forms": lambda x: np.pad(x, [(1, 0), (0, 2)], constant_values=1.5) + np.pad(x, ((0, 1), (2, 0)), mode="wrap") + np.pad(x, ((1, 0), (1, 1)), "symmetric"),
    "linspace": lambda x: np.linspace(x[0, 0], x[0, 1], 5) + np.linspace(0, x[1, 1], 5) + np.arange(5) * x[0, 2],
    "full": lambda x: np.full((2, 2), x[0, 0]) + np.full_like(x[:2, :2], 3.0) * x[1, 1] + np.ones_like(x)[:2, :2] * x[2, 2],
    "eye tri": lambda x: np.eye(3) @ x + np.tri(3) @ x + np.identity(3).dot(x),
    "outer forms": lambda x: np.outer(x[0], x[1, :3]) @ np.ones(3) + np.multiply.outer(x[0], x[0]).sum(0) + np.tensordot(x[0], x[1], axes=0)[1],
    "matmul shapes": lambda x: x @ x[0] + (x.T @ x[:, 0]).sum() + (x[None] @ x.T[None])[0, 0] + np.matmul(x[:, None, :], x[:, :, None]).squeeze(),
    "dot shapes": lambda x: np.dot(x, x[0]) + np.dot(x[:, 0], x).sum() + np.dot(2.0, x)[:, 0] + np.dot(x[None], x.T)[0, 0] + np.vdot(x, x),
    "einsum out of order": lambda x: np.einsum("ij,kj->ki", x, x) + np.einsum("ij,ij->i", x, x) + np.einsum(x, [0, 1], [0]) + np.einsum("ij->", x),
    "solve": lambda x: la.solve(S, x) + la.solve(S + np.diag(x[:, 0] ** 2), x[:, 1])[:, None] + la.inv(S + x @ x.T) @ x,
    "lstsq pinv": lambda x: la.pinv(x).sum(1) + la.lstsq(x.T, np.ones(4), rcond=None)[0].sum() + la.slogdet(S + x @ x.T)[1] + la.slogdet(S + x @ x.T).logabsdet,
    "norm forms": lambda x: la.norm(x, axis=1, keepdims=True) * x + la.norm(x, ord="fro") + la.norm(x[0], ord=4) + la.norm(x, ord=-np.inf) + la.norm(x[0], 1),
    "eig": lambda x: la.eigh(S + x @ x.T).eigenvalues + la.eigvalsh(S + x @ x.T, UPLO="U") + la.svdvals(x) + la.cond(S + x @ x.T),
    "statistics": lambda x: np.median(x, axis=1) + np.percentile(x, [25, 75], axis=1).sum(0) + np.quantile(x, 0.4) + np.average(x, weights=np.abs(x)) + np.cov(x[0], x[1])[0, 1],
    "sorting": lambda x: np.sort(x, axis=None)[::2] + np.partition(x.ravel(), 3)[:6] + x.ravel()[np.argpartition(x.ravel(), 4)][:6] * 0 + np.unique(x)[:6],
    "interpolation": lambda x: np.interp(x, [-1.0, 0.0, 2.0], [0.0, 1.0, 4.0]) + np.interp([0.1, 0.2, 0.5, 0.6], np.sort(x[0]), x[1]),
    "polynomial": lambda x: np.polyval([1.0, -2.0, 0.5], x) + np.polyval(x[0], 0.3) + np.vander(x[0], 3).sum(),
    "differences": lambda x: np.diff(x, axis=0) + np.diff(x, n=1, axis=0, prepend=0.0)[:2] + np.gradient(x, 0.5, axis=0)[:2] + np.trapezoid(x, dx=0.1, axis=0),
    "cumulative": lambda x: np.cumsum(x) [:4] + np.cumprod(x, axis=1)[0] + np.cumsum(x, axis=-1)[1] + np.minimum.accumulate(x, axis=1)[2] + np.nancumsum(x)[:4],
    "fourier": lambda x: np.abs(np.fft.fft(x, axis=1)) ** 2 + np.fft.irfft(np.fft.rfft(x, axis=1), axis=1) + np.real(np.fft.fft2(x)) + np.fft.fft(x).imag,
    "complex numbers": lambda x: np.abs(x + 1j * x**2) + np.angle(x + 2j) + (x * np.exp(1j * x)).real + np.conj(x + 1j * x).imag,
    "angles": lambda x: np.arctan2(x, 1 + x**2) + np.hypot(x, 1.0) + np.deg2rad(x) + np.sinc(x) + np.arctan(x) + np.arcsinh(x) + np.tan(x / 9),
    "roots and powers": lambda x: np.cbrt(x + 9) + np.power(np.abs(x), 1.5) + np.square(x) + np.reciprocal(x + 9) + np.sqrt(x**2 + 1) + np.float_power(x, 2) + x**3,
    "rounding is constant": lambda x: x * np.floor(x) + x * np.rint(x) + x * x.astype(int) + np.sign(x) * x + x * np.round(x, 1) + math.floor(x[0, 0]) * x,
    "choose by python if": lambda x: x**2 if x[0, 0] > 0 else x**3,
    "vectorize decorated": np.vectorize(lambda t: t * t if t > 0 else -t),
    "vectorize two arguments": lambda x: np.vectorize(lambda a, b: a * b if a > b else a - b)(x, x[0]),
    "apply along axis": lambda x: np.apply_along_axis(lambda r: r / la.norm(r), 1, x) + np.apply_along_axis(sum, 0, x),
    "fromiter": lambda x: np.fromiter((v * v for v in x[0]), dtype=float) + np.fromiter((v for v in x[1]), float, count=4),
    "ndenumerate": lambda x: sum(i * v + j * v * v for (i, j), v in np.ndenumerate(x)),
    "ndindex": lambda x: sum(x[i] * math.sin(x[i]) for i in np.ndindex(*x.shape)),
    "flat": lambda x: sum(v**2 for v in x.flat) + x.flat[3] * x.ravel()[2],
    "copy functions": lambda x: np.copy(x) + x.copy() + np.array(x) + np.asarray(x) + np.ascontiguousarray(x.T).T + np.array(x, copy=True, ndmin=3)[0],
    "r_ and c_": lambda x: np.c_[x, x[:, 0]].sum(0)[:4] + np.r_[x[0], 1.0][:4] + np.c_[x[0], x[1]][:, 1] + np.r_[0, x[0], x[1]][2:6] + np.r_["0,2", x[0], x[1]][1] + np.r_[x[0, 0], 1:4],
    "insert delete append": lambda x: np.insert(x, 1, 5.0, axis=0)[:3] + np.delete(x, [0], axis=1).sum() + np.append(x, x, axis=0)[3:],
    "a shape that is set": lambda x: _shaped(x),
    "put functions": lambda x: _put(x),
    "nan functions": lambda x: np.nansum(x, axis=0) + np.nanmean(x) + np.nanmax(x, axis=0) + np.nan_to_num(x, nan=1.0)[0] + np.nanprod(x),
    "nan forms": lambda x: np.nanmin(x) + np.nancumprod(x)[:4] + np.nanstd(x, axis=0) + np.nanmedian(x) + np.nanvar(x),
    "pads by slopes and means": lambda x: np.pad(x, 1, mode="linear_ramp") + np.pad(x, 1, mode="mean") + np.pad(x, 1, "reflect")[0],
    "ranks": lambda x: np.quantile(x, [0.1, 0.7], axis=(0, 1)).sum() + np.percentile(x, 40, axis=1, method="hazen") + np.quantile(x, 0.3, keepdims=True),
    "blocks": lambda x: np.block([[x, x[:, :1]], [1.0, x[0]]]) + np.block([x[0], 2.0]) + np.block(x[0, 0]),
    "moved": lambda x: np.unwrap(4 * x[0]) + np.resize(x, (3, 4)) + np.extract(x < 9, x)[:4] + np.atleast_3d(x)[..., 0] + np.trim_zeros(x[1]),
    "linear algebra by its names": lambda x: la.cross(x[:, :3], x[:, 1:]) + la.outer(x[0], x[1])[:3, :3] + la.trace(x[:, :3]) + la.matmul(x, x.T),
    "norms by their names": lambda x: la.vector_norm(x, ord=3) + la.matrix_norm(x, keepdims=True) + la.matrix_norm(x, ord=2) + la.vecdot(x, x),
    "condition numbers": lambda x: la.cond(x) + la.cond(x[:, :3], "fro") + la.matrix_rank(x) * x,
    "polynomials": lambda x: np.polyfit([1.0, 2, 3, 4], x[0], 2) + np.poly(x[1, :2]) + np.polyder(x[2]) + np.vander(x[0], 3, increasing=True),
    "weighted statistics": lambda x: np.cov(x, aweights=np.abs(x[0])) + np.average(x, 1, np.abs(x[0]), keepdims=True) + np.corrcoef(x),
    "slopes over coordinates": lambda x: np.gradient(x, np.array([1.0, 2, 4]), 0.5, edge_order=2)[0] + np.trapezoid(x, x**3, axis=0),
    "spaced": lambda x: np.geomspace(x[0, 0] ** 2 + 1, 3, 4) + np.logspace(x[0, 0], 0, 4) + np.linspace(x[0], x[1], 3),
    "sums of weights": lambda x: np.histogram([0.1, 0.2, 0.8, 0.9], bins=4, weights=x[0])[0] + np.i0(x),
    "chosen pieces": lambda x: np.piecewise(x, [x < 0], [np.sin, 2.0]) + np.select([x < 0, x < 1], [x**2, 1.0], default=x) + np.ptp(x, axis=0),
    "isclose branches": lambda x: np.where(np.isclose(x, 0), 0, x) * (1 if np.allclose(x, x) else 2) + x * np.array_equal(x, x),
    "sign and heaviside": lambda x: np.copysign(x, -1.0) + np.heaviside(x, 0.5) * x + np.sign(x) * np.fabs(x) + np.positive(x) - np.negative(x),
    "divmod fmod": lambda x: divmod(x, 0.7)[1] + np.fmod(x, 0.4) + x % 0.3 + np.modf(x)[0] + np.remainder(x, 0.9),
    "xp alias": lambda x: (xp := np).sum(xp.exp(x), axis=0),
    "exec-free comprehension": lambda x: np.array([[np.sum(a * b) for a in x] for b in x]),
    "set of indices": lambda x: sum(x[0, i] for i in {0, 2}) + x[1, [i for i in range(4) if i % 2]].sum(),
    "format in message": lambda x: x * len(f"{x[0, 0]:.2f}") ** 0,
    "errstate": lambda x: _quietly(x),
    "in operator": lambda x: x * (2.5 in x) + x * (0 not in x),
    "equality branch": lambda x: x * 2 if (x == x).all() and not (x != x).any() else x,
    "lists of arrays": lambda x: [x[0] * 2, (x[1].sum(), {"a": x[2] ** 2})],
}  # fmt: skip


def _written_copy(x):
    out = A.copy()
    out[0] = x[0] ** 2
    out[:, 1] *= x[:, 1]
    return out


def _accumulated(x):
    out = np.zeros((2, 4))
    np.add.at(out, [0, 1, 0], x**2)
    np.add.at(out, (np.array([0, 0]), np.array([1, 1])), x[0, :2])
    return out


def _shaped(x):
    y, row = x * 2, x[1].copy()
    y.shape = (4, 3)
    row.shape = (-1, 1)
    y[0] = x[0, :3] ** 2
    row[2:] *= 3
    return y + row


def _put(x):
    y = np.zeros((3, 4))
    np.copyto(y, x, where=x > 0)
    np.put(y, [0, 5], x[2, :2] ** 2)
    np.fill_diagonal(y, x[0, 3])
    np.putmask(y, y > 1, y**2)
    np.put_along_axis(y, np.array([[1], [2], [3]]), x[:, :1] * 3, axis=1)
    y[0, :].fill(x[1, 1])
    y[2].sort()
    return y


def _quietly(x):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, np.log(np.abs(x)), x)


def flat_sum(result):
    if isinstance(result, dict):
        return flat_sum(list(result.values()))
    if isinstance(result, list | tuple):
        return sum(flat_sum(item) for item in result)
    result = np.asarray(result)
    return np.sum(result * np.cos(np.arange(result.size).reshape(result.shape)))


@pytest.mark.parametrize("form", FORMS)
def test_form_is_traced_as_numpy_computes_it(form):
    f = FORMS[form]
    x = np.random.default_rng(len(form)).normal(size=(3, 4))
    directions = np.random.default_rng(1).normal(size=(3, 3, 4))

    traced = trace(lambda x: flat_sum(f(x)), (x,), [(0,)])
    (grad,) = traced.pullback([1.0])

    np.testing.assert_allclose(traced.outputs[0], flat_sum(f(x)), rtol=1e-11)
    for v in directions:
        coarse, fine = ((flat_sum(f(x + h * v)) - flat_sum(f(x - h * v))) / (2 * h) for h in (2e-5, 1e-5))
        np.testing.assert_allclose(np.sum(grad * v), (4 * fine - coarse) / 3, rtol=1e-6, atol=1e-7)
