"""Normalisation, dropout and embedding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck
from reference_impls.layers import (
    activation,
    batch_norm,
    dropout,
    embedding,
    group_norm,
    layer_norm,
    rms_norm,
)
from reference_impls.layers.layer import Layer, Sequential
from tests.reference_impls.layered import (
    DTYPES,
    as_torch,
    cast,
    caught,
    drawn,
    dtypes,
    few,
    right,
    safe,
    seeds,
    several,
    slips,
    wrong_leaves,
)

pytestmark = pytest.mark.gradcheck(budget=0)  # the mistakes are not looked for: other tests are of that

MODULES = (layer_norm, rms_norm, group_norm, batch_norm, dropout, embedding)
NORMS = (layer_norm, group_norm, batch_norm)
RNG = np.random.default_rng(0)
VECTORS, IMAGES = RNG.standard_normal((5, 4, 6)), RNG.standard_normal((3, 6, 4, 5)) + 0.3
PARAMS = {"gain": RNG.standard_normal(6), "shift": RNG.standard_normal(6)}
GAIN = {"gain": PARAMS["gain"]}
RUNNING = (RNG.standard_normal(6), RNG.random(6) + 0.5)
IDS = RNG.integers(0, 7, (4, 9))


@pytest.mark.parametrize(
    "case", [case for module in MODULES for case in module.cases()], ids=lambda c: c.name
)
def test_cases_pass(case) -> None:
    case.check()


@drawn
@given(
    seeds, st.lists(several, max_size=3), st.integers(2, 7), few, few, st.lists(st.integers(1, 4), max_size=2)
)
def test_norms_are_those_of_torch(seed, lead, features, groups, channels, pixels) -> None:
    functional, rng = pytest.importorskip("torch").nn.functional, np.random.default_rng(seed)
    params = {"gain": rng.standard_normal(features), "shift": rng.standard_normal(features)}
    x, only = rng.standard_normal((*lead, features)) + 2, {"gain": params["gain"]}
    as_torch(layer_norm, lambda p, x: functional.layer_norm(x, (features,), p["gain"], p["shift"]), params, x)
    as_torch(rms_norm, lambda p, x: functional.rms_norm(x, (features,), p["gain"], 1e-5), only, x)
    each = {name: rng.standard_normal(groups * channels) for name in params}
    images = rng.standard_normal((2, groups * channels, *pixels)) - 1
    as_torch(
        batch_norm,
        lambda p, x: functional.batch_norm(x, None, None, p["gain"], p["shift"], training=True),
        each,
        images,
    )
    if channels * np.prod(pixels) > 1:
        as_torch(
            group_norm,
            lambda p, x: functional.group_norm(x, groups, p["gain"], p["shift"]),
            each,
            images,
            groups=groups,
        )


@pytest.mark.parametrize("x", [IMAGES, IMAGES[..., 0, 0]], ids=["images", "vectors"])
def test_batch_norm_in_use_is_that_of_torch(x) -> None:
    torch = pytest.importorskip("torch")

    def in_use(p, x):
        running = [torch.tensor(statistic, dtype=x.dtype) for statistic in RUNNING]
        return torch.nn.functional.batch_norm(x, *running, p["gain"], p["shift"])

    as_torch(batch_norm, in_use, PARAMS, x, running=RUNNING)


def test_running_statistics_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.BatchNorm2d(6, momentum=0.3, dtype=torch.float64)
    ours = np.zeros(6), np.ones(6)
    for x in (IMAGES, 2 * IMAGES + 1):
        theirs(torch.tensor(x))
        ours = batch_norm.updated(ours, x, 0.3)

    np.testing.assert_allclose(ours[0], theirs.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours[1], theirs.running_var.numpy(), rtol=1e-12)


@drawn
@given(seeds, st.lists(several, max_size=3), few, few)
def test_an_embedding_is_that_of_torch(seed, shape, width, words) -> None:
    functional, rng = pytest.importorskip("torch").nn.functional, np.random.default_rng(seed)
    ids = np.asarray(rng.integers(0, words, shape))
    params = embedding.initial_params(words, width, rng)
    as_torch(embedding, lambda p, ids: functional.embedding(ids, p["W"]), params, ids)


@pytest.mark.parametrize("name", slips("gain", "shift"))
@pytest.mark.parametrize("module", NORMS)
def test_a_slip_in_a_norm_is_caught(module, name) -> None:
    caught(module, slips("gain", "shift")[name], PARAMS, VECTORS if module is layer_norm else IMAGES)


@pytest.mark.parametrize("name", slips("gain"))
def test_a_slip_in_rms_norm_is_caught(name) -> None:
    caught(rms_norm, slips("gain")[name], GAIN, VECTORS)


def _rows(module, dy, cache):
    """``dxhat`` and ``xhat`` as rows, the root's inverse, and the axes of a row."""
    if module is layer_norm:
        centred, inverse, gain, _ = cache
        return dy.reshape(centred.shape) * gain, centred * inverse, inverse, -1
    kept = cache[0]
    d = batch_norm._by_channel(dy) if module is batch_norm else dy.reshape(kept.x.shape)
    return d * kept.gain, (kept.x - kept.mean) * kept.inverse, kept.inverse, (1, 2)


