"""Likelihoods: Gaussians by Cholesky and slogdet, mixtures, Markov chains, special functions."""

import math

import numpy as np
from scipy import special

from .specimen import Book

book = Book("statistics")


def gaussian_nll(mu, log_sigma, x):
    return np.sum(0.5 * ((x - mu) / np.exp(log_sigma)) ** 2 + log_sigma + 0.5 * np.log(2 * np.pi))


def gaussian_nll_grad(mu, log_sigma, x):
    z = (x - mu) / np.exp(log_sigma)
    return -np.sum(z) / np.exp(log_sigma), np.sum(1 - z**2)


def sample():
    r = np.random.default_rng(121)
    return 0.4, -0.2, 1.5 + 0.7 * r.normal(size=30)


def sample_fitted():
    _, _, x = sample()
    return x.mean(), np.log(x.std()), x


normal = book.system("gaussian", gaussian_nll, gaussian_nll_grad, sample, argnums=(0, 1))
normal.right("fitted", sample_fitted)


@normal.wrong("sigma forgotten", "scale", leaf="mu")
def _(mu, log_sigma, x):
    z = (x - mu) / np.exp(log_sigma)
    return -np.sum(z), np.sum(1 - z**2)


@normal.wrong("derivative by sigma, not by its logarithm", "scale", leaf="log_sigma")
def _(mu, log_sigma, x):
    z = (x - mu) / np.exp(log_sigma)
    return -np.sum(z) / np.exp(log_sigma), np.sum(1 - z**2) / np.exp(log_sigma)


@normal.wrong("normalisation forgotten", "missing_term", "extra_term", "other", leaf="log_sigma")
def _(mu, log_sigma, x):
    z = (x - mu) / np.exp(log_sigma)
    return -np.sum(z) / np.exp(log_sigma), -np.sum(z**2)


@normal.wrong(
    "normalisation forgotten, fitted", "missing_term", "other", leaf="log_sigma", point=sample_fitted
)
def _(mu, log_sigma, x):
    z = (x - mu) / np.exp(log_sigma)
    return -np.sum(z) / np.exp(log_sigma), -np.sum(z**2)


def covariance_nll(S, X):
    _sign, logdet = np.linalg.slogdet(S)
    return 0.5 * len(X) * logdet + 0.5 * np.trace(X @ np.linalg.solve(S, X.T))


def covariance_nll_grad(S, X):
    inv = np.linalg.inv(S)
    return 0.5 * len(X) * inv.T - 0.5 * inv.T @ X.T @ X @ inv.T


def covariance_point():
    r = np.random.default_rng(122)
    A = r.normal(size=(4, 4))
    return A @ A.T + np.eye(4) + 0.1 * r.normal(size=(4, 4)), r.normal(size=(9, 4))


def determinant(A):
    # Gaussian elimination, for precisions that LAPACK does not know
    A = A.copy()
    logdet = 0
    for k in range(len(A)):
        logdet = logdet + np.log(A[k, k])
        A[k + 1 :] = A[k + 1 :] - np.outer(A[k + 1 :, k] / A[k, k], A[k])
    return logdet


def solve(A, B):
    A, B = A.copy(), B + 0 * A[0, 0]
    for k in range(len(A)):
        B[k] = B[k] / A[k, k]
        A[k] = A[k] / A[k, k]
        for i in range(len(A)):
            if i != k:
                B[i] = B[i] - A[i, k] * B[k]
                A[i] = A[i] - A[i, k] * A[k]
    return B


def covariance_nll_precise(S, X):
    return 0.5 * len(X) * determinant(S) + 0.5 * np.trace(X @ solve(S, X.T))


def covariance_nll_truth(S, X):
    inv = solve(S, np.eye(len(S))) if S.dtype == np.longdouble else np.linalg.inv(S)
    return 0.5 * len(X) * inv.T - 0.5 * inv.T @ X.T @ X @ inv.T


spread = book.system(
    "covariance",
    covariance_nll,
    covariance_nll_truth,
    covariance_point,
    argnums=0,
    precise=covariance_nll_precise,
)
spread.right("by inverse", claim=covariance_nll_grad)


@spread.wrong("determinant forgotten", "missing_term", "other", leaf="S")
def _(S, X):
    inv = np.linalg.inv(S)
    return -0.5 * inv.T @ X.T @ X @ inv.T


