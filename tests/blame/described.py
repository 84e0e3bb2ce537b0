"""Mistakes that people made in published code, and mistakes planted there, each written anew by its description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.blame.programs import Right, loaded, made
from tests.corpus.specimen import Specimen
from tests.slips import Slip


@dataclass(frozen=True)
class Mistake:
    """What somebody wrote in a right program.

    ``made`` are the texts exchanged for others; ``kinds`` the kinds that name it usefully, ``leaves`` the wrong leaves.
    ``group`` is "published" for the real ones, "planted" for those put into published code, "reported" for those of
    bug reports and questions.
    """

    group: str
    name: str
    right: Right
    made: tuple[tuple[str, str], ...]
    leaves: tuple[str, ...]
    kinds: tuple[str, ...] = ()

    def specimen(self, path: Path, rows: int, seed: int) -> Specimen:
        """The program in a file as it is now, at a point with so many rows."""
        module = loaded(path)

        def point() -> tuple[Any, ...]:
            return self.right.args(np.random.default_rng(seed).standard_normal, rows)

        check, argnums = self.right.check, self.right.argnums
        told = "wrong", self.kinds, self.leaves
        return Specimen(self.name, check, module.f, module.claim, point, argnums, *told)

    def slip(self, folder: Path, rows: int = 6, seed: int = 0) -> Slip:
        """The mistake in a file of its own; its place is the first line that is not the right program's."""
        stem = "".join(c if c.isalnum() else "_" for c in self.name)
        was = Path(made(folder, self.right.text, name=f"{stem}_right").__file__ or "").read_text()
        path = Path(made(folder, self.right.text, *self.made, name=stem).__file__ or "")
        lines = path.read_text().splitlines()
        line = next(k for k, (a, b) in enumerate(zip(was.splitlines(), lines, strict=False), 1) if a != b)
        (old, new), *_ = self.made
        here = self.specimen(path, rows, seed)
        return Slip(
            here, self.group, str(path), line, 0, new, old, partial(self.specimen, path, rows + 3, seed + 1)
        )


def described(each: int, seed: int, folder: Path, part: str) -> Iterator[Slip]:
    """Every mistake, as a slip."""
    for mistake in MISTAKES:
        yield mistake.slip(folder, seed=seed)


