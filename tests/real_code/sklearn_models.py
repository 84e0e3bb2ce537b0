"""scikit-learn's models: linear losses, backprop, kernels, Gaussian processes, t-SNE, NCA, Huber, FastICA."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn._loss import loss as losses
from sklearn.decomposition import _fastica as ica
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.linear_model._huber import _huber_loss_and_gradient
from sklearn.linear_model._linear_loss import LinearModelLoss
from sklearn.manifold import _t_sne as tsne
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network._base import DERIVATIVES

from .shipped import Array, Shipped, elementwise, normal, uniform

PACKAGE = "scikit-learn"
ROWS, COLUMNS = 40, 5

TSNE_POWER = "the kernel's power (df + 1) / 2 stands where its gradient has power 1: right for df = 1 only"
CLIPPED = "the loss clips probabilities at eps and is flat there; its gradient is that of the unclipped loss"
UNFINISHED = (
    "more than a quarter of the rows without curvature: by design it returns before the hessian is computed, and says "
    "so by hessian_warning; the figure is what the memory held, another one each time"
)


def value(pair: Any) -> Any:
    """First of (value, gradient)."""
    return lambda *args: pair(*args)[0]


def gradient(pair: Any) -> Any:
    """Second of (value, gradient)."""
    return lambda *args: pair(*args)[1]


def linear_data(rows: int) -> tuple[Array, dict[str, Array]]:
    """Columns and a target for each loss."""
    X = normal(51, rows, COLUMNS)
    eta = X @ np.array([0.5, -0.3, 0.2, 0.0, 0.1]) + 0.2
    rng = np.random.default_rng(52)
    return X, {
        "HalfSquaredError": eta + rng.standard_normal(rows),
        "HuberLoss": eta + rng.standard_normal(rows),
        "HalfPoissonLoss": rng.poisson(np.exp(eta)).astype(float),
        "HalfGammaLoss": rng.gamma(2.0, np.exp(eta) / 2),
        "HalfTweedieLoss": rng.gamma(2.0, np.exp(eta) / 2),
        "HalfBinomialLoss": (rng.uniform(size=rows) < 1 / (1 + np.exp(-eta))).astype(float),
        "HalfMultinomialLoss": rng.integers(0, 3, rows).astype(float),
    }


def linear_models() -> Iterator[Shipped]:
    """The objective of every linear model fitted by its gradient, with L2 penalty and intercept."""
    X, targets = linear_data(ROWS)
    many, many_targets = linear_data(20_000)
    scales = np.array([1e-6, 1e-3, 1.0, 1e3, 1e6])
    for name, y in targets.items():
        multiclass = name == "HalfMultinomialLoss"
        base = getattr(losses, name)(**({"n_classes": 3} if multiclass else {}))
        model = LinearModelLoss(base, fit_intercept=True)
        size = (COLUMNS + 1) * (3 if multiclass else 1)
        coef = 0.3 * normal(53, size)
        if multiclass:
            coef = np.asfortranarray(coef.reshape(3, -1))
        pair = partial(model.loss_gradient, X=X, y=y, l2_reg_strength=0.1)
        title = f"LinearModelLoss({name})"
        plain = Shipped(f"{title}.loss_gradient", PACKAGE, "grad", value(pair), gradient(pair), (coef,), 0)
        yield plain

        flat = (lambda c, p=pair: p(c.reshape(3, -1, order="F"))) if multiclass else pair
        best = minimize(
            lambda c, p=flat: (p(c)[0], np.ravel(p(c)[1], order="F")),
            coef.ravel(order="F"),
            jac=True,
            tol=1e-10,
        ).x
        yield plain.at(
            "fitted optimum", np.asfortranarray(best.reshape(3, -1, order="F")) if multiclass else best
        )

        unscaled = partial(model.loss_gradient, X=X * scales, y=y)
        at = coef / np.append(scales, 1.0)
        yield Shipped(
            f"{title}.loss_gradient",
            PACKAGE,
            "grad",
            value(unscaled),
            gradient(unscaled),
            (at,),
            0,
            point="unscaled columns",
        )

        big = partial(model.loss_gradient, X=many, y=many_targets[name])
        yield Shipped(
            f"{title}.loss_gradient",
            PACKAGE,
            "grad",
            value(big),
            gradient(big),
            (coef,),
            0,
            point="20,000 rows",
        )

        X32, y32 = X.astype(np.float32), y.astype(np.float32)
        single = partial(model.loss_gradient, X=X32, y=y32, l2_reg_strength=np.float32(0.1))
        at32 = coef.astype(np.float32)
        yield Shipped(
            f"{title}.loss_gradient",
            PACKAGE,
            "grad",
            value(single),
            gradient(single),
            (at32,),
            0,
            point="float32",
        )
        yield from second_order(title, model, coef, X, y, multiclass)


def second_order(
    title: str, model: Any, coef: Array, X: Array, y: Array, multiclass: bool
) -> Iterator[Shipped]:
    """Hessian and hessian product of the same objective."""
    fixed = {"X": X, "y": y, "l2_reg_strength": 0.1}
    grad = partial(model.gradient, **fixed)
    product = partial(model.gradient_hessian_product, **fixed)

    def hvp(coef: Array, direction: Array) -> Array:
        return product(coef)[1](direction)

    def jvp(direction: Array, coef: Array) -> Array:
        return product(coef)[1](direction)

    yield Shipped(f"{title}.gradient_hessian_product", PACKAGE, "jvp", grad, jvp, (coef,), 0)
    if not multiclass:
        hessian = lambda coef: model.gradient_hessian(coef, **fixed)[1]  # noqa: E731
        known = {"label": "wrong", "reason": UNFINISHED} if "Huber" in title else {}
        yield Shipped(f"{title}.gradient_hessian", PACKAGE, "jacobian", grad, hessian, (coef,), 0, **known)


def backprop_pair(net: Any, X: Array, y: Array) -> tuple[Any, Array]:
    """The function L-BFGS sees inside an MLP, and where it stands."""
    state: dict[str, Any] = {}

    class Stop(Exception):
        pass

    def capture(packed: Array, *args: Any) -> Any:
        state["packed"], state["args"] = np.array(packed), args
        raise Stop

    inner = net._loss_grad_lbfgs
    net._loss_grad_lbfgs = capture
    try:
        net.fit(X, y)
    except Stop:
        pass
    finally:
        del net._loss_grad_lbfgs
    args = state["args"]
    return (lambda packed: inner(packed, *args)), state["packed"]


def networks() -> Iterator[Shipped]:
    """MLP's backprop: activations by losses, at the start and where training ends."""
    X = normal(54, 30, 4)
    real = np.tanh(X @ normal(55, 4))
    tasks: tuple[tuple[str, Any, Any], ...] = (
        ("squared_error", MLPRegressor, real),
        ("poisson", partial(MLPRegressor, loss="poisson"), np.exp(real)),
        ("binary", MLPClassifier, (real > 0).astype(int)),
        ("multiclass", MLPClassifier, np.digitize(real, [-0.4, 0.4])),
    )
    for activation in ("identity", "logistic", "tanh", "relu"):
        for task, kind, y in tasks:
            settings = {
                "hidden_layer_sizes": (6, 5),
                "activation": activation,
                "alpha": 0.01,
                "solver": "lbfgs",
            }
            pair, start = backprop_pair(kind(**settings, random_state=1), X, y)
            net = Shipped(
                f"MLP({activation}, {task})._backprop",
                PACKAGE,
                "grad",
                value(pair),
                gradient(pair),
                (start,),
                0,
            )
            yield net
            trained = minimize(pair, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
            yield net.at("trained", trained)
            wild = X * np.array([1e-3, 1.0, 1e2, 1e4])
            pair, start = backprop_pair(kind(**settings, random_state=1), wild, y)
            unbounded = activation in ("identity", "relu")
            known = {"label": "wrong", "reason": CLIPPED} if unbounded and kind is MLPClassifier else {}
            if task != "poisson":
                functions = value(pair), gradient(pair)
                yield Shipped(
                    net.name, PACKAGE, "grad", *functions, (start,), 0, point="unscaled columns", **known
                )


def activation_derivatives() -> Iterator[Shipped]:
    """The in-place factors backprop multiplies by, written in terms of the output."""
    z = normal(56, 5, 3)
    forward = {
        "logistic": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
        "relu": lambda z: np.maximum(z, 0),
    }
    for name, f in forward.items():

        def pullback(cotangent: Array, z: Array, f: Any = f, name: str = name) -> Array:
            delta = cotangent.copy()
            DERIVATIVES[name](f(z), delta)
            return delta

        pair = Shipped(f"inplace_{name}_derivative", PACKAGE, "vjp", f, pullback, (z,), 0)
        yield pair
        yield pair.at("float32", z.astype(np.float32))
        yield pair.at("saturated", 12 * z)


def kernel_gradients() -> Iterator[Shipped]:
    """Each kernel's gradient by the logarithms of its hyperparameters."""
    X = normal(57, 6, 2)
    everything = {
        "RBF": kernels.RBF(0.8),
        "RBF(ard)": kernels.RBF([0.8, 2.1]),
        "Matern(0.5)": kernels.Matern(0.9, nu=0.5),
        "Matern(1.5)": kernels.Matern([0.9, 1.7], nu=1.5),
        "Matern(2.5)": kernels.Matern([0.9, 1.7], nu=2.5),
        "Matern(inf)": kernels.Matern(0.9, nu=np.inf),
        "RationalQuadratic": kernels.RationalQuadratic(0.9, 1.3),
        "ExpSineSquared": kernels.ExpSineSquared(0.9, 1.7),
        "DotProduct": kernels.DotProduct(0.6),
        "ConstantKernel": kernels.ConstantKernel(1.7),
        "WhiteKernel": kernels.WhiteKernel(0.3),
        "Sum": kernels.RBF(0.8) + kernels.WhiteKernel(0.2),
        "Product": kernels.ConstantKernel(2.0) * kernels.RationalQuadratic(0.9, 1.3),
        "Exponentiation": kernels.RBF(0.8) ** 2.5,
        "Matern(0.7)": kernels.Matern(0.9, nu=0.7),
    }
    for name, kernel in everything.items():
        known = (
            {"label": "edge", "reason": "general nu: a one-sided difference, good to 1e-5"}
            if name == "Matern(0.7)"
            else {}
        )
        yield Shipped(
            f"{name}.eval_gradient", PACKAGE, "jacobian",
            lambda theta, k=kernel: k.clone_with_theta(theta)(X),
            lambda theta, k=kernel: k.clone_with_theta(theta)(X, eval_gradient=True)[1],
            (kernel.theta,), 0, **known,
        )  # fmt: skip


def gaussian_processes() -> Iterator[Shipped]:
    """Log marginal likelihoods, where fitting starts and where it ends, with much and with hardly any noise."""
    X = normal(58, 25, 2)
    y = np.sin(X[:, 0]) + 0.1 * normal(59, 25)
    kernel = kernels.ConstantKernel(1.5) * kernels.RBF([0.7, 1.4]) + kernels.WhiteKernel(0.1)
    for name, kind, target in (
        ("Regressor", GaussianProcessRegressor, y),
        ("Classifier", GaussianProcessClassifier, (y > 0).astype(int)),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            start = kind(kernel, optimizer=None).fit(X, target)
            fitted = kind(kernel).fit(X, target)
        for model, at in ((start, ""), (fitted, "fitted optimum")):
            yield Shipped(
                f"GaussianProcess{name}.log_marginal_likelihood", PACKAGE, "grad",
                lambda theta, m=model: float(m.log_marginal_likelihood(theta)),
                lambda theta, m=model: m.log_marginal_likelihood(theta, eval_gradient=True)[1],
                (np.array(model.kernel_.theta),), 0, point=at,
            )  # fmt: skip
    smooth = GaussianProcessRegressor(kernels.RBF(2.0), alpha=1e-9, optimizer=None).fit(X, np.sin(X[:, 0]))
    yield Shipped(
        "GaussianProcessRegressor.log_marginal_likelihood", PACKAGE, "grad",
        lambda theta: float(smooth.log_marginal_likelihood(theta)),
        lambda theta: smooth.log_marginal_likelihood(theta, eval_gradient=True)[1],
        (np.log([1.0]),), 0, point="ill-conditioned",
    )  # fmt: skip


def embeddings() -> Iterator[Shipped]:
    """t-SNE's exact and approximate gradients, and neighbourhood components."""
    points = 12
    X = normal(60, points, 5)
    P = tsne._joint_probabilities(_square(X), 4.0, 0)
    for freedom in (1, 2):
        pair = partial(tsne._kl_divergence, P=P, degrees_of_freedom=freedom, n_samples=points, n_components=2)
        start = normal(61, 2 * points)
        known = {} if freedom == 1 else {"label": "wrong", "reason": TSNE_POWER}
        title = f"TSNE._kl_divergence(df={freedom})"
        plain = Shipped(title, PACKAGE, "grad", value(pair), gradient(pair), (start,), 0, **known)
        yield plain
        # where all points nearly coincide every power of the distances' kernel is 1, also the wrong one
        yield plain.at("collapsed start", 1e-4 * start, label="right" if freedom == 1 else "edge")
        yield plain.at("fitted optimum", minimize(pair, start, jac=True).x)
    skipped = partial(pair, skip_num_points=3)
    yield Shipped(
        "TSNE._kl_divergence(skip_num_points=3)", PACKAGE, "grad", value(skipped),
        lambda params: np.concatenate([np.zeros(6), skipped(params)[1][6:]]), (start,), 0,
        "wrong", "the points held fixed get no gradient, by design",
    )  # fmt: skip
    y = np.arange(20) % 3
    X = normal(62, 20, 4)
    nca = NeighborhoodComponentsAnalysis()
    nca.n_iter_ = 1
    pair = lambda A: nca._loss_grad_lbfgs(A, X, y[:, None] == y[None], -1.0)  # noqa: E731
    plain = Shipped(
        "NCA._loss_grad_lbfgs", PACKAGE, "grad", value(pair), gradient(pair), (0.5 * normal(63, 8),), 0
    )
    yield plain
    yield plain.at("fitted optimum", minimize(pair, plain.args[0], jac=True).x)
    yield plain.at("saturated", 20 * plain.args[0])


def _square(X: Array) -> Array:
    return np.sum((X[:, None] - X[None]) ** 2, axis=2)


def robust_and_independent() -> Iterator[Shipped]:
    """Huber regression with its scale, FastICA's contrast functions by a shift of their argument."""
    X, y = normal(64, 30, 3), normal(65, 30) * np.where(np.arange(30) % 7, 1, 20)
    pair = lambda w: _huber_loss_and_gradient(w, X, y, 1.35, 0.01, np.ones(30))  # noqa: E731
    plain = Shipped(
        "_huber_loss_and_gradient",
        PACKAGE,
        "grad",
        value(pair),
        gradient(pair),
        (np.array([0.2, -0.4, 0.1, 0.3, 1.2]),),
        0,
    )
    yield plain
    bounds = [(None, None)] * 4 + [(1e-3, None)]
    yield plain.at(
        "fitted optimum", minimize(pair, plain.args[0], jac=True, method="L-BFGS-B", bounds=bounds).x
    )
    x = uniform(66, -2, 2, 2, 9)
    for name, function in (("_logcosh", ica._logcosh), ("_exp", ica._exp), ("_cube", ica._cube)):
        call = partial(function, fun_args={})
        yield elementwise(
            f"FastICA.{name}", PACKAGE,
            lambda shift, g=call: g(x + shift[:, None])[0].mean(axis=1), lambda shift, g=call: g(x + shift[:, None])[1],
            np.array([0.1, -0.2]),
        )  # fmt: skip


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from linear_models()
    yield from networks()
    yield from activation_derivatives()
    yield from kernel_gradients()
    yield from gaussian_processes()
    yield from embeddings()
    yield from robust_and_independent()
