"""Convolution and pooling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck
from reference_impls.layers import average_pool2d, conv2d, conv_transpose2d, max_pool2d
from reference_impls.layers.layer import Layer
from reference_impls.layers.windows import Windows
from tests.reference_impls.layered import (
    as_torch,
    caught,
    drawn,
    dtypes,
    few,
    pairs,
    right,
    safe,
    seeds,
    several,
    slips,
    wrong_leaves,
)

pytestmark = pytest.mark.gradcheck(budget=0)  # the mistakes are not looked for: other tests are of that

MODULES = (conv2d, conv_transpose2d, max_pool2d, average_pool2d)
RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((3, 4, 7, 6))
CONVOLUTIONS = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": (1, 2), "padding": (2, 1), "dilation": (2, 1)},
    {"groups": 2, "padding": 1},
    {"groups": 4, "stride": 2},
]
POOLS = [{}, {"kernel": 3, "stride": 2, "padding": 1}, {"kernel": (2, 3), "stride": 1}]


def kernels(module, groups=1):
    return module.initial_params(4, 4, (3, 2), np.random.default_rng(1), groups) | {
        "b": RNG.standard_normal(4)
    }


@pytest.mark.parametrize(
    "case", [case for module in MODULES for case in module.cases()], ids=lambda c: c.name
)
def test_cases_pass(case) -> None:
    case.check()


@drawn
@given(seeds, few, few, few, several, pairs(1, 4), pairs(1, 5), pairs(0, 3), pairs(1, 3), pairs(0, 4))
def test_convolutions_are_those_of_torch(
    seed, groups, inputs, outputs, batch, kernel, stride, padding, dilation, more
) -> None:
    """From kernels as large as the image to strides that leave pixels out."""
    functional, rng = pytest.importorskip("torch").nn.functional, np.random.default_rng(seed)
    size = (
        max(1, d * (k - 1) + 1 - 2 * p) + m
        for d, k, p, m in zip(dilation, kernel, padding, more, strict=True)
    )
    x = rng.standard_normal((batch, groups * inputs, *size))
    params = {
        "W": rng.standard_normal((groups * outputs, inputs, *kernel)),
        "b": rng.standard_normal(groups * outputs),
    }
    setting = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    as_torch(conv2d, lambda p, x: functional.conv2d(x, p["W"], p["b"], **setting), params, x, **setting)


@drawn
@given(seeds, few, few, few, several, pairs(1, 4), pairs(1, 4), pairs(1, 3), pairs(1, 4), pairs(0, 2))
def test_transposed_convolutions_are_those_of_torch(
    seed, groups, inputs, outputs, batch, kernel, stride, dilation, size, padding
) -> None:
    functional, rng = pytest.importorskip("torch").nn.functional, np.random.default_rng(seed)
    more = tuple(int(rng.integers(0, s)) for s in stride)
    bare = (
        (n - 1) * s + d * (k - 1) + o
        for n, s, d, k, o in zip(size, stride, dilation, kernel, more, strict=True)
    )
    setting = {"stride": stride, "dilation": dilation, "groups": groups, "output_padding": more}
    setting["padding"] = tuple(min(p, n // 2) for p, n in zip(padding, bare, strict=True))
    x = rng.standard_normal((batch, groups * inputs, *size))
    params = {
        "W": rng.standard_normal((groups * inputs, outputs, *kernel)),
        "b": rng.standard_normal(groups * outputs),
    }
    as_torch(
        conv_transpose2d,
        lambda p, x: functional.conv_transpose2d(x, p["W"], p["b"], **setting),
        params,
        x,
        **setting,
    )


@drawn
@given(seeds, several, few, pairs(1, 4), pairs(1, 5), pairs(0, 2), pairs(0, 4), st.booleans())
def test_pools_are_those_of_torch(seed, batch, channels, kernel, stride, padding, more, ties) -> None:
    functional = pytest.importorskip("torch").nn.functional
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))  # what torch takes
    size = (max(1, k - 2 * p) + m for k, p, m in zip(kernel, padding, more, strict=True))
    x = np.random.default_rng(seed).standard_normal((batch, channels, *size))
    x = np.round(x) if ties else x
    setting = {"kernel": kernel, "stride": stride, "padding": padding}
    place = (kernel, stride, padding)
    as_torch(max_pool2d, lambda p, x: functional.max_pool2d(x, *place), {}, x, **setting)
    as_torch(average_pool2d, lambda p, x: functional.avg_pool2d(x, *place), {}, x, **setting)


@pytest.mark.parametrize("module", [conv2d, conv_transpose2d])
@pytest.mark.parametrize("name", slips("W", "b"))
def test_a_slip_in_a_convolution_is_caught(module, name) -> None:
    caught(module, slips("W", "b")[name], kernels(module), IMAGES)


@pytest.mark.parametrize(
    "slip",
    [
        lambda result, cache: (
            result[0],
            result[1] | {"W": result[1]["W"][:, :, ::-1, ::-1]},
        ),  # kernel turned
        lambda result, cache: (result[0][:, :, ::-1], result[1]),
        lambda result, cache: (result[0], result[1] | {"b": result[1]["b"] / 3}),  # mean over the batch
    ],
    ids=["turned", "upside down", "mean"],
)
def test_slips_that_people_make_in_convolutions_are_caught(slip) -> None:
    caught(conv2d, slip, kernels(conv2d), IMAGES)


@pytest.mark.parametrize("module", [max_pool2d, average_pool2d])
def test_a_slip_in_a_pool_is_caught(module) -> None:
    caught(module, slips()["input 0"], {}, IMAGES)
    caught(module, lambda result, cache: (result[0] * (IMAGES > 0), {}), {}, IMAGES)


def test_an_overlap_that_is_overwritten_is_caught() -> None:
    """``=`` where ``+=`` is due: an entry that wins several windows gets the last one's derivative alone."""

    def backward(dy, cache):
        windows, wide, y = cache
        dx = np.zeros_like(wide)
        for _, index in windows.offsets():
            dx[index] = np.where(wide[index] == y, dy, dx[index])
        return windows.trimmed(dx), {}

    layer = Layer(max_pool2d.forward, backward, {}, kernel=3, stride=1, padding=1)
    assert wrong_leaves(layer, IMAGES) == ["inputs[0]"]
    layer.settings["stride"] = 3  # without overlap it is no slip
    gradcheck.check_layer(layer, IMAGES)


