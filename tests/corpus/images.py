"""Images: two-dimensional convolution, pooling, channel normalisation, upsampling, flattening."""

import numpy as np

from .specimen import Book

book = Book("images")


def conv2d(X, K, b):
    # X (batch, in, height, width), K (out, in, kh, kw)
    n, _, H, W = X.shape
    o, _, kh, kw = K.shape
    out = np.zeros((n, o, H - kh + 1, W - kw + 1), dtype=X.dtype)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = X[:, :, i : i + kh, j : j + kw]
            out[:, :, i, j] = np.tensordot(patch, K, axes=([1, 2, 3], [1, 2, 3]))
    return out + b[:, None, None]


def conv2d_vjp(u, X, K, b):
    kh, kw = K.shape[2:]
    dX, dK = np.zeros_like(X), np.zeros_like(K)
    for i in range(u.shape[2]):
        for j in range(u.shape[3]):
            patch = X[:, :, i : i + kh, j : j + kw]
            dK += np.einsum("no,nchw->ochw", u[:, :, i, j], patch)
            dX[:, :, i : i + kh, j : j + kw] += np.einsum("no,ochw->nchw", u[:, :, i, j], K)
    return dX, dK, u.sum(axis=(0, 2, 3))


def conv_point():
    r = np.random.default_rng(81)
    return r.normal(size=(2, 2, 5, 4)), r.normal(size=(3, 2, 3, 3)), r.normal(size=3)


conv = book.system("conv2d", conv2d, conv2d_vjp, conv_point, kind="vjp")


@conv.wrong("kernel rotated in the weights", "permutation", "other", leaf="K")
def _(u, X, K, b):
    dX, dK, db = conv2d_vjp(u, X, K, b)
    return dX, dK[:, :, ::-1, ::-1], db


@conv.wrong("kernel not rotated in the input", "other", "permutation", leaf="X")
def _(u, X, K, b):
    dX, _, _ = conv2d_vjp(u, X, K[:, :, ::-1, ::-1], b)
    _, dK, db = conv2d_vjp(u, X, K, b)
    return dX, dK, db


@conv.wrong("kernel's height and width exchanged", "transpose", "permutation", leaf="K")
def _(u, X, K, b):
    dX, dK, db = conv2d_vjp(u, X, K, b)
    return dX, dK.transpose(0, 1, 3, 2), db


@conv.wrong("bias averaged over the image", "scale", leaf="b")
def _(u, X, K, b):
    dX, dK, db = conv2d_vjp(u, X, K, b)
    return dX, dK, db / (u.shape[2] * u.shape[3])


@conv.wrong("bias not summed over the batch", "shape", leaf="b")
def _(u, X, K, b):
    dX, dK, _ = conv2d_vjp(u, X, K, b)
    return dX, dK, u.sum(axis=(2, 3))


@conv.wrong("border column forgotten", "other", "columns", "sparse", "missing_term", leaf="X")
def _(u, X, K, b):
    dX, dK, db = conv2d_vjp(u, X, K, b)
    dX[..., -1] = 0
    return dX, dK, db


@conv.wrong("first sample only", "other", "missing_term", leaf=("K", "b"))
def _(u, X, K, b):
    dX, _, _ = conv2d_vjp(u, X, K, b)
    _, dK, db = conv2d_vjp(u[:1], X[:1], K, b)
    return dX, dK, db