@spread.wrong("inverse not transposed", "other", "transpose", leaf="S")
def _(S, X):
    inv = np.linalg.inv(S)
    return 0.5 * len(X) * inv - 0.5 * inv @ X.T @ X @ inv


@spread.wrong("sign of the inverse's derivative", "other", "missing_term", leaf="S")
def _(S, X):
    inv = np.linalg.inv(S).T
    return 0.5 * len(X) * inv + 0.5 * inv @ X.T @ X @ inv


def mixture(logits, means, x):
    log_w = logits - np.log(np.sum(np.exp(logits)))
    joint = log_w - 0.5 * (x[:, None] - means) ** 2
    m = joint.max(axis=1)
    return -np.sum(m + np.log(np.exp(joint - m[:, None]).sum(axis=1)))


def mixture_grad(logits, means, x):
    w = np.exp(logits) / np.sum(np.exp(logits))
    joint = np.log(w) - 0.5 * (x[:, None] - means) ** 2
    joint = np.exp(joint - joint.max(axis=1, keepdims=True))
    r = joint / joint.sum(axis=1, keepdims=True)
    return len(x) * w - r.sum(axis=0), -(r * (x[:, None] - means)).sum(axis=0)


def mixture_point():
    r = np.random.default_rng(123)
    return r.normal(size=3), 2 * r.normal(size=3), 2 * r.normal(size=14)


mixed = book.system("mixture", mixture, mixture_grad, mixture_point, argnums=(0, 1))


@mixed.wrong("weights' normalisation forgotten", "missing_term", "other", leaf="logits")
def _(logits, means, x):
    dl, dm = mixture_grad(logits, means, x)
    w = np.exp(logits) / np.sum(np.exp(logits))
    return dl - len(x) * w, dm


@mixed.wrong("hard assignments", "other", leaf=("logits", "means"))
def _(logits, means, x):
    w = np.exp(logits) / np.sum(np.exp(logits))
    r = np.eye(3)[np.argmax(np.log(w) - 0.5 * (x[:, None] - means) ** 2, axis=1)]
    return len(x) * w - r.sum(axis=0), -(r * (x[:, None] - means)).sum(axis=0)


@mixed.wrong("means pull the wrong way", "sign", leaf="means")
def _(logits, means, x):
    dl, dm = mixture_grad(logits, means, x)
    return dl, -dm


def forward_algorithm(log_A, log_pi, log_B):
    alpha = log_pi + log_B[0]
    for t in range(1, len(log_B)):
        s = alpha[:, None] + log_A
        m = s.max(axis=0)
        alpha = m + np.log(np.sum(np.exp(s - m), axis=0)) + log_B[t]
    m = alpha.max()
    return m + np.log(np.sum(np.exp(alpha - m)))


def forward_algorithm_grad(log_A, log_pi, log_B, last=True):
    alphas = [log_pi + log_B[0]]
    for t in range(1, len(log_B)):
        s = alphas[-1][:, None] + log_A
        m = s.max(axis=0)
        alphas.append(m + np.log(np.sum(np.exp(s - m), axis=0)) + log_B[t])
    d = np.exp(alphas[-1] - alphas[-1].max())
    d = d / d.sum()
    dA, dB = np.zeros_like(log_A), np.zeros_like(log_B)
    for t in reversed(range(1, len(log_B))):
        dB[t] = d
        s = alphas[t - 1][:, None] + log_A
        p = np.exp(s - s.max(axis=0))
        flow = p / p.sum(axis=0) * d
        if last or t < len(log_B) - 1:
            dA += flow
        d = flow.sum(axis=1)
    dB[0] = d
    return dA, d.copy(), dB


def markov_point():
    r = np.random.default_rng(124)
    return r.normal(size=(3, 3)), r.normal(size=3), r.normal(size=(7, 3))


markov = book.system("hidden_markov", forward_algorithm, forward_algorithm_grad, markov_point)


@markov.wrong("last transition forgotten", "other", "missing_term", leaf="log_A")
def _(*args):
    return forward_algorithm_grad(*args, last=False)


@markov.wrong("transitions transposed", "transpose", leaf="log_A")
def _(*args):
    dA, dp, dB = forward_algorithm_grad(*args)
    return dA.T, dp, dB


@markov.wrong("filtered for smoothed", "rows", "other", leaf="log_B")
def _(log_A, log_pi, log_B):
    dA, dp, dB = forward_algorithm_grad(log_A, log_pi, log_B)
    alpha = log_pi + log_B[0]
    e = np.exp(alpha - alpha.max())
    dB[0] = e / e.sum()
    return dA, dp, dB


