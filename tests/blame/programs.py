"""Small programs as files, for a search that reads their source."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import numpy as np

import gradcheck
from gradcheck import Report

Draw = Callable[..., Any]


@dataclass(frozen=True)
class Right:
    """A right program; ``args`` are drawn for a number of rows, ``problem`` is what makes f and claim, of closures."""

    text: str
    args: Callable[[Draw, int], tuple[Any, ...]]
    argnums: tuple[int, ...] = (0,)
    check: str = "grad"
    problem: Callable[[Draw, int], tuple[Any, ...]] | None = None

    def checked(self, module: Any, rows: int, seed: int) -> Report:
        draw = np.random.default_rng(seed).standard_normal
        f, claim = (
            (module.f, module.claim) if self.problem is None else module.problem(*self.problem(draw, rows))
        )
        check = getattr(gradcheck, f"check_{self.check}")
        return check(f, claim, *self.args(draw, rows), argnums=self.argnums, raise_on_failure=False)


NETWORK = """
    import numpy as np


    def loss(W1, b1, W2, b2, X, y):
        a1 = np.maximum(X @ W1 + b1, 0)
        return np.mean((a1 @ W2 + b2 - y) ** 2)


    def gradient(W1, b1, W2, b2, X, y):
        z1 = X @ W1 + b1
        a1 = np.maximum(z1, 0)
        d2 = 2 * (a1 @ W2 + b2 - y) / y.size
        d1 = d2 @ W2.T * (z1 > 0)
        dW2 = a1.T @ d2
        return X.T @ d1, d1.sum(0), dW2, d2.sum(0)
"""


def network(seed: int = 0) -> tuple[Any, ...]:
    """Arguments of the network."""
    draw = np.random.default_rng(seed).standard_normal
    return draw((4, 5)), draw(5), draw((5, 3)), draw(3), draw((7, 4)), draw((7, 3))


def made(folder: Path, text: str, *changes: tuple[str, str], name: str = "program") -> ModuleType:
    """A module of this text in a file of its own, with each of the changes made once."""
    text = dedent(text).lstrip("\n")
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the program"
        text = text.replace(old, new)
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return loaded(path)


def loaded(path: Path) -> ModuleType:
    """The module in a file, whatever was loaded from there before."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    return module


def patched(path: Path, patch: str) -> ModuleType:
    """The module after its patch, applied line by line as the tool of that name does."""
    lines, result, place = path.read_text().splitlines(), [], 0
    for line in patch.splitlines()[2:]:
        if line.startswith("@@"):
            start = int(line.split()[1].split(",")[0][1:]) - 1
            result += lines[place:start]
            place = start
        elif line.startswith("+"):
            result.append(line[1:])
        else:
            assert lines[place] == line[1:]
            result += [line[1:]] if line.startswith(" ") else []
            place += 1
    path.write_text("\n".join([*result, *lines[place:]]) + "\n")
    return loaded(path)
