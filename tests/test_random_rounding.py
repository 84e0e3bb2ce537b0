"""Random rounding: arrays that are ndarrays in all they do, but for the last digits while a run is on."""

import numpy as np
import pytest

from gradcheck import check_grad, check_layer, check_vjp
from gradcheck.ask import precision
from gradcheck.ask.random_rounding import AMPLITUDE, KEPT, Rolled, Run, met, rolled, running
from gradcheck.oracles.tracing.rebind import Meeting

VALUES = np.random.default_rng(0).normal(size=(4, 4)) + 3.0
DTYPES = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11}


def dressed(values):
    return rolled((values,))[0]


def plainly(value):
    """What came, as an ordinary array: scalars are arrays of no axes."""
    return np.asarray(value.view(np.ndarray) if isinstance(value, Rolled) else value)


def in_a_run(function, values, seed=0, least=0.0, most=1.0):
    run = Run(None if seed is None else np.random.default_rng(seed), least, most)
    with running(run), np.errstate(all="ignore"):
        return plainly(function(dressed(values.copy()))), run


# --- an ndarray in all it does -------------------------------------------------------------------------------


def written(x):
    y = x.copy()
    y[1:3] *= 2.0
    y[y > 4.0] = 0.5
    y[0, 0] += 1.0
    return y


def through_a_view(x):
    y = x.copy()
    part = y[1:, ::2]
    part += 1.0
    part[0] = part[1] * 3.0
    return y


def by_out(x):
    buffer = np.empty_like(x)
    np.multiply(x, 2.0, out=buffer)
    np.add(buffer, x, out=buffer, where=x > 3.0)
    return buffer


def accumulated(x):
    total = x[0, 0]
    total += 1.0
    total *= x[1, 1]
    return total + x[0, 0]


def scattered(x):
    y = np.zeros(4)
    np.add.at(y, [0, 0, 2], x[0, :3])
    return y