def beta_nll(a, b, x):
    return len(x) * special.betaln(a, b) - (a - 1) * np.sum(np.log(x)) - (b - 1) * np.sum(np.log1p(-x))


def beta_nll_grad(a, b, x):
    n, both = len(x), special.digamma(a + b)
    return n * (special.digamma(a) - both) - np.sum(np.log(x)), n * (special.digamma(b) - both) - np.sum(
        np.log1p(-x)
    )


def beta_point():
    return 2.3, 0.8, np.random.default_rng(125).beta(2, 1, size=11)


def beta_nll_precise(a, b, x):
    lb = special.loggamma(a) + special.loggamma(b) - special.loggamma(a + b)
    return len(x) * lb - (a - 1) * np.sum(np.log(x)) - (b - 1) * np.sum(np.log1p(-x))


betas = book.system("beta", beta_nll, beta_nll_grad, beta_point, argnums=(0, 1), precise=beta_nll_precise)


@betas.wrong("joint digamma forgotten", "missing_term", "other", leaf=("a", "b"))
def _(a, b, x):
    n = len(x)
    return n * special.digamma(a) - np.sum(np.log(x)), n * special.digamma(b) - np.sum(np.log1p(-x))


@betas.wrong("a and b exchanged", "swapped_leaves", leaf=("a", "b"))
def _(a, b, x):
    da, db = beta_nll_grad(a, b, x)
    return db, da


@betas.wrong("number of samples forgotten", "other", "missing_term", leaf="a")
def _(a, b, x):
    _da, db = beta_nll_grad(a, b, x)
    return special.digamma(a) - special.digamma(a + b) - np.sum(np.log(x)), db


def probit(w, X, s):
    return -np.sum(special.log_ndtr(s * (X @ w)))


def probit_grad(w, X, s):
    z = s * (X @ w)
    ratio = np.exp(-0.5 * z**2 - special.log_ndtr(z)) / np.sqrt(2 * np.pi)
    return -X.T @ (s * ratio)


def probit_point():
    r = np.random.default_rng(126)
    return r.normal(size=3), r.normal(size=(8, 3)), np.where(r.normal(size=8) > 0, 1.0, -1.0)


def probit_tail():
    w, X, s = probit_point()
    return 6 * w, X, s


def probit_precise(w, X, s):
    return -np.sum(np.log(0.5 * special.erfc(-s * (X @ w) / math.sqrt(2))))


gauss = book.system("probit", probit, probit_grad, probit_point, argnums=0, precise=probit_precise)
gauss.right("in the tail", probit_tail)


@gauss.wrong("logistic for normal", "other", "wrong_activation_derivative", leaf="w")
def _(w, X, s):
    z = s * (X @ w)
    return -X.T @ (s / (1 + np.exp(1.702 * z)) * 1.702)


@gauss.wrong("density only", "missing_activation_derivative", "other", "missing_term", leaf="w")
def _(w, X, s):
    z = s * (X @ w)
    return -X.T @ (s * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))


def erf_sum(x):
    return np.sum(special.erf(x) * x)


def erf_sum_grad(x):
    return special.erf(x) + 2 / math.sqrt(math.pi) * x * np.exp(-x * x)


erf = book.system("erf", erf_sum, erf_sum_grad, lambda: (np.array([-1.2, 0.1, 0.0, 2.0, 5.5]),))


@erf.wrong("two over root pi forgotten", "missing_term", "other", leaf="x")
def _(x):
    return special.erf(x) + x * np.exp(-x * x)


@erf.wrong("pi of four digits", "small_relative", "missing_term", "other", leaf="x")
def _(x):
    return special.erf(x) + 2 / math.sqrt(3.1416) * x * np.exp(-x * x)


def process_nll(theta, X, y):
    # Gaussian process evidence with squared-exponential kernel; theta are logarithms
    D = (X[:, None] - X[None, :]) ** 2
    K = np.exp(theta[0]) * np.exp(-0.5 * D * np.exp(-2 * theta[1])) + np.exp(theta[2]) * np.eye(len(X))
    L = np.linalg.cholesky(K)
    a = np.linalg.solve(L, y)
    return 0.5 * a @ a + np.sum(np.log(np.diag(L)))


