"""Where a gradient is after backward: in the layer, in what came back, or in a step of descent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from gradcheck.anatomy.calling import STEP
from gradcheck.anatomy.places import Place, found, spelled


@dataclass(frozen=True)
class Source:
    """Where the gradient of one argument is after backward.

    In the layer at ``places``, of which each holds a share, in what backward returned at ``returned``, by ``read``,
    which is given the layer, or, where backward makes a step against it, in what that changed at ``stepped``, by a
    ``rate`` that is negative where the step goes along it.
    """

    places: tuple[Place, ...] = ()
    returned: Place | None = None
    read: Callable[[Any], Any] | None = None
    stepped: Place | None = None
    rate: float = STEP

    def of(self, result: Any, own: Any, before: Any) -> Any:
        """The gradient; None where nothing is there."""
        if self.returned is not None:
            return found(result, self.returned)
        if self.read is not None:
            return self.read(own)
        if self.stepped is not None:
            return (before - found(own, self.stepped)) / self.rate
        shares = [found(own, place) for place in self.places]
        return None if not shares or any(one is None for one in shares) else reduce(add, shares)

    @property
    def kept(self) -> str:
        """Where the layer has it, "" where it does not."""
        return " + ".join(map(spelled, self.places))

    def __str__(self) -> str:
        if self.places:
            return f"in {self.kept}"
        if self.stepped is not None:
            return "in the steps that backward makes"
        return "returned by backward" if self.returned is not None else "where params says"