LSTM = Right(
    """
    import numpy as np

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def f(x, h0, Wx, Wh, b):
        N, T, D = x.shape
        H = h0.shape[1]
        h, c = h0, np.zeros_like(h0)
        out = np.zeros((N, T, H))
        for t in range(T):
            a = x[:, t] @ Wx + h @ Wh + b
            i, fo, o = sigmoid(a[:, :H]), sigmoid(a[:, H:2*H]), sigmoid(a[:, 2*H:3*H])
            g = np.tanh(a[:, 3*H:])
            c = fo * c + i * g
            h = o * np.tanh(c)
            out[:, t] = h
        return out

    def claim(dout, x, h0, Wx, Wh, b):
        N, T, D = x.shape
        H = h0.shape[1]
        h, c = h0, np.zeros_like(h0)
        cache = []
        for t in range(T):
            a = x[:, t] @ Wx + h @ Wh + b
            i, fo, o = sigmoid(a[:, :H]), sigmoid(a[:, H:2*H]), sigmoid(a[:, 2*H:3*H])
            g = np.tanh(a[:, 3*H:])
            prev_h, prev_c = h, c
            c = fo * c + i * g
            h = o * np.tanh(c)
            cache.append((i, fo, o, g, c, prev_c, prev_h))
        dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
        dprev_h, dprev_c = np.zeros_like(h0), np.zeros_like(h0)
        for t in reversed(range(T)):
            i, fo, o, g, c, prev_c, prev_h = cache[t]
            dh = dout[:, t] + dprev_h
            dc = dprev_c + dh * o * (1 - np.tanh(c) ** 2)
            di = dc * g * i * (1 - i)
            df = dc * prev_c * fo * (1 - fo)
            do = dh * np.tanh(c) * o * (1 - o)
            dg = dc * i * (1 - g ** 2)
            da = np.hstack((di, df, do, dg))
            dx[:, t] = da @ Wx.T
            dWx += x[:, t].T @ da
            dWh += prev_h.T @ da
            db += da.sum(axis=0)
            dprev_h = da @ Wh.T
            dprev_c = dc * fo
        return dx, dprev_h, dWx, dWh, db
    """,
    lambda r, n: (r((n - 3, 3, 2)), r((n - 3, 3)), r((2, 12)), r((3, 12)), r(12)),
    (0, 1, 2, 3, 4),
    "vjp",
)
GATED = Right(
    """
    import numpy as np

    sig = lambda z: 1 / (1 + np.exp(-z))

    def f(x, h, W, U):
        for t in range(x.shape[1]):
            z = x[:, t] @ W + h @ U
            f, k = sig(z[:, :4]), np.tanh(z[:, 4:])
            h = f * h + (1 - f) * k
        return h

    def claim(c, x, h, W, U):
        kept = []
        for t in range(x.shape[1]):
            z = x[:, t] @ W + h @ U
            f, k = sig(z[:, :4]), np.tanh(z[:, 4:])
            kept.append((h, f, k))
            h = f * h + (1 - f) * k
        dx, dW, dU, dh = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), c
        for t in reversed(range(x.shape[1])):
            h, f, k = kept[t]
            df = dh * (h - k) * f * (1 - f)
            dk = dh * (1 - f) * (1 - k * k)
            dz = np.hstack([df, dk])
            dx[:, t], dW, dU = dz @ W.T, dW + x[:, t].T @ dz, dU + h.T @ dz
            dh = dh * f + dz @ U.T
        return dx, dh, dW, dU
    """,
    lambda r, n: (r((n, 4, 2)), r((n, 4)), r((2, 8)), r((4, 8))),
    (0, 1, 2, 3),
    "vjp",
)
RNN = Right(
    """
    import numpy as np

    def states(P, X):
        H = [np.zeros(len(P["b"]))]
        for x in X:
            H.append(np.tanh(x @ P["Wx"] + H[-1] @ P["Wh"] + P["b"]))
        return H

    def f(P, X, Y):
        return np.sum((np.array(states(P, X)[1:]) - Y) ** 2)

    def claim(P, X, Y):
        H = states(P, X)
        dnext = np.zeros(len(P["b"]))
        G = {k: np.zeros_like(v) for k, v in P.items()}
        for t in reversed(range(len(X))):
            dh = 2 * (H[t + 1] - Y[t]) + dnext
            dz = (1 - H[t + 1] ** 2) * dh
            G["Wx"] += np.outer(X[t], dz)
            G["Wh"] += np.outer(H[t], dz)
            G["b"] += dz
            dnext = P["Wh"] @ dz
        return G
    """,
    lambda r, n: ({"Wx": 0.5 * r((3, 5)), "Wh": 0.5 * r((5, 5)), "b": 0.1 * r(5)}, r((n, 3)), r((n, 5))),
)
CONV = Right(
    """
    import numpy as np

    def f(x, w, b, stride, pad):
        N, C, H, W = x.shape
        F, _, k, _ = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        Ho, Wo = (H + 2 * pad - k) // stride + 1, (W + 2 * pad - k) // stride + 1
        out = np.zeros((N, F, Ho, Wo))
        for i in range(Ho):
            for j in range(Wo):
                patch = xp[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
                for m in range(F):
                    out[:, m, i, j] = np.sum(patch * w[m], axis=(1, 2, 3)) + b[m]
        return out

    def claim(dout, x, w, b, stride, pad):
        N, C, H, W = x.shape
        F, _, k, _ = w.shape
        xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        dxp, dw, db = np.zeros_like(xp), np.zeros_like(w), np.zeros_like(b)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                top, left = i * stride, j * stride
                patch = xp[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
                for m in range(F):
                    d = dout[:, m, i, j][:, None, None, None]
                    dxp[:, :, top : top + k, left : left + k] += d * w[m]
                    dw[m] += np.sum(d * patch, axis=0)
                    db[m] += np.sum(dout[:, m, i, j])
        return dxp[:, :, pad : pad + H, pad : pad + W], dw, db
    """,
    lambda r, n: (r((n - 4, 2, 5, 5)), r((2, 2, 3, 3)), r(2), 2, 1 if n < 8 else 2),
    (0, 1, 2),
    "vjp",
)
ATTENTION = Right(
    """
    import numpy as np

    def softmax(s):
        e = np.exp(s - s.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def f(q, k, v):
        S = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
        return softmax(S) @ v

    def claim(dO, q, k, v):
        scale = 1 / np.sqrt(q.shape[-1])
        P = softmax(q @ k.swapaxes(-1, -2) * scale)
        dV = P.swapaxes(-1, -2) @ dO
        dP = dO @ v.swapaxes(-1, -2)
        dS = P * (dP - (dP * P).sum(-1, keepdims=True)) * scale
        return dS @ k, dS.swapaxes(-1, -2) @ q, dV
    """,
    lambda r, n: (r((2, n - 1, 4)), r((2, n - 1, 4)), r((2, n - 1, 3))),
    (0, 1, 2),
    "vjp",
)
GCN = Right(
    """
    import numpy as np

    def f(X, W1, W2, A, Y):
        H = np.maximum(A @ X @ W1, 0)
        return 0.5 * np.sum((A @ H @ W2 - Y) ** 2) / len(X)

    def claim(X, W1, W2, A, Y):
        AX = A @ X
        Z = AX @ W1
        H = np.maximum(Z, 0)
        dout = (A @ H @ W2 - Y) / len(X)
        dW2 = (A @ H).T @ dout
        dH = A.T @ dout @ W2.T
        dZ = dH * (Z > 0)
        dW1 = AX.T @ dZ
        dX = A.T @ (dZ @ W1.T)
        return dX, dW1, dW2
    """,
    lambda r, n: (r((n, 3)), r((3, 5)), r((5, 2)), np.abs(r((n, n))) / n, r((n, 2))),
    (0, 1, 2),
)
EDGES = Right(
    """
    import numpy as np

    def f(X, W, src, dst):
        M = X[src] @ W
        out = np.zeros((len(X), W.shape[1]))
        np.add.at(out, dst, M)
        return np.tanh(out)

    def claim(dout, X, W, src, dst):
        out = np.zeros((len(X), W.shape[1]))
        np.add.at(out, dst, X[src] @ W)
        dM = (dout * (1 - np.tanh(out) ** 2))[dst]
        dW = X[src].T @ dM
        dX = np.zeros_like(X)
        np.add.at(dX, src, dM @ W.T)
        return dX, dW
    """,
    lambda r, n: (r((n, 3)), r((3, 2)), np.arange(2 * n) % (n - 1), np.arange(2 * n) ** 2 % n),
    (0, 1),
    "vjp",
)
NEIGHBOURS = Right(
    """
    import numpy as np

    def f(Y, P):
        D = np.sum((Y[:, None] - Y[None]) ** 2, axis=-1)
        num = 1 / (1 + D)
        num = num * (1 - np.eye(len(Y)))
        Q = num / np.sum(num)
        off = P > 0
        return np.sum(P[off] * np.log(P[off] / Q[off]))

    def claim(Y, P):
        n, d = Y.shape
        sum_Y = np.sum(np.square(Y), 1)
        num = 1 / (1 + np.add(np.add(-2 * np.dot(Y, Y.T), sum_Y).T, sum_Y))
        num[range(n), range(n)] = 0
        Q = num / np.sum(num)
        PQ = P - Q
        dY = np.zeros_like(Y)
        for i in range(n):
            dY[i] = 4 * np.sum(np.tile(PQ[:, i] * num[:, i], (d, 1)).T * (Y[i] - Y), 0)
        return dY
    """,
    lambda r, n: (r((n, 2)), _shares(r((n, n)))),
)
CRF = Right(
    """
    import numpy as np

    def lse(a, axis):
        m = a.max(axis=axis, keepdims=True)
        return np.squeeze(m, axis) + np.log(np.sum(np.exp(a - m), axis=axis))

    def f(emit, trans, tags):
        T = len(emit)
        score = np.sum(emit[np.arange(T), tags]) + np.sum(trans[tags[:-1], tags[1:]])
        alpha = emit[0]
        for t in range(1, T):
            alpha = lse(alpha[:, None] + trans, 0) + emit[t]
        return lse(alpha, 0) - score

    def claim(emit, trans, tags):
        T, K = emit.shape
        alpha, beta = np.zeros((T, K)), np.zeros((T, K))
        alpha[0] = emit[0]
        for t in range(1, T):
            alpha[t] = lse(alpha[t - 1][:, None] + trans, 0) + emit[t]
        for t in range(T - 2, -1, -1):
            beta[t] = lse(trans + emit[t + 1] + beta[t + 1], 1)
        logZ = lse(alpha[-1], 0)
        demit = np.exp(alpha + beta - logZ)
        dtrans = np.zeros_like(trans)
        for t in range(T - 1):
            dtrans += np.exp(alpha[t][:, None] + trans + emit[t + 1] + beta[t + 1] - logZ)
            dtrans[tags[t], tags[t + 1]] -= 1
        demit[np.arange(T), tags] -= 1
        return demit, dtrans
    """,
    lambda r, n: (r((n, 3)), r((3, 3)), np.arange(n) ** 2 % 3),
    (0, 1),
)
RENDER = Right(
    """
    import numpy as np

    def f(sigma, color, delta):
        alpha = 1 - np.exp(-sigma * delta)
        trans = np.exp(-(np.cumsum(sigma * delta, axis=1) - sigma * delta))
        return np.sum((trans * alpha)[..., None] * color, axis=1)

    def claim(dout, sigma, color, delta):
        tau = sigma * delta
        alpha = 1 - np.exp(-tau)
        trans = np.exp(-(np.cumsum(tau, axis=1) - tau))
        w = trans * alpha
        dcolor = w[..., None] * dout[:, None, :]
        dw = np.sum(dout[:, None, :] * color, axis=-1)
        after = np.cumsum((dw * w)[:, ::-1], axis=1)[:, ::-1] - dw * w
        dtau = dw * trans * np.exp(-tau) - after
        return dtau * delta, dcolor
    """,
    lambda r, n: (np.abs(r((n - 3, 5))), r((n - 3, 5, 3)), 0.2 + np.abs(r((n - 3, 5)))),
    (0, 1),
    "vjp",
)
MLP = Right(
    """
    import numpy as np

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def f(W1, b1, W2, b2, X, Y):
        a1 = sigmoid(X @ W1 + b1)
        a2 = sigmoid(a1 @ W2 + b2)
        return -np.mean(np.sum(Y * np.log(a2) + (1 - Y) * np.log(1 - a2), axis=1))

    def claim(W1, b1, W2, b2, X, Y):
        z1 = X @ W1 + b1
        a1 = sigmoid(z1)
        a2 = sigmoid(a1 @ W2 + b2)
        dz2 = (a2 - Y) / len(X)
        dW2 = a1.T @ dz2
        db2 = dz2.sum(axis=0)
        da1 = dz2 @ W2.T
        dz1 = da1 * a1 * (1 - a1)
        dW1 = X.T @ dz1
        db1 = dz1.sum(axis=0)
        return dW1, db1, dW2, db2
    """,
    lambda r, n: (r((3, 4)), r(4), r((4, 4)), r(4), r((n, 3)), (r((n, 4)) > 0) * 1.0),
    (0, 1, 2, 3),
)
DENSE = Right(
    """
    import numpy as np

    def f(x, W, b):
        return np.tanh(x.dot(W) + b)

    def claim(dout, x, W, b):
        out = np.tanh(x.dot(W) + b)
        dz = dout * (1 - out ** 2)
        dx = dz.dot(W.T)
        dW = x.T.dot(dz)
        db = np.sum(dz, axis=0)
        return dx, dW, db
    """,
    lambda r, n: (r((n, 4)), r((4, 4)), r(4)),
    (0, 1, 2),
    "vjp",
)
BATCHNORM = Right(
    """
    import numpy as np

    def f(x, gamma, beta, eps):
        mu, var = x.mean(axis=0), x.var(axis=0)
        return gamma * (x - mu) / np.sqrt(var + eps) + beta

    def claim(dout, x, gamma, beta, eps):
        N = x.shape[0]
        mu, var = x.mean(axis=0), x.var(axis=0)
        xmu = x - mu
        ivar = 1 / np.sqrt(var + eps)
        xhat = xmu * ivar
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout * xhat, axis=0)
        dxhat = dout * gamma
        dvar = np.sum(dxhat * xmu, axis=0) * -0.5 * ivar ** 3
        dmu = -np.sum(dxhat * ivar, axis=0) + dvar * np.mean(-2 * xmu, axis=0)
        dx = dxhat * ivar + dvar * 2 * xmu / N + dmu / N
        return dx, dgamma, dbeta
    """,
    lambda r, n: (r((n, 4)), r(4), r(4), 1e-2),
    (0, 1, 2),
    "vjp",
)
LAYERNORM = Right(
    """
    import numpy as np

    def f(x, g, b, eps):
        mean = x.mean(axis=-1, keepdims=True)
        var = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        return g * (x - mean) / np.sqrt(var + eps) + b

    def claim(dout, x, g, b, eps):
        mean = x.mean(axis=-1, keepdims=True)
        std = np.sqrt(((x - mean) ** 2).mean(axis=-1, keepdims=True) + eps)
        xhat = (x - mean) / std
        dg = (dout * xhat).sum(axis=0)
        db = dout.sum(axis=0)
        dxhat = dout * g
        dx = dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)
        return dx / std, dg, db
    """,
    lambda r, n: (r((n, 5)), r(5), r(5), 1e-2),
    (0, 1, 2),
    "vjp",
)
IM2COL = Right(
    """
    import numpy as np

    def im2col(x, k):
        N, C, H, W = x.shape
        oh, ow = H - k + 1, W - k + 1
        col = np.zeros((N, C, k, k, oh, ow))
        for i in range(k):
            for j in range(k):
                col[:, :, i, j] = x[:, :, i : i + oh, j : j + ow]
        return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * oh * ow, -1)

    def col2im(dcol, shape, k):
        N, C, H, W = shape
        oh, ow = H - k + 1, W - k + 1
        dcol = dcol.reshape(N, oh, ow, C, k, k).transpose(0, 3, 4, 5, 1, 2)
        img = np.zeros(shape)
        for i in range(k):
            for j in range(k):
                img[:, :, i : i + oh, j : j + ow] += dcol[:, :, i, j]
        return img

    def f(x, W, b):
        FN, C, k, _ = W.shape
        N, C, H, _ = x.shape
        out = im2col(x, k) @ W.reshape(FN, -1).T + b
        return out.reshape(N, H - k + 1, -1, FN).transpose(0, 3, 1, 2)

    def claim(dout, x, W, b):
        FN, C, k, _ = W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
        db = np.sum(dout, axis=0)
        dW = np.dot(im2col(x, k).T, dout)
        dW = dW.transpose(1, 0).reshape(FN, C, k, k)
        dcol = np.dot(dout, W.reshape(FN, -1))
        return col2im(dcol, x.shape, k), dW, db
    """,
    lambda r, n: (r((n - 4, 2, 4, 4)), r((3, 2, 3, 3)), r(3)),
    (0, 1, 2),
    "vjp",
)
SOFTMAX = Right(
    """
    import numpy as np

    def f(scores, y):
        z = scores - np.max(scores, axis=1, keepdims=True)
        return -np.mean((z - np.log(np.sum(np.exp(z), axis=1, keepdims=True)))[np.arange(len(y)), y])

    def claim(scores, y):
        N = scores.shape[0]
        p = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        p /= np.sum(p, axis=1, keepdims=True)
        dx = p.copy()
        dx[np.arange(N), y] -= 1
        dx /= N
        return dx
    """,
    lambda r, n: (r((n, 4)), np.arange(n) ** 2 % 4),
)
HINGE = Right(
    """
    import numpy as np

    def f(W, X, y, reg):
        scores = X @ W
        margins = np.maximum(0, scores - scores[np.arange(len(y)), y][:, None] + 1)
        margins[np.arange(len(y)), y] = 0
        return np.sum(margins) / len(y) + reg * np.sum(W * W)

    def claim(W, X, y, reg):
        dW = np.zeros(W.shape)
        for i in range(X.shape[0]):
            scores = X[i].dot(W)
            for j in range(W.shape[1]):
                if j == y[i]:
                    continue
                if scores[j] - scores[y[i]] + 1 > 0:
                    dW[:, j] += X[i]
                    dW[:, y[i]] -= X[i]
        dW /= X.shape[0]
        dW += 2 * reg * W
        return dW
    """,
    lambda r, n: (r((3, 4)), r((n, 3)), np.arange(n) ** 2 % 4, 0.3),
)
VAE = Right(
    """
    import numpy as np

    def f(mu, logvar, W, x, noise):
        z = mu + np.exp(0.5 * logvar) * noise
        recon = 0.5 * np.sum((z @ W - x) ** 2)
        kl = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))
        return (recon + kl) / len(x)

    def claim(mu, logvar, W, x, noise):
        N = len(x)
        std = np.exp(0.5 * logvar)
        z = mu + std * noise
        dout = (z @ W - x) / N
        dW = z.T @ dout
        dz = dout @ W.T
        dmu = dz + mu / N
        dlogvar = dz * noise * 0.5 * std + 0.5 * (np.exp(logvar) - 1) / N
        return dmu, dlogvar, dW
    """,
    lambda r, n: (r((n, 3)), r((n, 3)), r((3, 4)), r((n, 4)), r((n, 3))),
    (0, 1, 2),
)
DEAD = Right(
    """
    import numpy as np

    def softmax(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def f(W1, W2, X, y):
        out = 1 / (1 + np.exp(-np.tanh(X @ W1) @ W2))
        return -np.mean(y * np.log(out) + (1 - y) * np.log(1 - out))

    def claim(W1, W2, X, y):
        h = np.tanh(X @ W1)
        out = 1 / (1 + np.exp(-h @ W2))
        d = (out - y) / len(X)
        return X.T @ (d @ W2.T * (1 - h ** 2)), h.T @ d
    """,
    lambda r, n: (r((3, 4)), r((4, 1)), r((n, 3)), (r((n, 1)) > 0) * 1.0),
    (0, 1),
)
SEQUENCE = Right(
    """
    import numpy as np

    def f(x, w):
        xp = np.pad(x, ((0, 0), (1, 1)))
        return np.stack([np.tensordot(xp[:, i:i + 3], w, axes=([0, 1], [1, 2])) for i in range(x.shape[1])], axis=1)

    def claim(g, x, w):
        xp = np.pad(x, ((0, 0), (1, 1)))
        dx, dw = np.zeros_like(xp), np.zeros_like(w)
        for i in range(x.shape[1]):
            dx[:, i:i + 3] += np.tensordot(g[:, i], w, axes=(0, 0))
            dw += g[:, i][:, None, None] * xp[:, i:i + 3]
        return dx[:, 1:-1], dw
    """,
    lambda r, n: (r((2, n + 1)), r((3, 2, 3))),
    (0, 1),
    "vjp",
)
POOL = Right(
    """
    import numpy as np

    def f(x):
        n, h, w = x.shape
        out = np.zeros((n, h // 2, w // 2))
        for i in range(h // 2):
            for j in range(w // 2):
                out[:, i, j] = x[:, 2 * i:2 * i + 2, 2 * j:2 * j + 2].max(axis=(1, 2))
        return out

    def claim(dout, x):
        n, h, w = x.shape
        dx = np.zeros_like(x)
        for i in range(h // 2):
            for j in range(w // 2):
                window = x[:, 2 * i:2 * i + 2, 2 * j:2 * j + 2]
                mask = window == window.max(axis=(1, 2), keepdims=True)
                dx[:, 2 * i:2 * i + 2, 2 * j:2 * j + 2] += dout[:, i, j][:, None, None] * mask
        return dx
    """,
    lambda r, n: (r((n - 4, 4, 6)),),
    (0,),
    "vjp",
)
POSE = Right(
    """
    import numpy as np

    def skew(v):
        return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])

    def rotation(w):
        t = np.sqrt(w @ w)
        K = skew(w / t)
        return np.eye(3) + np.sin(t) * K + (1 - np.cos(t)) * K @ K

    def right_jacobian(w):
        t = np.sqrt(w @ w)
        K = skew(w)
        return np.eye(3) - (1 - np.cos(t)) / t ** 2 * K + (t - np.sin(t)) / t ** 3 * K @ K

    def f(w, p):
        return rotation(w) @ p

    def claim(w, p):
        R = rotation(w)
        return -R @ skew(p) @ right_jacobian(w)
    """,
    lambda r, n: (r(3), r(3)),
    (0,),
    "jacobian",
)
TWICE = Right(
    """
    import numpy as np

    class Dense:
        def __init__(self, W):
            self.W = W
            self.kept = []

        def forward(self, x):
            y = np.tanh(x @ self.W)
            self.kept.append(y)
            return y

        def backward(self, d):
            y = self.kept.pop()
            return d * (1 - y ** 2) @ self.W.T

    def f(x, W):
        layer = Dense(W)
        return layer.forward(layer.forward(x))

    def claim(dout, x, W):
        layer = Dense(W)
        layer.forward(layer.forward(x))
        return layer.backward(layer.backward(dout))
    """,
    lambda r, n: (r((n, 4)), r((4, 4))),
    (0,),
    "vjp",
)


