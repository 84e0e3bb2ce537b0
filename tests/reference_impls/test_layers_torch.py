"""Values and derivatives are torch's, in both precisions, over shapes and settings drawn at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impls.layers import (
    attention,
    average_pool2d,
    batch_norm,
    conv2d,
    conv_transpose2d,
    dot_product_attention,
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
from tests.reference_impls.layered import as_torch

torch = pytest.importorskip("torch")
functional = torch.nn.functional
drawn = settings(derandomize=True, max_examples=25, deadline=None, database=None)


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(least, most), st.integers(least, most))


seeds, few, several = st.integers(0, 10**6), st.integers(1, 3), st.integers(0, 3)


@drawn
@given(seeds, few, few, few, several, pairs(1, 4), pairs(1, 5), pairs(0, 3), pairs(1, 3), pairs(0, 4))
def test_conv2d(seed, groups, inputs, outputs, batch, kernel, stride, padding, dilation, more) -> None:
    """From kernels as large as the image to strides that leave pixels out."""
    rng = np.random.default_rng(seed)
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
def test_conv_transpose2d(
    seed, groups, inputs, outputs, batch, kernel, stride, dilation, size, padding
) -> None:
    rng = np.random.default_rng(seed)
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
def test_pools(seed, batch, channels, kernel, stride, padding, more, ties) -> None:
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))  # what torch takes
    size = (max(1, k - 2 * p) + m for k, p, m in zip(kernel, padding, more, strict=True))
    x = np.random.default_rng(seed).standard_normal((batch, channels, *size))
    x = np.round(x) if ties else x
    setting = {"kernel": kernel, "stride": stride, "padding": padding}
    place = (kernel, stride, padding)
    as_torch(max_pool2d, lambda p, x: functional.max_pool2d(x, *place), {}, x, **setting)
    as_torch(average_pool2d, lambda p, x: functional.avg_pool2d(x, *place), {}, x, **setting)


@drawn
@given(
    seeds, st.lists(several, max_size=3), st.integers(2, 7), few, few, st.lists(st.integers(1, 4), max_size=2)
)
def test_norms(seed, lead, features, groups, channels, pixels) -> None:
    rng = np.random.default_rng(seed)
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


@drawn
@given(seeds, st.lists(several, max_size=2), several, few, few, few)
def test_tokens(seed, lead, queries, keys, width, words) -> None:
    rng = np.random.default_rng(seed)
    shape = (*lead, 2)
    q, k, v = (rng.standard_normal((*shape, n, d)) for n, d in ((queries, width), (keys, width), (keys, 2)))
    visible = rng.random((*shape, queries, keys)) > 0.4
    visible[..., 0] = True  # where a query sees nothing torch makes NaN

    def reference(p, q, k, v):
        return functional.scaled_dot_product_attention(q, k, v, torch.tensor(visible))

    as_torch(dot_product_attention, reference, {}, q, k, v, visible=visible)
    ids, W = rng.integers(0, words, (*lead, queries)), rng.standard_normal((words, width))
    as_torch(embedding, lambda p, ids: functional.embedding(ids, p["W"]), {"W": W}, ids)
    params = {"W": rng.standard_normal((width, 3)), "b": rng.standard_normal(3)}
    as_torch(linear, lambda p, x: x @ p["W"] + p["b"], params, rng.standard_normal((queries, width)))


@drawn
@given(seeds, few, few, few, few, few)
def test_attention(seed, batch, tokens, others, heads, each) -> None:
    rng, width = np.random.default_rng(seed), heads * each
    params = {name: rng.standard_normal(p.shape) for name, p in attention.initial_params(width, rng).items()}
    visible = rng.random((tokens, others)) > 0.4
    visible[:, 0] = True

    def reference(p, x, source):
        joint = [torch.cat([p["Wq"].T, p["Wk"].T, p["Wv"].T]), torch.cat([p["bq"], p["bk"], p["bv"]])]
        x, source = x.swapaxes(0, 1), source.swapaxes(0, 1)
        return functional.multi_head_attention_forward(
            x, source, source, width, heads, *joint, None, None, False, 0.0, p["Wo"].T, p["bo"],
            attn_mask=~torch.tensor(visible), need_weights=False,
        )[0].swapaxes(0, 1)  # fmt: skip

    x, source = rng.standard_normal((batch, tokens, width)), rng.standard_normal((batch, others, width))
    as_torch(attention, reference, params, x, source, heads=heads, visible=visible)


@pytest.mark.parametrize("module, cell, states", [(rnn, "rnn_tanh", 1), (lstm, "lstm", 2), (gru, "gru", 1)])
@drawn
@given(seeds, few, few, few, few)
def test_recurrent_layers(module, cell, states, seed, time, batch, inputs, units) -> None:
    """Each sequence in torch by itself, to its own end."""
    rng = np.random.default_rng(seed)
    params = module.initial_params(inputs, units, rng)
    params = {name: rng.standard_normal(p.shape) for name, p in params.items()}
    lengths = rng.integers(0, time + 1, batch)
    lengths[0] = time
    start = [rng.standard_normal((batch, units)) for _ in range(states)]

    def reference(p, x, *start):
        flat = [p["Wx"].T, p["Wh"].T, p["b"], p.get("bh", torch.zeros_like(p["b"]))]
        found = []
        for n, length in enumerate(lengths):
            first, one = [s[None, n : n + 1] for s in start], x[:length, n : n + 1]
            state = first[0]
            if length:
                own = tuple(first) if states == 2 else first[0]
                state = getattr(torch._VF, cell)(one, own, flat, True, 1, 0.0, False, False, False)[0]
            found.append(torch.cat([state[:length], state[-1:].expand(time - length, 1, units)]))
        return torch.cat(found, dim=1)

    x = rng.standard_normal((time, batch, inputs))
    as_torch(module, reference, params, x, *start, mask=np.arange(time)[:, None] < lengths)
