"""Plots made of characters, drawn by plotext (extra ``plots``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reference_impls.case_studies.extras import load
from reference_impls.case_studies.history import Array

WIDTH, HEIGHT = 80, 24


class Series(NamedTuple):
    """Points to draw with one character, and what the legend calls them; no label, no legend."""

    x: Array
    y: Array
    marker: str
    label: str = ""


def plot(title: str, series: Sequence[Series], x_label: str = "", y_label: str = "") -> str:
    """The plot as lines of text, `WIDTH` by `HEIGHT` characters, without colours.

    Raises
    ------
    ModuleNotFoundError
        If plotext is not installed.
    """
    figure = load("plotext", "plots").figure
    figure.clear()
    figure.plot_size(WIDTH, HEIGHT)
    for x, y, marker, label in series:
        if len(x) == 0:
            continue
        signal = figure.signal(list(map(float, x)), list(map(float, y)), marker=marker)
        if label:
            signal.label(label)
        figure.draw(signal)
    figure.title(title)
    figure.label(x_label, axis="x")
    figure.label(y_label, axis="y")
    text = str(figure.build().string(colorless=True))
    figure.clear()  # plotext has one figure for everybody: leave it as it was found
    return text
