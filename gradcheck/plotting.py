"""Pictures of a report and of an estimate for matplotlib: error against step, and where in an array the errors are.

Needs matplotlib: ``pip install "gradcheck[plot]"``. Figures are made without pyplot, whose state is the user's.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gradcheck.findings import ErrorMap, Leaf, Steps, Verdict
from gradcheck.report.views.figures import figure, index, told_to
from gradcheck.report.views.heat import caption, place

try:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError('plot() needs matplotlib: pip install "gradcheck[plot]"') from error

if TYPE_CHECKING:
    from gradcheck.oracles.estimate import Estimate

Points = Sequence[tuple[float, float]]
"""Of each step a difference."""

MAPS = 5
"""Leaves that are drawn, worst first."""

_LEAST, _MOST = 1e-8, 1.0
"""Relative errors between which the colour tells them apart."""


class Picture(Figure):
    """A figure that a notebook shows, whether or not pyplot was ever imported there."""

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png")
        return drawn.getvalue()


def of_report(steps: Steps | None, worst_first: Sequence[Leaf]) -> Figure:
    """The differences behind a verdict, and the errors in each leaf that failed.

    Raises
    ------
    ValueError
        There are neither.
    """
    mapped = [leaf for leaf in worst_first if leaf.verdict is Verdict.FAIL and leaf.errors is not None][:MAPS]
    if steps is None and not mapped:
        raise ValueError(
            "there is nothing to draw: no differences along one direction were taken (f is kinked or constant here, or "
            "was not differentiated by them), and no leaf's errors were located"
        )
    count = len(mapped) + (steps is not None)
    across = min(count, 3)
    picture = _picture(across, math.ceil(count / across))
    axes = [picture.add_subplot(math.ceil(count / across), across, number + 1) for number in range(count)]
    if steps is not None:
        _steps(axes.pop(0), steps)
    for leaf, on in zip(mapped, axes, strict=True):
        _heat(on, leaf)
    return picture


def of_estimate(estimate: Estimate) -> Figure:
    """The differences behind an estimate: from both sides at once, or from each where phi is kinked.

    Raises
    ------
    ValueError
        The estimate has no value, or did not come from `gradcheck.derivative`.
    """
    centre = estimate.samples.get(0.0, math.nan)
    steps = sorted(step for step in estimate.samples if step > 0.0 and -step in estimate.samples)
    ahead = [(step, (estimate.samples[step] - centre) / step) for step in steps]
    behind = [(step, (centre - estimate.samples[-step]) / step) for step in steps]
    if estimate.left is not None and estimate.right is not None:
        left, right = (figure(slope + 0.0) for slope in (estimate.left, estimate.right))  # no -0
        series = {
            f"from the right, where the slope is {right}": _off(ahead, estimate.right),
            f"from the left, where the slope is {left}": _off(behind, estimate.left),
        }
        title = f"kinked at 0: {left} on the left, {right} on the right"
    else:
        central = [(step, 0.5 * (one + other)) for (step, one), (_, other) in zip(ahead, behind, strict=True)]
        differences = {
            "central difference": central,
            "difference from the right": ahead,
            "difference from the left": behind,
        }
        drawn = {name: _off(points, estimate.value) for name, points in differences.items()}
        # phi may have values on one side alone
        series = dict([one for one in drawn.items() if one[1]][:1])
        title = f"derivative {told_to(estimate.value, estimate.error)} ± {figure(estimate.error)}"
    if not math.isfinite(estimate.value) or not any(series.values()):
        raise ValueError(
            "there is nothing to draw: phi has no derivative here, or its values are not at hand"
        )
    picture = _picture(1, 1)
    on = picture.add_subplot()
    _curve(on, series, estimate.noise, estimate.step)
    _level(on, estimate.error, "bound on the error of the derivative", "--", "tab:green")
    _finished(on, title)
    return picture


def _picture(across: int, down: int) -> Picture:
    return Picture(figsize=(5.2 * across, 4.0 * down), layout="constrained")


def _steps(on: Axes, steps: Steps) -> None:
    _curve(on, {"central difference": _off(steps.differences, steps.truth)}, steps.noise, steps.chosen)
    _level(on, steps.bound, "bound on the error of the slope", "--", "tab:green")
    off = abs(steps.claimed - steps.truth)
    if off > steps.bound:
        _level(on, off, f"yours, {told_to(steps.claimed, steps.bound)}", ":", "tab:red")
    _finished(on, f"slope along one direction: {told_to(steps.slope, steps.bound)} ± {figure(steps.bound)}")


def _off(differences: Points, truth: float) -> Points:
    return [(step, abs(slope - truth)) for step, slope in differences if math.isfinite(slope - truth)]


def _curve(on: Axes, series: Mapping[str, Points], noise: float, chosen: float) -> None:
    """Error against step, both axes logarithmic; an error of 0, which they do not have, at the foot."""
    on.set_xscale("log")
    on.set_yscale("log")
    shown = [error for points in series.values() for _, error in points if error > 0.0]
    least = 0.3 * min(shown, default=1e-16)
    for marker, (label, points) in zip("os", series.items(), strict=False):
        steps, errors = zip(*points, strict=True) if points else ((), ())
        on.plot(
            steps,
            np.maximum(errors, least),
            f"{marker}-",
            color="tab:blue" if marker == "o" else "tab:purple",
            label=label,
        )
        if noise > 0.0 and marker == "o":
            on.plot(
                steps,
                [noise / step for step in steps],
                color="tab:orange",
                label="noise floor: noise of f / step",
            )
    on.set_ylim(bottom=0.3 * least)  # the noise floor of long steps is far below all that is seen
    if chosen > 0.0:
        on.axvline(chosen, linestyle=":", color="tab:gray", label=f"step that counts, {figure(chosen)}")


def _level(on: Axes, size: float, label: str, linestyle: str, color: str) -> None:
    if 0.0 < size < math.inf:
        on.axhline(size, linestyle=linestyle, color=color, label=label)
        low, high = on.get_ylim()  # they stay as the differences have them unless they are set
        on.set_ylim(min(low, 0.3 * size), max(high, size / 0.3))


def _finished(on: Axes, title: str) -> None:
    on.set_title(title, fontsize="medium")
    on.set_xlabel("step")
    on.set_ylabel("error")
    on.legend(fontsize="small")


def _heat(on: Axes, leaf: Leaf) -> None:
    """Relative errors by colour; right is pale green, what is not known grey, what is not finite black."""
    found = leaf.errors
    assert found is not None
    cells = np.array([[np.nan if cell is None else cell for cell in row] for row in found.errors])
    shades = ScalarMappable(LogNorm(_LEAST, _MOST, clip=True), "YlOrRd")
    colours = shades.to_rgba(np.where(cells > 0.0, cells, _LEAST))
    colours[cells == 0.0] = (0.83, 0.89, 0.85, 1.0)
    colours[np.isnan(cells)] = (0.8, 0.8, 0.8, 1.0)
    colours[np.isinf(cells)] = (0.0, 0.0, 0.0, 1.0)
    tall, wide = found.block
    rows, columns = cells.shape
    on.imshow(colours, aspect="auto", interpolation="nearest", extent=_extent(found, rows, columns))
    if leaf.worst_index:
        row, column = place(leaf.worst_index, found.shape)
        on.plot(
            (column // wide + 0.5) * wide - 0.5, (row // tall + 0.5) * tall - 0.5, "kx",
            label=f"worst entry {index(leaf.worst_index)}",
        )  # fmt: skip
        on.legend(fontsize="small")
    size = "" if leaf.max_rel_error is None else f", {_largest(leaf.max_rel_error)}"
    on.set_title(f"{leaf.path}: relative error{size}", fontsize="medium")
    on.set_xlabel(caption(found.shape, found.block))
    if len(found.shape) == 1:
        on.set_yticks([])
    bar = on.figure.colorbar(shades, ax=on, extend="both")
    bar.set_label("relative error; pale green is right")


def _largest(error: float) -> str:
    return "not a number" if math.isnan(error) else f"largest {figure(error)}"


def _extent(found: ErrorMap, rows: int, columns: int) -> tuple[float, float, float, float]:
    tall, wide = found.block
    return -0.5, columns * wide - 0.5, rows * tall - 0.5, -0.5
