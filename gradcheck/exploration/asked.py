"""What an exploration is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradcheck.ask.point import floating_argnums


@dataclass(frozen=True)
class Asked:
    """f and the claim, the shapes of their arguments, the kind of check, and its options."""

    f: Callable[..., Any]
    claim: Callable[..., Any]
    shapes: Mapping[str, Any]
    kind: str
    options: Mapping[str, Any]

    def numbers(self, args: Sequence[Any]) -> tuple[int, ...]:
        """The positions of the arguments that are checked."""
        argnums = self.options["argnums"]
        if argnums is None:
            return floating_argnums(args)
        numbers = (argnums,) if isinstance(argnums, int) else argnums
        return tuple(range(len(args))[number] for number in numbers)
