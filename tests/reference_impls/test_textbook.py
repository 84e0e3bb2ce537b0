"""The textbook forms that the layers are timed against give what the layers give."""

import numpy as np
import pytest

from benchmarks import textbook
from reference_impls import elementwise
from reference_impls.layers import (
    activation,
    attention,
    average_pool2d,
    batch_norm,
    conv2d,
    conv_transpose2d,
    dot_product_attention,
    dropout,
    embedding,
    group_norm,
    gru,
    layer_norm,
    linear,
    lstm,
    max_pool2d,
    rms_norm,
    rnn,
)
from reference_impls.layers.layer import Layer
from reference_impls.layers.residual import Residual

RNG = np.random.default_rng(3)


def flat(found):
    """Output, derivatives of the inputs, those of the parameters."""
    for one in found:
        if isinstance(one, dict):
            yield from one.values()
        elif isinstance(one, tuple):
            yield from one
        elif one is not None:
            yield one


def same(module, params, inputs, plain, dy, **settings) -> None:
    y, cache = module.forward(params, *inputs, **settings)
    expected = list(flat((y, *module.backward(dy, cache))))
    got = plain()
    assert len(got) == len(expected)
    for ours, theirs in zip(expected, got, strict=True):
        np.testing.assert_allclose(np.reshape(theirs, ours.shape), ours, rtol=1e-10, atol=1e-12)


def test_images() -> None:
    x, dy = RNG.standard_normal((2, 4, 6, 6)), RNG.standard_normal((2, 3, 6, 6))
    params = conv2d.initial_params(4, 3, 3, RNG) | {"b": RNG.standard_normal(3)}
    same(conv2d, params, (x,), lambda: textbook.conv2d(x, *params.values(), dy), dy, padding=1)
    pooled = RNG.standard_normal((2, 4, 3, 3))
    same(max_pool2d, {}, (x,), lambda: textbook.max_pool2d(x, pooled), pooled)
    same(average_pool2d, {}, (x,), lambda: textbook.average_pool2d(x, pooled), pooled)
    params = conv_transpose2d.initial_params(4, 3, 4, RNG) | {"b": RNG.standard_normal(3)}
    dy = RNG.standard_normal((2, 3, 12, 12))
    plain = textbook.conv_transpose2d(x, *params.values(), dy)
    same(conv_transpose2d, params, (x,), lambda: plain, dy, stride=2, padding=1)


def test_norms() -> None:
    x, dy = RNG.standard_normal((2, 3, 4, 6, 6))
    params = {"gain": RNG.standard_normal(4), "shift": RNG.standard_normal(4)}
    gain, shift = (value[:, None, None] for value in params.values())
    same(batch_norm, params, (x,), lambda: textbook.norm(x, gain, shift, dy, (0, 2, 3), (0, 2, 3)), dy)
    grouped = (3, 2, 2, 6, 6)
    split = [value.reshape(2, 2, 1, 1) for value in params.values()]
    same(
        group_norm,
        params,
        (x,),
        lambda: textbook.norm(x.reshape(grouped), *split, dy.reshape(grouped), (2, 3, 4), (0, 3, 4)),
        dy,
        groups=2,
    )
    rows, drows = RNG.standard_normal((2, 5, 4))
    same(layer_norm, params, (rows,), lambda: textbook.norm(rows, *params.values(), drows, (1,), (0,)), drows)
    only = {"gain": params["gain"]}
    same(rms_norm, only, (rows,), lambda: textbook.rms_norm(rows, only["gain"], drows), drows)


def test_tokens() -> None:
    W, ids, dy = RNG.standard_normal((7, 3)), RNG.integers(0, 7, (4, 5)), RNG.standard_normal((4, 5, 3))
    same(embedding, {"W": W}, (ids,), lambda: textbook.embedding(W, ids, dy), dy)
    q, k, v, do = RNG.standard_normal((4, 2, 3, 5, 4))
    same(dot_product_attention, {}, (q, k, v), lambda: textbook.attention(q, k, v, do), do)
    x, dx = RNG.standard_normal((2, 3, 5, 6))
    params = {name: RNG.standard_normal(p.shape) for name, p in attention.initial_params(6, RNG).items()}
    plain = textbook.multi_head_attention(x, params, 2, dx)
    same(attention, params, (x,), lambda: plain, dx, heads=2)


def test_dropout_and_a_residual_block() -> None:
    x, dy = RNG.standard_normal((2, 5, 4))
    mask = dropout.mask_of(x.shape, 0.4, RNG)
    same(dropout, {}, (x,), lambda: textbook.dropout(x, mask, dy), dy, mask=mask)
    first, second = (linear.initial_params(4, 4, RNG) | {"b": RNG.standard_normal(4)} for _ in range(2))
    layers = [Layer(linear.forward, linear.backward, params) for params in (first, second)]
    block = Residual([layers[0], Layer(activation.forward, activation.backward, {}, name="relu"), layers[1]])
    expected = block.forward(x), block.backward(dy), *block.grads.values()
    found = textbook.residual(x, *first.values(), *second.values(), dy)
    for ours, theirs in zip(expected, found, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("module", "plain"), [(rnn, textbook.rnn), (lstm, textbook.lstm), (gru, textbook.gru)]
)
def test_sequences(module, plain) -> None:
    x, dy = RNG.standard_normal((5, 3, 2)), RNG.standard_normal((5, 3, 4))
    params = {
        name: RNG.standard_normal(value.shape) for name, value in module.initial_params(2, 4, RNG).items()
    }
    same(module, params, (x,), lambda: plain(x, *params.values(), dy), dy)


def test_classes() -> None:
    z, labels = RNG.standard_normal((6, 4)), RNG.integers(0, 4, 6)
    loss, dz = elementwise.softmax_cross_entropy(z, labels)
    expected, gradient = textbook.softmax_cross_entropy(z, labels)
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(dz, gradient, rtol=1e-12, atol=1e-15)
