"""autograd's rules: each primitive's pullback, and its pushforward where there is one, against plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import autograd.numpy as anp
import autograd.scipy.linalg
import autograd.scipy.signal
import autograd.scipy.special
import autograd.scipy.stats
import numpy as np
import scipy.linalg
import scipy.signal
import scipy.special
import scipy.stats
from autograd.core import make_jvp as core_jvp
from autograd.core import make_vjp as core_vjp

from .shipped import Array, Shipped, normal, uniform

PACKAGE = "autograd"
Function = Callable[..., Any]

X = np.array([-1.7, -0.6, 0.3, 0.9, 2.4])
POSITIVE = np.array([0.3, 0.7, 1.1, 2.9, 8.4])
UNIT = np.array([-0.9, -0.35, 0.1, 0.6, 0.95])
PROBABILITY = np.array([0.04, 0.3, 0.5, 0.8, 0.97])
MATRIX, OTHER = normal(71, 4, 3), normal(72, 4, 3)
SQUARE = normal(73, 4, 4) + 3 * np.eye(4)
SYMMETRIC = SQUARE @ SQUARE.T

TRIANGLE = "f reads one triangle of a symmetric argument, the rule spreads its derivative over both"
ODD_FREEDOM = "the rule is 0 wherever the degrees of freedom are no integer"


def pullback(primitive: Function) -> Function:
    """The vjp claim that autograd's own rule for ``primitive`` makes."""

    def pull(cotangent: Any, *args: Any) -> Any:
        gradients = core_vjp(lambda x: primitive(*x), args)[0](cotangent)
        return gradients if len(args) > 1 else gradients[0]

    return pull


def pushforward(primitive: Function) -> Function:
    """The jvp claim that autograd's own rule for ``primitive`` makes."""

    def push(tangents: Any, *args: Any) -> Any:
        tangents = tangents if len(args) > 1 else (tangents,)
        return core_jvp(lambda x: primitive(*x), args)(tuple(tangents))[1]

    return push


def rule(name: str, plain: Function, primitive: Function, *args: Any, **known: Any) -> Shipped:
    """A pullback against the plain function it belongs to."""
    return Shipped(f"{name} vjp", PACKAGE, "vjp", plain, pullback(primitive), args, None, **known)


def forward_rule(name: str, plain: Function, primitive: Function, *args: Any) -> Shipped:
    """A pushforward against the plain function it belongs to."""
    return Shipped(f"{name} jvp", PACKAGE, "jvp", plain, pushforward(primitive), args, None)