def max_pool(X):
    n, c, H, W = X.shape
    return X.reshape(n, c, H // 2, 2, W // 2, 2).max(axis=(3, 5))


def max_pool_vjp(u, X):
    n, c, H, W = X.shape
    blocks = (
        X.reshape(n, c, H // 2, 2, W // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, H // 2, W // 2, 4)
    )
    g = np.zeros_like(blocks)
    np.put_along_axis(g, blocks.argmax(axis=-1)[..., None], u[..., None], axis=-1)
    return g.reshape(n, c, H // 2, W // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(X.shape)


def pool_point():
    return (np.random.default_rng(82).normal(size=(2, 1, 4, 6)),)


def pool_ties():
    (X,) = pool_point()
    X[0, 0, :2, :2] = 3.0
    X[1, 0, 2, 4:] = 3.0
    return (X,)


pool = book.system("max_pool", max_pool, max_pool_vjp, pool_point, kind="vjp")
book.kink("max_pool/ties, first taken", max_pool, max_pool_vjp, pool_ties, kind="vjp")


def max_pool_split(u, X):
    m = np.repeat(np.repeat(max_pool(X), 2, axis=2), 2, axis=3)
    hit = (m == X).astype(float)
    n, c, H, W = X.shape
    count = hit.reshape(n, c, H // 2, 2, W // 2, 2).sum(axis=(3, 5))
    return hit * np.repeat(np.repeat(u / count, 2, axis=2), 2, axis=3)


def max_pool_all(u, X):
    m = np.repeat(np.repeat(max_pool(X), 2, axis=2), 2, axis=3)
    return (m == X) * np.repeat(np.repeat(u, 2, axis=2), 2, axis=3)


pool.right("by comparison", claim=max_pool_split)
book.kink("max_pool/ties, shared", max_pool, max_pool_split, pool_ties, kind="vjp")
book.beyond("max_pool/ties, all in full", max_pool, max_pool_all, pool_ties, "X", kind="vjp")


@pool.wrong("spread evenly", "other", leaf="X")
def _(u, X):
    return np.repeat(np.repeat(u, 2, axis=2), 2, axis=3) / 4


@pool.wrong("cotangent ignored", "other", "constant", leaf="X")
def _(u, X):
    return max_pool_vjp(np.ones_like(u), X)


@pool.wrong("mask of the transposed windows", "permutation", "other", leaf="X")
def _(u, X):
    n, c, H, W = X.shape
    blocks = (
        X.reshape(n, c, H // 2, 2, W // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, H // 2, W // 2, 4)
    )
    g = np.zeros_like(blocks)
    np.put_along_axis(g, blocks.argmax(axis=-1)[..., None], u[..., None], axis=-1)
    return g.reshape(n, c, H // 2, W // 2, 2, 2).transpose(0, 1, 2, 5, 3, 4).reshape(X.shape)


def average_pool(X):
    n, c, H, W = X.shape
    return X.reshape(n, c, H // 2, 2, W // 2, 2).mean(axis=(3, 5))


def average_pool_vjp(u, X):
    return np.repeat(np.repeat(u, 2, axis=2), 2, axis=3) / 4


average = book.system("average_pool", average_pool, average_pool_vjp, pool_point, kind="vjp")


@average.wrong("window size forgotten", "scale", leaf="X")
def _(u, X):
    return np.repeat(np.repeat(u, 2, axis=2), 2, axis=3)


@average.wrong("tiled, not repeated", "permutation", "other", leaf="X")
def _(u, X):
    return np.tile(u, (1, 1, 2, 2)) / 4


def channel_norm(X, gain):
    # batch normalisation of images, one mean and variance a channel
    mean = X.mean(axis=(0, 2, 3), keepdims=True)
    var = ((X - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True)
    return gain[None, :, None, None] * (X - mean) / np.sqrt(var + 1e-5)


def channel_norm_vjp(u, X, gain):
    axes = (0, 2, 3)
    mean = X.mean(axis=axes, keepdims=True)
    root = np.sqrt(((X - mean) ** 2).mean(axis=axes, keepdims=True) + 1e-5)
    hat = (X - mean) / root
    v = u * gain[None, :, None, None]
    dX = (v - v.mean(axis=axes, keepdims=True) - hat * (v * hat).mean(axis=axes, keepdims=True)) / root
    return dX, (u * hat).sum(axis=axes)


def channel_norm_point():
    r = np.random.default_rng(83)
    return 2 * r.normal(size=(3, 2, 3, 2)) + 5, r.normal(size=2)


normed = book.system("batch_norm_2d", channel_norm, channel_norm_vjp, channel_norm_point, kind="vjp")


@normed.wrong("means over the batch only", "other", "missing_term", leaf="X")
def _(u, X, gain):
    mean = X.mean(axis=(0, 2, 3), keepdims=True)
    root = np.sqrt(((X - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True) + 1e-5)
    hat = (X - mean) / root
    v = u * gain[None, :, None, None]
    dX = (v - v.mean(axis=0, keepdims=True) - hat * (v * hat).mean(axis=0, keepdims=True)) / root
    return dX, (u * hat).sum(axis=(0, 2, 3))


@normed.wrong("gain averaged", "scale", leaf="gain")
def _(u, X, gain):
    dX, dgain = channel_norm_vjp(u, X, gain)
    return dX, dgain / 18


@normed.wrong("variance term dropped", "missing_term", "other", leaf="X")
def _(u, X, gain):
    mean = X.mean(axis=(0, 2, 3), keepdims=True)
    root = np.sqrt(((X - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True) + 1e-5)
    v = u * gain[None, :, None, None]
    return (v - v.mean(axis=(0, 2, 3), keepdims=True)) / root, channel_norm_vjp(u, X, gain)[1]


def global_average(X, W):
    return X.mean(axis=(2, 3)) @ W


def global_average_vjp(u, X, W):
    d = u @ W.T / (X.shape[2] * X.shape[3])
    return np.broadcast_to(d[:, :, None, None], X.shape).copy(), X.mean(axis=(2, 3)).T @ u


def global_average_point():
    r = np.random.default_rng(84)
    return r.normal(size=(2, 3, 4, 5)), r.normal(size=(3, 2))


gap = book.system("global_average_pool", global_average, global_average_vjp, global_average_point, kind="vjp")


@gap.wrong("pixels not counted", "scale", leaf="X")
def _(u, X, W):
    return np.broadcast_to((u @ W.T)[:, :, None, None], X.shape).copy(), X.mean(axis=(2, 3)).T @ u


@gap.wrong("pixels not spread", "shape", leaf="X")
def _(u, X, W):
    return (u @ W.T)[:, :, None, None] / 20, X.mean(axis=(2, 3)).T @ u


def smoothness(image):
    # total squared variation
    return np.sum(np.diff(image, axis=0) ** 2) + np.sum(np.diff(image, axis=1) ** 2)


def smoothness_grad(image):
    g = np.zeros_like(image)
    dy, dx = np.diff(image, axis=0), np.diff(image, axis=1)
    g[1:] += 2 * dy
    g[:-1] -= 2 * dy
    g[:, 1:] += 2 * dx
    g[:, :-1] -= 2 * dx
    return g


def picture():
    return (np.random.default_rng(85).uniform(0, 255, size=(6, 5)),)


variation = book.system("total_variation", smoothness, smoothness_grad, picture)


@variation.wrong("one side of the difference", "missing_term", "other", leaf="image")
def _(image):
    g = np.zeros_like(image)
    g[1:] += 2 * np.diff(image, axis=0)
    g[:, 1:] += 2 * np.diff(image, axis=1)
    return g


@variation.wrong("horizontal forgotten", "missing_term", "other", leaf="image")
def _(image):
    g = np.zeros_like(image)
    dy = np.diff(image, axis=0)
    g[1:] += 2 * dy
    g[:-1] -= 2 * dy
    return g


@variation.wrong("first row wraps round", "rows", "other", "sparse", leaf="image")
def _(image):
    g = smoothness_grad(image)
    g[0] += 2 * (image[0] - image[-1])
    return g