DEGREES = Right(
    """
    import numpy as np

    def f(angle, w):
        return np.sum(np.sin(np.deg2rad(angle)) * w)

    def claim(angle, w):
        return np.cos(np.deg2rad(angle)) * w * np.pi / 180
    """,
    lambda r, n: (60 * r(n), r(n)),
)
PROBABILITY = Right(
    """
    import numpy as np

    def f(theta, x):
        p = 1 / (1 + np.exp(-theta))
        return -np.sum(x * np.log(p) + (1 - x) * np.log(1 - p))

    def claim(theta, x):
        p = 1 / (1 + np.exp(-theta))
        dp = -np.sum(x / p - (1 - x) / (1 - p))
        return dp * p * (1 - p)
    """,
    lambda r, n: (float(r()), (r(n) > 0) * 1.0),
)
DISCOUNTED = Right(
    """
    import numpy as np

    def f(w, b, X, y, discount):
        return discount * np.mean((X @ w + b - y) ** 2)

    def claim(w, b, X, y, discount):
        d = 2 * discount * (X @ w + b - y) / len(X)
        return X.T @ d, d.sum()
    """,
    lambda r, n: (r(3), float(r()), r((n, 3)), r(n), 0.7744),
    (0, 1),
)
SIMPLEX = Right(
    """
    import numpy as np

    def f(p, q):
        return np.sum(p * np.log(p / q))

    def claim(p, q):
        return np.log(p / q) + 1
    """,
    lambda r, n: (_parts(r(n)), _parts(r(n))),
)
COVARIANCE = Right(
    """
    import numpy as np

    def f(S, C):
        return np.linalg.slogdet(S)[1] + np.trace(np.linalg.inv(S) @ C)

    def claim(S, C):
        inv = np.linalg.inv(S)
        return (inv - inv @ C @ inv).T
    """,
    lambda r, n: (_definite(r((n, n))), _definite(r((n, n)))),
)
SIAMESE = Right(
    """
    import numpy as np

    def f(W, A, B):
        return np.sum((np.tanh(A @ W) - np.tanh(B @ W)) ** 2)

    def claim(W, A, B):
        a, b = np.tanh(A @ W), np.tanh(B @ W)
        d = 2 * (a - b)
        return A.T @ (d * (1 - a ** 2)) - B.T @ (d * (1 - b ** 2))
    """,
    lambda r, n: (r((3, 4)), r((n, 3)), r((n, 3))),
)
STACKED = Right(
    """
    import numpy as np

    class Scale:
        def __init__(self, g):
            self.g, self.seen = g, []

        def forward(self, x):
            self.seen.append(x)
            return np.tanh(x) * self.g

        def backward(self, d):
            x = self.seen.pop()
            self.dg = getattr(self, "dg", 0) + np.sum(d * np.tanh(x), axis=0)
            return d * self.g * (1 - np.tanh(x) ** 2)

    def f(x, g):
        layer = Scale(g)
        return layer.forward(layer.forward(x))

    def claim(dout, x, g):
        layer = Scale(g)
        layer.forward(layer.forward(x))
        dx = layer.backward(layer.backward(dout))
        return dx, layer.dg
    """,
    lambda r, n: (r((n, 3)), r(3)),
    (0, 1),
    "vjp",
)


