"""Attention, recurrent layers, and the residual block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import gradcheck
from reference_impls.layers import attention, dot_product_attention, gru, linear, lstm, residual, rnn
from reference_impls.layers.dot_product_attention import causal
from reference_impls.layers.layer import Layer
from reference_impls.layers.residual import Residual
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

MODULES = (dot_product_attention, attention, rnn, lstm, gru, residual)
RECURRENT = {"rnn": (rnn, 1), "lstm": (lstm, 2), "gru": (gru, 1)}
RNG = np.random.default_rng(0)
Q, K, V = (RNG.standard_normal((2, 3, n, d)) for n, d in ((4, 5), (6, 5), (6, 3)))
TOKENS, CONTEXT = RNG.standard_normal((2, 4, 6)), RNG.standard_normal((2, 5, 6))
SEQUENCES = RNG.standard_normal((6, 3, 4))
MASK = np.arange(6)[:, None] < np.array([6, 1, 4])
ATTENTION = attention.initial_params(6, RNG) | {f"b{n}": RNG.standard_normal(6) for n in "qkvo"}


def biased(params, rng=RNG):
    """Initial parameters without biases of zeros, which a check looks at beside their point as well."""
    return {n: rng.standard_normal(p.shape) if n.startswith("b") else p for n, p in params.items()}


def weights(module):
    return biased(module.initial_params(4, 5, np.random.default_rng(1)))


def states(name, batch=3):
    return tuple(RNG.standard_normal((batch, 5)) for _ in range(RECURRENT[name][1]))


@pytest.mark.parametrize(
    "case", [case for module in MODULES for case in module.cases()], ids=lambda c: c.name
)
def test_cases_pass(case) -> None:
    case.check()


@drawn
@given(seeds, st.lists(several, max_size=2), several, few, few, st.sampled_from(["all", "causal", "some"]))
def test_dot_product_attention_is_that_of_torch(seed, lead, queries, keys, width, seen) -> None:
    torch, rng = pytest.importorskip("torch"), np.random.default_rng(seed)
    q, k, v = (rng.standard_normal((*lead, 2, *s)) for s in ((queries, width), (keys, width), (keys, 2)))
    visible = causal(queries, keys) if seen == "causal" else rng.random((*lead, 2, queries, keys)) > 0.4
    visible[..., 0] = True  # where a query sees nothing torch makes NaN

    def reference(p, q, k, v):
        mask = None if seen == "all" else torch.tensor(visible)
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, mask)

    as_torch(dot_product_attention, reference, {}, q, k, v, visible=None if seen == "all" else visible)


@drawn
@given(seeds, several, few, few)
def test_a_linear_layer_is_that_of_torch(seed, examples, inputs, outputs) -> None:
    rng = np.random.default_rng(seed)
    params = {"W": rng.standard_normal((inputs, outputs)), "b": rng.standard_normal(outputs)}
    as_torch(linear, lambda p, x: x @ p["W"] + p["b"], params, rng.standard_normal((examples, inputs)))


@drawn
@given(seeds, few, few, few, few, few, st.booleans())
def test_attention_is_that_of_torch(seed, batch, tokens, others, heads, each, own) -> None:
    torch, rng, width = pytest.importorskip("torch"), np.random.default_rng(seed), heads * each
    params = {name: rng.standard_normal(p.shape) for name, p in attention.initial_params(width, rng).items()}
    inputs = rng.standard_normal((batch, tokens, width)), rng.standard_normal((batch, others, width))
    inputs = inputs[:1] if own else inputs
    visible = rng.random((tokens, inputs[-1].shape[1])) > 0.4
    visible[:, 0] = True

    def reference(p, x, *source):
        joint = [torch.cat([p["Wq"].T, p["Wk"].T, p["Wv"].T]), torch.cat([p["bq"], p["bk"], p["bv"]])]
        x, source = x.swapaxes(0, 1), (*source, x)[0].swapaxes(0, 1)
        return torch.nn.functional.multi_head_attention_forward(
            x, source, source, width, heads, *joint, None, None, False, 0.0, p["Wo"].T, p["bo"],
            attn_mask=~torch.tensor(visible), need_weights=False,
        )[0].swapaxes(0, 1)  # fmt: skip

    as_torch(attention, reference, params, *inputs, heads=heads, visible=visible)


@pytest.mark.parametrize("module, cell, states", [(rnn, "rnn_tanh", 1), (lstm, "lstm", 2), (gru, "gru", 1)])
@drawn
@given(seeds, few, few, few, few, st.booleans())
@example(0, 23, 2, 2, 3, True)  # more steps than the LSTM takes at once
def test_recurrent_layers_are_those_of_torch(
    module, cell, states, seed, time, batch, inputs, units, started
) -> None:
    """Each sequence in torch by itself, to its own end."""
    torch, rng = pytest.importorskip("torch"), np.random.default_rng(seed)
    params = module.initial_params(inputs, units, rng)
    params = {name: rng.standard_normal(p.shape) for name, p in params.items()}
    lengths = rng.integers(0, time + 1, batch)
    lengths[0] = time
    start = [rng.standard_normal((batch, units)) for _ in range(states)]

    def reference(p, x, *start):
        flat = [p["Wx"].T, p["Wh"].T, p["b"], p.get("bh", torch.zeros_like(p["b"]))]
        found = []
        for n, length in enumerate(lengths):
            none = torch.zeros(1, 1, units, dtype=x.dtype)
            first = [s[None, n : n + 1] for s in start] or [none] * states
            one = x[:length, n : n + 1]
            state = first[0]
            if length:
                own = tuple(first) if states == 2 else first[0]
                state = getattr(torch._VF, cell)(one, own, flat, True, 1, 0.0, False, False, False)[0]
            found.append(torch.cat([state[:length], state[-1:].expand(time - length, 1, units)]))
        return torch.cat(found, dim=1)

    x = rng.standard_normal((time, batch, inputs))
    start = start if started else []
    mask = np.arange(time)[:, None] < lengths
    as_torch(module, reference, params, x, *start, mask=None if mask.all() else mask)


@pytest.mark.parametrize("name", RECURRENT)
def test_a_sequence_that_ended_keeps_its_state(name) -> None:
    """As if it had been run by itself, to its end."""
    module, _ = RECURRENT[name]
    params, start = weights(module), states(name)
    y, cache = module.forward(params, SEQUENCES, *start, mask=MASK)
    dy = RNG.standard_normal(y.shape)
    (dx, *dstart), _ = module.backward(dy, cache)
    for row, length in enumerate([6, 1, 4]):
        one = [s[row : row + 1] for s in start]
        alone, inner = module.forward(params, SEQUENCES[:length, row : row + 1], *one)
        np.testing.assert_allclose(y[:length, row], alone[:, 0], rtol=1e-12)
        np.testing.assert_allclose(y[length:, row], np.broadcast_to(alone[-1, 0], y[length:, row].shape))
        gathered = dy[:length, row : row + 1].copy()
        gathered[-1] += dy[length:, row].sum(axis=0)
        (dx_alone, *dstart_alone), _ = module.backward(gathered, inner)
        np.testing.assert_allclose(dx[:length, row], dx_alone[:, 0], rtol=1e-10, atol=1e-14)
        assert not dx[length:, row].any()
        for ours, theirs in zip(dstart, dstart_alone, strict=True):
            np.testing.assert_allclose(ours[row], theirs[0], rtol=1e-10)


@pytest.mark.parametrize("which", slips(inputs=3))
def test_a_slip_in_dot_product_attention_is_caught(which) -> None:
    caught(dot_product_attention, slips(inputs=3)[which], {}, Q, K, V)


# A shift of all keys shifts all scores of a query alike: bk has no slope, and a factor of that is no slip.
SLIPS_OF_HEADS = slips(*ATTENTION) | {
    "bk": lambda result, cache: (result[0], result[1] | {"bk": result[1]["bk"] + 1e-3})
}


@pytest.mark.parametrize("which", SLIPS_OF_HEADS)
def test_a_slip_in_attention_is_caught(which) -> None:
    caught(attention, SLIPS_OF_HEADS[which], ATTENTION, TOKENS, heads=2)


@pytest.mark.parametrize("name", RECURRENT)
def test_a_slip_in_a_recurrent_layer_is_caught(name) -> None:
    module, count = RECURRENT[name]
    params, start = weights(module), states(name)
    for slip in slips(*params, inputs=1 + count).values():
        caught(module, slip, params, SEQUENCES, *start)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [5.0, 12.0, 100.0])
@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrent_layer_is_not_accused_where_its_gates_are_saturated(name, size, dtype) -> None:
    """``s (1 - s)`` has lost digits there, or all of them, as in every framework."""
    module, _ = RECURRENT[name]
    rng = np.random.default_rng(3)
    params = module.initial_params(2, 3, rng)
    for bias in [p for n, p in params.items() if n.startswith("b")]:
        bias[...] = size * rng.choice([-1, 1], bias.shape) * rng.uniform(0.7, 1.3, bias.shape)
    layer = Layer(module.forward, module.backward, cast(params, dtype))
    x = rng.standard_normal((3, 2, 2)).astype(dtype)
    assert gradcheck.check_layer(layer, x, raise_on_failure=False).verdict != "fail"
    beyond = Layer(module.forward, module.backward, cast(module.initial_params(2, 3, rng), dtype))
    for steps in (1, 5):  # by its inputs
        x = (size * rng.standard_normal((steps, 2, 2))).astype(dtype)
        assert gradcheck.check_layer(beyond, x, raise_on_failure=False).verdict != "fail"


@pytest.mark.parametrize("name", RECURRENT)
def test_a_path_through_time_that_is_forgotten_is_caught(name) -> None:
    """Each step by itself: truncated backpropagation."""
    module, _ = RECURRENT[name]

    def backward(dy, cache):
        found, grads = module.backward(dy, cache)
        for t in range(len(dy)):
            alone = np.zeros_like(dy)
            alone[t] = dy[t]
            (dx, *_), _ = module.backward(alone, cache)
            found[0][t] = dx[t]
        return found, grads

    layer = Layer(module.forward, backward, weights(module))
    assert wrong_leaves(layer, SEQUENCES, *states(name)) == ["inputs[0]"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda P, dP: P * dP,  # the diagonal only
        lambda P, dP: dP - np.sum(P * dP, axis=-1, keepdims=True),  # the factor P forgotten
        lambda P, dP: P * (dP - np.sum(dP, axis=-1, keepdims=True)),
    ],
    ids=["diagonal", "factor", "weights"],
)
def test_slips_in_the_softmax_of_attention_are_caught(wrong) -> None:
    def backward(dy, cache):
        q, k, v, E, o, inverse, scale, _ = cache  # leading axes as one; q holds the scale
        P, d = E * inverse, dy.reshape(o.shape)
        dS = wrong(P, d @ v.swapaxes(1, 2))
        found = dS @ k * scale, dS.swapaxes(1, 2) @ q, P.swapaxes(1, 2) @ d
        return tuple(a.reshape(of.shape) for a, of in zip(found, (Q, K, V), strict=True)), {}

    layer = Layer(dot_product_attention.forward, backward, {})
    assert wrong_leaves(layer, Q, K, V) == ["inputs[0]", "inputs[1]"]


@settings(derandomize=True, max_examples=9, deadline=None, database=None)
@given(st.data())
def test_shapes_drawn_at_random(data) -> None:
    draw = data.draw
    dtype, rng = draw(dtypes), np.random.default_rng(draw(st.integers(0, 99)))
    batch, tokens, others, heads = (draw(st.integers(1, 3)) for _ in range(4))
    width = heads * draw(st.integers(1, 3))
    x, context = rng.standard_normal((batch, tokens, width)), rng.standard_normal((batch, others, width))
    right(
        attention,
        dtype,
        biased(attention.initial_params(width, rng), rng),
        x,
        context,
        heads=heads,
        visible=causal(tokens, others),
    )
    inputs, units = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sequences = rng.standard_normal((tokens + 1, batch, inputs))
    mask = np.arange(tokens + 1)[:, None] < rng.integers(1, tokens + 2, batch)
    module, _ = RECURRENT[draw(st.sampled_from(list(RECURRENT)))]
    right(module, dtype, biased(module.initial_params(inputs, units, rng), rng), sequences, mask=mask)


def test_safe_at_the_edges() -> None:
    safe(dot_product_attention, {}, Q, K, V)
    safe(dot_product_attention, {}, Q, K, V, visible=causal(4, 6))
    safe(attention, ATTENTION, TOKENS, heads=3)


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_are_safe_at_the_edges(name) -> None:
    module, _ = RECURRENT[name]
    safe(module, weights(module), SEQUENCES)
    for dtype in DTYPES:
        params = cast(weights(module), dtype)
        for x in (SEQUENCES[:, :0], SEQUENCES[:, :1], 1e3 * np.sign(SEQUENCES)):
            y, cache = module.forward(params, x.astype(dtype))
            dx, grads = module.backward(np.ones_like(y), cache)
            assert dx.shape == x.shape
            assert all(np.isfinite(g).all() and g.dtype == dtype for g in (dx, y, *grads.values()))


def test_a_query_that_sees_nothing_gets_nothing() -> None:
    visible = np.ones((4, 6), bool)
    visible[2] = False
    o, cache = dot_product_attention.forward({}, Q, K, V, visible=visible)
    (dq, dk, _), _ = dot_product_attention.backward(np.ones_like(o), cache)

    assert not o[..., 2, :].any()
    assert not dq[..., 2, :].any()
    assert np.isfinite(dk).all()


def test_bad_settings_are_told() -> None:
    with pytest.raises(ValueError, match="6 features do not fall into heads=4"):
        attention.forward(ATTENTION, TOKENS, heads=4)
    wide = Layer(linear.forward, linear.backward, linear.initial_params(3, 4, RNG))
    with pytest.raises(ValueError, match="keep the shape"):
        Residual([wide]).forward(np.ones((2, 3)))


def test_a_residual_block_that_forgets_its_input_is_caught() -> None:
    class Forgets(Residual):
        def backward(self, dy):
            return super().backward(dy) - dy

    net = Forgets([Layer(linear.forward, linear.backward, linear.initial_params(3, 3, RNG))])
    assert wrong_leaves(net, RNG.standard_normal((4, 3))) == ["x"]


@pytest.mark.parametrize("name", RECURRENT)
def test_what_stands_beyond_the_end_is_not_looked_at(name) -> None:
    module, _ = RECURRENT[name]
    params, found = weights(module), []
    for beyond in (0.0, 1e30, np.inf, np.nan):
        x = np.where(MASK[:, :, None], SEQUENCES, beyond)
        y, cache = module.forward(params, x, mask=MASK)
        dx, grads = module.backward(np.cos(y), cache)
        found.append([y, dx, *grads.values()])
    for others in found[1:]:
        assert all(np.array_equal(one, other) for one, other in zip(found[0], others, strict=True))


@pytest.mark.parametrize("name", RECURRENT)
def test_masks_and_states_that_do_not_fit_are_told(name) -> None:
    module, count = RECURRENT[name]
    for mask in (MASK.astype(int), MASK.T, MASK[:, :1]):
        with pytest.raises(ValueError, match=r"mask is .* wanted bools, \(time, batch\) = \(6, 3\)"):
            module.forward(weights(module), SEQUENCES, mask=mask)
    with pytest.raises(ValueError, match=r"start\[0\] has .* wanted \(batch = 3, units = 5\)"):
        module.forward(weights(module), SEQUENCES, *states(name, batch=1))
    with pytest.raises(ValueError, match=rf"{count + 1} first states came; wanted none, or {count} of"):
        module.forward(weights(module), SEQUENCES, *states(name), SEQUENCES[0])


def test_what_is_visible_is_told_by_bools() -> None:
    """A mask of numbers to be added would mean the opposite."""
    with pytest.raises(TypeError, match="visible is float64; wanted bools"):
        dot_product_attention.forward({}, Q, K, V, visible=np.zeros((4, 6)))
    with pytest.raises(ValueError, match=r"needs two of them, \(batch, heads\)"):
        attention.forward(ATTENTION, TOKENS, heads=2, visible=np.ones((2, 4, 4), bool))


def test_attention_of_width_or_keys_none() -> None:
    """The mean of all values where all scores are 0; nothing where there are no keys."""
    o, _ = dot_product_attention.forward({}, Q[..., :0], K[..., :0], V)
    np.testing.assert_allclose(o, np.broadcast_to(V.mean(axis=2, keepdims=True), o.shape), rtol=1e-12)
    o, cache = dot_product_attention.forward({}, Q, K[:, :, :0], V[:, :, :0])
    assert not o.any()
    assert not dot_product_attention.backward(np.ones_like(o), cache)[0][0].any()
