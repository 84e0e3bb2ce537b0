"""Claims that are wrong elsewhere are found and shrunk; right ones pass; what is printed runs."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck
from gradcheck import explore
from gradcheck.dimensions.shape import names, shape_of
from gradcheck.exploration.simpler import simpler
from gradcheck.strategies import LAYOUTS, VALUES, At, arrays, laid_out, trees
from tests.exploration.claims import DENSE, elsewhere, tanh_grad, tanh_net

CLAIMS = {one.name: one for one in elsewhere()}
drawn = settings(derandomize=True, max_examples=40, deadline=None, database=None)


def dims_of(problem: str) -> dict[str, int]:
    return {name: int(length) for name, length in re.findall(r"(\w+) = (\d+)", problem)}


@pytest.mark.parametrize(
    "name",
    ["tanh, n = 1", "softplus, n = d", "norm, float32", "sine, negative", "squared, many", "tanh, not contiguous",
     "look-up 1, repeated"],
)  # fmt: skip
def test_a_claim_that_is_wrong_elsewhere_is_found_and_shrunk(name) -> None:
    one = CLAIMS[name]
    usual = np.random.default_rng(0)
    found = explore(one.f, one.claim, one.shapes, argnums=one.argnums, seconds=60, raise_on_failure=False)
    assert found.verdict == "fail"
    assert found.report.verdict == "fail"
    if "not contiguous" not in name:
        assert one.smallest(dims_of(found.problem)), found.problem
    if "X" in one.shapes:  # it is right where one looks first
        args = usual.standard_normal((4, 3)), usual.standard_normal((3, 2)), usual.standard_normal(2)
        assert gradcheck.check_grad(one.f, one.claim, *args, argnums=one.argnums).ok


@pytest.mark.parametrize("name", ["tanh, n = 1", "look-up 1, repeated"])
def test_a_right_claim_passes_and_the_table_says_what_was_tried(name) -> None:
    one = CLAIMS[name]
    found = explore(one.f, one.right, one.shapes, argnums=one.argnums, seconds=120, most=80)
    assert found
    assert found.tried > 50
    assert found.undecided < found.tried
    text = str(found)
    for aspect in ("of length 1", "float32", "values: general", "memory: Fortran"):
        assert aspect in text


def test_the_example_that_is_printed_fails_when_it_is_run() -> None:
    def f(x, y):
        return np.sum(x**2 * y)

    def claim(x, y):
        return 3 * x * y

    with pytest.raises(gradcheck.ExplorationFailed) as caught:
        explore(f, claim, {"x": "n", "y": "n"}, argnums=0, seconds=60)
    example = caught.value.exploration.example
    assert example in str(caught.value)
    with pytest.raises(gradcheck.GradientMismatch):
        run_example(example, f, claim)


def test_a_claim_that_cannot_take_an_empty_batch_is_told() -> None:
    def claim(X):
        return 2 * X / len(X) * len(X) if len(X) else X[0]

    found = explore(lambda X: np.sum(X**2), claim, {"X": "n d"}, seconds=60, raise_on_failure=False)
    assert found.verdict == "fail"
    assert "n = 0" in found.problem or "no entries" in found.problem
    assert explore(lambda X: np.sum(X**2), claim, {"X": "n d"}, seconds=600, most=60, empty=False).ok


def test_other_kinds_of_checks_are_explored_too() -> None:
    def vjp(u, X):
        return u * np.cos(X) * (2.0 if X.shape[0] == 1 else 1.0)

    found = explore(np.sin, vjp, {"X": "n d"}, kind="vjp", seconds=60, raise_on_failure=False)
    assert dims_of(found.problem) == {"n": 1, "d": 1}
    pair = explore(
        lambda X, W: (X @ W, (X, W)), lambda d, cache: (d @ cache[1].T, cache[0].T @ d),
        {"X": "n d", "W": "d h"}, kind="layer", seconds=60, most=60,
    )  # fmt: skip
    assert pair.ok


def test_where_f_is_not_defined_nothing_is_charged() -> None:
    def f(X):
        if len(X) < 3:
            raise ValueError("three at least")
        return np.sum(np.sqrt(X))

    found = explore(
        f,
        lambda X: 0.5 / np.sqrt(X),
        {"X": "n"},
        seconds=60,
        most=60,
        dtypes=("float64",),
        raise_on_failure=False,
    )
    assert found.verdict != "fail"


@pytest.mark.parametrize(
    ("text", "kind", "lengths"),
    [
        ("n d", "float", (4, 3)),
        ("", "float", ()),
        ("2 4*h", "float", (2, 20)),
        ("4h", "float", (20,)),
        ("int n < d", "int", (4,)),
        ("bool n, d", "bool", (4, 3)),
    ],
)
def test_shapes_are_read(text, kind, lengths) -> None:
    shape = shape_of("x", text)
    assert shape.kind == kind
    assert shape.lengths({"n": 4, "d": 3, "h": 5}) == lengths


def test_names_of_dimensions_come_once() -> None:
    assert names({key: shape_of(key, text) for key, text in DENSE.items()}) == ("n", "d", "h")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"shapes": {"X": "n-1"}}, ValueError, "'n-1' is no axis"),
        ({"shapes": {"X": "int n"}}, ValueError, "say what the indices lie below"),
        ({"shapes": {"X": "float32 n"}}, ValueError, "'float32' is no axis"),
        ({"shapes": {"X": "int64 n"}}, ValueError, "'int64' is no axis"),
        ({"shapes": {"X": "n complex"}}, ValueError, "'complex' is no axis"),
        ({"shapes": {"X Y": "n"}}, TypeError, "map each argument's name"),
        ({"shapes": {1: "n"}}, TypeError, "map each argument's name"),
        ({"shapes": {"X": "n"}, "kind": "gradient"}, ValueError, "is none of grad, vjp"),
        ({"shapes": {"X": "n"}, "claim": 3}, TypeError, "claim must be callable"),
    ],
)
def test_what_is_none_is_refused(options, error, words) -> None:
    with pytest.raises(error, match=words) as refused:
        explore(**{"f": tanh_net, "claim": tanh_grad, "seconds": 1.0} | options)
    assert not any("hypothesis" in str(entry.path) for entry in refused.traceback)


# --- strategies ------------------------------------------------------------------------------------------------


@drawn
@given(st.data())
def test_arrays_have_the_shape_and_the_precision_that_was_asked_for(data) -> None:
    shape = data.draw(st.lists(st.integers(0, 4), max_size=3).map(tuple))
    dtype = data.draw(st.sampled_from((np.float64, np.float32)))
    array = data.draw(arrays(shape, dtype, data.draw(st.sampled_from((None, *VALUES)))))
    assert array.shape == shape
    assert array.dtype == dtype
    assert np.isfinite(array).all()


@drawn
@given(arrays((3, 4), gap=0.05))
def test_away_from_kinks_means_away_from_zero_and_from_each_other(array) -> None:
    ordered = np.sort(array.ravel())
    assert np.min(np.abs(ordered)) >= 0.05 - 1e-12
    assert np.min(np.diff(ordered)) >= 0.05 - 1e-12


@drawn
@given(trees({"layers": [{"W": "d h", "b": "h"}], "of": "int n < d", "rate": 0.1}, np.float32, gap=0.05))
def test_a_tree_has_one_length_for_each_name_and_keeps_what_is_no_shape(tree) -> None:
    (layer,) = tree["layers"]

    assert list(tree) == ["layers", "of", "rate"]
    assert tree["rate"] == 0.1
    assert layer["W"].shape[1:] == layer["b"].shape
    assert layer["W"].dtype == layer["b"].dtype == np.float32
    assert (tree["of"] < len(layer["W"])).all()
    assert np.min(np.abs(layer["W"])) >= 0.05 - 1e-6


@drawn
@given(trees({"scale": "", "x": "..."}, np.float32))
def test_of_no_axes_a_tree_has_numbers(tree) -> None:
    for leaf in tree.values():
        assert isinstance(leaf, np.ndarray if np.ndim(leaf) else np.float32)


@drawn
@given(arrays(()))
def test_an_array_of_no_axes_is_an_array(array) -> None:
    assert isinstance(array, np.ndarray)


def test_dots_are_any_number_of_axes() -> None:
    def linear(X, W):
        return X @ W

    def two_axes_only(u, X, W):
        return u @ W.T, np.outer(X, u) if X.ndim == 1 else X.reshape(-1, X.shape[-1]).T @ u.reshape(
            len(X), -1
        )

    found = explore(
        linear,
        two_axes_only,
        {"X": "... d", "W": "d h"},
        "vjp",
        seconds=300,
        most=200,
        empty=False,
        raise_on_failure=False,
    )
    assert found.verdict == "fail"
    assert "...2 = " in str(found)
    assert any("axis ...1" in what for what in found.covered)


def test_trees_of_shapes_are_refused_where_arrays_are_drawn() -> None:
    with pytest.raises(TypeError, match=r"shapes\['p'\] = .* holds strings alone.*argument of its own"):
        explore(lambda p: np.sum(p["W"] ** 2), lambda p: {"W": 2 * p["W"]}, {"p": {"W": "d h"}})


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 3, 2)])
def test_a_layout_leaves_the_entries_as_they_are(layout, shape) -> None:
    array = np.arange(float(np.prod(shape))).reshape(shape)
    array = np.ones_like(array) if layout == "broadcast" else array
    same = laid_out(array, layout)
    assert np.array_equal(same, array)
    flags = {"Fortran": "f_contiguous"}.get(layout)
    assert flags is None or same.flags[flags.upper()]
    if layout in ("read-only", "broadcast"):
        assert not same.flags.writeable


def test_what_could_not_be_judged_anywhere_is_no_pass() -> None:
    found = explore(lambda X: np.summ(X**2), lambda X: 0 * X, {"X": "n d"}, seconds=60, most=40)
    assert found.verdict == "inconclusive"
    assert not found
    assert "f raised AttributeError" in found.problem
    assert found.skipped == found.tried


def test_a_right_pullback_is_right_for_broadcast_arrays() -> None:
    assert explore(np.sin, lambda u, X: u * np.cos(X), {"X": "n d"}, kind="vjp", seconds=300, most=80).ok


def test_gradients_by_name_are_explored() -> None:
    def f(a, b):
        return np.sum(a**2 * b)

    def claim(a, b):
        return {"da": 2 * a * b, "db": a**2}

    assert explore(f, claim, {"a": "n", "b": "n"}, argnums=(0, 1), seconds=300, most=80).ok


def test_a_number_at_the_edge_of_the_domain_is_skipped() -> None:
    def claim(a):
        return 0.5 / np.sqrt(a)

    assert explore(np.sqrt, claim, {"a": ""}, seconds=60, most=60, raise_on_failure=False).verdict != "fail"


def test_an_example_about_memory_fails_when_it_is_run() -> None:
    def f(X):
        return np.sum(X**2)

    def claim(X):
        return 2 * X if X.flags.c_contiguous else 3 * X

    found = explore(f, claim, {"X": "n d"}, seconds=60, raise_on_failure=False)
    assert found.verdict == "fail"
    code = "\n".join(line.removeprefix("    ") for line in found.example.splitlines())
    with pytest.raises(gradcheck.GradientMismatch):
        exec(code, {"f": f, "claim": claim})


@pytest.mark.parametrize("text", ["n < v", "int n < v w", "int n < "])
def test_a_bound_that_is_none_is_refused(text) -> None:
    with pytest.raises(ValueError, match="int n < v"):
        explore(np.sum, np.ones_like, {"X": text})


def test_an_argument_may_be_counted_from_the_end_and_constants_are_left_alone() -> None:
    constants = [np.ones(3)]

    def f(c, x):
        c[0] += 1.0
        return np.sum(x * x)

    def claim(c, x):
        return 2 * x

    found = explore(
        f, claim, {"c": constants, "x": "n"}, argnums=-1, seconds=60, most=40, raise_on_failure=False
    )
    assert found.tried
    assert np.array_equal(constants[0], np.ones(3))
    assert explore(lambda x: np.sum(x * x), lambda x: 2 * x, {"x": "n"}, argnums=-1, seconds=300, most=80).ok


def test_a_pullback_of_no_entries_has_the_shapes_that_are_due() -> None:
    def vjp(u, X):
        return 2 * u * X if len(X) else np.zeros(7)

    found = explore(lambda X: X**2, vjp, {"X": "n d"}, kind="vjp", seconds=60, raise_on_failure=False)
    assert found.verdict == "fail"
    assert "gradients of shapes [(7,)] came" in found.problem


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda u, X, W: (u @ W.T, X.T @ u if len(X) else np.zeros(len(W))), "gradients of shapes"),
        (lambda u, X, W: (u @ W.T, X.T @ u + 0 * u[0]), "the claim raises IndexError"),
    ],
)
def test_a_batch_without_samples_has_gradients_of_weights_that_have_entries(wrong, told) -> None:
    def f(X, W):
        return X @ W

    def right(u, X, W):
        return u @ W.T, X.T @ u

    options = {"shapes": {"X": "n 2", "W": "2 1"}, "kind": "vjp", "seconds": 60, "most": 40}
    found = explore(f, wrong, **options, raise_on_failure=False)
    assert found.verdict == "fail"
    assert told in found.problem
    with pytest.raises((AssertionError, IndexError)):
        run_example(found.example, f, wrong)
    assert explore(f, right, **options).ok


def test_a_constant_tree_beside_a_batch_without_samples_is_no_trouble() -> None:
    p = {"W": np.ones((3, 2)), "b": np.ones(2)}
    found = explore(
        lambda X, p: X @ p["W"] + p["b"],
        lambda u, X, p: (u @ p["W"].T, {"W": X.T @ u, "b": u.sum(0)}),
        {"X": "n 3", "p": p},
        kind="vjp",
        seconds=60,
        most=40,
    )
    assert found.ok


def test_the_cotangent_of_no_axes_is_of_the_kind_that_f_returns() -> None:
    def f(X):
        return np.sqrt((X**2).sum(-1) + 1)

    def vjp(u, X):
        return u[..., None] * X / f(X)[..., None]

    assert explore(f, vjp, {"X": "... d"}, kind="vjp", seconds=60, most=60).ok


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"shapes": ["n"]}, "shapes must map"),
        ({"dtypes": "float64"}, "dtypes must be a tuple"),
        ({"dtypes": ("float32", "int64")}, "dtypes holds 'int64', which is no precision of floats"),
        ({"dtypes": ("float63",)}, "dtypes holds 'float63', which is no precision of floats"),
        ({"seconds": "a"}, "must be a positive number"),
        ({"seconds": float("nan")}, "must be a positive number"),
        ({"most": 0}, "most a whole one"),
        ({"most": 1.5}, "most a whole one"),
    ],
)
def test_what_explore_cannot_take_is_said(given, error) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        explore(np.sum, np.ones_like, **({"shapes": {"x": "n"}} | given))
    explore(
        np.sum, np.ones_like, {"x": "n"}, dtypes=(np.float32,), most=5, seconds=30, raise_on_failure=False
    )


def test_the_table_has_short_axes_and_indices_where_there_are_any() -> None:
    options = {"most": 40, "seconds": 60, "empty": False}
    inside = explore(lambda x: np.sum(x * x), lambda x: 2 * x, {"x": "interior"}, **options).covered
    assert {"axis interior of length 1", "axis interior of length 2"} <= inside.keys()
    assert not any(what.startswith("indices") for what in inside)

    def claim(x, ids):
        gradient = np.zeros_like(x)
        np.add.at(gradient, ids, 2 * x[ids])
        return gradient

    taken = explore(lambda x, ids: np.sum(x[ids] ** 2), claim, {"x": "v", "ids": " int n < v"}, **options)
    assert any(what.startswith("indices") for what in taken.covered)


def test_a_failure_on_a_long_axis_is_cut_to_the_shortest() -> None:
    def forward(x, W, b):
        return x @ W + b, (x, W)

    def backward(d, cache):
        x, W = cache
        return d @ W.T, x.T @ d, d.sum(0) if len(d) > 1 else d.mean() * np.ones(d.shape[1])

    for seed in range(2):
        found = explore(
            forward, backward, {"x": "n d", "W": "d h", "b": "h"}, kind="layer", seconds=60, seed=seed,
            raise_on_failure=False,
        )  # fmt: skip
        assert dims_of(found.problem) == {"n": 1, "d": 1, "h": 2}


def test_indices_of_a_point_that_is_cut_stay_in_range() -> None:
    at = At({"W": np.ones((17, 3)), "ids": np.arange(8)}, {"v": 17, "d": 3, "n": 8}, "float64", "ones", "C")
    points = [one for one in simpler(at, {"W": "v d", "ids": "int n < v"}) if one.dims != at.dims]
    lengths = list(dict.fromkeys(tuple(one.dims.values()) for one in points))
    assert lengths[:8] == [*((v, 3, 8) for v in (1, 2, 3, 4, 8, 12, 16)), (17, 1, 8)]
    for one in points:
        assert one.args["W"].shape == (one.dims["v"], one.dims["d"])
        assert one.args["ids"].shape == (one.dims["n"],)
        assert one.args["ids"].max() < one.dims["v"]


def _huber(r):
    a = np.abs(r)
    return np.sum(np.where(a <= 1.0, 0.5 * r**2, a - 0.5))


def _softplus_grad(x):
    return np.where(x > 40.0, 0.0, 1.0 / (1.0 + np.exp(-np.clip(x, -500, 500))))


@pytest.mark.parametrize(
    ("f", "claim", "low", "high"),
    [
        (_huber, lambda r: np.where(np.abs(r) <= 1.0, r, 1.0), -np.inf, -1.0),
        (lambda x: np.sum(np.logaddexp(0.0, x)), _softplus_grad, 40.0, np.inf),
        (lambda x: np.sum(x**3), lambda x: np.where(x > 0.7, 4, 3) * x**2, 0.7, np.inf),
    ],
)
def test_what_fails_somewhere_in_an_array_is_cut_to_that_entry_and_rounded(f, claim, low, high) -> None:
    for seed in range(2):
        found = explore(f, claim, {"x": "n d"}, seconds=60, seed=seed, raise_on_failure=False)
        assert dims_of(found.problem) == {"n": 1, "d": 1}
        value = float(re.search(r"np.array\(\[\[(.*?)\]\]", found.example)[1])
        assert low <= value <= high
        assert float(f"{value:.2g}") == value


def test_a_length_beyond_which_it_fails_is_found() -> None:
    def claim(x):
        return np.where(np.arange(len(x)) < 11, 2 * x, 0 * x)

    found = explore(lambda x: np.sum(x**2), claim, {"x": "n"}, seconds=60, raise_on_failure=False)
    assert dims_of(found.problem) == {"n": 12}


@pytest.mark.parametrize("there", [True, False])
def test_no_directory_is_left_where_there_was_none(tmp_path, there) -> None:
    from hypothesis import configuration

    before, home = configuration.storage_directory(intent_to_write=False).home_directory, tmp_path / "home"
    if there:
        home.mkdir()
    configuration.set_hypothesis_home_dir(home)
    try:
        explore(lambda x: np.sum(x**2), lambda x: 2 * x, {"x": "n"}, most=5)
        assert configuration.storage_directory(intent_to_write=False).home_directory == home
    finally:
        configuration.set_hypothesis_home_dir(before)
    assert home.exists() == there


def test_a_deviation_that_is_meant_is_allowed_and_so_is_the_example() -> None:
    def claim(x, c):
        return 2 * x * (1 + (1e-6 if c < 0 else 1e-3 * (len(x) > 2)))

    def f(x, c):
        return np.sum(x**2)

    options = {"argnums": 0, "allow": 1e-5, "seconds": 60}
    assert explore(
        f, lambda x, c: 2 * x * (1 + 1e-6), {"x": "n", "c": ""}, most=40, dtypes=("float64",), **options
    )
    found = explore(f, claim, {"x": "n", "c": ""}, raise_on_failure=False, **options)
    assert dims_of(found.problem) == {"n": 3}
    code = "\n".join(line.removeprefix("    ") for line in found.example.splitlines())
    assert "argnums=0, allow=1e-05" in code
    with pytest.raises(gradcheck.GradientMismatch):
        exec(code, {"f": f, "claim": claim})


def test_what_a_claim_does_without_entries_warns_nobody(recwarn) -> None:
    def vjp(u, x):
        return u - u.mean(-1, keepdims=True)

    assert explore(
        lambda x: x - x.mean(-1, keepdims=True), vjp, {"x": "n d"}, kind="vjp", seconds=60, most=60
    )
    assert not recwarn.list


def run_example(example: str, f, claim) -> None:
    exec("\n".join(line.removeprefix("    ") for line in example.splitlines()), {"f": f, "claim": claim})


@pytest.mark.parametrize(
    ("kind", "f", "claim", "error"),
    [
        ("grad", lambda X: np.sum(X**2), lambda X: 2 * X if len(X) else X[0], IndexError),
        ("grad", lambda X: np.sum(X**2), lambda X: 2 * X if X.size else np.zeros(0), AssertionError),
        ("vjp", lambda X: X.sum(1), lambda u, X: 0 * X + u[:, None] if X.size else u, AssertionError),
        (
            "vjp",
            lambda X: (X, X),
            lambda u, X: u[0] + u[1] if X.size else u[0][0],
            (IndexError, AssertionError),
        ),
    ],
)
def test_an_example_without_entries_shows_what_is_wrong_when_it_is_run(kind, f, claim, error) -> None:
    found = explore(f, claim, {"X": "n d"}, kind=kind, seconds=60, raise_on_failure=False)
    assert "no entries" in found.problem
    with pytest.raises(error):
        run_example(found.example, f, claim)
    run_example(found.example, f, lambda *args: np.zeros_like(args[-1]))


def test_a_failure_with_entries_is_shown_where_there_is_one() -> None:
    def claim(E, ids):
        g = np.zeros_like(E)
        np.add.at(g, ids, 2 * E[ids])
        return g[: ids.max(initial=0) + 1]

    def f(E, ids):
        return np.sum(E[ids] ** 2)

    for seed in range(2):
        found = explore(f, claim, {"E": "v d", "ids": "int n < v"}, argnums=0, seconds=60, seed=seed,
                        raise_on_failure=False)  # fmt: skip
        assert found.report is not None
        assert 0 not in dims_of(found.problem).values()


def test_a_claim_that_cannot_take_a_broadcast_array_fails() -> None:
    def claim(X):
        return 2 * X if X.size < 2 or 0 not in X.strides else 3 * X

    def f(X):
        return np.sum(X**2)

    found = explore(f, claim, {"X": "n d"}, seconds=60, raise_on_failure=False)
    assert "broadcast arrays" in found.problem
    with pytest.raises(gradcheck.GradientMismatch):
        run_example(found.example, f, claim)


def test_constants_of_numbers_stand_in_the_example() -> None:
    constants = {"a": 2.0, "b": [np.float32(0.5), (np.array([1, 2]), True, None)]}

    def claim(x, p):
        return 2 * x * p["a"] * (1 + (len(x) == 2))

    def f(x, p):
        return p["a"] * np.sum(x**2)

    found = explore(f, claim, {"x": "n", "p": constants}, argnums=0, seconds=60, raise_on_failure=False)
    with pytest.raises(gradcheck.GradientMismatch):
        run_example(found.example, f, claim)
    other = explore(f, claim, {"x": "n", "p": constants | {"c": np.sin}}, argnums=0, seconds=60,
                    raise_on_failure=False)  # fmt: skip
    assert "# p: as it was passed to explore" in other.example


@pytest.mark.parametrize(
    "constant",
    [
        np.inf,
        -np.inf,
        np.float32("nan"),
        np.array([1.0, np.nan, -np.inf]),
        1 + 2j,
        np.array(True),
    ],
)
def test_constants_of_all_kinds_of_numbers_stand_in_the_example(constant) -> None:
    def f(x, c):
        assert type(c) is type(constant)
        assert np.array_equal(c, constant, equal_nan=np.asarray(c).dtype.kind == "f")
        return np.sum(x**2)

    found = explore(
        f, lambda x, c: 3 * x, {"x": "n", "c": constant}, argnums=0, seconds=60, raise_on_failure=False
    )
    with pytest.raises(gradcheck.GradientMismatch):
        run_example(found.example, f, lambda x, c: 3 * x)


@pytest.mark.parametrize(
    "constant",
    [
        np.array(["a"]),
        np.array([None]),
        np.arange(3.0).astype(">f8"),
        np.zeros(20_000),
        np.datetime64("2020-01-01"),
    ],
)
def test_a_constant_that_is_not_written_out_is_named(constant) -> None:
    found = explore(
        lambda x, c: np.sum(x**2), lambda x, c: 3 * x, {"x": "n", "c": constant}, argnums=0, seconds=60,
        raise_on_failure=False,
    )  # fmt: skip
    assert "# c: as it was passed to explore" in found.example


def test_arguments_may_have_the_names_that_the_example_uses() -> None:
    def potential(f, np, claim):
        return (f**2).sum() * np + claim

    def slope(f, np, claim):
        return 3 * f * np

    shapes = {"f": "n", "np": "", "claim": ""}
    found = explore(potential, slope, shapes, argnums=0, seconds=60, raise_on_failure=False)
    with pytest.raises(gradcheck.GradientMismatch):
        run_example(found.example, potential, slope)


def test_the_report_of_the_smallest_failure_is_printed() -> None:
    found = explore(lambda x: np.sum(x**2), lambda x: 3 * x, {"x": "n"}, seconds=60, raise_on_failure=False)
    assert str(found.report) in str(found)
    assert "scale: x is 1.5 times the truth" in str(found)


@pytest.mark.parametrize("order", [1, 2.0, np.inf])
def test_constants_have_no_other_value_beside_a_point(order) -> None:
    def f(x, order):
        assert order in (1, 2, np.inf)
        return np.linalg.norm(x + 3, order)

    def claim(x, order):
        return f(x, order) * np.ones_like(x)

    found = explore(
        f, claim, {"x": "n", "order": order}, argnums=0, seconds=60, empty=False, raise_on_failure=False
    )
    assert found.verdict == "fail"
