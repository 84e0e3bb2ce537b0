"""scikit-learn's pointwise losses: gradient by the raw prediction, and hessian as the gradient's derivative."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn._loss import loss as losses
from sklearn.linear_model import _sgd_fast as sgd

from .shipped import Array, Shipped, elementwise, normal, uniform

PACKAGE = "scikit-learn"

REAL, POSITIVE, UNIT = normal(1, 7), uniform(2, 0.2, 5.0, 7), uniform(3, 0.05, 0.95, 7)
RAW = normal(4, 7)

# loss, targets in its domain, raw predictions in its domain
POINTWISE: tuple[tuple[Any, Array, Array], ...] = (
    (losses.HalfSquaredError(), REAL, RAW),
    (losses.AbsoluteError(), REAL, RAW),
    (losses.PinballLoss(quantile=0.3), REAL, RAW),
    (losses.HuberLoss(delta=0.3), REAL, RAW),
    (losses.HalfPoissonLoss(), POSITIVE, RAW),
    (losses.HalfGammaLoss(), POSITIVE, RAW),
    (losses.HalfTweedieLoss(power=1.5), POSITIVE, RAW),
    (losses.HalfTweedieLoss(power=2.5), POSITIVE, RAW),
    (losses.HalfTweedieLossIdentity(power=1.5), POSITIVE, POSITIVE[::-1].copy()),
    (losses.HalfTweedieLossIdentity(power=0), REAL, RAW),
    (losses.HalfBinomialLoss(), UNIT, RAW),
    (losses.ExponentialLoss(), UNIT, RAW),
)
STAND_IN = "approx_hessian: the package returns 1 by design, where the second derivative is 0"
LINEAR = ("AbsoluteError", "PinballLoss")


def title(loss: Any) -> str:
    """The loss with its parameter, where it has one."""
    name = type(loss).__name__
    for parameter in ("power", "quantile", "delta"):
        value = getattr(loss.closs, parameter, None)
        if value is not None:
            return f"{name}({parameter}={value:g})"
    return name


def first(loss: Any, y: Array, raw: Array, **known: Any) -> Shipped:
    """Loss and gradient, as a user calls them: targets and predictions of one dtype."""
    return elementwise(
        f"{title(loss)}.gradient", PACKAGE, loss.loss, loss.gradient, y, raw, argnum=1, **known
    )


def second(loss: Any, y: Array, raw: Array, **known: Any) -> Shipped:
    """Gradient and hessian."""

    def hessian(y: Array, raw: Array) -> Array:
        return loss.gradient_hessian(y, raw)[1]

    return elementwise(f"{title(loss)}.hessian", PACKAGE, loss.gradient, hessian, y, raw, argnum=1, **known)


def weighted(loss: Any, y: Array, raw: Array) -> Shipped:
    """Loss and gradient in one call, with sample weights from 1e-3 to 1e3."""
    weights = np.logspace(-3, 3, len(y))
    return elementwise(
        f"{title(loss)}.loss_gradient(sample_weight)", PACKAGE,
        lambda y, raw: loss.loss(y, raw, sample_weight=weights),
        lambda y, raw: loss.loss_gradient(y, raw, sample_weight=weights)[1],
        y, raw, argnum=1,
    )  # fmt: skip


def pointwise() -> Iterator[Shipped]:
    """Every loss at an ordinary point, weighted, in float32, saturated and with 20,000 rows."""
    for loss, y, raw in POINTWISE:
        yield first(loss, y, raw)
        yield weighted(loss, y, raw)
        yield first(loss, y.astype(np.float32), raw.astype(np.float32), point="float32")
        if title(loss).startswith(LINEAR):
            yield second(loss, y, raw, label="wrong", reason=STAND_IN)
        else:
            yield second(loss, y, raw)
            yield second(loss, y.astype(np.float32), raw.astype(np.float32), point="float32")
        repeats = 20_000 // len(y) + 1
        yield first(loss, np.tile(y, repeats), np.tile(raw, repeats), point="20,000 rows")
    yield from saturated()
    yield from beside_kinks()


def saturated() -> Iterator[Shipped]:
    """Predictions far out, where log1p(exp(.)) has branches."""
    far = np.array([-40.0, -37.5, -12.0, -2.5, 1.0, 14.0, 20.0, 30.0])
    y = uniform(5, 0.05, 0.95, len(far))
    for loss in (losses.HalfBinomialLoss(), losses.ExponentialLoss()):
        yield first(loss, y, far, point="saturated")
        yield second(loss, y, far, point="saturated")
    yield first(
        losses.HalfPoissonLoss(), np.full(4, 3.0), np.array([-20.0, -5.0, 9.0, 17.0]), point="saturated"
    )
    yield first(losses.HalfGammaLoss(), np.full(4, 3.0), np.array([-9.0, -5.0, 9.0, 17.0]), point="saturated")
    fitted = np.log(POSITIVE)
    for loss in (losses.HalfPoissonLoss(), losses.HalfGammaLoss(), losses.HalfTweedieLoss(power=1.5)):
        yield first(loss, POSITIVE, fitted, point="fitted optimum")
    yield first(losses.HalfSquaredError(), 1e6 + REAL, 1e6 + RAW, point="large offset")
    yield first(losses.HalfSquaredError(), 1e-8 * REAL, 1e-8 * RAW, point="tiny scale")


def beside_kinks() -> Iterator[Shipped]:
    """Residuals 1e-7 from a kink, both sides."""
    beside = REAL + np.resize([1e-7, -1e-7], len(REAL))
    yield first(losses.AbsoluteError(), REAL, beside, point="kink at 1e-7")
    yield first(losses.PinballLoss(quantile=0.3), REAL, beside, point="kink at 1e-7")
    edge = REAL + np.resize([0.3 + 1e-7, -0.3 + 1e-7], len(REAL))
    yield first(losses.HuberLoss(delta=0.3), REAL, edge, point="kink at 1e-7")


def multinomial() -> Iterator[Shipped]:
    """The one loss whose gradient couples columns: a pullback of the loss vector row by row."""
    loss = losses.HalfMultinomialLoss(n_classes=4)
    y, raw = np.array([0.0, 3, 2, 2, 1, 0]), normal(6, 6, 4)

    def pullback(cotangent: Array, y: Array, raw: Array) -> Array:
        return cotangent[:, None] * loss.gradient(y, raw)

    def pullback_proba(cotangent: Array, y: Array, raw: Array) -> Array:
        return cotangent[:, None] * loss.gradient_proba(y, raw)[0]

    def pullback_hessian(cotangent: Array, y: Array, raw: Array) -> Array:
        return cotangent * loss.gradient_hessian(y, raw)[1]

    grad = Shipped("HalfMultinomialLoss.gradient", PACKAGE, "vjp", loss.loss, pullback, (y, raw), 1)
    yield grad
    yield Shipped(
        "HalfMultinomialLoss.gradient_proba", PACKAGE, "vjp", loss.loss, pullback_proba, (y, raw), 1
    )
    yield grad.at("float32", y.astype(np.float32), raw.astype(np.float32))
    yield grad.at("saturated", y, 30 * raw)
    yield grad.at("large offset", y, raw + 1e6)
    yield grad.at("20,000 rows", np.resize(y, 20_000), normal(7, 20_000, 4))
    yield Shipped(
        "HalfMultinomialLoss.hessian", PACKAGE, "vjp", loss.gradient, pullback_hessian, (y, raw), 1,
        "wrong", "only the diagonal of each row's hessian",
    )  # fmt: skip


def stochastic() -> Iterator[Shipped]:
    """SGD's scalar losses, as the pair of Python methods the package tests itself by."""
    pairs = (
        (sgd.ModifiedHuber(), 1.0, (0.3, -2.5, 1.0 - 1e-7)),
        (sgd.SquaredHinge(1.0), 1.0, (0.3, -2.5, 1.0 - 1e-7)),
        (sgd.Hinge(1.0), -1.0, (0.3, -2.5, -1.0 - 1e-7)),
        (sgd.EpsilonInsensitive(0.1), 0.5, (0.3, -2.5, 0.6 + 1e-7)),
        (sgd.SquaredEpsilonInsensitive(0.1), 0.5, (0.3, -2.5, 0.6 + 1e-7)),
    )
    for loss, y, predictions in pairs:
        for p in predictions:
            yield Shipped(
                f"{type(loss).__name__}.py_dloss(p={p:.2g})", PACKAGE, "grad", loss.py_loss, loss.py_dloss,
                (p, y), 0, point="kink at 1e-7" if p == predictions[-1] else "",
            )  # fmt: skip


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from pointwise()
    yield from multinomial()
    yield from stochastic()
