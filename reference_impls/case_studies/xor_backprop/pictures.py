"""What the XOR network decides in the plane: a picture, or an animated GIF of a training (extra `plots`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reference_impls.case_studies.extras import load
from reference_impls.case_studies.history import Parameters, Watch
from reference_impls.case_studies.pictures import new_figure
from reference_impls.case_studies.xor_backprop.network import X, Y, predict

GRID = 100
FRAME_MILLISECONDS = 200
COLOURS = 64


class Moment(NamedTuple):
    """The network before one step."""

    step: int
    loss: float
    parameters: Parameters


def keep_moments(interval: int, moments: list[Moment]) -> Watch:
    """A watch that appends every ``interval``-th `Moment` to ``moments``."""

    def watch(step: int, loss: float, parameters: Parameters, gradients: Parameters) -> None:
        if step % interval == 0:
            moments.append(Moment(step, loss, tuple(parameter.copy() for parameter in parameters)))

    return watch


def decision_boundary(path: Path, moment: Moment) -> Path:
    """Draw the probability of a 1 over the plane, the boundary at 1/2, the four examples; returns ``path``."""
    figure = new_figure()
    _draw(figure, moment)
    figure.savefig(path)
    return path


def animation(path: Path, moments: Sequence[Moment]) -> Path:
    """Draw one frame a moment into a GIF that plays for ever; returns ``path``.

    Raises
    ------
    ValueError
        If there are no moments.
    """
    if not moments:
        raise ValueError("moments is empty: an animation needs at least one")
    drawn = [_frame(moment) for moment in moments]
    # colours that all frames share, undithered: what does not move takes no bytes, and white stays white
    palette = drawn[-1].quantize(COLOURS, method=load("PIL.Image", "plots").Quantize.MAXCOVERAGE)
    frames = [frame.quantize(palette=palette, dither=0) for frame in drawn]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=FRAME_MILLISECONDS, loop=0)
    return path


def _frame(moment: Moment) -> Any:
    """The picture of `decision_boundary` as a Pillow image."""
    canvas = load("matplotlib.backends.backend_agg", "plots").FigureCanvasAgg
    figure = new_figure(4.8, 3.6)
    _draw(figure, moment)
    drawn = canvas(figure)
    drawn.draw()
    return load("PIL.Image", "plots").fromarray(np.asarray(drawn.buffer_rgba())).convert("RGB")


def _draw(figure: Any, moment: Moment) -> None:
    side = np.linspace(-0.1, 1.1, GRID)
    across, up = np.meshgrid(side, side)
    plane = np.column_stack([across.ravel(), up.ravel()])
    probability = predict(plane, *moment.parameters).reshape(across.shape)
    axes = figure.add_subplot()
    shades = axes.contourf(
        across, up, probability, levels=np.linspace(0, 1, 21), cmap="PRGn", antialiased=False
    )
    figure.colorbar(shades, ax=axes, label="probability of a 1", ticks=np.linspace(0, 1, 6))
    if probability.min() < 0.5 < probability.max():
        axes.contour(across, up, probability, levels=[0.5], colors="black")
    axes.scatter(X[:, 0], X[:, 1], c=Y.ravel(), cmap="PRGn", s=200, edgecolors="black", vmin=0, vmax=1)
    axes.set(title=f"step {moment.step}, loss {moment.loss:.4f}", xlabel="a", ylabel="b", aspect="equal")
