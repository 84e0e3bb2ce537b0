"""Losses on predictions: cross-entropies, similarities, ranking, divergences."""

import numpy as np

from .specimen import Book

book = Book("losses")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def bce(z, y):
    # binary cross-entropy from logits
    return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))


def bce_precise(z, y):
    return np.mean(y * np.log1p(np.exp(-z)) + (1 - y) * np.log1p(np.exp(z)))


def bce_grad(z, y):
    return (sigmoid(z) - y) / z.size


def scores():
    r = np.random.default_rng(91)
    return r.normal(size=(5, 2)), (r.normal(size=(5, 2)) > 0).astype(float)


def bce_grad_stable(z, y):
    return ((1 - y) * sigmoid(z) - y * sigmoid(-z)) / z.size


def sure_scores():
    z, y = scores()
    return 13 * np.sign(z) + z, y


def certain_scores():
    z, y = scores()
    return 30 * np.sign(z) + z, y


cross = book.system("bce_with_logits", bce, bce_grad, scores, argnums=0)
cross.right("sure", sure_scores)
stable = book.system(
    "bce_without_cancellation", bce, bce_grad_stable, certain_scores, argnums=0, precise=bce_precise
)


@cross.wrong("divided by the batch", "scale", leaf="z")
def _(z, y):
    return (sigmoid(z) - y) / len(z)


@cross.wrong("the sigmoid taken twice", "other", "missing_activation_derivative", leaf="z")
def _(z, y):
    p = sigmoid(z)
    return (p - y) * p * (1 - p) / z.size


@cross.wrong("logits for probabilities", "missing_activation_derivative", "other", leaf="z")
def _(z, y):
    return (z - y) / z.size


@cross.wrong("sure and clipped", "other", "zero", "sparse", "missing_term", leaf="z", point=sure_scores)
def _(z, y):
    p = np.clip(sigmoid(z), 1e-5, 1 - 1e-5)
    return (p - y) / z.size


@stable.wrong("sure taken for certain", "sparse", "zero", "other", leaf="z", point=sure_scores)
def _(z, y):
    g = bce_grad_stable(z, y)
    return np.where(np.abs(g) < 1e-4, 0.0, g)


