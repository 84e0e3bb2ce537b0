"""Arrays share memory: whatever views and writes a function mixes, the traced run must see what NumPy sees."""

import numpy as np
import pytest

from gradcheck.oracles.tracing import trace

VIEWS = (
    lambda a: a[1:], lambda a: a[::-1], lambda a: a[0], lambda a: a[..., ::2], lambda a: a.T, lambda a: a.ravel(),
    lambda a: a.reshape(-1), lambda a: a[None], lambda a: np.swapaxes(a, 0, -1), lambda a: np.flip(a),
    lambda a: a.squeeze(), lambda a: np.split(a, [1])[-1], lambda a: a[a.shape[0] // 2 :], lambda a: np.atleast_2d(a),
    lambda a: np.moveaxis(a, -1, 0), lambda a: a.copy(), lambda a: np.rot90(a) if a.ndim > 1 else a,
    lambda a: np.expand_dims(a, -1), lambda a: np.asarray(a), lambda a: a * 1.0,
    lambda a: np.diagonal(a).copy() if a.ndim == 2 else a,
)  # fmt: skip


def random_program(seed):
    """A function of x that takes views of arrays at random and writes into them at random."""

    def f(x):
        rng = np.random.default_rng(seed)
        pool = [np.zeros((3, 4)), x.copy(), x * 2.0, np.ones(4)]
        for _ in range(14):
            a = pool[rng.integers(len(pool))]
            b = pool[rng.integers(len(pool))]
            action = rng.integers(7)
            if a.ndim == 0 or a.size == 0:
                continue
            if action <= 1:
                pool.append(VIEWS[rng.integers(len(VIEWS))](a))
            elif action == 2:
                a[...] = np.sin(b.sum()) + a * 0.5
            elif action == 3:
                a[rng.integers(len(a))] = np.tanh(b).mean()
            elif action == 4:
                a *= 1.0 + 0.1 * np.cos(b.mean())
            elif action == 5:
                a[a > 0.3] = 0.5 * b.max()
            else:
                np.add(a, b.sum(), out=a)
        return sum(np.sum(p * np.cos(np.arange(p.size)).reshape(p.shape)) for p in pool)

    return f


@pytest.mark.parametrize("seed", range(120))
def test_random_views_and_writes_agree_with_numpy(seed):
    f = random_program(seed)
    x = np.random.default_rng(seed + 1000).normal(size=(3, 4))
    direction = np.random.default_rng(seed + 2000).normal(size=x.shape)

    traced = trace(f, (x,), [(0,)])
    (grad,) = traced.pullback([1.0])

    np.testing.assert_allclose(traced.outputs[0], f(x), rtol=1e-12)
    h = 1e-6
    numeric = (f(x + h * direction) - f(x - h * direction)) / (2 * h)
    np.testing.assert_allclose(np.sum(grad * direction), numeric, rtol=1e-5, atol=1e-6)