def process_nll_precise(theta, X, y):
    D = (X[:, None] - X[None, :]) ** 2
    K = np.exp(theta[0]) * np.exp(-0.5 * D * np.exp(-2 * theta[1])) + np.exp(theta[2]) * np.eye(len(X))
    return 0.5 * y @ solve(K, y[:, None] + 0 * K[0, 0])[:, 0] + 0.5 * determinant(K)


def process_nll_grad(theta, X, y):
    D = (X[:, None] - X[None, :]) ** 2
    E = np.exp(theta[0]) * np.exp(-0.5 * D * np.exp(-2 * theta[1]))
    K = E + np.exp(theta[2]) * np.eye(len(X))
    inv = solve(K, np.eye(len(X)))
    a = inv @ y
    G = 0.5 * (inv - np.outer(a, a))
    return np.array(
        [np.sum(G * E), np.sum(G * E * D * np.exp(-2 * theta[1])), np.trace(G) * np.exp(theta[2])]
    )


def process_point():
    r = np.random.default_rng(127)
    X = np.sort(r.uniform(0, 4, size=8))
    return np.array([0.2, -0.3, -2.0]), X, np.sin(X) + 0.1 * r.normal(size=8)


def process_ill():
    _theta, X, y = process_point()
    return np.array([0.2, 0.9, -9.0]), X, y


evidence = book.system(
    "gaussian_process", process_nll, process_nll_grad, process_point, argnums=0, precise=process_nll_precise
)
evidence.right("ill-conditioned", process_ill)


@evidence.wrong("determinant term forgotten", "other", "missing_term", leaf="theta")
def _(theta, X, y):
    D = (X[:, None] - X[None, :]) ** 2
    E = np.exp(theta[0]) * np.exp(-0.5 * D * np.exp(-2 * theta[1]))
    K = E + np.exp(theta[2]) * np.eye(len(X))
    a = np.linalg.solve(K, y)
    G = -0.5 * np.outer(a, a)
    return np.array(
        [np.sum(G * E), np.sum(G * E * D * np.exp(-2 * theta[1])), np.trace(G) * np.exp(theta[2])]
    )


@evidence.wrong("lengthscale's square forgotten", "single_entry", leaf="theta", entry=(1,))
def _(theta, X, y):
    g = process_nll_grad(theta, X, y)
    g[1] /= 2
    return g


@evidence.wrong(
    "noise by itself, not by its logarithm", "single_entry", leaf="theta", entry=(2,), point=process_ill
)
def _(theta, X, y):
    g = process_nll_grad(theta, X, y)
    g[2] /= np.exp(theta[2])
    return g


def student(loc, scale, nu, x):
    z = (x - loc) / scale
    log_norm = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu * np.pi)
    return -np.sum(log_norm - np.log(scale) - (nu + 1) / 2 * np.log1p(z**2 / nu))


def student_precise(loc, scale, nu, x):
    z = (x - loc) / scale
    log_norm = special.loggamma((nu + 1) / 2) - special.loggamma(nu / 2) - 0.5 * np.log(nu * np.pi)
    return -np.sum(log_norm - np.log(scale) - (nu + 1) / 2 * np.log(1 + z**2 / nu))


def student_grad(loc, scale, nu, x):
    z = (x - loc) / scale
    q = (nu + 1) * z / (nu + z**2)
    dnu = 0.5 * (special.digamma((nu + 1) / 2) - special.digamma(nu / 2) - 1 / nu - np.log1p(z**2 / nu))
    dnu = dnu + (nu + 1) / 2 * z**2 / nu**2 / (1 + z**2 / nu)
    return -np.sum(q) / scale, np.sum(1 - q * z) / scale, -np.sum(dnu)


def student_point():
    return 0.3, 1.4, 4.5, np.random.default_rng(128).standard_t(4, size=12)


heavy = book.system(
    "student_t", student, student_grad, student_point, argnums=(0, 1, 2), precise=student_precise
)


@heavy.wrong("degrees of freedom's last term", "missing_term", "other", "scale", leaf="nu")
def _(loc, scale, nu, x):
    z = (x - loc) / scale
    dl, ds, _ = student_grad(loc, scale, nu, x)
    return (
        dl,
        ds,
        -np.sum(
            0.5 * (special.digamma((nu + 1) / 2) - special.digamma(nu / 2) - 1 / nu - np.log1p(z**2 / nu))
        ),
    )


@heavy.wrong("location towards the data", "sign", leaf="loc")
def _(loc, scale, nu, x):
    dl, ds, dn = student_grad(loc, scale, nu, x)
    return -dl, ds, dn
