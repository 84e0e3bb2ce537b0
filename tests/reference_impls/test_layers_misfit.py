"""Arrays that do not fit together are told by name; none is cut off, repeated or turned until it fits."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from reference_impls.layers import attention, batch_norm, dot_product_attention, gru, lstm, rnn
from reference_impls.layers.axes import must_fall_into, must_have, must_spread


def zeros(**shapes):
    return {name: np.zeros(shape) for name, shape in shapes.items()}


def gain(*shape):
    return zeros(gain=shape, shift=shape)


LINEAR, KERNELS = zeros(W=(4, 2), b=(2,)), zeros(W=(4, 2, 3, 3), b=(4,))
HEADS, TOKENS = attention.initial_params(6, np.random.default_rng(0)), np.zeros((2, 4, 6))
IMAGES, SEQUENCES = np.zeros((3, 4, 5, 5)), np.zeros((5, 2, 3))
SEEN = {"visible": np.ones((5, 6), bool)}

MISFITS = {
    "three axes": ("linear", LINEAR, [np.zeros((4, 4, 4))], {}, r"x has .*wanted \(examples, inputs = 4\)"),
    "one axis": ("linear", LINEAR, [np.zeros(4)], {}, r"x has the shape \(4,\); wanted"),
    "one bias for all": ("linear", LINEAR | zeros(b=(1,)), [np.zeros((3, 4))], {}, r"b has .*wanted \(outputs = 2\)"),
    "a bias for each row": ("linear", LINEAR | zeros(b=(3, 1)), [np.zeros((3, 4))], {}, "b has the shape"),
    "bias of kernels": ("conv2d", KERNELS | zeros(b=(1,)), [IMAGES[:, :2]], {}, "b has .* wanted"),
    "kernels of three axes": ("conv2d", zeros(W=(4, 2, 3), b=(4,)), [IMAGES[:, :2]], {}, "W has .* wanted"),
    "bias of groups": ("conv_transpose2d", KERNELS, [IMAGES], {"groups": 4}, "b has .*outputs = 8"),
    "pooled vectors": ("max_pool2d", {}, [IMAGES[0]], {}, "x has .*channels, height, width"),
    "gain for all": ("batch_norm", gain(1), [IMAGES], {}, "x has .* channels = 1"),
    "gain too long": ("batch_norm", gain(5), [IMAGES], {}, "x has .* channels = 5"),
    "shift too long": ("batch_norm", gain(4) | zeros(shift=(5,)), [IMAGES], {}, "shift has .*channels = 4"),
    "batch of numbers": ("batch_norm", gain(4), [np.zeros(4)], {}, "x has"),
    "one running mean": ("batch_norm", gain(4), [IMAGES], {"running": (np.ones(1), np.ones(1))}, r"running\[0\] has"),
    "gain of groups for all": ("group_norm", gain(1), [IMAGES], {}, "x has .* channels = 1"),
    "no groups": ("group_norm", gain(4), [IMAGES], {"groups": 0}, "4 channels do not fall into groups=0"),
    "groups below": ("group_norm", gain(4), [IMAGES], {"groups": -1}, "4 channels do not fall into groups=-1"),
    "gain for each row": ("layer_norm", gain(3, 3), [np.zeros((3, 3))], {}, "gain has .*features = 3"),
    "gain of one": ("rms_norm", gain(1), [np.zeros((3, 3))], {}, "x has .*features = 1"),
    "mask across": ("dropout", {}, [np.zeros((5, 3))], {"mask": np.ones(5)}, r"mask has .*wanted \(5, 3\)"),
    "weights of one axis": ("linear", zeros(W=(4,), b=(2,)), [np.zeros((3, 4))], {}, r"W has .*\(inputs, outputs\)"),
    "weights in a list": ("linear", LINEAR | {"W": [[1.0]]}, [np.zeros((3, 4))], {}, "W is a list; wanted an array"),
    "whole numbers dropped": ("dropout", {}, [np.ones((5, 3), int)], {"mask": np.full(3, 1.25)}, "x is int64; wanted"),
    "whole numbers kept": ("dropout", {}, [np.ones((5, 3), int)], {}, "x is int64; wanted floats"),
    "a mask in a list": ("dropout", {}, [np.zeros((5, 3))], {"mask": [0.0, 2.0, 2.0]}, "mask is a list"),
    "what is seen in a list": ("attention", HEADS, [TOKENS], {"visible": [[[True]]]}, "visible is a list"),
    "heads by halves": ("attention", HEADS, [TOKENS], {"heads": 1.5}, "heads is 1.5; wanted a whole number"),
    "groups by halves": ("group_norm", gain(4), [IMAGES], {"groups": 2.0}, "groups is 2.0; wanted a whole number"),
    "a mask of steps in a list": (
        "rnn", rnn.initial_params(3, 4, np.random.default_rng(0)), [SEQUENCES], {"mask": [[True]]}, "mask is a list"
    ),
    "a mean alone": ("batch_norm", gain(4), [IMAGES], {"running": (np.ones(4),)}, "running is .*mean and the variance"),
    "running or not": ("batch_norm", gain(4), [IMAGES], {"running": True}, "running is True; wanted two arrays"),
    "softmax of a number": ("activation", {}, [np.array(1.0)], {"name": "softmax"}, r"x has the shape \(\)"),
    "an id too large": ("embedding", LINEAR, [np.array([0, 4])], {}, "ids holds 4; wanted from -4 to 3"),
    "an id too small": ("embedding", LINEAR, [np.array([0, -5])], {}, "ids holds -5; wanted from -4 to 3"),
    "bools for ids": ("embedding", LINEAR, [np.array([True, False])], {}, "ids is bool; wanted whole"),
    "floats for ids": ("embedding", LINEAR, [np.zeros(3)], {}, "ids is float64; wanted whole"),
    "axes swapped": (
        "dot_product_attention", {}, [np.zeros((2, 3, 4, 5)), *np.zeros((2, 3, 2, 6, 5))], {}, "q, k and v have"
    ),
    "vectors alone": ("dot_product_attention", {}, [np.zeros(5)] * 3, {}, "q, k and v have"),
    "one query alone": ("dot_product_attention", {}, [np.zeros(5), *np.zeros((2, 6, 5))], {}, "q, k and v have"),
    "one key for all": ("dot_product_attention", {}, [np.zeros((2, 4, 5)), *np.zeros((2, 1, 6, 5))], {}, "q, k and v"),
    "fewer values": (
        "dot_product_attention", {}, [TOKENS, np.zeros((2, 5, 6)), np.zeros((2, 4, 6))], {}, "q, k and v have"
    ),
    "more seen than there is": (
        "dot_product_attention", {}, [TOKENS] * 3, SEEN, r"visible has the shape \(5, 6\); wanted \(2, 4, 4\)"
    ),
    "context of another batch": ("attention", HEADS, [TOKENS, TOKENS[:1]], {}, "context has .*batch = 2"),
    "no heads": ("attention", HEADS, [TOKENS], {"heads": 0}, "6 features do not fall into heads=0"),
    "tokens alone": ("attention", HEADS, [TOKENS[0]], {}, "x has .*batch, tokens, width = 6"),
    "one bias of heads": ("attention", HEADS | zeros(bq=(1,)), [TOKENS], {}, "bq has .*outputs = 6"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_told(name) -> None:
    module, params, inputs, setting, message = MISFITS[name]
    with pytest.raises((ValueError, TypeError), match=message):
        import_module(f"reference_impls.layers.{module}").forward(params, *inputs, **setting)


WHOLE = {
    "linear": (LINEAR, np.zeros((3, 4))),
    "conv2d": (KERNELS, IMAGES[:, :2]),
    "conv_transpose2d": (KERNELS, IMAGES),
    "max_pool2d": ({}, IMAGES),
    "average_pool2d": ({}, IMAGES),
    "batch_norm": (gain(4), IMAGES),
    "group_norm": (gain(4), IMAGES),
    "layer_norm": (gain(5), IMAGES),
    "rms_norm": (gain(5), IMAGES),
    "attention": (HEADS, TOKENS),
    "activation": ({}, IMAGES),
    "lstm": (lstm.initial_params(3, 4, np.random.default_rng(0)), SEQUENCES),
    "dropout": ({}, IMAGES),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_are_told(name) -> None:
    """Such as the pixels of an image, as it comes from a file."""
    params, x = WHOLE[name]
    settings = {"name": "leaky_relu"} if name == "activation" else {}
    for dtype in (np.uint8, np.int64, bool):
        with pytest.raises(TypeError, match=r"x is .*; wanted floats"):
            import_module(f"reference_impls.layers.{name}").forward(params, x.astype(dtype), **settings)


def test_running_statistics_of_other_channels_are_told() -> None:
    for running in ((np.zeros(1), np.ones(4)), (np.zeros(4), np.ones(5))):
        with pytest.raises(ValueError, match=r"running\[[01]\] has the shape .*channels = 4"):
            batch_norm.updated(running, IMAGES)
    with pytest.raises(ValueError, match="momentum=90; wanted a number from 0 to 1"):
        batch_norm.updated((np.zeros(4), np.ones(4)), IMAGES, momentum=90)


@pytest.mark.parametrize("module, gates", [(rnn, 1), (lstm, 4), (gru, 3)])
def test_what_does_not_fit_a_recurrent_layer_is_told(module, gates) -> None:
    params = module.initial_params(3, 4, np.random.default_rng(0))
    others = {"b": (1,), "Wx": (3, 4 * gates + 1), "Wh": (4, 4 * gates + 1)}
    others |= {"bh": (1,)} if module is gru else {}
    for name, shape in others.items():
        with pytest.raises(ValueError, match=rf"{name} has the shape .*gates = {4 * gates}"):
            module.forward(params | zeros(**{name: shape}), SEQUENCES)
    for x in (SEQUENCES[0], SEQUENCES[:, :, :2]):
        with pytest.raises(ValueError, match=r"x has .*\(time, batch, inputs = 3\)"):
            module.forward(params, x)


def test_attention_takes_one_context() -> None:
    with pytest.raises(TypeError, match="positional arguments"):
        attention.forward(HEADS, TOKENS, TOKENS, TOKENS)


def test_axes_that_fit_pass() -> None:
    must_have("x", IMAGES, batch=None, channels=4, pixels=...)
    must_have("x", IMAGES[:, :, 0, 0], batch=None, channels=4, pixels=...)
    must_have("x", IMAGES, others=..., columns=5)
    for shape in ((), (1,), (5,), (4, 1, 5), (3, 4, 5, 5)):
        must_spread("mask", np.zeros(shape), IMAGES.shape)
    must_fall_into("groups", 3, 0, "channels")


FITTING = WHOLE | {
    "conv_transpose2d": (KERNELS | zeros(b=(2,)), IMAGES),
    "embedding": (LINEAR, np.array([0, 3, 3])),
    "dot_product_attention": ({}, TOKENS),
    "rnn": (rnn.initial_params(3, 4, np.random.default_rng(0)), SEQUENCES),
    "gru": (gru.initial_params(3, 4, np.random.default_rng(0)), SEQUENCES),
}
SETTINGS = {
    "activation": [{"name": "gelu"}, {"name": "softmax"}, {"name": "step"}],
    "dropout": [{}, {"mask": np.ones(IMAGES.shape)}],
    "batch_norm": [{}, {"running": (np.zeros(4), np.ones(4))}],
    "max_pool2d": [{}, {"kernel": 3, "stride": 1}],
    "average_pool2d": [{}, {"kernel": 3, "stride": 1}],
}
CALLS = [(name, settings) for name in FITTING for settings in SETTINGS.get(name, [{}])]


def called(name, settings):
    module, (params, x) = import_module(f"reference_impls.layers.{name}"), FITTING[name]
    return module, *module.forward(params, *[x] * (3 if name == "dot_product_attention" else 1), **settings)


@pytest.mark.parametrize("name, settings", CALLS)
def test_a_derivative_that_does_not_answer_y_is_told(name, settings) -> None:
    """By the function itself: NumPy would repeat it, cut it off, or lay it out in another order."""
    module, y, cache = called(name, settings)
    n, *others = y.shape
    for shape in (
        (),
        (1,) * y.ndim,
        (1, *others),
        (n + 1, *others),
        (*y.shape[:-1], 1),
        y.shape[::-1],
        (2, *y.shape),
        others,
        (y.size,),
    ):
        with pytest.raises(ValueError, match=r"dy has the shape .*, and y .*: give one for each entry"):
            module.backward(np.ones(shape), cache)


@pytest.mark.parametrize("name, settings", CALLS)
def test_a_derivative_of_another_dtype_is_told(name, settings) -> None:
    """Whole numbers cut off a mean pool's derivatives, and half of them were of one precision, half of the other."""
    module, y, cache = called(name, settings)
    for dtype in (int, bool, np.float32):
        with pytest.raises(TypeError, match=r"dy is .*, and y float64; wanted one dtype"):
            module.backward(np.ones(y.shape, dtype), cache)