@settings(derandomize=True, max_examples=15, deadline=None, database=None)
@given(st.data())
def test_shapes_drawn_at_random(data) -> None:
    draw = data.draw
    dtype, groups = draw(dtypes), draw(st.sampled_from([1, 2]))
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    setting = {
        "stride": draw(st.tuples(st.integers(1, 2), st.integers(1, 3))),
        "padding": draw(st.tuples(st.integers(0, 1), st.integers(0, 2))),
        "dilation": draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        "groups": groups,
    }
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.standard_normal(
        (draw(st.integers(1, 2)), inputs, draw(st.integers(5, 7)), draw(st.integers(5, 7)))
    )
    for module in (conv2d, conv_transpose2d):
        right(module, dtype, module.initial_params(inputs, outputs, kernel, rng, groups), x, **setting)


@pytest.mark.parametrize("setting", CONVOLUTIONS, ids=str)
def test_convolutions_are_safe_at_the_edges(setting) -> None:
    safe(conv2d, kernels(conv2d, setting.get("groups", 1)), IMAGES, **setting)
    params = conv_transpose2d.initial_params(4, 4, 2, RNG, setting.get("groups", 1))
    safe(conv_transpose2d, params, IMAGES, **setting)


@pytest.mark.parametrize("setting", POOLS, ids=str)
def test_pools_are_safe_at_the_edges(setting) -> None:
    safe(max_pool2d, {}, IMAGES, **setting)
    safe(average_pool2d, {}, IMAGES, **setting)