@pytest.mark.parametrize("forgotten", [["mean", "variance"], ["mean"], ["variance"], []], ids=str)
@pytest.mark.parametrize("module", NORMS)
def test_a_mean_or_variance_taken_for_a_constant_is_caught(module, forgotten) -> None:
    def backward(dy, cache):
        _, grads = module.backward(dy, cache)
        d, xhat, inverse, axes = _rows(module, dy, cache)
        dx = d.copy()
        if "mean" not in forgotten:
            dx -= d.mean(axis=axes, keepdims=True)
        if "variance" not in forgotten:
            dx -= xhat * (d * xhat).mean(axis=axes, keepdims=True)
        dx *= inverse
        return (dx.swapaxes(0, 1) if module is batch_norm else dx).reshape(dy.shape), grads

    layer, x = Layer(module.forward, backward, PARAMS), VECTORS if module is layer_norm else IMAGES
    if forgotten:
        assert wrong_leaves(layer, x) == ["inputs[0]"]
    else:
        gradcheck.check_layer(layer, x)


def test_use_in_place_of_training_is_caught() -> None:
    def backward(dy, cache):
        kept, shape, _ = cache
        return batch_norm.backward(dy, (kept, shape, False))

    assert wrong_leaves(Layer(batch_norm.forward, backward, PARAMS), IMAGES) == ["inputs[0]"]


def test_an_embedding_that_overwrites_repeats_is_caught() -> None:
    def backward(dy, cache):
        ids, shape, _ = cache
        dW = np.zeros(shape)
        dW[ids] += dy  # once for each word, however often it occurs
        return None, {"W": dW}

    layer = Layer(embedding.forward, backward, embedding.initial_params(7, 3, RNG))
    assert wrong_leaves(layer, IDS) == ["W"]
    caught(embedding, lambda r, c: (None, {"W": 1.25 * r[1]["W"]}), embedding.initial_params(7, 3, RNG), IDS)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", None])
def test_a_derivative_that_is_repeated_keeps_its_digits_in_long_rows(name) -> None:
    """In single precision a sum of 40,000 terms one by one has lost three of seven."""
    x = RNG.standard_normal((2, 40_000)).astype(np.float32)
    module, params = (
        (layer_norm, layer_norm.initial_params(40_000, np.float32)) if name is None else (activation, {})
    )
    _, cache = module.forward(params, x, **({} if name is None else {"name": name}))
    dy = np.broadcast_to(np.float32(0.1), x.shape)
    repeated, written_out = module.backward(dy, cache)[0], module.backward(dy.copy(), cache)[0]
    np.testing.assert_array_equal(repeated, written_out)


NORMS = {
    "layer_norm": (layer_norm, (2, 20_000), 20_000, {}),
    "rms_norm": (rms_norm, (2, 20_000), 20_000, {}),
    "group_norm": (group_norm, (2, 4, 100, 50), 4, {"groups": 2}),
    "batch_norm": (batch_norm, (3, 2, 100, 50), 2, {}),
    "batch_norm of vectors": (batch_norm, (20_000, 3), 3, {}),
}


