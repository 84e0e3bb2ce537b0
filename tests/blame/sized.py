"""Right programs whose sizes are chosen freely, so that two of them may be equal by accident."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradcheck
from gradcheck import Report


@dataclass(frozen=True)
class Sized:
    """A right program; ``args`` are drawn for its sizes, which are words and the lengths that are possible.

    ``problem`` is what makes f and claim where they hold data of these sizes.
    """

    name: str
    text: str
    lengths: Mapping[str, tuple[int, ...]]
    args: Callable[..., tuple[Any, ...]]
    argnums: tuple[int, ...] = (0,)
    check: str = "grad"
    problem: Callable[..., tuple[Any, ...]] | None = None

    def checked(
        self, module: Any, sizes: Mapping[str, int], seed: int, dtype: type[np.floating[Any]] = np.float64
    ) -> Report:
        """The report on f and claim of a module, at a point of these sizes."""
        generator = np.random.default_rng([seed, 0x73697A65])

        def draw(*shape: int) -> Any:
            return generator.standard_normal(shape).astype(dtype)

        if self.problem is None:
            f, claim = module.f, module.claim
        else:
            f, claim = module.problem(*self.problem(draw, **sizes))
        args = self.args(draw, **sizes)
        check = getattr(gradcheck, f"check_{self.check}")
        return check(f, claim, *args, argnums=self.argnums, raise_on_failure=False)


def labels(n: int, k: int) -> Any:
    """Of so many rows one of so many classes each."""
    return np.arange(n) ** 2 % k


FEW = (2, 3, 4, 5, 6)
PROGRAMS = (
    Sized(
        "mlp",
        """
        import numpy as np

        def f(W1, b1, W2, b2, X, Y):
            h = np.tanh(X @ W1 + b1)
            return np.mean((h @ W2 + b2 - Y) ** 2)

        def claim(W1, b1, W2, b2, X, Y):
            h = np.tanh(X @ W1 + b1)
            out = h @ W2 + b2
            d2 = 2 * (out - Y) / Y.size
            d1 = d2 @ W2.T * (1 - h ** 2)
            return X.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)
        """,
        {"n": FEW, "d": FEW, "h": FEW, "k": FEW},
        lambda r, n, d, h, k: (r(d, h), r(h), r(h, k), r(k), r(n, d), r(n, k)),
        (0, 1, 2, 3),
    ),
    Sized(
        "cross entropy",
        """
        import numpy as np

        def f(W, X, y):
            z = X @ W
            z = z - z.max(axis=1, keepdims=True)
            return -np.mean((z - np.log(np.exp(z).sum(axis=1, keepdims=True)))[np.arange(len(y)), y])

        def claim(W, X, y):
            n = X.shape[0]
            z = X @ W
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p = p / p.sum(axis=1, keepdims=True)
            p[np.arange(n), y] -= 1
            return X.T @ p / n
        """,
        {"n": FEW, "d": FEW, "k": FEW},
        lambda r, n, d, k: (r(d, k), r(n, d), labels(n, k)),
    ),
    Sized(
        "smoothed labels",
        """
        import numpy as np

        def f(z, y, eps):
            n, k = z.shape
            q = np.full((n, k), eps / k)
            q[np.arange(n), y] += 1 - eps
            m = z.max(axis=1, keepdims=True)
            logp = z - m - np.log(np.exp(z - m).sum(axis=1, keepdims=True))
            return -np.sum(q * logp) / n

        def claim(z, y, eps):
            n, k = z.shape
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p = p / p.sum(axis=1, keepdims=True)
            d = p - eps / k
            d[np.arange(n), y] -= 1 - eps
            return d / n
        """,
        {"n": FEW, "k": FEW},
        lambda r, n, k: (r(n, k), labels(n, k), 0.2),
    ),
    Sized(
        "max pooling",
        """
        import numpy as np

        def f(x, k):
            n, c, h, w = x.shape
            out = np.zeros((n, c, h // k, w // k))
            for i in range(h // k):
                for j in range(w // k):
                    out[:, :, i, j] = x[:, :, k * i:k * i + k, k * j:k * j + k].max(axis=(2, 3))
            return out

        def claim(dout, x, k):
            n, c, h, w = x.shape
            dx = np.zeros_like(x)
            for i in range(h // k):
                for j in range(w // k):
                    window = x[:, :, k * i:k * i + k, k * j:k * j + k]
                    mask = window == window.max(axis=(2, 3), keepdims=True)
                    dx[:, :, k * i:k * i + k, k * j:k * j + k] += dout[:, :, i, j][:, :, None, None] * mask
            return dx
        """,
        {"n": (1, 2, 3, 4), "c": (1, 2, 3, 4), "h": (4, 6), "w": (4, 6), "k": (2, 3, 4)},
        lambda r, n, c, h, w, k: (r(n, c, h, w), k),
        check="vjp",
    ),
    Sized(
        "mean pooling",
        """
        import numpy as np

        def f(x, k):
            n, h, w = x.shape
            return x.reshape(n, h // k, k, w // k, k).mean(axis=(2, 4))

        def claim(dout, x, k):
            n, h, w = x.shape
            dx = np.zeros_like(x)
            for i in range(h):
                for j in range(w):
                    dx[:, i, j] = dout[:, i // k, j // k] / k ** 2
            return dx
        """,
        {"n": (2, 3, 4), "h": (4, 6, 8, 12), "w": (4, 6, 8, 12), "k": (2, 4)},
        lambda r, n, h, w, k: (r(n, (h + 3) // 4 * 4, (w + 3) // 4 * 4), k),
        check="vjp",
    ),
    Sized(
        "convolution by loops",
        """
        import numpy as np

        def f(x, w, b, stride):
            n, c, h, v = x.shape
            m, _, k, _ = w.shape
            oh, ow = (h - k) // stride + 1, (v - k) // stride + 1
            out = np.zeros((n, m, oh, ow))
            for i in range(oh):
                for j in range(ow):
                    patch = x[:, :, i * stride:i * stride + k, j * stride:j * stride + k]
                    out[:, :, i, j] = np.tensordot(patch, w, axes=([1, 2, 3], [1, 2, 3])) + b
            return out

        def claim(dout, x, w, b, stride):
            n, c, h, v = x.shape
            m, _, k, _ = w.shape
            oh, ow = (h - k) // stride + 1, (v - k) // stride + 1
            dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
            for i in range(oh):
                for j in range(ow):
                    patch = x[:, :, i * stride:i * stride + k, j * stride:j * stride + k]
                    d = dout[:, :, i, j]
                    dx[:, :, i * stride:i * stride + k, j * stride:j * stride + k] += np.tensordot(d, w, axes=(1, 0))
                    dw += np.tensordot(d, patch, axes=(0, 0))
                    db += d.sum(axis=0)
            return dx, dw, db
        """,
        {"n": (2, 3), "c": (2, 3), "m": (2, 3), "h": (4, 5), "v": (4, 5), "k": (2, 3), "stride": (1, 2)},
        lambda r, n, c, m, h, v, k, stride: (r(n, c, h, v), r(m, c, k, k), r(m), stride),
        (0, 1, 2),
        "vjp",
    ),
    Sized(
        "im2col",
        """
        import numpy as np

        def columns(x, k):
            n, c, h, w = x.shape
            oh, ow = h - k + 1, w - k + 1
            col = np.zeros((n, c, k, k, oh, ow))
            for i in range(k):
                for j in range(k):
                    col[:, :, i, j] = x[:, :, i:i + oh, j:j + ow]
            return col.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, -1)

        def f(x, w, b):
            m, c, k, _ = w.shape
            n, _, h, v = x.shape
            out = columns(x, k) @ w.reshape(m, -1).T + b
            return out.reshape(n, h - k + 1, v - k + 1, m).transpose(0, 3, 1, 2)

        def claim(dout, x, w, b):
            m, c, k, _ = w.shape
            n, _, h, v = x.shape
            oh, ow = h - k + 1, v - k + 1
            d = dout.transpose(0, 2, 3, 1).reshape(-1, m)
            dw = (d.T @ columns(x, k)).reshape(m, c, k, k)
            dcol = (d @ w.reshape(m, -1)).reshape(n, oh, ow, c, k, k).transpose(0, 3, 4, 5, 1, 2)
            dx = np.zeros_like(x)
            for i in range(k):
                for j in range(k):
                    dx[:, :, i:i + oh, j:j + ow] += dcol[:, :, i, j]
            return dx, dw, d.sum(axis=0)
        """,
        {"n": (2, 3), "c": (2, 3), "m": (2, 3), "h": (3, 4, 5), "v": (3, 4, 5), "k": (2, 3)},
        lambda r, n, c, m, h, v, k: (r(n, c, h, v), r(m, c, k, k), r(m)),
        (0, 1, 2),
        "vjp",
    ),
    Sized(
        "attention with heads",
        """
        import numpy as np

        def softmax(s):
            e = np.exp(s - s.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)

        def split(x, heads):
            t, d = x.shape
            return x.reshape(t, heads, d // heads).transpose(1, 0, 2)

        def f(q, k, v, heads):
            t, d = q.shape
            Q, K, V = split(q, heads), split(k, heads), split(v, heads)
            P = softmax(Q @ K.transpose(0, 2, 1) / np.sqrt(d // heads))
            return (P @ V).transpose(1, 0, 2).reshape(t, d)

        def claim(dout, q, k, v, heads):
            t, d = q.shape
            Q, K, V = split(q, heads), split(k, heads), split(v, heads)
            scale = 1 / np.sqrt(d // heads)
            P = softmax(Q @ K.transpose(0, 2, 1) * scale)
            dO = split(dout, heads)
            dV = P.transpose(0, 2, 1) @ dO
            dP = dO @ V.transpose(0, 2, 1)
            dS = P * (dP - np.sum(dP * P, axis=-1, keepdims=True)) * scale
            dQ, dK = dS @ K, dS.transpose(0, 2, 1) @ Q
            dq, dk, dv = (one.transpose(1, 0, 2).reshape(t, d) for one in (dQ, dK, dV))
            return dq, dk, dv
        """,
        {"t": FEW, "heads": (1, 2, 4), "e": (1, 2, 3, 4)},
        lambda r, t, heads, e: (r(t, heads * e), r(t, heads * e), r(t, heads * e), heads),
        (0, 1, 2),
        "vjp",
    ),
    Sized(
        "batch norm",
        """
        import numpy as np

        def f(x, gamma, beta):
            return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-2) + beta

        def claim(dout, x, gamma, beta):
            n = x.shape[0]
            std = np.sqrt(x.var(axis=0) + 1e-2)
            xhat = (x - x.mean(axis=0)) / std
            dxhat = dout * gamma
            dx = (dxhat - dxhat.sum(axis=0) / n - xhat * np.sum(dxhat * xhat, axis=0) / n) / std
            return dx, np.sum(dout * xhat, axis=0), dout.sum(axis=0)
        """,
        {"n": FEW, "d": FEW},
        lambda r, n, d: (r(n, d), r(d), r(d)),
        (0, 1, 2),
        "vjp",
    ),
    Sized(
        "layer norm",
        """
        import numpy as np

        def f(x, g, b):
            mu = x.mean(axis=-1, keepdims=True)
            return g * (x - mu) / np.sqrt(((x - mu) ** 2).mean(axis=-1, keepdims=True) + 1e-2) + b

        def claim(dout, x, g, b):
            n, d = x.shape
            mu = x.mean(axis=-1, keepdims=True)
            std = np.sqrt(((x - mu) ** 2).mean(axis=-1, keepdims=True) + 1e-2)
            xhat = (x - mu) / std
            dxhat = dout * g
            dx = (d * dxhat - dxhat.sum(axis=1, keepdims=True)
                  - xhat * np.sum(dxhat * xhat, axis=1, keepdims=True)) / (d * std)
            return dx, np.sum(dout * xhat, axis=0), dout.sum(axis=0)
        """,
        {"n": FEW, "d": FEW},
        lambda r, n, d: (r(n, d), r(d), r(d)),
        (0, 1, 2),
        "vjp",
    ),
    Sized(
        "group norm",
        """
        import numpy as np

        def f(x, gamma, groups):
            n, c, t = x.shape
            y = x.reshape(n, groups, -1)
            y = (y - y.mean(axis=2, keepdims=True)) / np.sqrt(y.var(axis=2, keepdims=True) + 1e-2)
            return y.reshape(n, c, t) * gamma[:, None]

        def claim(dout, x, gamma, groups):
            n, c, t = x.shape
            m = c // groups * t
            y = x.reshape(n, groups, m)
            std = np.sqrt(y.var(axis=2, keepdims=True) + 1e-2)
            yhat = (y - y.mean(axis=2, keepdims=True)) / std
            d = (dout * gamma[:, None]).reshape(n, groups, m)
            dy = (d - d.sum(axis=2, keepdims=True) / m - yhat * np.sum(d * yhat, axis=2, keepdims=True) / m) / std
            return dy.reshape(n, c, t), np.sum(dout * yhat.reshape(n, c, t), axis=(0, 2))
        """,
        {"n": (2, 3, 4), "e": (1, 2, 3), "t": (2, 3, 4), "groups": (1, 2, 3)},
        lambda r, n, e, t, groups: (r(n, e * groups, t), r(e * groups), groups),
        (0, 1),
        "vjp",
    ),
    Sized(
        "instance norm",
        """
        import numpy as np

        def f(x, gamma):
            mu, var = x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)
            return gamma[:, None, None] * (x - mu) / np.sqrt(var + 1e-2)

        def claim(dout, x, gamma):
            n, c, h, w = x.shape
            mu, std = x.mean(axis=(2, 3), keepdims=True), np.sqrt(x.var(axis=(2, 3), keepdims=True) + 1e-2)
            xhat = (x - mu) / std
            d = dout * gamma[:, None, None]
            dgamma = np.sum(dout * xhat, axis=(0, 2, 3))
            total = d.sum(axis=(2, 3), keepdims=True)
            along = np.sum(d * xhat, axis=(2, 3), keepdims=True)
            return (d - (total + xhat * along) / (h * w)) / std, dgamma
        """,
        {"n": (2, 3, 4), "c": (2, 3, 4), "h": (2, 3, 4), "w": (2, 3, 4)},
        lambda r, n, c, h, w: (r(n, c, h, w), r(c)),
        (0, 1),
        "vjp",
    ),
    Sized(
        "huber",
        """
        import numpy as np

        def f(W, X, Y):
            r = X @ W - Y
            a = np.abs(r)
            return np.mean(np.where(a < 1, 0.5 * r ** 2, a - 0.5))

        def claim(W, X, Y):
            r = X @ W - Y
            n, k = Y.shape
            return X.T @ np.where(np.abs(r) < 1, r, np.sign(r)) / (n * k)
        """,
        {"n": FEW, "d": FEW, "k": FEW},
        lambda r, n, d, k: (r(d, k), r(n, d), r(n, k)),
    ),
    Sized(
        "data of a closure",
        """
        import numpy as np

        def problem(X, Y, C):
            def f(W):
                return np.mean((X @ W - Y) ** 2) + np.mean(W * C)

            def claim(W):
                return 2 * X.T @ (X @ W - Y) / Y.size + C / C.size

            return f, claim
        """,
        {"n": FEW, "d": FEW, "k": FEW},
        lambda r, n, d, k: (r(d, k),),
        problem=lambda r, n, d, k: (r(n, d), r(n, k), r(d, k)),
    ),
    Sized(
        "ridge with data of a closure",
        """
        import numpy as np

        def problem(X, y, reg):
            def f(w):
                r = X @ w - y
                return r @ r / (2 * len(y)) + reg / 2 * np.mean(w ** 2)

            def claim(w):
                return X.T @ (X @ w - y) / len(y) + reg * w / len(w)

            return f, claim
        """,
        {"n": FEW, "d": FEW},
        lambda r, n, d: (r(d),),
        problem=lambda r, n, d: (r(n, d), r(n), 0.3),
    ),
    Sized(
        "graph convolution",
        """
        import numpy as np

        def f(X, W, A, Y):
            deg = A.sum(axis=1, keepdims=True) + 1
            H = (A @ X + X) / deg
            return np.sum((np.tanh(H @ W) - Y) ** 2) / len(X)

        def claim(X, W, A, Y):
            n = len(X)
            deg = A.sum(axis=1, keepdims=True) + 1
            H = (A @ X + X) / deg
            out = np.tanh(H @ W)
            dz = 2 * (out - Y) * (1 - out ** 2) / n
            dH = dz @ W.T / deg
            return A.T @ dH + dH, H.T @ dz
        """,
        {"n": FEW, "d": FEW, "k": FEW},
        lambda r, n, d, k: (r(n, d), r(d, k), (r(n, n) > 0) * 1.0, r(n, k)),
        (0, 1),
    ),
    Sized(
        "recurrence",
        """
        import numpy as np

        def f(Wx, Wh, X, Y):
            n, steps, d = X.shape
            h, loss = np.zeros((n, Wh.shape[0])), 0.0
            for t in range(steps):
                h = np.tanh(X[:, t] @ Wx + h @ Wh)
                loss = loss + np.sum((h - Y[:, t]) ** 2)
            return loss / (n * steps)

        def claim(Wx, Wh, X, Y):
            n, steps, d = X.shape
            hs = [np.zeros((n, Wh.shape[0]))]
            for t in range(steps):
                hs.append(np.tanh(X[:, t] @ Wx + hs[-1] @ Wh))
            dWx, dWh, dnext = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(hs[0])
            for t in reversed(range(steps)):
                dh = 2 * (hs[t + 1] - Y[:, t]) / (n * steps) + dnext
                dz = dh * (1 - hs[t + 1] ** 2)
                dWx += X[:, t].T @ dz
                dWh += hs[t].T @ dz
                dnext = dz @ Wh.T
            return dWx, dWh
        """,
        {"n": (2, 3, 4), "t": (2, 3, 4), "d": (2, 3, 4), "h": (2, 3, 4)},
        lambda r, n, t, d, h: (r(d, h), r(h, h), r(n, t, d), r(n, t, h)),
        (0, 1),
    ),
    Sized(
        "gates of a cell",
        """
        import numpy as np

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        def f(x, h, c, W, U):
            k = h.shape[1]
            a = x @ W + h @ U
            i, g, o = sigmoid(a[:, :k]), np.tanh(a[:, k:2 * k]), sigmoid(a[:, 2 * k:])
            return o * np.tanh(c + i * g)

        def claim(dout, x, h, c, W, U):
            k = h.shape[1]
            a = x @ W + h @ U
            i, g, o = sigmoid(a[:, :k]), np.tanh(a[:, k:2 * k]), sigmoid(a[:, 2 * k:])
            s = np.tanh(c + i * g)
            dc = dout * o * (1 - s ** 2)
            da = np.hstack([dc * g * i * (1 - i), dc * i * (1 - g ** 2), dout * s * o * (1 - o)])
            return da @ W.T, da @ U.T, dc, x.T @ da, h.T @ da
        """,
        {"n": (2, 3, 4), "d": (2, 3, 6), "k": (2, 3, 4)},
        lambda r, n, d, k: (r(n, d), r(n, k), r(n, k), r(d, 3 * k), r(k, 3 * k)),
        (0, 1, 2, 3, 4),
        "vjp",
    ),
    Sized(
        "variational",
        """
        import numpy as np

        def f(mu, logvar, W, x, noise):
            z = mu + np.exp(0.5 * logvar) * noise
            kl = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar), axis=1)
            return np.mean((z @ W - x) ** 2) + np.mean(kl)

        def claim(mu, logvar, W, x, noise):
            n, d = x.shape
            std = np.exp(0.5 * logvar)
            z = mu + std * noise
            dout = 2 * (z @ W - x) / (n * d)
            dz = dout @ W.T
            dmu = dz + mu / n
            dlogvar = dz * noise * 0.5 * std + 0.5 * (np.exp(logvar) - 1) / n
            return dmu, dlogvar, z.T @ dout
        """,
        {"n": FEW, "k": FEW, "d": FEW},
        lambda r, n, k, d: (r(n, k), r(n, k), r(k, d), r(n, d), r(n, k)),
        (0, 1, 2),
    ),
    Sized(
        "bag of words",
        """
        import numpy as np

        def f(E, W, ids, Y):
            h = E[ids].mean(axis=1)
            return 0.5 * np.sum((h @ W - Y) ** 2) / len(Y)

        def claim(E, W, ids, Y):
            n, t = ids.shape
            h = E[ids].mean(axis=1)
            d = (h @ W - Y) / n
            dE = np.zeros_like(E)
            for i in range(n):
                for j in range(t):
                    dE[ids[i, j]] += d[i] @ W.T / t
            return dE, h.T @ d
        """,
        {"v": FEW, "d": FEW, "k": FEW, "n": FEW, "t": FEW},
        lambda r, v, d, k, n, t: (r(v, d), r(d, k), np.arange(n * t).reshape(n, t) ** 2 % v, r(n, k)),
        (0, 1),
    ),
    Sized(
        "global pooling",
        """
        import numpy as np

        def f(x, W):
            return np.tanh(x.mean(axis=(2, 3)) @ W)

        def claim(dout, x, W):
            n, c, h, w = x.shape
            pooled = x.mean(axis=(2, 3))
            dz = dout * (1 - np.tanh(pooled @ W) ** 2)
            dx = np.broadcast_to((dz @ W.T)[:, :, None, None] / (h * w), x.shape)
            return dx.copy(), pooled.T @ dz
        """,
        {"n": (2, 3, 4), "c": (2, 3, 4), "h": (2, 3, 4), "w": (2, 3, 4), "k": (2, 3, 4)},
        lambda r, n, c, h, w, k: (r(n, c, h, w), r(c, k)),
        (0, 1),
        "vjp",
    ),
    Sized(
        "covariance",
        """
        import numpy as np

        def f(X, C):
            Z = X - X.mean(axis=0)
            return np.sum((Z.T @ Z / (len(X) - 1) - C) ** 2)

        def claim(X, C):
            n = len(X)
            Z = X - X.mean(axis=0)
            D = 2 * (Z.T @ Z / (n - 1) - C)
            dZ = Z @ (D + D.T) / (n - 1)
            return dZ - dZ.sum(axis=0) / n
        """,
        {"n": (3, 4, 5, 6), "d": FEW},
        lambda r, n, d: (r(n, d), r(d, d)),
    ),
    Sized(
        "root mean square",
        """
        import numpy as np

        def f(x, g):
            return g * x / np.sqrt(np.mean(x ** 2, axis=-1, keepdims=True) + 1e-2)

        def claim(dout, x, g):
            d = x.shape[-1]
            rms = np.sqrt(np.mean(x ** 2, axis=-1, keepdims=True) + 1e-2)
            y = dout * g
            dx = y / rms - x * np.sum(y * x, axis=-1, keepdims=True) / (d * rms ** 3)
            return dx, np.sum(dout * x / rms, axis=0)
        """,
        {"n": FEW, "d": FEW},
        lambda r, n, d: (r(n, d), r(d)),
        (0, 1),
        "vjp",
    ),
    Sized(
        "weights of samples",
        """
        import numpy as np

        def f(W, X, Y, s):
            return np.sum(s[:, None] * (X @ W - Y) ** 2) / (np.sum(s) * Y.shape[1])

        def claim(W, X, Y, s):
            k = Y.shape[1]
            r = s[:, None] * (X @ W - Y)
            return 2 * X.T @ r / (s.sum() * k)
        """,
        {"n": FEW, "d": FEW, "k": FEW},
        lambda r, n, d, k: (r(d, k), r(n, d), r(n, k), np.abs(r(n)) + 1),
    ),
    Sized(
        "contrast of pairs",
        """
        import numpy as np

        def f(Z, T):
            S = Z @ Z.T / len(T)
            return np.sum((S - T) ** 2) / (len(Z) * (len(Z) - 1))

        def claim(Z, T):
            n = len(Z)
            D = 2 * (Z @ Z.T / n - T) / (n * (n - 1))
            return (D + D.T) @ Z / n
        """,
        {"n": FEW, "d": FEW},
        lambda r, n, d: (r(n, d), r(n, n)),
    ),
    Sized(
        "total variation",
        """
        import numpy as np

        def f(x, y):
            n, h, w = x.shape
            dh, dw = x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]
            return np.mean((x - y) ** 2) + np.sum(dh ** 2) / (n * h) + np.sum(dw ** 2) / (n * w)

        def claim(x, y):
            n, h, w = x.shape
            dh, dw = x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]
            g = 2 * (x - y) / x.size
            g[:, 1:] += 2 * dh / (n * h)
            g[:, :-1] -= 2 * dh / (n * h)
            g[:, :, 1:] += 2 * dw / (n * w)
            g[:, :, :-1] -= 2 * dw / (n * w)
            return g
        """,
        {"n": (2, 3, 4), "h": (2, 3, 4), "w": (2, 3, 4)},
        lambda r, n, h, w: (r(n, h, w), r(n, h, w)),
    ),
    Sized(
        "mixture of experts",
        """
        import numpy as np

        def f(V, W, X, Y):
            s = X @ V
            p = np.exp(s - s.max(axis=1, keepdims=True))
            p = p / p.sum(axis=1, keepdims=True)
            out = np.einsum("ne,nd,edk->nk", p, X, W)
            return np.mean((out - Y) ** 2)

        def claim(V, W, X, Y):
            s = X @ V
            p = np.exp(s - s.max(axis=1, keepdims=True))
            p = p / p.sum(axis=1, keepdims=True)
            each = np.einsum("nd,edk->nek", X, W)
            d = 2 * (np.einsum("ne,nek->nk", p, each) - Y) / Y.size
            dp = np.einsum("nk,nek->ne", d, each)
            ds = p * (dp - np.sum(p * dp, axis=1, keepdims=True))
            return X.T @ ds, np.einsum("ne,nd,nk->edk", p, X, d)
        """,
        {"n": (2, 3, 4), "d": (2, 3, 4), "e": (2, 3, 4), "k": (2, 3, 4)},
        lambda r, n, d, e, k: (r(d, e), r(e, d, k), r(n, d), r(n, k)),
        (0, 1),
    ),
    Sized(
        "upsampling",
        """
        import numpy as np

        def f(x, s):
            n, h, w = x.shape
            out = np.zeros((n, h * s, w * s))
            for i in range(s):
                for j in range(s):
                    out[:, i::s, j::s] = x / s ** 2
            return out

        def claim(dout, x, s):
            n, h, w = x.shape
            dx = np.zeros_like(x)
            for i in range(s):
                for j in range(s):
                    dx += dout[:, i::s, j::s] / s ** 2
            return dx
        """,
        {"n": (2, 3, 4), "h": (2, 3, 4), "w": (2, 3, 4), "s": (2, 3)},
        lambda r, n, h, w, s: (r(n, h, w), s),
        check="vjp",
    ),
    Sized(
        "soft position",
        """
        import numpy as np

        def f(z, y):
            n, k = z.shape
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p = p / p.sum(axis=1, keepdims=True)
            return np.mean((p @ np.arange(k) / k - y) ** 2)

        def claim(z, y):
            n, k = z.shape
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p = p / p.sum(axis=1, keepdims=True)
            where = np.arange(k) / k
            d = 2 * (p @ where - y) / n
            return p * (where - (p @ where)[:, None]) * d[:, None]
        """,
        {"n": FEW, "k": FEW},
        lambda r, n, k: (r(n, k), r(n)),
    ),
    Sized(
        "gaussian process",
        """
        import numpy as np

        def f(y, X, noise):
            D = np.sum((X[:, None] - X[None]) ** 2, axis=2) / X.shape[1]
            K = np.exp(-D / 2) + noise * np.eye(len(X))
            return 0.5 * y @ np.linalg.solve(K, y) / len(y)

        def claim(y, X, noise):
            n, d = X.shape
            D = np.sum((X[:, None] - X[None]) ** 2, axis=2) / d
            K = np.exp(-D / 2) + noise * np.eye(n)
            a = np.linalg.solve(K, y)
            dK = -0.5 * np.outer(a, a) / n
            dD = -0.5 * dK * np.exp(-D / 2)
            diff = X[:, None] - X[None]
            return a / n, 4 * np.sum(dD[:, :, None] * diff, axis=1) / d
        """,
        {"n": FEW, "d": FEW},
        lambda r, n, d: (r(n), r(n, d), 0.5),
        (0, 1),
    ),
    Sized(
        "features of two views",
        """
        import numpy as np

        def f(A, B):
            a = A / np.sqrt(np.sum(A ** 2, axis=1, keepdims=True))
            b = B / np.sqrt(np.sum(B ** 2, axis=1, keepdims=True))
            return -np.sum(a * b) / len(A)

        def claim(A, B):
            n = len(A)
            na, nb = (np.sqrt(np.sum(M ** 2, axis=1, keepdims=True)) for M in (A, B))
            a, b = A / na, B / nb
            c = np.sum(a * b, axis=1, keepdims=True)
            return -(b - c * a) / (na * n), -(a - c * b) / (nb * n)
        """,
        {"n": FEW, "d": FEW},
        lambda r, n, d: (r(n, d), r(n, d)),
        (0, 1),
    ),
)