@pytest.mark.parametrize("stride, padding, dilation", [((1, 1), (0, 0), (1, 1)), ((2, 3), (1, 2), (2, 1))])
def test_scattered_is_the_adjoint_of_columns(stride, padding, dilation) -> None:
    windows = Windows((7, 6), (3, 2), stride, padding, dilation)
    taken = windows.columns(IMAGES)
    back = RNG.standard_normal(taken.shape)

    assert np.sum(taken * back) == pytest.approx(np.sum(IMAGES * windows.scattered(back)), rel=1e-12)


def test_a_kernel_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match=r"kernel \(9, 9\).*pad more"):
        conv2d.forward(conv2d.initial_params(4, 1, 9, RNG), IMAGES)
    with pytest.raises(ValueError, match="output_padding=2 must be smaller"):
        conv_transpose2d.forward(kernels(conv_transpose2d), IMAGES, stride=2, output_padding=2)


@pytest.mark.parametrize("module", [conv2d, conv_transpose2d])
def test_images_and_groups_that_do_not_fit_are_told(module) -> None:
    for x in (IMAGES[0], IMAGES[:, :3], np.repeat(IMAGES, 2, axis=1)):
        with pytest.raises(ValueError, match=r"x has the shape .* wanted \(batch, channels = 4, height"):
            module.forward(kernels(module), x)
    params = {"W": np.ones((4, 1, 2, 2)), "b": np.zeros(4)}
    with pytest.raises(ValueError, match=r"4 .* channels do not fall into groups=3"):
        module.forward(params, IMAGES[:, :3] if module is conv2d else IMAGES, groups=3)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    "setting, message",
    [
        ({"stride": 0}, "stride is .* at least 1"),
        ({"stride": -2}, "stride is .* at least 1"),
        ({"padding": (1, -1)}, "padding is .* at least 0"),
        ({"stride": 1.5}, "stride is 1.5; wanted a whole number"),
        ({"padding": (1, 1, 1)}, r"padding is \(1, 1, 1\); wanted a whole number"),
        ({"padding": "same"}, "padding is 'same'; wanted a whole number"),
    ],
    ids=str,
)
def test_settings_that_are_none_are_told(module, setting, message) -> None:
    params = kernels(module) if module in (conv2d, conv_transpose2d) else {}
    with pytest.raises((ValueError, TypeError), match=message):
        module.forward(params, IMAGES, **setting)
    y, _ = module.forward(params, IMAGES, stride=np.int64(2), padding=[np.int32(1), 0])
    np.testing.assert_array_equal(y, module.forward(params, IMAGES, stride=2, padding=(1, 0))[0])


def test_groups_that_do_not_divide_the_channels_are_told() -> None:
    """By the parameters already: they were those of fewer channels. And before ``x``, which is not to blame."""
    for module in (conv2d, conv_transpose2d):
        for groups, message in ((3, "do not fall into groups=3"), (0, "groups=0"), (2.0, "groups is 2.0")):
            with pytest.raises((ValueError, TypeError), match=message):
                module.initial_params(4, 4, 2, np.random.default_rng(0), groups)
            with pytest.raises((ValueError, TypeError), match=message):
                module.forward(kernels(module), IMAGES, groups=groups)


def test_a_transposed_convolution_that_leaves_nothing_is_told() -> None:
    params = kernels(conv_transpose2d)
    with pytest.raises(ValueError, match="output_padding is -1; wanted at least 0"):
        conv_transpose2d.forward(params, IMAGES, stride=2, output_padding=-1)
    with pytest.raises(ValueError, match=r"padding=9 leaves .* of y: pad less"):
        conv_transpose2d.forward(params, IMAGES, padding=9)


def test_a_window_of_padding_alone_is_refused() -> None:
    """Its largest entry would be minus infinity."""
    for setting in ({"kernel": 2, "padding": 2}, {"kernel": (3, 1), "padding": 1}):
        with pytest.raises(ValueError, match=r"padding=.* must be smaller than kernel="):
            max_pool2d.forward({}, IMAGES, **setting)
