"""statsmodels' likelihoods: score and hessian of each model, also where its own fit ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import statsmodels.api as sm
from statsmodels.discrete import conditional_models, count_model, truncated_model
from statsmodels.discrete import discrete_model as discrete
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.genmod import families
from statsmodels.genmod.families import links
from statsmodels.othermod.betareg import BetaModel

from .shipped import Array, Shipped, normal

PACKAGE = "statsmodels"
ROWS, COLUMNS = 60, 4
WRONG_HESSIANS = {
    "NegativeBinomialP(p=1.5)": "the block between coefficients and alpha is right for p = 1 and p = 2 only",
    "NegativeBinomial(nb2)": "before a fit parameters end in log(alpha): score follows, hessian is by alpha",
    "NegativeBinomial(nb1)": "before a fit parameters end in log(alpha): score follows, hessian is by alpha",
    "ZeroInflatedPoisson": "the block between inflation and mean is overwritten by zeros",
}
EDGE_HESSIANS = {"TruncatedLFPoisson": "a numerical hessian, good to 1e-5"}


def design(rows: int, scales: Array | float = 1.0) -> Array:
    """A constant and three standard normal columns."""
    return np.column_stack([np.ones(rows), normal(41, rows, COLUMNS - 1)]) * scales


def targets(rows: int) -> dict[str, Array]:
    """Outcomes of every type, from one linear predictor, so that each model can be fitted."""
    rng = np.random.default_rng(42)
    eta = design(rows) @ np.array([0.3, 0.5, -0.4, 0.2])
    mean = np.exp(eta)
    return {
        "binary": (rng.uniform(size=rows) < 1 / (1 + np.exp(-eta))).astype(float),
        "classes": np.digitize(eta + rng.logistic(size=rows), [-0.5, 0.8]).astype(float),
        "counts": rng.negative_binomial(3, 3 / (3 + mean)).astype(float),
        "positive": rng.gamma(2.0, mean / 2) + 1e-3,
        "real": eta + rng.standard_normal(rows),
        "share": rng.beta(3 / (1 + np.exp(-eta)), 3 - 3 / (1 + np.exp(-eta))).clip(1e-3, 1 - 1e-3),
        "time": rng.exponential(1 / mean),
    }


def score_and_hessian(name: str, model: Any, params: Array, **known: Any) -> Iterator[Shipped]:
    """The pair every likelihood model ships."""
    yield Shipped(f"{name}.score", PACKAGE, "grad", model.loglike, model.score, (params,), 0, **known)
    # a fitted NegativeBinomial model takes alpha itself, and then its hessian is right
    cured = name.startswith("NegativeBinomial(") and known.get("point") == "fitted optimum"
    if name in WRONG_HESSIANS and not cured:
        known.update(label="wrong", reason=WRONG_HESSIANS[name])
    elif name in EDGE_HESSIANS:
        known.update(label="edge", reason=EDGE_HESSIANS[name])
    yield Shipped(f"{name}.hessian", PACKAGE, "jacobian", model.score, model.hessian, (params,), 0, **known)


def per_observation(name: str, model: Any, params: Array) -> Shipped:
    """The score row by row: a Jacobian of the log-likelihood vector."""
    return Shipped(f"{name}.score_obs", PACKAGE, "jacobian", model.loglikeobs, model.score_obs, (params,), 0)


def discrete_models(rows: int, X: Array) -> Iterator[tuple[str, Any, Array]]:
    """Name, model, parameters for every discrete model."""
    y = targets(rows)
    beta = np.array([0.2, 0.4, -0.3, 0.1])
    with_shape = np.append(beta, 0.6)
    yield "Logit", discrete.Logit(y["binary"], X), beta
    yield "Probit", discrete.Probit(y["binary"], X), beta
    yield "MNLogit", discrete.MNLogit(y["classes"], X), np.concatenate([beta, -beta[::-1]])
    yield "Poisson", discrete.Poisson(y["counts"], X), beta
    yield "NegativeBinomial(nb2)", discrete.NegativeBinomial(y["counts"], X, "nb2"), with_shape
    yield "NegativeBinomial(nb1)", discrete.NegativeBinomial(y["counts"], X, "nb1"), with_shape
    yield "NegativeBinomial(geometric)", discrete.NegativeBinomial(y["counts"], X, "geometric"), beta
    yield "NegativeBinomialP(p=1.5)", discrete.NegativeBinomialP(y["counts"], X, p=1.5), with_shape
    yield "NegativeBinomialP(p=2)", discrete.NegativeBinomialP(y["counts"], X, p=2), with_shape
    yield "GeneralizedPoisson", discrete.GeneralizedPoisson(y["counts"], X, p=1.5), with_shape


def discrete_everywhere() -> Iterator[Shipped]:
    """Ordinary point, fitted optimum, unscaled columns, 20,000 rows."""
    for name, model, params in discrete_models(ROWS, design(ROWS)):
        yield from score_and_hessian(name, model, params)
        if hasattr(model, "loglikeobs") and name != "MNLogit":
            yield per_observation(name, model, params)
    # models change with their fit, so these are other objects
    for name, model, _ in discrete_models(ROWS, design(ROWS)):
        fitted = np.asarray(model.fit(disp=False, maxiter=200).params).ravel(order="F")
        yield from score_and_hessian(name, model, fitted, point="fitted optimum")
    scales = np.array([1.0, 1e-4, 1e3, 1e6])
    for name, model, params in discrete_models(ROWS, design(ROWS, scales)):
        if name != "MNLogit":
            unscaled = np.concatenate([params[:COLUMNS] / scales, params[COLUMNS:]])
            yield from score_and_hessian(name, model, unscaled, point="unscaled columns")
    for name, model, params in discrete_models(20_000, design(20_000)):
        if name in ("Logit", "Probit", "Poisson"):
            yield from score_and_hessian(name, model, params, point="20,000 rows")


def generalised_linear() -> Iterator[Shipped]:
    """GLM: families by links, canonical and not."""
    y, X = targets(ROWS), design(ROWS)
    beta = np.array([0.9, 0.1, -0.15, 0.05])
    models = (
        ("Gaussian-identity", "real", families.Gaussian()),
        ("Binomial-logit", "binary", families.Binomial()),
        ("Binomial-probit", "binary", families.Binomial(links.Probit())),
        ("Binomial-cloglog", "binary", families.Binomial(links.CLogLog())),
        ("Poisson-log", "counts", families.Poisson()),
        ("Poisson-sqrt", "counts", families.Poisson(links.Sqrt())),
        ("Gamma-log", "positive", families.Gamma(links.Log())),
        ("Gamma-inverse", "positive", families.Gamma()),
        ("InverseGaussian-log", "positive", families.InverseGaussian(links.Log())),
        ("NegativeBinomial-log", "counts", families.NegativeBinomial(alpha=0.5)),
    )
    for name, target, family in models:
        model = sm.GLM(y[target], X, family=family)
        # the scale is an estimate from the data unless held: score and hessian are those at a given scale
        held = _AtScale(model, 1.0)
        yield from score_and_hessian(f"GLM({name})", held, beta)
        if name in ("Binomial-logit", "Poisson-log", "Gamma-log"):
            yield from score_and_hessian(
                f"GLM({name})", held, model.fit(tol=1e-12).params, point="fitted optimum"
            )


class _AtScale:
    """A GLM at a held dispersion."""

    def __init__(self, model: Any, scale: float) -> None:
        self.loglike = lambda params: model.loglike(params, scale=scale)
        self.score = lambda params: model.score(params, scale=scale)
        self.hessian = lambda params: model.hessian(params, scale=scale, observed=True)


def other_models() -> Iterator[Shipped]:
    """Least squares, proportional hazards, conditional logit, zero inflation, truncation, beta regression."""
    y, X = targets(ROWS), design(ROWS)
    beta = np.array([0.2, 0.4, -0.3, 0.1])
    ols = sm.OLS(y["real"], X)
    yield from score_and_hessian("OLS(scale=1)", _Held(ols, scale=1.0), beta)
    yield from score_and_hessian(
        "OLS(scale=1)", _Held(ols, scale=1.0), ols.fit().params, point="fitted optimum"
    )
    yield Shipped("OLS.score (profile)", PACKAGE, "grad", ols.loglike, ols.score, (beta,), 0)
    for ties in ("breslow", "efron"):
        hazards = PHReg(np.round(y["time"], 1) + 0.1, X[:, 1:], status=y["binary"], ties=ties)
        yield from score_and_hessian(f"PHReg({ties})", hazards, beta[1:])
        yield from score_and_hessian(f"PHReg({ties})", hazards, hazards.fit().params, point="fitted optimum")
    groups = np.repeat(np.arange(ROWS // 5), 5)
    for name in ("ConditionalLogit", "ConditionalPoisson"):
        target = y["binary"] if name == "ConditionalLogit" else y["counts"]
        model = getattr(conditional_models, name)(target, X[:, 1:], groups=groups)
        yield Shipped(f"{name}.score", PACKAGE, "grad", model.loglike, model.score, (beta[1:],), 0)
    inflated = count_model.ZeroInflatedPoisson(y["counts"], X, exog_infl=np.ones((ROWS, 1)))
    yield from score_and_hessian("ZeroInflatedPoisson", inflated, np.append(-0.4, beta))
    for kind in ("ZeroInflatedNegativeBinomialP", "ZeroInflatedGeneralizedPoisson"):
        model = getattr(count_model, kind)(y["counts"], X, exog_infl=np.ones((ROWS, 1)))
        yield Shipped(
            f"{kind}.score",
            PACKAGE,
            "grad",
            model.loglike,
            model.score,
            (np.concatenate([[-0.4], beta, [0.6]]),),
            0,
        )
    some = y["counts"] > 0
    truncated = truncated_model.TruncatedLFPoisson(y["counts"][some], X[some])
    yield from score_and_hessian("TruncatedLFPoisson", truncated, beta)
    shares = BetaModel(y["share"], X)
    yield from score_and_hessian("BetaModel", shares, np.append(beta, 1.0))


class _Held:
    """A linear model at a held scale."""

    def __init__(self, model: Any, scale: float) -> None:
        residual = lambda params: model.endog - model.exog @ params  # noqa: E731
        self.loglike = lambda params: -0.5 * residual(params) @ residual(params) / scale
        self.score = lambda params: model.score(params, scale=scale)
        self.hessian = lambda params: model.hessian(params, scale=scale)


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from discrete_everywhere()
    yield from generalised_linear()
    yield from other_models()
