"""What every layer must be: right in both precisions, equal to torch's, caught when it slips, safe at the edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

import gradcheck
from reference_impls.layers.layer import Layer

DTYPES = (np.float64, np.float32)

drawn = settings(derandomize=True, max_examples=25, deadline=None, database=None)
seeds, few, several = st.integers(0, 10**6), st.integers(1, 3), st.integers(0, 3)
dtypes = st.sampled_from(DTYPES)


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    """Settings for rows and columns."""
    return st.tuples(st.integers(least, most), st.integers(least, most))


def cast(tree: Any, dtype: Any) -> Any:
    """The arrays of floats in a dict or tuple, or one, in ``dtype``."""
    if isinstance(tree, dict):
        return {name: cast(item, dtype) for name, item in tree.items()}
    if isinstance(tree, tuple):
        return tuple(cast(item, dtype) for item in tree)
    return tree.astype(dtype) if isinstance(tree, np.ndarray) and tree.dtype.kind == "f" else tree


def right(module: Any, dtype: Any, params: Any, *inputs: Any, **settings: Any) -> None:
    """The layer passes `gradcheck.check_layer` in this precision."""
    layer = Layer(module.forward, module.backward, cast(params, dtype), **settings)
    gradcheck.check_layer(layer, *cast(inputs, dtype))


def wrong_leaves(layer: Any, *inputs: Any) -> list[str]:
    """The leaves of a layer with a slip that its check calls wrong; a slip that raises is none, and raises here."""
    layer.backward(np.ones_like(layer.forward(*inputs)))
    report = gradcheck.check_layer(layer, *inputs, raise_on_failure=False)
    return [leaf.path for leaf in report.leaves if leaf.verdict == "fail"]


def caught(module: Any, slip: Callable[[Any, Any], Any], params: Any, *inputs: Any, **settings: Any) -> None:
    """With ``slip(result, cache)`` made of what backward returns, the check fails."""

    def backward(dy: Any, cache: Any) -> Any:
        return slip(module.backward(dy, cache), cache)

    assert wrong_leaves(Layer(module.forward, backward, params, **settings), *inputs)


def slips(*names: str, inputs: int = 1) -> dict[str, Callable[[Any, Any], Any]]:
    """One slip for each derivative: a quarter too large in the parameter of this name, or in the input."""

    def of_input(number: int) -> Callable[[Any, Any], Any]:
        def slip(result: Any, cache: Any) -> Any:
            dx, grads = result
            if inputs == 1:
                return 1.25 * dx, grads
            return tuple(1.25 * d if k == number else d for k, d in enumerate(dx)), grads

        return slip

    def of_parameter(name: str) -> Callable[[Any, Any], Any]:
        return lambda result, cache: (result[0], result[1] | {name: 1.25 * result[1][name]})

    return {f"input {n}": of_input(n) for n in range(inputs)} | {name: of_parameter(name) for name in names}


def as_torch(module: Any, reference: Callable[..., Any], params: Any, *inputs: Any, **settings: Any) -> None:
    """Values and derivatives agree with ``reference(params, *inputs)``, made of torch's tensors, to rounding."""
    torch = pytest.importorskip("torch")
    for dtype, rtol in zip(DTYPES, (1e-11, 2e-4), strict=True):
        ours, theirs = cast(params, dtype), {}
        for name, value in ours.items():
            theirs[name] = torch.tensor(value, requires_grad=True)
        given = cast(inputs, dtype)
        tensors = [
            torch.tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x
            for x in given
        ]
        y, cache = module.forward(ours, *given, **settings)
        y_torch = reference(theirs, *tensors)
        dy = np.random.default_rng(5).standard_normal(y.shape).astype(dtype)
        dx, grads = module.backward(dy, cache)
        y_torch.backward(torch.tensor(dy))
        dxs = dx if isinstance(dx, tuple) else (dx,)
        pairs = {"y": (y, y_torch.detach())}
        pairs |= {
            f"input {n}": (d, t.grad)
            for n, (d, t) in enumerate(zip(dxs, tensors, strict=False))
            if d is not None
        }
        assert set(grads) == set(ours)
        pairs |= {name: (grad, theirs[name].grad) for name, grad in grads.items()}
        # what cancels to zero is right to the rounding of its terms
        largest = max(float(np.max(np.abs(other.numpy()), initial=0.0)) for _, other in pairs.values())
        for name, (own, other) in pairs.items():
            assert own.dtype == dtype, name
            np.testing.assert_allclose(own, other.numpy(), rtol, rtol * largest, err_msg=name)


def safe(module: Any, params: Any, *inputs: Any, **settings: Any) -> None:
    """No batch of examples, one, and inputs of +-1e3: shapes as due, all finite, nothing given is changed."""
    for dtype in DTYPES:
        own = cast(params, dtype)
        for given in (
            tuple(x[:0] if isinstance(x, np.ndarray) else x for x in inputs),
            tuple(x[:1] if isinstance(x, np.ndarray) else x for x in inputs),
            tuple(
                1e3 * np.sign(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in inputs
            ),
        ):
            given = cast(given, dtype)
            kept = [np.array(x) for x in given], {name: np.array(p) for name, p in own.items()}
            with np.errstate(all="raise", under="ignore"):
                y, cache = module.forward(own, *given, **settings)
                dy = np.ones_like(y)
                dx, grads = module.backward(dy, cache)
            assert y.dtype == dtype
            assert np.isfinite(y).all()
            for d, x in zip(dx if isinstance(dx, tuple) else (dx,), given, strict=False):
                assert d is None or (d.shape == x.shape and d.dtype == dtype and np.isfinite(d).all())
            for name, grad in grads.items():
                assert grad.shape == own[name].shape
                assert grad.dtype == dtype
                assert np.isfinite(grad).all()
            assert all(np.array_equal(a, b) for a, b in zip(kept[0], given, strict=True))
            assert all(np.array_equal(kept[1][name], own[name]) for name in own)
            assert np.array_equal(dy, np.ones_like(y))
        unharmed(module, own, *cast(inputs, dtype), **settings)


def unharmed(module: Any, params: Any, *inputs: Any, **settings: Any) -> None:
    """The same from read-only arrays in any order, a second time, after another forward, with ``y`` written over."""

    def spread(array: Any) -> Any:
        other = np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array.view()
        other.flags.writeable = False
        return other

    y, cache = module.forward(params, *inputs, **settings)
    dy = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    expected = [y, *_flat(module.backward(dy, cache))]
    for order in (spread, np.asfortranarray):
        given = [order(x) for x in inputs]
        y, cache = module.forward({name: order(p) for name, p in params.items()}, *given, **settings)
        module.forward(params, *(0 * x for x in inputs), **settings)
        found = [y.copy(), *_flat(module.backward(order(dy), cache))]
        y[...] = 7
        again = _flat(module.backward(order(dy), cache))
        assert all(np.array_equal(one, other) for one, other in zip(found[1:], again, strict=True))
        for one, other in zip(found, expected, strict=True):
            few = 1e3 * float(np.finfo(y.dtype).eps)
            np.testing.assert_allclose(one, other, few, few * float(np.max(np.abs(other), initial=0)))


def _flat(derivatives: Any) -> list[Any]:
    dx, grads = derivatives
    return [d for d in (*(dx if isinstance(dx, tuple) else (dx,)), *grads.values()) if d is not None]
