"""Finance, survival, ecology, chemistry: formulas with special functions, ratios, rates and recursions."""

import math

import numpy as np
from scipy import special

from .specimen import Book

book = Book("heldout_finance")


def normal_cdf(x):
    return 0.5 * special.erfc(-x / math.sqrt(2))


def call_price(S, K, sigma, T, r):
    d1 = (np.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * np.sqrt(T))
    return np.sum(S * normal_cdf(d1) - K * np.exp(-r * T) * normal_cdf(d1 - sigma * np.sqrt(T)))


def greeks(S, K, sigma, T, r):
    root = np.sqrt(T)
    d1 = (np.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * root)
    d2 = d1 - sigma * root
    density = np.exp(-0.5 * d1**2) / math.sqrt(2 * math.pi)
    money = K * np.exp(-r * T) * normal_cdf(d2)
    theta = 0.5 * S * density * sigma / root + r * money
    return normal_cdf(d1), S * density * root, theta, np.sum(T * money)


def options():
    return (
        np.array([100.0, 95.0, 130.0]), np.array([105.0, 90.0, 100.0]), np.array([0.2, 0.35, 0.15]),
        np.array([0.5, 1.5, 0.25]), 0.03,
    )  # fmt: skip


def deep_out_of_the_money():
    S, K, sigma, T, r = options()
    return S, 2.5 * K, sigma, T, r


shares = book.system("black_scholes", call_price, greeks, options, argnums=(0, 2, 3, 4))
shares.right("deep out of the money", deep_out_of_the_money)


@shares.wrong("vega without its root", "other", "scale", leaf="sigma")
def _(S, K, sigma, T, r):
    a, b, c, d = greeks(S, K, sigma, T, r)
    return a, b / np.sqrt(T), c, d


@shares.wrong("theta by the market's sign", "sign", leaf="T")
def _(S, K, sigma, T, r):
    a, b, c, d = greeks(S, K, sigma, T, r)
    return a, b, -c, d


@shares.wrong("delta of the other d", "other", leaf="S")
def _(S, K, sigma, T, r):
    a, b, c, d = greeks(S, K, sigma, T, r)
    return normal_cdf(special.ndtri(a) - sigma * np.sqrt(T)), b, c, d


@shares.wrong("deep, rho averaged", "scale", leaf="r", point=deep_out_of_the_money)
def _(S, K, sigma, T, r):
    a, b, c, d = greeks(S, K, sigma, T, r)
    return a, b, c, d / 3


@shares.wrong("vega per cent", "scale", leaf="sigma")
def _(S, K, sigma, T, r):
    a, b, c, d = greeks(S, K, sigma, T, r)
    return a, b / 100, c, d


def portfolio(w, C, mu):
    return (mu @ w - 0.01) / np.sqrt(w @ C @ w)


def portfolio_grad(w, C, mu):
    v = w @ C @ w
    return mu / np.sqrt(v) - (mu @ w - 0.01) * (C @ w) / v**1.5


def holdings():
    r = np.random.default_rng(221)
    A = r.normal(size=(4, 6)) / 10
    return r.dirichlet(np.ones(4)), A @ A.T, r.normal(size=4) / 20


sharpe = book.system("sharpe_ratio", portfolio, portfolio_grad, holdings, argnums=0)


@sharpe.wrong("risk taken for a constant", "missing_term", "other", leaf="w")
def _(w, C, mu):
    return mu / np.sqrt(w @ C @ w)


@sharpe.wrong("variance's two not cancelled", "other", "missing_term", leaf="w")
def _(w, C, mu):
    v = w @ C @ w
    return mu / np.sqrt(v) - (mu @ w - 0.01) * 2 * (C @ w) / v**1.5


@sharpe.wrong("riskless rate forgotten", "other", "missing_term", leaf="w")
def _(w, C, mu):
    v = w @ C @ w
    return mu / np.sqrt(v) - (mu @ w) * (C @ w) / v**1.5


def garch(p, returns):
    h, total = 0.04, 0.0
    for x in returns:
        h = p[0] + p[1] * x**2 + p[2] * h
        total = total + 0.5 * (np.log(h) + x**2 / h)
    return total


def garch_grad(p, returns, carry=True):
    h, dh, g = 0.04, np.zeros_like(p), np.zeros_like(p)
    for x in returns:
        dh = np.stack([np.ones_like(p[0]), x**2 * np.ones_like(p[0]), h + 0 * p[0]]) + (
            p[2] * dh if carry else 0
        )
        h = p[0] + p[1] * x**2 + p[2] * h
        g = g + 0.5 * (1 / h - x**2 / h**2) * dh
    return g


