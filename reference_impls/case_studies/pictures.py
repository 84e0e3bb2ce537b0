"""Pictures that more than one study draws, by matplotlib (extra ``plots``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference_impls.case_studies.extras import load
from reference_impls.case_studies.history import Array


def new_figure(width: float = 6.4, height: float = 4.8) -> Any:
    """An empty matplotlib figure of this size in inches, known to no window and to no global state of pyplot.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    return load("matplotlib.figure", "plots").Figure((width, height), layout="constrained")


def loss_curves(path: Path, title: str, curves: Mapping[str, Array], unit: str = "step") -> Path:
    """Draw losses against steps, one line a name, on a logarithmic scale, into a file; returns ``path``."""
    figure = new_figure()
    axes = figure.add_subplot()
    for label, losses in curves.items():
        axes.plot(losses, label=label)
    axes.set(title=title, xlabel=unit, ylabel="loss", yscale="log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside right upper")
    figure.savefig(path)
    return path
