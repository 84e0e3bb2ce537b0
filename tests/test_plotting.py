"""Pictures for matplotlib: of a report and of an estimate, without a trace in pyplot."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

import gradcheck

matplotlib = pytest.importorskip("matplotlib")
RNG = np.random.default_rng(0)
X, W, B = RNG.standard_normal((8, 30)), RNG.standard_normal((30, 40)), RNG.standard_normal(40)


def loss(W, b):
    return np.mean(np.tanh(X @ W + b) ** 2)


def gradient(W, b):
    t = np.tanh(X @ W + b)
    d = 2 / t.size * t * (1 - t * t)
    return X.T @ d, d.sum(axis=0)


def wrong(W, b):
    dW, db = gradient(W, b)
    dW[3:9] *= 1.01
    return dW, 8 * db


def report(claim):
    return gradcheck.check_grad(loss, claim, W, B, raise_on_failure=False)


def words(axes):
    return [*(text.get_text() for text in axes.get_legend().get_texts()), axes.get_title()]


def test_a_pass_shows_error_against_step_on_two_logarithmic_axes():
    passed = report(gradient)
    (axes,) = passed.plot().axes

    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    curve = axes.get_lines()[0]
    steps = passed.steps
    assert [*curve.get_xdata()] == [step for step, _ in steps.differences]
    assert [*curve.get_ydata()] == pytest.approx([abs(slope - steps.truth) for _, slope in steps.differences])
    told = " ".join(words(axes))
    for part in ("noise floor", "step that counts", "bound on the error", "slope along one direction"):
        assert part in told
    assert "yours" not in told


def test_a_failure_shows_how_far_off_it_is_and_a_map_of_each_wrong_leaf():
    figure = report(wrong).plot()
    curve, b, w = (axes for axes in figure.axes if axes.get_title())

    assert any("yours" in word for word in words(curve))
    assert b.get_title().startswith("b: relative error, largest 7")
    assert w.get_title().startswith("W: relative error, largest 0.01")
    assert any("worst entry" in word for word in words(w))
    (image,) = w.get_images()
    colours = {tuple(colour) for colour in np.asarray(image.get_array()).reshape(-1, 4).round(3)}
    assert len(colours) == 2  # right, and off by a hundredth
    # the map lies where the entries are, whole cells of them
    assert image.get_extent() == [-0.5, 39.5, 29.5, -0.5]


@pytest.mark.parametrize(
    "drawn",
    [
        lambda: report(gradient),
        lambda: report(wrong),
        lambda: gradcheck.derivative(math.sin),
        lambda: gradcheck.derivative(abs),
    ],
)
def test_every_level_that_the_legend_names_is_within_the_picture(drawn):
    axes = drawn().plot().axes[0]
    low, high = axes.get_ylim()
    levels = [
        line.get_ydata()[0] for line in axes.get_lines() if line.get_label().startswith(("bound", "yours"))
    ]

    assert levels and all(low < level < high for level in levels)


def test_entries_that_are_not_finite_are_drawn_too():
    figure = report(lambda W, b: (np.where(W > 2, np.nan, gradient(W, b)[0]), gradient(W, b)[1])).plot()

    images = [image for axes in figure.axes for image in axes.get_images()]
    assert any((np.asarray(image.get_array())[..., :3] == 0).all(axis=-1).any() for image in images)
    titles = [axes.get_title() for axes in figure.axes]
    assert "W: relative error, not a number" in titles and not any("nan" in title for title in titles)


def test_only_the_worst_leaves_are_drawn():
    arrays = [RNG.standard_normal(3) for _ in range(9)]
    many = gradcheck.check_grad(
        lambda *a: sum(np.sum(x**2) for x in a), lambda *a: tuple(3 * x for x in a), *arrays,
        raise_on_failure=False,
    )  # fmt: skip

    assert len([axes for axes in many.plot().axes if axes.get_images()]) == 5


@pytest.mark.parametrize(
    "phi", [math.exp, lambda t: math.sin(40 * t) + 3, lambda t: float(np.float32(math.cos(t + 1)))]
)
def test_an_estimate_shows_its_differences(phi):
    estimate = gradcheck.derivative(phi)
    (axes,) = estimate.plot().axes

    steps = [float(step) for step in axes.get_lines()[0].get_xdata()]
    assert steps == sorted(steps)
    assert {*steps} <= {*estimate.samples}
    assert "derivative" in axes.get_title()


@pytest.mark.parametrize("phi", [abs, lambda t: abs(t) + t * t])
def test_at_a_kink_each_side_has_its_own_slope(phi):
    (axes,) = gradcheck.derivative(phi).plot().axes

    assert axes.get_title() == "kinked at 0: -1 on the left, 1 on the right"
    told = " ".join(words(axes))
    assert "from the right, where the slope is 1" in told
    assert "from the left, where the slope is -1" in told


@pytest.mark.parametrize("phi", [lambda t: max(t, 0.0), lambda t: -max(t, 0.0)])
def test_a_slope_of_zero_has_no_sign(phi):
    (axes,) = gradcheck.derivative(phi).plot().axes

    assert axes.get_title().startswith("kinked at 0: 0 on the left, ")
    assert "from the left, where the slope is 0" in words(axes)


def test_of_a_jump_the_side_that_has_a_slope_is_drawn():
    axes = gradcheck.derivative(lambda t: 2.0 * t + float(t > 0)).plot().axes[0]

    assert axes.get_title() == "kinked at 0: 2 on the left, inf on the right"
    drawn = {line.get_label(): len(line.get_xdata()) for line in axes.get_lines()}
    assert drawn["from the left, where the slope is 2"] > 2
    assert drawn["from the right, where the slope is inf"] == 0


@pytest.mark.parametrize("sign, side", [(1, "right"), (-1, "left")])
def test_where_phi_is_defined_on_one_side_that_is_drawn(sign, side):
    axes = gradcheck.derivative(lambda t: math.sin(t) if sign * t >= 0 else math.nan).plot().axes[0]

    drawn = {line.get_label(): len(line.get_xdata()) for line in axes.get_lines()}
    assert drawn[f"difference from the {side}"] > 2
    assert "central difference" not in drawn


def test_of_a_pass_at_a_constant_no_kink_is_made_up():
    constant = gradcheck.check_grad(lambda x: 0.0 * np.sum(x), np.zeros_like, np.ones(2))
    with pytest.raises(ValueError, match="f is kinked or constant here, or was not differentiated"):
        constant.plot()


def test_where_there_is_nothing_to_draw_it_says_so():
    with pytest.raises(ValueError, match="nothing to draw: phi has no derivative here"):
        gradcheck.derivative(lambda t: math.sqrt(abs(t))).plot()
    with pytest.raises(ValueError, match="nothing to draw: phi has no derivative here"):
        gradcheck.derivative(lambda t: math.nan).plot()
    mistaken = gradcheck.check_grad(
        lambda x: np.sum(x), lambda x: np.ones(4), np.ones(3), raise_on_failure=False
    )
    assert mistaken.steps is None
    with pytest.raises(ValueError, match="nothing to draw: no differences"):
        mistaken.plot()


def test_a_report_from_another_process_draws_the_same():
    failed = report(wrong)
    there = pickle.loads(pickle.dumps(failed))

    assert [axes.get_title() for axes in there.plot().axes] == [
        axes.get_title() for axes in failed.plot().axes
    ]


def test_it_is_a_figure_that_a_notebook_shows():
    figure = report(gradient).plot()

    assert isinstance(figure, matplotlib.figure.Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


PROGRAM = """
import sys
import numpy as np, gradcheck
x = np.array([0.3, -1.2])
report = gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 3 * x, x, raise_on_failure=False)
estimate = gradcheck.derivative(np.exp)
assert "matplotlib" not in sys.modules
import matplotlib
def settings():
    # to ask for the backend would choose one, by importing pyplot
    own = {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}
    return own, matplotlib.get_backend(auto_select=False)
before = settings()
report.plot()
estimate.plot()
assert settings() == before
assert "matplotlib.pyplot" not in sys.modules
"""


def test_it_leaves_no_trace_in_pyplot_and_comes_late():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


WITHOUT = """
import sys
sys.modules["matplotlib"] = None
import numpy as np, gradcheck
for one in (gradcheck.check_grad(np.sum, np.ones_like, np.ones(3)), gradcheck.derivative(np.exp)):
    try:
        one.plot()
    except ImportError as error:
        print(error)
"""


def test_without_matplotlib_it_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)

    assert done.stdout.splitlines() == ['plot() needs matplotlib: pip install "gradcheck[plot]"'] * 2