def market():
    return np.array([0.01, 0.1, 0.8]), 0.3 * np.random.default_rng(222).normal(size=30)


volatility = book.system("garch", garch, garch_grad, market, argnums=0)


@volatility.wrong("recursion not differentiated", "other", "missing_term", leaf="p")
def _(p, returns):
    return garch_grad(p, returns, carry=False)


@volatility.wrong("persistence a thousandth off", "single_entry", leaf="p", entry=(2,))
def _(p, returns):
    return garch_grad(p, returns) * [1, 1, 1.001]


@volatility.wrong("first return forgotten", "other", "missing_term", leaf="p")
def _(p, returns):
    h, dh, g = 0.04, np.zeros_like(p), np.zeros_like(p)
    for k, x in enumerate(returns):
        dh = np.array([1.0, x**2, h]) + p[2] * dh
        h = p[0] + p[1] * x**2 + p[2] * h
        if k:
            g += 0.5 * (1 / h - x**2 / h**2) * dh
    return g


def cox(beta, X, order):
    # partial likelihood, samples sorted by event time
    eta = (X @ beta)[order]
    m = eta.max()
    risk = np.cumsum(np.exp(eta - m)[::-1])[::-1]
    return np.sum(np.log(risk) + m - eta)


def cox_grad(beta, X, order):
    Z = X[order]
    eta = Z @ beta
    e = np.exp(eta - eta.max())
    risk = np.cumsum(e[::-1])[::-1]
    weighted = np.cumsum((e[:, None] * Z)[::-1], axis=0)[::-1]
    return np.sum(weighted / risk[:, None] - Z, axis=0)


def patients():
    r = np.random.default_rng(223)
    return r.normal(size=3), r.normal(size=(12, 3)), r.permutation(12)


hazard = book.system("cox", cox, cox_grad, patients, argnums=0)


@hazard.wrong("all always at risk", "other", leaf="beta")
def _(beta, X, order):
    e = np.exp(X @ beta)
    return len(X) * (e @ X) / e.sum() - X.sum(axis=0)


@hazard.wrong("summed from the front", "other", leaf="beta")
def _(beta, X, order):
    Z = X[order]
    e = np.exp(Z @ beta)
    return np.sum(np.cumsum(e[:, None] * Z, axis=0) / np.cumsum(e)[:, None] - Z, axis=0)


@hazard.wrong("data in file order", "other", leaf="beta")
def _(beta, X, order):
    return cox_grad(beta, X, np.arange(len(X)))


def negative_binomial(log_mu, log_r, k):
    mu, r = np.exp(log_mu), np.exp(log_r)
    return -np.sum(
        special.gammaln(k + r) - special.gammaln(r) - special.gammaln(k + 1)
        + r * np.log(r / (r + mu)) + k * np.log(mu / (r + mu))
    )  # fmt: skip


def negative_binomial_precise(log_mu, log_r, k):
    mu, r = np.exp(log_mu), np.exp(log_r)
    return -np.sum(
        special.loggamma(k + r) - special.loggamma(r) + r * np.log(r / (r + mu)) + k * np.log(mu / (r + mu))
    )


def negative_binomial_grad(log_mu, log_r, k):
    mu, r = np.exp(log_mu), np.exp(log_r)
    dr = special.digamma(k + r) - special.digamma(r) + np.log(r / (r + mu)) + 1 - (r + k) / (r + mu)
    return -(k - mu * (r + k) / (r + mu)), -r * np.sum(dr)


def counts():
    r = np.random.default_rng(224)
    return 1 + 0.3 * r.normal(size=7), 0.4, r.poisson(3, size=7).astype(float)


overdispersed = book.system(
    "negative_binomial", negative_binomial, negative_binomial_grad, counts, argnums=(0, 1),
    precise=negative_binomial_precise,
)  # fmt: skip


@overdispersed.wrong("logarithm's derivative forgotten", "scale", leaf="log_r")
def _(log_mu, log_r, k):
    dm, dr = negative_binomial_grad(log_mu, log_r, k)
    return dm, dr / np.exp(log_r)


@overdispersed.wrong("dispersion averaged", "scale", leaf="log_r")
def _(log_mu, log_r, k):
    dm, dr = negative_binomial_grad(log_mu, log_r, k)
    return dm, dr / len(k)


@overdispersed.wrong("Poisson's gradient", "other", leaf="log_mu")
def _(log_mu, log_r, k):
    _, dr = negative_binomial_grad(log_mu, log_r, k)
    return np.exp(log_mu) - k, dr