def _parts(logs: Any) -> Any:
    return np.exp(logs) / np.exp(logs).sum()


def _definite(matrix: Any) -> Any:
    return matrix @ matrix.T / len(matrix) + np.eye(len(matrix))


def _shares(logs: Any) -> Any:
    shares = np.exp(logs + logs.T)
    np.fill_diagonal(shares, 0)
    return shares / shares.sum()


EVERY = ("W1", "b1", "W2", "b2")
BACK = ("x", "h0", "Wx", "Wh", "b")
PUBLISHED = (
    ("batch norm without the mean's path", BATCHNORM, ((" + dmu / N", ""),), ("x",), ("missing_term",)),
    ("what comes back in time is forgotten", RNN, ((" + dnext", ""),), ("P['Wx']", "P['Wh']", "P['b']"),
     ("missing_term",)),
    ("a square matrix is not transposed", DENSE, (("dz.dot(W.T)", "dz.dot(W)"),), ("x",), ("transpose",)),
    ("the other axis", DENSE, (("np.sum(dz, axis=0)", "np.sum(dz, axis=1)[: W.shape[1]]"),), ("b",),
     ("shape",)),
    ("a softmax over one class", DEAD,
     (("out = 1 / (1 + np.exp(-np.tanh(X @ W1) @ W2))", "out = softmax(np.tanh(X @ W1) @ W2)"),
      ("np.log(1 - out)", "np.log(2 - out)"),
      ("out = 1 / (1 + np.exp(-h @ W2))", "out = softmax(h @ W2)")), ("W1", "W2"), ("extra_term",)),
    ("one column", HINGE, (("dW[:, y[i]] -= X[i]", "dW[:, j] -= X[i]"),), ("W",), ("columns",)),
    ("a name that is none", MLP, (("da1 * a1 * (1 - a1)", "da1 * a1 * (1 - A1)"),), EVERY,
     ("other", "shape")),
    ("scores' gradient not transposed", ATTENTION, (("dS.swapaxes(-1, -2) @ q", "dS @ q"),), ("k",),
     ("transpose",)),
)  # fmt: skip
PLANTED = (
    ("lstm: dh from the next step forgotten", LSTM, (("dout[:, t] + dprev_h", "dout[:, t]"),), BACK,
     ("missing_term",)),
    ("lstm: dc from the next step forgotten", LSTM, (("dc = dprev_c + dh", "dc = dh"),), BACK,
     ("missing_term",)),
    ("lstm: gates swapped", LSTM, (("np.hstack((di, df, do, dg))", "np.hstack((df, di, do, dg))"),), BACK,
     ("permutation",)),
    ("lstm: a gate's derivative lost", LSTM, (("dc * g * i * (1 - i)", "dc * g"),), BACK,
     ("missing_activation_derivative",)),
    ("gated: dh through U forgotten", GATED, (("dh * f + dz @ U.T", "dh * f"),), ("x", "h", "W", "U"),
     ("missing_term",)),
    ("gated: dh past the gate forgotten", GATED, (("dh * f + dz @ U.T", "dz @ U.T"),), ("x", "h", "W", "U"),
     ("missing_term",)),
    ("gated: gates swapped", GATED, (("np.hstack([df, dk])", "np.hstack([dk, df])"),), ("x", "h", "W", "U"),
     ("permutation",)),
    ("gated: a gate's derivative lost", GATED, (("(h - k) * f * (1 - f)", "(h - k)"),), ("x", "h", "W", "U"),
     ("missing_activation_derivative",)),
    ("conv: stride lost in one index", CONV,
     (("top, left = i * stride, j * stride", "top, left = i * stride, j"),), ("x",), ()),
    ("conv: pad lost in one index", CONV, (("pad : pad + H, pad : pad + W]", "pad : pad + H, 0 : W]"),),
     ("x",), ()),
    ("conv: set where it is added", CONV, (("left : left + k] += d * w", "left : left + k] = d * w"),),
     ("x",), ()),
    ("attention: dS for dS.T", ATTENTION, (("dS.swapaxes(-1, -2) @ q", "dS @ q"),), ("k",), ("transpose",)),
    ("attention: scale lost", ATTENTION, (("keepdims=True)) * scale", "keepdims=True))"),), ("q", "k"),
     ("scale",)),
    ("attention: no row sums in the softmax", ATTENTION, ((" - (dP * P).sum(-1, keepdims=True)", ""),),
     ("q", "k"), ("missing_term",)),
    ("attention: P for P.T", ATTENTION, (("P.swapaxes(-1, -2) @ dO", "P @ dO"),), ("v",), ("transpose",)),
    ("gcn: adjacency not transposed", GCN, (("dH = A.T @ dout", "dH = A @ dout"),), ("X", "W1"),
     ("transpose",)),
    ("gcn: relu forgotten", GCN, (("dH * (Z > 0)", "dH"),), ("X", "W1"), ("missing_activation_derivative",)),
    ("gcn: repeated ids", EDGES, (("np.add.at(dX, src, dM @ W.T)", "dX[src] += dM @ W.T"),), ("X",),
     ("rows",)),
    ("t-sne: two for four", NEIGHBOURS, (("dY[i] = 4 *", "dY[i] = 2 *"),), ("Y",), ("scale",)),
    ("t-sne: kernel lost", NEIGHBOURS, (("PQ[:, i] * num[:, i]", "PQ[:, i]"),), ("Y",), ()),
    ("crf: transitions not counted", CRF, (("        dtrans[tags[t], tags[t + 1]] -= 1\n", ""),), ("trans",),
     ("missing_term",)),
    ("crf: the next emission lost", CRF,
     (("lse(trans + emit[t + 1] + beta[t + 1], 1)", "lse(trans + beta[t + 1], 1)"),),
     ("emit", "trans"), ("missing_term",)),
    ("rendering: the sample itself counted behind it", RENDER, (("[:, ::-1] - dw * w\n", "[:, ::-1]\n"),),
     ("sigma",), ("missing_term",)),
    ("rendering: what is occluded forgotten", RENDER, (("np.exp(-tau) - after", "np.exp(-tau)"),),
     ("sigma",), ("missing_term",)),
    ("mlp: before the activation for after", MLP, (("a1.T @ dz2", "z1.T @ dz2"),), ("W2",), ()),
    ("mlp: activation's derivative forgotten", MLP, (("da1 * a1 * (1 - a1)", "da1"),), ("W1", "b1"),
     ("missing_activation_derivative",)),
    ("dense: derivative at the input", DENSE, (("1 - out ** 2", "1 - x ** 2"),), ("x", "W", "b"),
     ("wrong_activation_derivative",)),
    ("dense: bias averaged", DENSE, (("np.sum(dz, axis=0)", "np.mean(dz, axis=0)"),), ("b",), ("scale",)),
    ("dense: twice", DENSE, (("x.T.dot(dz)", "2 * x.T.dot(dz)"),), ("W",), ("scale",)),
    ("norms: variance's path lost", BATCHNORM, ((" + dvar * 2 * xmu / N", ""),), ("x",), ("missing_term",)),
    ("norms: gamma lost", BATCHNORM, (("dout * gamma", "dout"),), ("x",), ("columns",)),
    ("norms: input for normalised", BATCHNORM, (("dout * xhat, axis=0", "dout * x, axis=0"),), ("gamma",),
     ()),
    ("norms: a power", BATCHNORM, (("ivar ** 3", "ivar ** 2"),), ("x",), ()),
    ("norms: mean over the layer lost", LAYERNORM, ((" - dxhat.mean(axis=-1, keepdims=True)", ""),), ("x",),
     ("missing_term",)),
    ("im2col: set where it is added", IM2COL, (("j : j + ow] += dcol", "j : j + ow] = dcol"),), ("x",), ()),
    ("im2col: weights in the wrong order", IM2COL, (("dW.transpose(1, 0).reshape", "dW.reshape"),), ("W",),
     ("transpose", "permutation")),
    ("im2col: axes in the wrong order", IM2COL,
     (("dout.transpose(0, 2, 3, 1)", "dout.transpose(0, 3, 2, 1)"),), ("x", "W"),
     ("transpose", "permutation")),
    ("losses: mean forgotten", SOFTMAX, (("    dx /= N\n", ""),), ("scores",), ("scale",)),
    ("losses: labels forgotten", SOFTMAX, (("    dx[np.arange(N), y] -= 1\n", ""),), ("scores",),
     ("missing_term",)),
    ("losses: regulariser without its two", HINGE, (("2 * reg * W", "reg * W"),), ("W",), ("missing_term",)),
    ("vae: a half lost", VAE, (("dz * noise * 0.5 * std", "dz * noise * std"),), ("logvar",),
     ("extra_term", "scale")),
    ("vae: divergence forgotten", VAE, (("dz + mu / N", "dz"),), ("mu",), ("missing_term",)),
)  # fmt: skip
REPORTED = (
    ("recurrent matrix not transposed", RNN, (('P["Wh"] @ dz', 'dz @ P["Wh"]'),),
     ("P['Wx']", "P['Wh']", "P['b']"), ("transpose",)),
    ("kernel flipped", SEQUENCE, (("g[:, i], w, axes", "g[:, i], w[:, :, ::-1], axes"),), ("x",),
     ("permutation",)),
    ("padding cropped wrongly", SEQUENCE, (("dx[:, 1:-1]", "dx[:, :-2]"),), ("x",), ("permutation",)),
    ("overlapping windows set", SEQUENCE, (("i:i + 3] += np", "i:i + 3] = np"),), ("x",), ()),
    ("pooling spread evenly", POOL, (("mask\n    return", "(mask | True) / 4\n    return"),), ("x",), ()),
    ("lstm: forget factor missing", LSTM, (("dprev_c = dc * fo", "dprev_c = dc"),), BACK, ()),
    ("lstm: 1 - g for 1 - g^2", LSTM, (("1 - g ** 2", "1 - g"),), BACK, ("wrong_activation_derivative",)),
    ("R.T for R", POSE, (("-R @ skew", "-R.T @ skew"),), ("w",), ("transpose",)),
    ("identity for R", POSE, (("-R @ skew", "-np.eye(3) @ skew"),), ("w",), ()),
    ("degrees taken for radians", DEGREES, ((" * np.pi / 180", ""),), ("angle",), ("scale",)),
    ("the one parameter's sigmoid", PROBABILITY, (("dp * p * (1 - p)", "dp"),), ("theta",),
     ("scale", "missing_activation_derivative")),
    ("a factor of all leaves", DISCOUNTED, (("2 * discount * ", "2 * "),), ("w", "b"), ("scale",)),
    ("projected on the simplex", SIMPLEX, (("return np.log(p / q) + 1", "g = np.log(p / q) + 1; return g - g.mean()"),),
     ("p",), ("extra_term", "missing_term")),
    ("every entry off the diagonal twice", COVARIANCE,
     (("return (inv - inv @ C @ inv).T", "G = (inv - inv @ C @ inv).T; return G + G.T - np.diag(np.diag(G))"),),
     ("S",), ("sparse",)),
    ("one of two branches with shared weights", SIAMESE, ((" - B.T @ (d * (1 - b ** 2))", ""),), ("W",),
     ("missing_term",)),
    ("what a layer gathers is set anew", STACKED, (('getattr(self, "dg", 0) + np.sum', "np.sum"),), ("g",),
     ("missing_term",)),
    ("a layer used twice with one cache", TWICE, (("self.kept.pop()", "self.kept[-1]"),), ("x",), ()),
)  # fmt: skip
MISTAKES = tuple(
    Mistake(group, *one)
    for group, ones in (("published", PUBLISHED), ("planted", PLANTED), ("reported", REPORTED))
    for one in ones
)
"""Of the published ones eight; the description of the other seven says no more than that they were caught."""