OPERATIONS = {
    "arithmetic": lambda x: (x + 1.0) * x / (2.0 - x) ** 2,
    "reflected": lambda x: 1.0 - 2.0 / x,
    "ufuncs": lambda x: np.exp(-x) + np.tanh(x) + np.log1p(x**2),
    "sum": lambda x: x.sum(),
    "sum over an axis": lambda x: x.sum(axis=1, keepdims=True) * x,
    "mean, var, std": lambda x: np.array([x.mean(), x.var(), x.std(ddof=1)]),
    "prod": lambda x: np.prod(x, axis=0),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "max": lambda x: x - x.max(axis=1, keepdims=True),
    "matmul": lambda x: x @ x.T,
    "a vector by a matrix": lambda x: x[0] @ x,
    "dot": lambda x: np.dot(x, x[0]),
    "the method dot": lambda x: x.dot(x),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "tensordot": lambda x: np.tensordot(x, x, axes=([0], [1])),
    "outer": lambda x: np.outer(x[0], x[1]),
    "solve": lambda x: np.linalg.solve(x @ x.T + np.eye(4), x[0]),
    "norm": lambda x: np.linalg.norm(x, axis=0),
    "where": lambda x: np.where(x > 3.0, x, 0.1 * x),
    "concatenate": lambda x: np.concatenate([x[:1] * 2.0, x[1:]]),
    "stack": lambda x: np.stack([x[0] + 1.0, x[1]]),
    "broadcast": lambda x: x + x[:, :1],
    "fancy indexing": lambda x: x[[0, 0, 2]] * 2.0,
    "a mask": lambda x: x[x > 3.0] ** 2,
    "writes": written,
    "writes through a view": through_a_view,
    "out and where": by_out,
    "a scalar that accumulates": accumulated,
    "add.at": scattered,
    "iteration": lambda x: sum(row.sum() * number for number, row in enumerate(x)),
    "float": lambda x: float(x[0, 0]) * x,
    "reshape and transpose": lambda x: (x.reshape(2, 8).T * 2.0).ravel(),
    "clip": lambda x: np.clip(x, 2.5, 3.5) * 1.5,
    "sort": lambda x: np.sort(x, axis=1) * 2.0,
    "divmod": lambda x: np.divmod(x, 0.7)[1],
    "a cast and back": lambda x: (x.astype(np.float32) * 2).astype(np.float64),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_outside_a_run_it_is_an_ordinary_array(name) -> None:
    function = OPERATIONS[name]
    with np.errstate(all="ignore"):
        plain, found = np.asarray(function(VALUES.copy())), plainly(function(dressed(VALUES.copy())))

    assert found.dtype == plain.dtype
    assert np.array_equal(found, plain)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_run_without_a_generator_changes_nothing(name) -> None:
    function = OPERATIONS[name]
    plain = np.asarray(function(VALUES.copy()))
    found, _ = in_a_run(function, VALUES, seed=None)

    assert found.dtype == plain.dtype
    # another order of summation (a scalar that is an array of no axes, an einsum of copies) is no more than rounding
    assert np.allclose(found, plain, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", OPERATIONS)
def test_in_a_run_only_the_last_digits_change(name) -> None:
    function = OPERATIONS[name]
    plain = np.asarray(function(VALUES.copy()))
    found, _ = in_a_run(function, VALUES)
    tolerance = 1e-12 if name != "a cast and back" else 1e-6

    assert found.shape == plain.shape
    assert found.dtype == plain.dtype
    assert np.allclose(found, plain, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", OPERATIONS)
def test_seeds_differ_and_one_seed_repeats_itself(name) -> None:
    function = OPERATIONS[name]
    first, *others = (in_a_run(function, VALUES, seed)[0] for seed in range(6))

    assert np.array_equal(first, in_a_run(function, VALUES, 0)[0])
    assert not all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("name", ["writes", "writes through a view", "out and where", "add.at"])
def test_the_argument_is_left_alone(name) -> None:
    x = VALUES.copy()
    with running(Run(np.random.default_rng(0), 0.0, 1.0)):
        OPERATIONS[name](dressed(x))

    assert np.array_equal(x, VALUES)


def test_writing_in_place_writes_into_the_argument_s_memory() -> None:
    x = VALUES.copy()
    with running(Run(np.random.default_rng(0), 0.0, 1.0)):
        view = dressed(x)
        view *= 2.0

    assert np.allclose(x, 2.0 * VALUES, rtol=1e-14)
    assert np.shares_memory(view, x)


def test_out_is_returned_as_the_very_array_that_was_given() -> None:
    x, buffer = dressed(VALUES.copy()), dressed(np.empty((4, 4)))
    with running(Run(np.random.default_rng(0), 0.0, 1.0)):
        assert np.multiply(x, x, out=buffer) is buffer
        assert np.maximum(x, 3.0, out=buffer) is buffer
        assert np.dot(x, x, out=buffer) is buffer

    assert np.allclose(plainly(buffer), VALUES @ VALUES, rtol=1e-14)


def test_out_is_returned_as_the_very_array_that_was_given_also_outside_a_run() -> None:
    x, buffer = dressed(VALUES.copy()), dressed(np.empty((4, 4)))

    assert np.multiply(x, x, out=buffer) is buffer


def test_an_entry_is_immutable_as_a_scalar_is() -> None:
    x = dressed(VALUES.copy())
    with running(Run(np.random.default_rng(0), 0.0, 1.0)):
        entry = x[1, 2]
        kept = entry
        entry += 1.0
        entry -= 0.25
        entry *= 2.0
        entry /= 3.0
        entry **= 2

    assert float(kept) == VALUES[1, 2]
    assert np.array_equal(plainly(x), VALUES)
    assert float(entry) == pytest.approx((2.0 * (VALUES[1, 2] + 0.75) / 3.0) ** 2, rel=1e-12)


def test_an_entry_is_still_met() -> None:
    found = {float(in_a_run(lambda x: x[0, 0] * x[0, 1], VALUES, seed)[0]) for seed in range(8)}

    assert len(found) > 1


# --- the unit of the result's own dtype ----------------------------------------------------------------------


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("operation", [lambda x: x * x, np.exp, lambda x: x + x])
def test_the_size_is_that_of_the_result_s_dtype(name, operation) -> None:
    values = (np.random.default_rng(1).uniform(1.0, 2.0, 4000)).astype(name)
    plain = operation(values).astype(float)
    found, _ = in_a_run(operation, values)
    off = np.abs(found.astype(float) / plain - 1.0)

    assert found.dtype == values.dtype
    assert off.max() <= (AMPLITUDE + 1.0) * DTYPES[name]  # and the result is rounded to its own numbers
    assert off.max() >= 0.9 * DTYPES[name]


def test_a_float32_step_inside_double_code_is_met_as_such() -> None:
    def inside(x):
        return (np.float32(2.0) * x.astype(np.float32)).astype(np.float64)

    off = np.abs(in_a_run(inside, VALUES)[0] / (2.0 * VALUES) - 1.0)

    assert 1e-8 < off.max() < 1e-6


@pytest.mark.parametrize("least, most, expected", [(2.0**-24, 1.0, 2.0**-24), (0.0, 2.0**-53, 2.0**-53)])
def test_the_unit_can_be_held_within_bounds(least, most, expected) -> None:
    dtype = np.float64 if least else np.float32
    values = np.random.default_rng(1).uniform(1.0, 2.0, 4000).astype(dtype)
    found, _ = in_a_run(lambda x: x * np.asarray(1.5, dtype), values, least=least, most=most)
    off = np.abs(found.astype(float) / (values * np.asarray(1.5, dtype)).astype(float) - 1.0).max()

    assert off <= (AMPLITUDE + 1.0) * max(expected, precision.of(str(np.dtype(dtype))) if least else expected)
    assert (off > 0.0) == bool(least)  # below a float32's own spacing nothing is left of 2^-53


def test_rounding_is_of_both_signs_and_centred() -> None:
    found, _ = in_a_run(lambda x: x * 1.0, np.ones(4000))
    off = (found - 1.0) / 2.0**-53

    assert np.any(off > 0.0)
    assert np.any(off < 0.0)
    assert abs(float(off.mean())) < 0.2


# --- exact operations ----------------------------------------------------------------------------------------

EXACT = {
    "abs": np.abs,
    "negative": lambda x: -x,
    "maximum": lambda x: np.maximum(x, 3.0),
    "minimum": lambda x: np.minimum(x, x.T),
    "max": lambda x: x.max(axis=0),
    "sign": np.sign,
    "floor": np.floor,
    "round": np.rint,
    "copy": lambda x: x.copy(),
    "reshape": lambda x: x.reshape(2, 8).T,
    "indexing": lambda x: x[1:, ::-1],
    "where": lambda x: np.where(x > 3.0, x, 0.0),
    "concatenate": lambda x: np.concatenate([x, x]),
    "sort": lambda x: np.sort(x, axis=None),
    "a wider dtype": lambda x: x.astype(np.float64),
    "transpose": np.transpose,
}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exact_operations_are_left_alone(name, dtype) -> None:
    values = VALUES.astype(dtype)
    for seed in range(3):
        assert np.array_equal(in_a_run(EXACT[name], values, seed)[0], EXACT[name](values))


def test_integers_and_booleans_are_left_alone() -> None:
    counts = np.arange(6)
    with running(Run(np.random.default_rng(0), 0.0, 1.0)):
        assert type(dressed(counts)) is np.ndarray
        assert np.array_equal(dressed(VALUES) > 3.0, VALUES > 3.0)
        assert np.array_equal(np.argmax(dressed(VALUES), axis=1), np.argmax(VALUES, axis=1))


# --- choices -------------------------------------------------------------------------------------------------

CHOICES = {
    "a comparison": lambda x: np.where(x > 3.0, x, 2.0 * x),
    "relu": lambda x: np.maximum(x - 3.0, 0.0),
    "abs": lambda x: np.abs(x - 3.0),
    "argmax": lambda x: x[np.arange(4), np.argmax(x, axis=1)],
    "one argmax": lambda x: x[np.argmax(x[:, 0])],
    "the method argmax": lambda x: x[np.arange(4), x.argmax(axis=1)],
    "the method argsort": lambda x: x.ravel()[x.ravel().argsort()],
    "searchsorted": lambda x: x[:, 0] * np.searchsorted(np.sort(x[:, 0]), 3.05),
    "clip": lambda x: np.clip(x, 2.5, 3.5),
    "argsort": lambda x: x.ravel()[np.argsort(x, axis=None)],
    "an if": lambda x: x * 2.0 if x[0, 0] > 3.0 else x,
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_are_recorded_and_are_the_same_on_the_same_piece(name) -> None:
    plain = in_a_run(CHOICES[name], VALUES, None)[1].choices
    runs = [in_a_run(CHOICES[name], VALUES, seed)[1].choices for seed in range(3)]

    assert plain
    assert all(choices == plain for choices in runs)


@pytest.mark.parametrize("name", CHOICES)
def test_choices_differ_at_another_piece(name) -> None:
    here = in_a_run(CHOICES[name], VALUES, None)[1].choices
    there = in_a_run(CHOICES[name], 6.0 - VALUES, None)[1].choices

    assert here != there


def test_a_tie_made_of_rounding_is_another_piece_now_and_then() -> None:
    def at_a_tie(x):
        return np.maximum(x * (1.0 / 3.0), x / 3.0)

    plain = in_a_run(at_a_tie, VALUES, None)[1].choices

    assert any(in_a_run(at_a_tie, VALUES, seed)[1].choices != plain for seed in range(8))


def test_code_without_a_choice_records_none() -> None:
    assert in_a_run(OPERATIONS["ufuncs"], VALUES)[1].choices == []


# --- inert after a run ---------------------------------------------------------------------------------------


def test_the_run_is_over_also_where_the_code_raised() -> None:
    x = dressed(VALUES.copy())
    with pytest.raises(ZeroDivisionError), running(Run(np.random.default_rng(0), 0.0, 1.0)):
        raise ZeroDivisionError

    assert np.array_equal(plainly(x * 1.1), VALUES * 1.1)


def test_runs_are_nested_and_the_outer_one_comes_back() -> None:
    outer, inner = Run(np.random.default_rng(0), 0.0, 1.0), Run(None, 0.0, 1.0)
    with running(outer):
        with running(inner):
            assert np.array_equal(plainly(dressed(VALUES) * 1.1), VALUES * 1.1)
        assert not np.array_equal(plainly(dressed(VALUES) * 1.1), VALUES * 1.1)


def test_what_is_given_beside_the_arguments_is_met_in_a_run_alone() -> None:
    assert type(met({"u": VALUES})["u"]) is np.ndarray
    with running(Run(None, 0.0, 1.0)):
        assert type(met({"u": VALUES})["u"]) is Rolled


def test_subclasses_lists_and_floats_are_handed_over_as_they_are() -> None:
    masked = np.ma.masked_array(VALUES)
    tree = ({"a": [VALUES, 1.5], "n": np.arange(3)}, masked, "name", None)
    found = rolled(tree)

    assert type(found[0]["a"][0]) is Rolled
    assert found[0]["a"][1] == 1.5
    assert type(found[0]["n"]) is np.ndarray
    assert found[1] is masked
    assert found[2:] == ("name", None)


class Layer:
    """Keeps its input and its gradients, as layers do; float32, so that its rounding is measured at every check."""

    def __init__(self):
        self.weight = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
        self.calls = 0

    def f(self, x):
        return np.sum(np.tanh(self.weight @ x))

    def grad(self, x):
        self.calls += 1
        self.kept = x
        self.hidden = np.tanh(self.weight @ x)
        self.entry = self.hidden[0]
        self.list = [self.hidden * 2.0]
        return self.weight.T @ (np.float32(1.0) - self.hidden**2)


def test_nothing_of_it_stays_in_what_the_claim_keeps() -> None:
    layer = Layer()
    check_grad(layer.f, layer.grad, np.random.default_rng(3).normal(size=4).astype(np.float32))

    assert layer.calls > 3  # its rounding was measured
    kept = (layer.kept, layer.hidden, layer.entry, *layer.list, layer.weight)
    assert [type(one) for one in kept] == [np.ndarray, np.ndarray, np.float32, np.ndarray, np.ndarray]


def test_nothing_of_it_stays_in_a_list_that_the_claim_appends_to() -> None:
    weight = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    history = []

    def grad(x):
        history.append(np.tanh(weight @ x))
        return weight.T @ (np.float32(1.0) - history[-1] ** 2)

    x = np.random.default_rng(3).normal(size=4).astype(np.float32)
    check_grad(lambda x: np.sum(np.tanh(weight @ x)), grad, x)

    assert {type(kept) for kept in history} == {np.ndarray}


@pytest.mark.parametrize("make", [np.zeros, np.ones, np.empty])
@pytest.mark.parametrize("size", [20.0, 125.0])
def test_rounding_is_met_in_a_buffer_that_is_filled(make, size) -> None:
    """1 - tanh**2 of saturated units is 0, where the derivative is 1e-107."""

    def grad(x):
        z = make(3)
        z[:] = x
        return 1.0 - np.tanh(z) ** 2

    x = np.array([size, -size, 2.0 * size])
    assert check_grad(lambda x: np.sum(np.tanh(x)), grad, x, raise_on_failure=False).verdict != "fail"
    assert check_grad(lambda x: np.sum(np.tanh(x)), grad, x / size).ok
    assert not check_grad(
        lambda x: np.sum(np.tanh(x)), lambda x: 2 * grad(x), x / size, raise_on_failure=False
    )


class InPlace:
    """A tanh layer whose backward is right to the digits that ``1 - tanh**2`` has, in a buffer from end to end."""

    def __init__(self, W, b, factor=1.0):
        self.W, self.b, self.factor = W, b, factor

    def forward(self, x):
        self.x, self.a = x, np.empty((len(x), len(self.b)), x.dtype)
        np.matmul(x, self.W, out=self.a)
        self.a += self.b
        np.tanh(self.a, out=self.a)
        return self.a.copy()

    def backward(self, d):
        d = d * (1 - self.a**2) * self.factor
        self.dW, self.db = self.x.T @ d, d.sum(0)
        return d @ self.W.T


class InPlaceOfOneVector(InPlace):
    """Its parameters and their gradients are parts of a vector each."""

    def __init__(self, W, b, factor=1.0):
        self.theta, self.factor = np.concatenate([W.ravel(), b]), factor
        self.gradient = np.zeros_like(self.theta)
        self.W, self.b = self.theta[: W.size].reshape(W.shape), self.theta[W.size :]
        self.dW, self.db = self.gradient[: W.size].reshape(W.shape), self.gradient[W.size :]

    def backward(self, d):
        d = d * (1 - self.a**2) * self.factor
        self.dW[...], self.db[...] = self.x.T @ d, d.sum(0)
        return d @ self.W.T


class InPlaceByIdentity(InPlace):
    """Its gradients are kept by what they are of, and it asks for its attributes by name."""

    def __init__(self, W, b, factor=1.0):
        super().__init__(W, b, factor)
        self.kept = {id(one): np.zeros_like(one) for one in (W, b)}

    def backward(self, d):
        d = d * (1 - self.__dict__["a"] ** 2) * self.factor
        for one, gradient in ((self.W, self.x.T @ d), (self.b, d.sum(0))):
            self.kept[id(one)] += gradient
        return d @ self.W.T


OF_IDENTITY = {"W": lambda layer: layer.kept[id(layer.W)], "b": lambda layer: layer.kept[id(layer.b)]}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", [InPlace, InPlaceOfOneVector, InPlaceByIdentity])
def test_rounding_is_met_in_what_a_layer_fills(kind, dtype) -> None:
    """Of saturated units some digits are lost, or all: that was told to be an error of backward."""
    rng = np.random.default_rng(3)
    said = OF_IDENTITY if kind is InPlaceByIdentity else None

    def verdict(bias, factor=1.0):
        W, b, x = rng.standard_normal((2, 3)), bias * np.array([1.0, -0.8, 1.2]), rng.standard_normal((4, 2))
        layer = kind(W.astype(dtype), b.astype(dtype), factor)
        return check_layer(layer, x.astype(dtype), params=said, raise_on_failure=False).verdict

    assert "fail" not in [verdict(bias) for bias in (6.0, 8.0, 12.0, 17.0)]
    assert verdict(1.0) == "pass"
    assert verdict(1.0, factor=1.01) == "fail"


def test_functions_of_a_compiler_are_not_bound_anew() -> None:
    """They would ask JAX to compile what it does not know, and the run would end there."""
    jax = pytest.importorskip("jax")
    seen = Meeting(lambda array: array.view(Rolled), KEPT)
    assert seen(jax) is jax
    assert seen(jax.grad) is jax.grad


@pytest.mark.parametrize("scale", [1.0, 0.1, 30.0])
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_what_underflows_is_no_zero_to_what_it_is_multiplied_with(kind, in_place, scale) -> None:
    """``1 / exp(z)`` is 0 where exp overflows; times the inputs the truth may lie above the smallest number."""
    scale = np.dtype(kind).type(scale)
    over = np.log(np.finfo(kind).max)

    def f(x):
        return -np.sum((scale * x + 1) * np.exp(-scale * x))

    def claim(x, factor=1.0):
        decay = np.exp(scale * x)
        decay = np.divide(1, decay, out=decay) if in_place else 1 / decay
        return (np.dtype(kind).type(factor) * scale * scale) * (x * decay)

    with np.errstate(over="ignore"):
        for beyond in (-2.0, -0.2, 0.2, 1.0, 4.0, 12.0):
            x = (np.array([over + beyond, 2.0]) / scale).astype(kind)
            assert check_grad(f, claim, x).ok, beyond
            assert not check_grad(f, lambda x: claim(x, 1.01), x, raise_on_failure=False), beyond


def test_a_choice_that_hangs_on_what_has_underflowed_is_measured_by_the_other_runs() -> None:
    x = np.array([0.3, -200.0, 1.1], np.float32)

    def f(x):
        return np.sum(np.tanh(x) * np.exp(x))

    def claim(x):
        grown, y = np.exp(x), np.tanh(x)
        return np.where(grown > 0, grown * (1 - y * y + y), 0)

    assert check_grad(f, claim, x).ok
    assert not check_grad(f, lambda x: 1.001 * claim(x), x, raise_on_failure=False)


@pytest.mark.parametrize("seed", [20, 24, 49, 59, 93])
def test_what_underflows_stays_on_its_side_of_zero(seed) -> None:
    """A root of what is no less than 0 has one in every run: where it had none, one run of six was left."""
    x = (
        7 * np.random.default_rng(seed).choice((-1, 1), 6) + np.random.default_rng(seed).standard_normal(6)
    ).astype("f")

    def f(x):
        return np.tanh(x) + np.sqrt(np.square(x) * np.exp(-100 * x * x))

    def vjp(u, x):
        root = np.sqrt(np.square(x) * np.exp(-100 * x * x))
        return u * (1 - np.tanh(x) ** 2 + np.sign(x) * np.exp(-50 * x * x) * (1 - 100 * x * x) + 0 * root)

    assert check_vjp(f, vjp, x, raise_on_failure=False).verdict != "fail"


def sinking(function, *operands, **options):
    """What a run that draws what underflows makes of it, as plain numbers."""
    with running(Run(np.random.default_rng(0), 2.0**-53, 2.0**-8, sinks=True)):
        return np.array([np.asarray(function(*operands, **options)) for _ in range(40)])


def test_what_is_left_of_a_number_below_the_smallest_normal_one_is_off_by_its_last_bit() -> None:
    last = np.finfo(np.float32).smallest_subnormal
    drawn = sinking(np.multiply, np.array([1e-42, -1e-42], np.float32).view(Rolled), np.float32(1))
    assert np.all(np.abs(drawn - [1e-42, -1e-42]) <= 4 * last) and np.unique(drawn[:, 0]).size > 1
    lost = sinking(np.exp, np.array([-200.0, -np.inf], np.float32).view(Rolled))
    assert {*lost[:, 0]} == {np.float32(0), last} and not lost[:, 1].any()


def test_what_was_not_computed_or_is_exact_is_left_alone() -> None:
    x = np.array([1.0, np.inf]).view(Rolled)
    kept = sinking(lambda: np.divide(1.0, x, out=np.zeros(2).view(Rolled), where=[True, False]))
    assert not kept[:, 1].any()
    assert not sinking(lambda: np.array([2.0, 3.0]).view(Rolled) * [0, 1])[:, 0].any()
    assert sinking(lambda: 1.0 / x)[:, 1].max() == pytest.approx(np.finfo(float).tiny)