@pytest.mark.parametrize("name", NORMS)
def test_norms_of_what_is_repeated_or_read_backwards_are_those_of_what_is_written_out(name) -> None:
    module, shape, features, settings = NORMS[name]
    params = {n: p.astype(np.float32) for n, p in module.initial_params(features).items()}
    x = RNG.standard_normal(shape).astype(np.float32)
    views = [x[::-1, ..., ::-1], np.broadcast_to(x[:, :1] if x.ndim == 2 else x[..., :1], shape), x]
    slopes = [np.broadcast_to(np.float32(0.1), shape), x[::-1], x]

    def gone_through(value, slope):
        y, cache = module.forward(params, value, **settings)
        dx, gradients = module.backward(slope, cache)
        return [y, dx, *(gradients[key] for key in sorted(gradients))]

    for view, dy in itertools.product(views, slopes):
        for as_given, written_out in zip(
            gone_through(view, dy), gone_through(view.copy(), dy.copy()), strict=True
        ):
            np.testing.assert_array_equal(as_given, written_out)


@pytest.mark.parametrize("width", [1, 2, 65])
@pytest.mark.parametrize("words", [3, 50, 70000])
def test_an_embedding_gathers_every_place_however_its_derivative_lies(words, width) -> None:
    """Table and kept places are written by two statements, and NumPy promises no order of either."""
    ids = np.minimum(RNG.integers(0, words, 2000), RNG.integers(0, 40, 2000))
    _, cache = embedding.forward(embedding.initial_params(words, width, RNG), ids)
    whole = RNG.integers(-9, 9, (2000, width)).astype(float)  # whose sums are exact
    for dy in (
        whole,
        np.asfortranarray(whole),
        whole[::-1].copy()[::-1],
        np.repeat(whole, 3, axis=1)[:, ::3],
        np.broadcast_to(whole[:, :1], whole.shape),
        np.broadcast_to(whole[:1], whole.shape),
    ):
        expected = np.zeros((words, width))
        np.add.at(expected, ids, dy)
        np.testing.assert_array_equal(embedding.backward(dy, cache)[1]["W"], expected)


def test_dropout_keeps_the_mean_and_its_slips_are_caught() -> None:
    mask = dropout.mask_of((200, 300), 0.3, np.random.default_rng(0))
    assert np.mean(mask) == pytest.approx(1.0, abs=0.01)
    assert set(np.unique(mask)) == {0.0, 1.0 / 0.7}
    small = mask[:4, :6]
    caught(dropout, lambda r, c: (r[0] * 0.7, {}), {}, VECTORS[0], mask=small)
    caught(dropout, lambda r, c: (np.where(r[0] == 0.0, 0.1, r[0]), {}), {}, VECTORS[0], mask=small)
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\).*rate=1.5"):
        dropout.mask_of((2,), 1.5, RNG)


@settings(derandomize=True, max_examples=12, deadline=None, database=None)
@given(st.data())
def test_shapes_drawn_at_random(data) -> None:
    draw = data.draw
    dtype, rng = draw(dtypes), np.random.default_rng(draw(st.integers(0, 99)))
    groups = draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 3))
    lead = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    params = {"gain": rng.standard_normal(channels), "shift": rng.standard_normal(channels)}
    x = rng.standard_normal((*lead, 2, channels))
    images = rng.standard_normal((draw(st.integers(2, 3)), channels, draw(st.integers(2, 3)), 2))
    right(layer_norm, dtype, params, x)
    right(rms_norm, dtype, {"gain": params["gain"]}, x)
    right(group_norm, dtype, params, images, groups=groups)
    right(batch_norm, dtype, params, images)
    words = draw(st.integers(1, 5))
    ids = rng.integers(0, words, (*lead, draw(st.integers(1, 6))))
    right(embedding, dtype, embedding.initial_params(words, 2, rng), ids)