def elementary() -> Iterator[Shipped]:
    """Entry by entry, of one and of two arguments."""
    one: dict[str, Array] = {
        **dict.fromkeys(("sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "arcsinh", "exp", "exp2"), X),
        **dict.fromkeys(
            ("expm1", "square", "absolute", "fabs", "sinc", "reciprocal", "rad2deg", "deg2rad"), X
        ),
        **dict.fromkeys(("log", "log2", "log10", "log1p", "sqrt"), POSITIVE),
        **dict.fromkeys(("arcsin", "arccos", "arctanh"), UNIT),
        "arccosh": 1 + POSITIVE,
    }
    for name, x in one.items():
        yield rule(f"np.{name}", getattr(np, name), getattr(anp, name), x)
        yield forward_rule(f"np.{name}", getattr(np, name), getattr(anp, name), x)
    two = (
        "add",
        "subtract",
        "multiply",
        "divide",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "arctan2",
        "hypot",
        "logaddexp",
        "logaddexp2",
    )
    for name in two:
        yield rule(
            f"np.{name}", getattr(np, name), getattr(anp, name), X, np.array([0.4, -1.9, 1.3, -0.2, 2.2])
        )
        yield rule(f"np.{name} (broadcast)", getattr(np, name), getattr(anp, name), MATRIX, normal(74, 3))
    yield rule("np.power", np.power, anp.power, POSITIVE, X)
    yield rule("np.remainder", np.remainder, anp.remainder, 3 * POSITIVE, 1 + PROBABILITY)


def hostile_points() -> Iterator[Shipped]:
    """Where an elementary rule has to be careful."""
    yield rule("np.sinc", np.sinc, anp.sinc, np.array([1e-9, 1e-5, 3.0]), point="cancellation")
    yield rule("np.expm1", np.expm1, anp.expm1, np.array([-40.0, 1e-12, 30.0]), point="saturated")
    yield rule("np.tanh", np.tanh, anp.tanh, np.array([-19.5, 12.0, 1e-9]), point="saturated")
    yield rule("np.log1p", np.log1p, anp.log1p, np.array([1e-12, 1e8, -0.999999]), point="unscaled")
    yield rule(
        "np.logaddexp",
        np.logaddexp,
        anp.logaddexp,
        np.array([700.0, -1e3, 3.0]),
        np.array([699.0, -1e3, 40.0]),
        point="saturated",
    )
    yield rule("np.sqrt", np.sqrt, anp.sqrt, np.array([1e-12, 1e-4, 1e12]), point="unscaled")
    yield rule(
        "np.arctan2", np.arctan2, anp.arctan2, np.array([1e-9, 1e9]), np.array([1e-9, 1.0]), point="unscaled"
    )
    yield rule("np.absolute", np.absolute, anp.absolute, np.array([1e-7, -1e-7, 2.0]), point="kink at 1e-7")
    yield rule("np.maximum", np.maximum, anp.maximum, X, X + 1e-7 * np.sign(X), point="kink at 1e-7")
    for name in ("exp", "tanh", "sin", "log"):
        x = POSITIVE.astype(np.float32)
        yield rule(f"np.{name}", getattr(np, name), getattr(anp, name), x, point="float32")
    yield rule("np.std", np.std, anp.std, 1e6 + X, point="large offset")
    yield rule("np.var", np.var, anp.var, 1e6 + X, point="large offset")


def shaped() -> Iterator[Shipped]:
    """Reductions, products and rearrangements, written once for both NumPys."""
    tall = normal(75, 4, 3, 2)
    written: dict[str, tuple[Callable[[Any], Function], tuple[Array, ...]]] = {
        "sum(axis)": (lambda n: lambda x: n.sum(x, axis=1), (MATRIX,)),
        "mean(axis=(0, 2))": (lambda n: lambda x: n.mean(x, axis=(0, 2)), (tall,)),
        "prod(axis)": (lambda n: lambda x: n.prod(x, axis=0), (MATRIX,)),
        "max(axis)": (lambda n: lambda x: n.max(x, axis=1), (MATRIX,)),
        "min": (lambda n: lambda x: n.min(x), (MATRIX,)),
        "var(ddof)": (lambda n: lambda x: n.var(x, axis=0, ddof=1), (MATRIX,)),
        "std(axis)": (lambda n: lambda x: n.std(x, axis=0), (MATRIX,)),
        "cumsum": (lambda n: lambda x: n.cumsum(x, axis=1), (MATRIX,)),
        "dot": (lambda n: n.dot, (MATRIX, OTHER.T)),
        "matmul(batch)": (lambda n: n.matmul, (tall, normal(76, 2, 5))),
        "matmul(vector)": (lambda n: n.matmul, (MATRIX, normal(77, 3))),
        "inner": (lambda n: n.inner, (MATRIX, OTHER)),
        "outer": (lambda n: n.outer, (X, POSITIVE)),
        "tensordot": (lambda n: lambda a, b: n.tensordot(a, b, axes=[[0, 1], [0, 1]]), (tall, MATRIX)),
        "einsum(ijk,ij->k)": (lambda n: lambda a, b: n.einsum("ijk,ij->k", a, b), (tall, MATRIX)),
        "einsum(...j,jk)": (lambda n: lambda a, b: n.einsum("...j,jk", a, b), (tall, normal(78, 2, 3))),
        "kron": (lambda n: n.kron, (MATRIX[:2], OTHER[:2])),
        "cross": (lambda n: n.cross, (MATRIX, OTHER)),
        "transpose": (lambda n: lambda x: n.transpose(x, (2, 0, 1)), (tall,)),
        "swapaxes": (lambda n: lambda x: n.swapaxes(x, 0, 2), (tall,)),
        "moveaxis": (lambda n: lambda x: n.moveaxis(x, 0, -1), (tall,)),
        "reshape(F)": (lambda n: lambda x: n.reshape(x, (2, 6), order="F"), (MATRIX,)),
        "roll": (lambda n: lambda x: n.roll(x, 2, axis=0), (MATRIX,)),
        "rot90": (lambda n: lambda x: n.rot90(x, 3), (MATRIX,)),
        "flipud": (lambda n: n.flipud, (MATRIX,)),
        "tile": (lambda n: lambda x: n.tile(x, (2, 3)), (MATRIX,)),
        "repeat": (lambda n: lambda x: n.repeat(x, 3, axis=1), (MATRIX,)),
        "concatenate": (lambda n: lambda a, b: n.concatenate([a, b], axis=1), (MATRIX, OTHER)),
        "stack": (lambda n: lambda a, b: n.stack([a, b], axis=1), (MATRIX, OTHER)),
        "where": (lambda n: lambda a, b: n.where(MATRIX > 0, a, b), (MATRIX, OTHER)),
        "clip": (lambda n: lambda x: n.clip(x, -0.5, 0.8), (MATRIX,)),
        "sort": (lambda n: lambda x: n.sort(x), (X[::-1].copy(),)),
        "partition": (lambda n: lambda x: n.partition(x, 2), (X[::-1].copy(),)),
        "diff(n=2)": (lambda n: lambda x: n.diff(x, n=2), (POSITIVE,)),
        "gradient": (lambda n: lambda x: n.gradient(x), (POSITIVE,)),
        "pad": (lambda n: lambda x: n.pad(x, ((1, 2), (0, 1)), mode="constant"), (MATRIX,)),
        "triu": (lambda n: lambda x: n.triu(x, 1), (MATRIX,)),
        "diagonal": (lambda n: lambda x: n.diagonal(x, 0, -1, -2), (SQUARE,)),
        "diag": (lambda n: lambda x: n.diag(x), (X,)),
        "trace": (lambda n: lambda x: n.trace(x), (SQUARE,)),
        "fancy index": (lambda n: lambda x: x[np.array([0, 2, 2, 1]), np.array([0, 1, 1, 2])], (MATRIX,)),
        "slice": (lambda n: lambda x: x[::-2, 1:], (MATRIX,)),
        "linspace": (lambda n: lambda a, b: n.linspace(a, b, 7), (np.float64(0.3), np.float64(2.0))),
        "nan_to_num": (lambda n: lambda x: n.nan_to_num(x), (MATRIX,)),
    }  # fmt: skip
    for name, (write, args) in written.items():
        yield rule(f"np.{name}", write(np), write(anp), *args)
        if name in (
            "sum(axis)",
            "dot",
            "einsum(ijk,ij->k)",
            "var(ddof)",
            "max(axis)",
            "cumsum",
            "concatenate",
            "sort",
            "where",
        ):
            yield forward_rule(f"np.{name}", write(np), write(anp), *args)


def linear_algebra() -> Iterator[Shipped]:
    """numpy.linalg, on general and on symmetric matrices, and near singular ones."""
    batch = normal(79, 2, 3, 3) + 3 * np.eye(3)
    singular = np.diag([1.0, 1e-3, 1e-7]) + 1e-9 * normal(80, 3, 3)
    for name in ("inv", "det"):
        yield rule(f"linalg.{name}", getattr(np.linalg, name), getattr(anp.linalg, name), SQUARE)
        yield rule(f"linalg.{name} (batch)", getattr(np.linalg, name), getattr(anp.linalg, name), batch)
        yield rule(
            f"linalg.{name}",
            getattr(np.linalg, name),
            getattr(anp.linalg, name),
            singular,
            point="ill-conditioned",
        )
    yield rule(
        "linalg.slogdet", lambda a: np.linalg.slogdet(a)[1], lambda a: anp.linalg.slogdet(a)[1], SQUARE
    )
    yield rule(
        "linalg.slogdet",
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: anp.linalg.slogdet(a)[1],
        singular,
        point="ill-conditioned",
    )
    yield rule("linalg.solve", np.linalg.solve, anp.linalg.solve, SQUARE, normal(81, 4, 2))
    yield rule(
        "linalg.solve", np.linalg.solve, anp.linalg.solve, singular, normal(82, 3, 2), point="ill-conditioned"
    )
    yield rule("linalg.pinv", np.linalg.pinv, anp.linalg.pinv, MATRIX)
    yield rule("linalg.norm", np.linalg.norm, anp.linalg.norm, MATRIX)
    yield rule(
        "linalg.norm(axis)", lambda a: np.linalg.norm(a, axis=1), lambda a: anp.linalg.norm(a, axis=1), MATRIX
    )
    yield rule("linalg.norm(ord=3)", lambda a: np.linalg.norm(a, 3), lambda a: anp.linalg.norm(a, 3), X)
    yield rule(
        "linalg.norm(nuc)", lambda a: np.linalg.norm(a, "nuc"), lambda a: anp.linalg.norm(a, "nuc"), MATRIX
    )
    yield rule(
        "linalg.svd values",
        lambda a: np.linalg.svd(a, full_matrices=False)[1],
        lambda a: anp.linalg.svd(a, full_matrices=False)[1],
        MATRIX,
    )
    yield rule(
        "linalg.eigvals by symmetry",
        lambda a: np.linalg.eigh(a + a.T)[0],
        lambda a: anp.linalg.eigh(a + a.T)[0],
        SQUARE,
    )
    yield rule(
        "linalg.cholesky by symmetry",
        lambda a: np.linalg.cholesky(a @ a.T),
        lambda a: anp.linalg.cholesky(anp.matmul(a, a.T)),
        SQUARE,
    )
    yield rule(
        "linalg.cholesky", np.linalg.cholesky, anp.linalg.cholesky, SYMMETRIC, label="edge", reason=TRIANGLE
    )
    yield rule(
        "linalg.eigh values", lambda a: np.linalg.eigh(a)[0], lambda a: anp.linalg.eigh(a)[0], SYMMETRIC
    )
    solve = lambda n: lambda a, b: n.solve_triangular(a, b, lower=True)  # noqa: E731
    lower = np.tril(SQUARE)
    yield rule("solve_triangular", solve(scipy.linalg), solve(autograd.scipy.linalg), lower, normal(83, 4, 2))
    yield rule("sqrtm", lambda a: np.real(scipy.linalg.sqrtm(a)), autograd.scipy.linalg.sqrtm, SYMMETRIC)
    yield rule(
        "solve_sylvester",
        scipy.linalg.solve_sylvester,
        autograd.scipy.linalg.solve_sylvester,
        SQUARE,
        batch[0],
        normal(84, 4, 3),
    )


def special_functions() -> Iterator[Shipped]:
    """autograd.scipy.special."""
    one: dict[str, Array] = {
        **dict.fromkeys(("gammaln", "digamma", "gamma", "j0", "j1", "y0", "y1", "i0", "i1"), POSITIVE),
        **dict.fromkeys(("erf", "erfc", "expit", "rgamma"), X),
        "logit": PROBABILITY,
        "erfinv": UNIT,
        "erfcinv": 2 * PROBABILITY,
    }
    for name, x in one.items():
        yield rule(f"special.{name}", getattr(scipy.special, name), getattr(autograd.scipy.special, name), x)
    for name in ("beta", "betaln"):
        yield rule(
            f"special.{name}",
            getattr(scipy.special, name),
            getattr(autograd.scipy.special, name),
            POSITIVE,
            POSITIVE[::-1].copy(),
        )
    held: tuple[tuple[str, tuple[Any, ...], Array], ...] = (
        ("polygamma", (1,), POSITIVE), ("jn", (3,), POSITIVE), ("yn", (3,), POSITIVE), ("iv", (2.5,), POSITIVE),
        ("ive", (2.5,), POSITIVE), ("gammainc", (2.5,), POSITIVE), ("gammaincc", (2.5,), POSITIVE),
        ("betainc", (2.5, 1.5), PROBABILITY),
    )  # fmt: skip
    for name, before, x in held:
        plain, primitive = getattr(scipy.special, name), getattr(autograd.scipy.special, name)
        yield rule(
            f"special.{name}",
            lambda x, f=plain, b=before: f(*b, x),
            lambda x, f=primitive, b=before: f(*b, x),
            x,
        )
    for axis in (0, 1):
        yield rule(
            f"special.logsumexp(axis={axis})",
            lambda x, axis=axis: scipy.special.logsumexp(x, axis=axis),
            lambda x, axis=axis: autograd.scipy.special.logsumexp(x, axis=axis),
            MATRIX,
        )
    yield rule(
        "special.logsumexp",
        scipy.special.logsumexp,
        autograd.scipy.special.logsumexp,
        300 * MATRIX,
        point="saturated",
    )
    yield rule(
        "special.gammaln",
        scipy.special.gammaln,
        autograd.scipy.special.gammaln,
        np.array([1e-7, 1e7]),
        point="unscaled",
    )
    yield rule(
        "special.expit",
        scipy.special.expit,
        autograd.scipy.special.expit,
        np.array([-40.0, 18.0, 30.0]),
        point="saturated",
    )


def distributions() -> Iterator[Shipped]:
    """autograd.scipy.stats, by the point and by every parameter."""
    continuous: tuple[tuple[str, tuple[str, ...], tuple[Any, ...]], ...] = (
        ("norm", ("pdf", "cdf", "sf", "logpdf", "logcdf", "logsf"), (X, 0.3, 1.7)),
        ("t", ("pdf", "logpdf"), (X, 4.5, 0.2, 1.3)),
        ("gamma", ("pdf", "logpdf"), (POSITIVE, 2.3)),
        ("beta", ("pdf", "logpdf"), (PROBABILITY, 0.8, 0.6)),
    )
    for name, methods, args in continuous:
        inside: dict[str, Any] = {"within": (0.0, 1.0)} if name == "beta" else {}
        for method in methods:
            plain = getattr(getattr(scipy.stats, name), method)
            yield rule(
                f"stats.{name}.{method}",
                plain,
                getattr(getattr(autograd.scipy.stats, name), method),
                *args,
                **inside,
            )
    for method in ("pdf", "cdf", "logpdf"):
        for df in (3, 3.3):
            known = {"label": "wrong", "reason": ODD_FREEDOM} if df == 3.3 and method != "cdf" else {}
            yield rule(
                f"stats.chi2({df}).{method}", lambda x, m=method, df=df: getattr(scipy.stats.chi2, m)(x, df),
                lambda x, m=method, df=df: getattr(autograd.scipy.stats.chi2, m)(x, df), POSITIVE, **known,
            )  # fmt: skip
    for method in ("cdf", "logcdf"):
        yield rule(
            f"stats.t.{method}", lambda x, m=method: getattr(scipy.stats.t, m)(x, 4.5),
            lambda x, m=method: getattr(autograd.scipy.stats.t, m)(x, 4.5), X,
        )  # fmt: skip
    tails = np.array([-30.0, -12.0, 6.0])
    for method in ("logcdf", "logsf"):
        yield rule(
            f"stats.norm.{method}",
            getattr(scipy.stats.norm, method),
            getattr(autograd.scipy.stats.norm, method),
            tails,
            point="saturated",
        )
    k = np.array([0.0, 2, 3, 7, 1])
    yield rule(
        "stats.poisson.logpmf",
        lambda mu: scipy.stats.poisson.logpmf(k, mu),
        lambda mu: autograd.scipy.stats.poisson.logpmf(k, mu),
        POSITIVE,
    )
    p = np.array([0.2, 0.5, 0.3])
    yield rule(
        "stats.dirichlet.logpdf by alpha",
        lambda a: scipy.stats.dirichlet.logpdf(p, a),
        lambda a: autograd.scipy.stats.dirichlet.logpdf(p, a),
        POSITIVE[:3],
    )
    gaussian, traced = scipy.stats.multivariate_normal, autograd.scipy.stats.multivariate_normal
    yield rule(
        "stats.multivariate_normal.logpdf by x and mean",
        lambda x, m: gaussian.logpdf(x, m, SYMMETRIC),
        lambda x, m: traced.logpdf(x, m, SYMMETRIC),
        X[:4],
        POSITIVE[:4],
    )
    yield rule(
        "stats.multivariate_normal.logpdf by cov", lambda c: gaussian.logpdf(X[:4], POSITIVE[:4], c),
        lambda c: traced.logpdf(X[:4], POSITIVE[:4], c), SYMMETRIC, label="edge", reason=TRIANGLE,
    )  # fmt: skip
    yield rule(
        "stats.multivariate_normal.entropy",
        lambda c: gaussian.entropy(np.zeros(4), c),
        lambda c: traced.entropy(np.zeros(4), c),
        SYMMETRIC,
        label="edge",
        reason=TRIANGLE,
    )


def signals() -> Iterator[Shipped]:
    """Convolutions and transforms."""
    for mode in ("full", "valid"):
        yield rule(
            f"signal.convolve({mode})", lambda a, b, m=mode: scipy.signal.convolve(a, b, mode=m),
            lambda a, b, m=mode: autograd.scipy.signal.convolve(a, b, mode=m), normal(85, 6, 5), normal(86, 3, 2),
        )  # fmt: skip
    power = lambda n: lambda x: n.abs(n.fft.fft(x)) ** 2  # noqa: E731
    yield rule("fft.fft power", power(np), power(anp), normal(87, 8))
    back = lambda n: lambda x: n.real(n.fft.ifft(n.fft.fft(x) * np.exp(-np.arange(8))))  # noqa: E731
    yield rule("fft.ifft", back(np), back(anp), normal(88, 8))
    half = lambda n: lambda x: n.abs(n.fft.rfft(x))  # noqa: E731
    yield rule("fft.rfft", half(np), half(anp), normal(89, 8))
    plane = lambda n: lambda x: n.real(n.fft.fft2(x))  # noqa: E731
    yield rule("fft.fft2", plane(np), plane(anp), normal(90, 4, 4))
    yield rule("tanh of 1e5 entries", np.tanh, anp.tanh, uniform(91, -2, 2, 100_000))


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from elementary()
    yield from hostile_points()
    yield from shaped()
    yield from linear_algebra()
    yield from special_functions()
    yield from distributions()
    yield from signals()
