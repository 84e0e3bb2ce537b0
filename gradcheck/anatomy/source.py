"""Where a gradient is after backward: in the layer, in what came back, or in a step of descent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradcheck.anatomy.calling import STEP
from gradcheck.anatomy.places import Place, found, spelled
from gradcheck.anatomy.returned import Keys, part


@dataclass(frozen=True)
class Source:
    """Where the gradient of one argument is after backward.

    In the layer at ``place``, in what backward returned at ``keys``, by ``read``, which is given the layer, or, where
    backward makes a step against it, in what that changed at ``stepped``.
    """

    place: Place | None = None
    keys: Keys | None = None
    read: Callable[[Any], Any] | None = None
    stepped: Place | None = None

    def of(self, result: Any, own: Any, before: Any) -> Any:
        """The gradient; None where nothing is there."""
        if self.keys is not None:
            return part(result, self.keys)
        if self.read is not None:
            return self.read(own)
        if self.stepped is not None:
            return (before - found(own, self.stepped)) / STEP
        return None if self.place is None else found(own, self.place)

    def __str__(self) -> str:
        if self.place is not None:
            return f"in {spelled(self.place)}"
        if self.stepped is not None:
            return "in the steps that backward makes"
        return "returned by backward" if self.keys is not None else "where params says"