@pytest.mark.parametrize(
    "name", [name for name, (params, _) in FITTING.items() if params and name != "embedding"]
)
def test_parameters_of_another_dtype_are_told(name) -> None:
    params, x = FITTING[name]
    forward = import_module(f"reference_impls.layers.{name}").forward
    for narrow in params:
        with pytest.raises(TypeError, match=rf"{narrow} is float32, and x float64; wanted one dtype"):
            forward(params | {narrow: params[narrow].astype(np.float32)}, x)
    with pytest.raises(TypeError, match=r" is float64, and x float32; wanted one dtype"):
        forward(params, x.astype(np.float32))


def test_inputs_of_several_dtypes_are_told() -> None:
    with pytest.raises(TypeError, match="v is float32, and q float64"):
        dot_product_attention.forward({}, TOKENS, TOKENS, TOKENS.astype(np.float32))
    with pytest.raises(TypeError, match="context is float32, and x float64"):
        attention.forward(HEADS, TOKENS, TOKENS.astype(np.float32))
    with pytest.raises(TypeError, match=r"start\[0\] is float32, and x float64"):
        rnn.forward(FITTING["rnn"][0], SEQUENCES, np.zeros((2, 4), np.float32))


@pytest.mark.parametrize("name", FITTING)
def test_a_list_is_told(name) -> None:
    params, x = FITTING[name]
    settings = {"name": "relu"} if name == "activation" else {}
    inputs = [x.tolist()] * (3 if name == "dot_product_attention" else 1)
    with pytest.raises(TypeError, match=r"(x|ids|q) is a list; wanted an array"):
        import_module(f"reference_impls.layers.{name}").forward(params, *inputs, **settings)
    module, y, cache = called(name, settings)
    with pytest.raises(TypeError, match="dy is a list; wanted an array"):
        module.backward(y.tolist(), cache)