def nll(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def nll_grad(p, y):
    return (p - y) / (p * (1 - p)) / p.size


def probabilities():
    r = np.random.default_rng(92)
    return r.uniform(0.05, 0.95, size=8), (r.normal(size=8) > 0).astype(float)


entropy = book.system("bce_from_probabilities", nll, nll_grad, probabilities, argnums=0)


@entropy.wrong("epsilon in a denominator", "small_relative", "other", leaf="p")
def _(p, y):
    return (-y / (p + 1e-4) + (1 - y) / (1 - p)) / p.size


@entropy.wrong("derivative of the logits' form", "missing_activation_derivative", "other", leaf="p")
def _(p, y):
    return (p - y) / p.size


@entropy.wrong("negatives ignored", "other", "missing_term", "sparse", "zero", leaf="p")
def _(p, y):
    return -y / p / p.size


@entropy.wrong("sign of the negatives", "other", "sparse", "sign", leaf="p")
def _(p, y):
    return (-y / p - (1 - y) / (1 - p)) / p.size


def focal(z, y, gamma=2.0):
    p = sigmoid(z)
    q = y * p + (1 - y) * (1 - p)
    return -np.sum((1 - q) ** gamma * np.log(q))


def focal_grad(z, y, gamma=2.0):
    p = sigmoid(z)
    s = 2 * y - 1
    q = y * p + (1 - y) * (1 - p)
    dq = s * p * (1 - p)
    return (gamma * (1 - q) ** (gamma - 1) * np.log(q) - (1 - q) ** gamma / q) * dq


focus = book.system("focal", focal, focal_grad, scores, argnums=0)


@focus.wrong("product rule's second half only", "missing_term", "other", leaf="z")
def _(z, y):
    p = sigmoid(z)
    q = y * p + (1 - y) * (1 - p)
    return -((1 - q) ** 2) / q * (2 * y - 1) * p * (1 - p)


@focus.wrong("power not lowered", "other", "missing_term", leaf="z")
def _(z, y):
    p = sigmoid(z)
    q = y * p + (1 - y) * (1 - p)
    return (2 * (1 - q) ** 2 * np.log(q) - (1 - q) ** 2 / q) * (2 * y - 1) * p * (1 - p)


def cosine(a, b):
    return 1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def cosine_precise(a, b):
    return 1 - a @ b / np.sqrt((a @ a) * (b @ b))


def cosine_grad(a, b):
    na, nb = np.linalg.norm(a), np.linalg.norm(b)
    cos = a @ b / (na * nb)
    return -(b / nb - cos * a / na) / na, -(a / na - cos * b / nb) / nb


def vectors():
    r = np.random.default_rng(93)
    return r.normal(size=6), 20 * r.normal(size=6)


similar = book.system("cosine_distance", cosine, cosine_grad, vectors, precise=cosine_precise)


@similar.wrong("norms taken for constants", "missing_term", "other", leaf=("a", "b"))
def _(a, b):
    n = np.linalg.norm(a) * np.linalg.norm(b)
    return -b / n, -a / n


@similar.wrong("norm of a left out once", "scale", leaf="a")
def _(a, b):
    da, db = cosine_grad(a, b)
    return da * np.linalg.norm(a), db


@similar.wrong("a and b exchanged", "swapped_leaves", leaf=("a", "b"))
def _(a, b):
    da, db = cosine_grad(a, b)
    return db, da


def triplet(anchor, near, far):
    d = np.sum((anchor - near) ** 2, axis=1) - np.sum((anchor - far) ** 2, axis=1) + 1.0
    return np.sum(np.where(d > 0, d, 0.0))


def triplet_grad(anchor, near, far):
    d = np.sum((anchor - near) ** 2, axis=1) - np.sum((anchor - far) ** 2, axis=1) + 1.0
    on = (d > 0)[:, None]
    return 2 * on * (far - near), -2 * on * (anchor - near), 2 * on * (anchor - far)


def triplet_point():
    r = np.random.default_rng(94)
    return r.normal(size=(6, 3)), r.normal(size=(6, 3)), r.normal(size=(6, 3))


trio = book.system("triplet", triplet, triplet_grad, triplet_point)


@trio.wrong(
    "margin not looked at",
    "rows",
    "missing_activation_derivative",
    "other",
    "sparse",
    leaf=("anchor", "near", "far"),
)
def _(anchor, near, far):
    return 2 * (far - near), -2 * (anchor - near), 2 * (anchor - far)


@trio.wrong("near and far exchanged", "swapped_leaves", leaf=("near", "far"))
def _(anchor, near, far):
    da, dn, df = triplet_grad(anchor, near, far)
    return da, df, dn


@trio.wrong("anchor sees the near one only", "missing_term", "other", leaf="anchor")
def _(anchor, near, far):
    _da, dn, df = triplet_grad(anchor, near, far)
    return -dn, dn, df


def contrastive(Z, temperature):
    S = Z @ Z.T / temperature - 1e9 * np.eye(len(Z))
    log_p = S - S.max(axis=1, keepdims=True)
    log_p = log_p - np.log(np.sum(np.exp(log_p), axis=1, keepdims=True))
    mates = np.arange(len(Z)) ^ 1
    return -np.mean(log_p[np.arange(len(Z)), mates])


def contrastive_grad(Z, temperature):
    n = len(Z)
    S = Z @ Z.T / temperature - 1e9 * np.eye(n)
    e = np.exp(S - S.max(axis=1, keepdims=True))
    P = e / e.sum(axis=1, keepdims=True)
    P[np.arange(n), np.arange(n) ^ 1] -= 1
    return (P + P.T) @ Z / (n * temperature)


def pairs():
    return np.random.default_rng(95).normal(size=(6, 4)), 0.5


info = book.system("info_nce", contrastive, contrastive_grad, pairs, argnums=0)


@info.wrong("keys taken for constants", "missing_term", "other", leaf="Z")
def _(Z, temperature):
    n = len(Z)
    S = Z @ Z.T / temperature - 1e9 * np.eye(n)
    e = np.exp(S - S.max(axis=1, keepdims=True))
    P = e / e.sum(axis=1, keepdims=True)
    P[np.arange(n), np.arange(n) ^ 1] -= 1
    return P @ Z / (n * temperature)


@info.wrong("temperature forgotten", "scale", leaf="Z")
def _(Z, temperature):
    return contrastive_grad(Z, temperature) * temperature


def divergence(z, q):
    # KL(q || softmax(z))
    m = z.max()
    log_p = z - m - np.log(np.sum(np.exp(z - m)))
    return np.sum(q * (np.log(q) - log_p))


def divergence_grad(z, q):
    e = np.exp(z - z.max())
    return e / e.sum() - q


def two_distributions():
    r = np.random.default_rng(96)
    q = r.dirichlet(np.ones(5))
    return r.normal(size=5), q / q.sum()


def at_the_answer():
    _, q = two_distributions()
    return np.log(q) + 0.7, q


kl = book.system("kl", divergence, divergence_grad, two_distributions, argnums=0)
kl.right("at the minimum", at_the_answer)


@kl.wrong("other direction", "sign", "other", leaf="z")
def _(z, q):
    return q - divergence_grad(z, q) - q


@kl.wrong("one class forgotten", "single_entry", leaf="z", entry=(2,))
def _(z, q):
    g = divergence_grad(z, q)
    g[2] += q[2]
    return g


def quantile(pred, y, tau):
    e = y - pred
    return np.mean(np.maximum(tau * e, (tau - 1) * e))


def quantile_grad(pred, y, tau):
    return np.where(y > pred, -tau, 1 - tau) / len(y)


def forecasts():
    r = np.random.default_rng(97)
    return r.normal(size=9), r.normal(size=9), 0.9


def exact_forecasts():
    pred, y, tau = forecasts()
    pred[[1, 4]] = y[[1, 4]]
    return pred, y, tau


pinball = book.system("pinball", quantile, quantile_grad, forecasts, argnums=0)
book.kink("pinball/exact forecasts", quantile, quantile_grad, exact_forecasts, argnums=0)
book.kink(
    "pinball/exact forecasts, zero there", quantile, lambda p, y, t: quantile_grad(p, y, t) * (y != p),
    exact_forecasts, argnums=0,
)  # fmt: skip


@pinball.wrong("tau and its complement exchanged", "other", "wrong_activation_derivative", leaf="pred")
def _(pred, y, tau):
    return np.where(y > pred, tau - 1, tau) / len(y)


@pinball.wrong("sign for the forecast", "sign", leaf="pred")
def _(pred, y, tau):
    return np.where(y > pred, tau, tau - 1) / len(y)


def dice(p, y):
    return 1 - (2 * np.sum(p * y) + 1) / (np.sum(p) + np.sum(y) + 1)


def dice_grad(p, y):
    total = np.sum(p) + np.sum(y) + 1
    return -2 * y / total + (2 * np.sum(p * y) + 1) / total**2


def masks():
    r = np.random.default_rng(98)
    return r.uniform(size=(4, 4)), (r.uniform(size=(4, 4)) > 0.6).astype(float)


overlap = book.system("dice", dice, dice_grad, masks, argnums=0)


@overlap.wrong("denominator taken for a constant", "missing_term", "other", leaf="p")
def _(p, y):
    return -2 * y / (np.sum(p) + np.sum(y) + 1)


@overlap.wrong("smoothing forgotten in the numerator", "extra_term", "missing_term", "other", leaf="p")
def _(p, y):
    total = np.sum(p) + np.sum(y) + 1
    return -2 * y / total + 2 * np.sum(p * y) / total**2


def log_cosh(r):
    return np.sum(np.logaddexp(r, -r) - np.log(2))


def residuals():
    return (np.array([-40.0, -0.3, 0.0, 1e-9, 2.5, 300.0]),)


smooth = book.system("log_cosh", log_cosh, np.tanh, residuals, precise=lambda r: np.sum(np.log(np.cosh(r))))


@smooth.wrong("sine for tangent", "wrong_activation_derivative", "other", leaf="r")
def _(r):
    return np.tanh(r) / np.maximum(1, np.abs(r) > 1) * np.where(np.abs(r) < 3, np.cos(0.1 * r), 1)


@smooth.wrong("its linear part", "missing_activation_derivative", "other", leaf="r")
def _(r):
    return r.copy()


def circle_loss(p, centre, radius):
    d = np.sqrt(np.sum((p - centre) ** 2, axis=1))
    return np.sum((d - radius) ** 2)


def circle_loss_grad(p, centre, radius):
    d = np.sqrt(np.sum((p - centre) ** 2, axis=1))
    w = (2 * (d - radius) / d)[:, None] * (p - centre)
    return w, -w.sum(axis=0), -2 * np.sum(d - radius)


def circle_points():
    r = np.random.default_rng(99)
    return 3 + r.normal(size=(7, 2)), np.array([2.9, 3.2]), 1.1


fit = book.system("circle_fit", circle_loss, circle_loss_grad, circle_points)


@fit.wrong("root's inner derivative forgotten", "other", "scale", leaf=("p", "centre"))
def _(p, centre, radius):
    d = np.sqrt(np.sum((p - centre) ** 2, axis=1))
    w = 2 * (d - radius)[:, None] * (p - centre)
    return w, -w.sum(axis=0), -2 * np.sum(d - radius)


@fit.wrong("centre moves with the points", "sign", leaf="centre")
def _(p, centre, radius):
    dp, dc, dr = circle_loss_grad(p, centre, radius)
    return dp, -dc, dr


@fit.wrong("centre's gradient for each point", "shape", leaf="centre")
def _(p, centre, radius):
    dp, _, dr = circle_loss_grad(p, centre, radius)
    return dp, -dp, dr


@fit.wrong("radius averaged", "scale", leaf="radius")
def _(p, centre, radius):
    dp, dc, dr = circle_loss_grad(p, centre, radius)
    return dp, dc, dr / len(p)