@pytest.mark.parametrize(
    "module, params, x, setting",
    [
        (layer_norm, PARAMS, VECTORS, {}),
        (rms_norm, GAIN, VECTORS, {}),
        (group_norm, PARAMS, IMAGES, {"groups": 2}),
        (batch_norm, PARAMS, IMAGES, {}),
        (batch_norm, PARAMS, IMAGES, {"running": RUNNING}),
        (dropout, {}, VECTORS, {}),
        (embedding, embedding.initial_params(7, 3, np.random.default_rng(1)), IDS, {}),
    ],
    ids=["layer", "rms", "group", "batch", "batch in use", "dropout", "embedding"],
)
def test_safe_at_the_edges(module, params, x, setting) -> None:
    safe(module, params, x, **setting)


def test_a_large_mean_costs_no_digits() -> None:
    """Where the mean square less the squared mean would have none left."""
    x = VECTORS + 1e6
    for module, far, axis in ((layer_norm, x, -1), (group_norm, IMAGES + 1e6, (1, 2, 3))):
        y, _ = module.forward({"gain": np.ones(6), "shift": np.zeros(6)}, far)
        np.testing.assert_allclose(y.var(axis=axis), 1.0, rtol=1e-4)


def test_groups_that_do_not_divide_are_told() -> None:
    with pytest.raises(ValueError, match="6 channels do not fall into groups=4"):
        group_norm.forward(PARAMS, IMAGES, groups=4)
    with pytest.raises(ValueError, match="give a larger batch"):
        batch_norm.updated(RUNNING, IMAGES[:1, :, :1, :1])


def test_norms_in_a_row_with_others() -> None:
    net = Sequential(
        [Layer(m.forward, m.backward, cast(PARAMS, np.float64)) for m in (batch_norm, layer_norm)]
        + [Layer(dropout.forward, dropout.backward, {})]
    )
    assert gradcheck.check_layer(net, IMAGES[..., 0, 0]).ok


@pytest.mark.parametrize("ids", [[-1, 4, 4], [-5, 0, 2], [[3, -2], [-2, 1]]], ids=str)
def test_rows_of_an_embedding_have_two_names(ids) -> None:
    """As everywhere in NumPy -1 is the last, also on the way back."""
    params, ids = embedding.initial_params(5, 3, RNG), np.array(ids)
    for dtype in DTYPES:
        right(embedding, dtype, params, ids)
    _, cache = embedding.forward(params, ids)
    dy, expected = RNG.standard_normal((*ids.shape, 3)), np.zeros((5, 3))
    np.add.at(expected, ids, dy)
    np.testing.assert_allclose(embedding.backward(dy, cache)[1]["W"], expected, rtol=1e-14)
    small = (ids % 5).astype(np.uint8)
    np.testing.assert_allclose(
        embedding.backward(dy, (small, (500, 3), dy.dtype))[1]["W"][:5], expected, rtol=1e-14
    )


@pytest.mark.parametrize("words", [255, 257, 65535, 65537, 70000])
def test_words_of_an_embedding_are_told_apart_however_many_there_are(words) -> None:
    """They are sorted in as few bits as they take; those that agree in the last 8 or 16 come in turn here."""
    ids = np.tile([1, 257, 65537, 0, 256, 65536, -1, 1], 5) % words
    dy = np.random.default_rng(4).standard_normal((len(ids), 2))
    for dtype, rtol in zip(DTYPES, (1e-14, 1e-5), strict=True):
        _, cache = embedding.forward({"W": np.zeros((words, 2), dtype)}, ids)
        expected = np.zeros((words, 2))
        np.add.at(expected, ids, dy)
        np.testing.assert_allclose(embedding.backward(dy.astype(dtype), cache)[1]["W"], expected, rtol, rtol)


def test_dropout_keeps_dtype_and_shape_whatever_the_mask() -> None:
    x = VECTORS.astype(np.float32)
    for mask in (dropout.mask_of(x.shape, 0.5, RNG), np.ones((4, 6), bool), np.float64(2.0)):
        y, cache = dropout.forward({}, x, mask=np.asarray(mask))
        assert y.dtype == dropout.backward(x, cache)[0].dtype == np.float32
    with pytest.raises(ValueError, match=r"mask has the shape \(5, 4, 6\); wanted \(1, 4, 6\)"):
        dropout.forward({}, VECTORS[:1], mask=np.ones(VECTORS.shape))