@pytest.mark.parametrize("name", ["batch_norm", "group_norm", "layer_norm", "rms_norm"])
def test_an_epsilon_below_zero_is_told(name) -> None:
    """Where the variance is smaller, the root was not a number; that None made of all."""
    params, x = FITTING[name]
    for eps in (-1e-5, None, np.nan):
        with pytest.raises(ValueError, match=rf"eps={eps}; wanted a number from 0"):
            import_module(f"reference_impls.layers.{name}").forward(params, x, eps=eps)


@pytest.mark.parametrize(
    "name, settings",
    [("layer_norm", {"eps": 0.5}), ("group_norm", {"groups": 2}), ("attention", {"heads": 2})],
)
def test_a_setting_may_be_an_array_of_one_number(name, settings) -> None:
    """As `numpy.load` gives what `numpy.savez` was given as a number."""
    _, y, _ = called(name, settings)
    _, same, _ = called(name, {key: np.array(value) for key, value in settings.items()})
    np.testing.assert_array_equal(same, y)


@pytest.mark.parametrize("name", sorted(FITTING.keys() - {"embedding"}))
def test_objects_are_told(name) -> None:
    params, x = FITTING[name]
    settings = {"name": "relu"} if name == "activation" else {}
    inputs = [x.astype(object)] * (3 if name == "dot_product_attention" else 1)
    with pytest.raises(TypeError, match=r" is object; wanted floats"):
        import_module(f"reference_impls.layers.{name}").forward(params, *inputs, **settings)


@pytest.mark.parametrize("name, settings", CALLS)
def test_bytes_in_another_order_are_the_same_numbers(name, settings) -> None:
    """As files of instruments hold them; NumPy answers some operations in the machine's own order."""
    module, y, cache = called(name, settings)
    params, x = FITTING[name]
    wanted = derivatives(module.backward(np.ones(y.shape), cache))
    inputs = [swapped(x)] * (3 if name == "dot_product_attention" else 1)
    for given in (params, {key: swapped(array) for key, array in params.items()}):
        got, kept = module.forward(given, *inputs, **settings)
        np.testing.assert_allclose(got, y, rtol=1e-12)
        for dy in (np.ones(y.shape), swapped(np.ones(y.shape))):
            for ours, right in zip(derivatives(module.backward(dy, kept)), wanted, strict=True):
                np.testing.assert_allclose(ours, right, rtol=1e-12, atol=1e-12)


def swapped(array):
    return array.astype(array.dtype.newbyteorder("S"))


def derivatives(answer):
    dx, grads = answer
    return [d for d in (*(dx if isinstance(dx, tuple) else (dx,)), *grads.values()) if d is not None]
