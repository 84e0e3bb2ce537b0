"""Windows that slide over images: what convolution and pooling have in common.

An image is (batch, channels, height, width). A window of ``kernel`` rows and columns, ``dilation`` apart, is laid
down every ``stride`` rows and columns of the image with ``padding`` around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np

from reference_impls.layers.layer import Array

Pair = tuple[int, int]

COLUMNS = 2**18
"""Entries of columns that are made at a time."""


def pair(name: str, setting: int | Pair) -> Pair:
    """The setting of this ``name`` for rows and columns: one number stands for both."""
    found = (setting, setting) if isinstance(setting, Integral) else setting
    if not isinstance(found, Sequence) or [isinstance(n, Integral) for n in found] != [True, True]:
        raise TypeError(f"{name} is {setting!r}; wanted a whole number, or two of them, of rows and columns")
    return found[0], found[1]


@dataclass(frozen=True)
class Windows:
    """The windows of one layer over images of one size.

    Attributes
    ----------
    size
        Height and width of the image, without padding.
    """

    size: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def __post_init__(self) -> None:
        for name, least in (("kernel", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            if min(getattr(self, name)) < least:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; wanted at least {least} for rows and columns"
                )

    @property
    def count(self) -> Pair:
        """How many windows fit below and beside each other: ``(H + 2 p - d (k - 1) - 1) // s + 1`` rows of them."""
        rows, columns = (
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(
                self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        if min(rows, columns) < 1:
            raise ValueError(
                f"kernel {self.kernel} with dilation {self.dilation} does not fit into an image of {self.size} with "
                f"padding {self.padding}: pad more, or take a smaller kernel"
            )
        return rows, columns

    @property
    def wide(self) -> Pair:
        """Height and width of the image with its padding."""
        return self.size[0] + 2 * self.padding[0], self.size[1] + 2 * self.padding[1]

    def padded(self, x: Array, fill: float = 0.0) -> Array:
        """The image with its padding; itself where there is none."""
        (rows, columns) = self.padding
        if rows == columns == 0:
            return x
        height, width = self.size
        wide = np.full((*x.shape[:2], *self.wide), fill, x.dtype)
        wide[:, :, rows : rows + height, columns : columns + width] = x
        return wide

    @property
    def tiled(self) -> bool:
        """Whether every entry of the padded image lies in just one window."""
        whole = tuple(n * k for n, k in zip(self.count, self.kernel, strict=True)) == self.wide
        return whole and self.stride == self.kernel and self.dilation == (1, 1)

    def along(self, axis: int) -> list[slice]:
        """For each place in the kernel, down (0) or across (1), the padded image's rows or columns that meet it."""
        apart, steps = self.dilation[axis], self.stride[axis]
        length = steps * (self.count[axis] - 1) + 1
        return [slice(n * apart, n * apart + length, steps) for n in range(self.kernel[axis])]

    def offsets(self) -> Iterator[tuple[int, Any]]:
        """For each place in the kernel its number, and the index of the padded image's entries that meet it.

        The kernel is small and the image is large: a loop over the kernel moves whole images at a time.
        """
        for place, (down, across) in enumerate(product(self.along(0), self.along(1))):
            yield place, (slice(None), slice(None), down, across)

    def reduced(self, wide: Array, pairwise: Callable[[Any, Any], Any]) -> Array:
        """What ``pairwise`` makes of each window's entries, whose order must not matter: a sum, a maximum.

        Down first, by whole rows of the image, and what is left across: with a kernel of ``k`` rows and columns that
        takes ``2 k`` passes and not ``k^2``, and only the last ``k`` pick single entries out of rows.
        """
        rows: Array = reduce(pairwise, (wide[:, :, down] for down in self.along(0)))
        return reduce(pairwise, (rows[:, :, :, across] for across in self.along(1)))

    def blocks(self, batch: int, channels: int, dtype: Any) -> Iterator[tuple[slice, Array]]:
        """The images of a batch, so many at a time, with an array for their columns.

        All columns of a batch are several times its images, and would come from main memory. So many at a time are
        used while the cache still holds them, and made again on the way back. The array is the same each time: memory
        that was used before is several times as fast as memory fresh from the operating system.
        """
        each = channels * self.kernel[0] * self.kernel[1] * self.count[0] * self.count[1]
        step = min(batch, max(1, COLUMNS // max(1, each)))
        room = np.empty(
            (step, channels, self.kernel[0] * self.kernel[1], self.count[0] * self.count[1]), dtype
        )
        for start in range(0, batch, max(1, step)):
            stop = min(start + step, batch)
            yield slice(start, stop), room[: stop - start]

    def columns(self, x: Array, out: Array | None = None) -> Array:
        """Each window as a column: (batch, channels, places in the kernel, windows), in ``out`` if that is given."""
        wide = self.padded(x)
        rows, columns = self.count
        if out is None:
            out = np.empty((*x.shape[:2], self.kernel[0] * self.kernel[1], rows * columns), x.dtype)
        taken = out.reshape(*x.shape[:2], self.kernel[0] * self.kernel[1], rows, columns)
        for place, index in self.offsets():
            taken[:, :, place] = wide[index]
        return taken.reshape(*taken.shape[:3], rows * columns)

    def scattered(self, taken: Array) -> Array:
        """The adjoint of `columns`: every entry of a column goes back, and is added, to where it was taken from.

        ``columns`` copies: with ``T`` the 0/1 matrix of what is copied where, ``columns(x) = T x``. Its adjoint
        ``T^T`` sends each copy back to its origin, and where several windows took the same entry it adds them up.
        """
        rows, columns = self.count
        image = np.zeros((*taken.shape[:2], *self.wide), taken.dtype)
        pieces = taken.reshape(*taken.shape[:3], rows, columns)
        for place, index in self.offsets():
            image[index] += pieces[:, :, place]
        return self.trimmed(image)

    def trimmed(self, wide: Array) -> Array:
        """The image without its padding."""
        (down, across), (height, width) = self.padding, self.size
        return wide[:, :, down : down + height, across : across + width]


def by_group(taken: Array, groups: int) -> Array:
    """The columns of each group: (batch, groups, places under a kernel, windows)."""
    return taken.reshape(len(taken), groups, taken.shape[1] // groups * taken.shape[2], taken.shape[3])