@overdispersed.wrong("digamma by its asymptote", "small_relative", "other", leaf="log_r")
def _(log_mu, log_r, k):
    def psi(x):
        return np.log(x) - 1 / (2 * x) - 1 / (12 * x**2)

    mu, r = np.exp(log_mu), np.exp(log_r)
    dr = psi(k + r) - psi(r) + np.log(r / (r + mu)) + 1 - (r + k) / (r + mu)
    return negative_binomial_grad(log_mu, log_r, k)[0], -r * np.sum(dr)


def michaelis(vmax, km, ki, S, v):
    return np.sum((vmax * S / (km + S + S**2 / ki) - v) ** 2)


def michaelis_grad(vmax, km, ki, S, v):
    d = km + S + S**2 / ki
    e = 2 * (vmax * S / d - v)
    return np.sum(e * S / d), -np.sum(e * vmax * S / d**2), np.sum(e * vmax * S / d**2 * S**2 / ki**2)


def enzyme():
    S = np.array([1e-6, 1e-5, 5e-5, 2e-4, 1e-3])
    return 3e-8, 4e-5, 8e-4, S, 2.5e-8 * S / (3e-5 + S)


kinetics = book.system("michaelis_menten", michaelis, michaelis_grad, enzyme, argnums=(0, 1, 2))


@kinetics.wrong("inhibition constant's sign", "sign", leaf="ki")
def _(*args):
    a, b, c = michaelis_grad(*args)
    return a, b, -c


@kinetics.wrong("inhibition constant's square", "scale", leaf="ki")
def _(*args):
    a, b, c = michaelis_grad(*args)
    return a, b, c * args[2]


@kinetics.wrong("denominator's square", "scale", "other", leaf="km")
def _(vmax, km, ki, S, v):
    a, _, c = michaelis_grad(vmax, km, ki, S, v)
    d = km + S + S**2 / ki
    return a, -np.sum(2 * (vmax * S / d - v) * vmax * S / d), c


@kinetics.wrong("a thousandth", "scale", "small_relative", leaf="vmax")
def _(*args):
    a, b, c = michaelis_grad(*args)
    return a * 1.001, b, c


def prey(p, x0, y0, seen):
    x, y, loss = x0, y0, 0.0
    for target in seen:
        for _ in range(4):
            x, y = x + 0.02 * x * (p["a"] - p["b"] * y), y + 0.02 * y * (p["c"] * x - p["d"])
        loss = loss + (x - target) ** 2
    return loss


def prey_grad(p, x0, y0, seen, together=True):
    states, x, y = [], x0, y0
    for _ in seen:
        for _ in range(4):
            states.append((x, y))
            x, y = x + 0.02 * x * (p["a"] - p["b"] * y), y + 0.02 * y * (p["c"] * x - p["d"])
    states.append((x, y))
    g = {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}
    ax, ay = 0.0, 0.0
    for k in reversed(range(len(states) - 1)):
        if (k + 1) % 4 == 0:
            ax = ax + 2 * (states[k + 1][0] - seen[(k + 1) // 4 - 1])
        x, y = states[k]
        g["a"] = g["a"] + ax * 0.02 * x
        g["b"] = g["b"] - ax * 0.02 * x * y
        g["c"] = g["c"] + ay * 0.02 * y * x
        g["d"] = g["d"] - ay * 0.02 * y
        new = ax * (1 + 0.02 * (p["a"] - p["b"] * y)) + ay * 0.02 * y * p["c"]
        ay = ay * (1 + 0.02 * (p["c"] * x - p["d"])) - (ax if together else new) * 0.02 * x * p["b"]
        ax = new
    return g


def hares():
    return {"a": 1.1, "b": 0.4, "c": 0.1, "d": 0.4}, 10.0, 5.0, np.array([9.0, 8.0, 7.5, 6.0])


lynx = book.system("lotka_volterra", prey, prey_grad, hares, argnums=0)


@lynx.wrong("adjoint updated in place", "other", leaf=("p['a']", "p['b']", "p['c']", "p['d']"))
def _(*args):
    return prey_grad(*args, together=False)


@lynx.wrong("birth and death exchanged", "swapped_leaves", leaf=("p['a']", "p['d']"))
def _(*args):
    g = prey_grad(*args)
    return g | {"a": g["d"], "d": g["a"]}


@lynx.wrong("predation negative", "sign", leaf="p['b']")
def _(*args):
    g = prey_grad(*args)
    return g | {"b": -g["b"]}
