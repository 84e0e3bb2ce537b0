"""The claim as it can be asked again: elsewhere, with its rounding rolled, or given what is off by its rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.calls import Raised
from gradcheck.ask.look import alike
from gradcheck.ask.random_rounding import KEPT, Rolled, Run, rolled, running
from gradcheck.ask.reading import Reading
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.oracles.answer import Answer
from gradcheck.oracles.tracing.rebind import Meeting


@dataclass(frozen=True)
class Claimed:
    """A task's claim for the covector ``u``.

    Attributes
    ----------
    reading
        What it said at the point.
    unit, most
        Its unit roundoff, and the largest that a step of it may have.
    """

    task: Task
    output: Any
    u: Floats
    reading: Reading
    unit: float
    most: float

    def answer(self, spread: Floats | float) -> Answer:
        """The claim in the precision that it has; ``spread`` is how far its calls differ."""
        return Answer(self._given(), self.unit, self.at, self.runs, self.nudged, spread=spread)

    def at(self, x: Floats) -> Floats | None:
        """What it says elsewhere."""
        return self._ask(self.task.where.fresh(x), self.u)

    def runs(self, count: int) -> list[Floats]:
        """What it says at the point when each of its steps is rounded up or down at random."""
        where, generator = self.task.where, np.random.default_rng(0)
        seen = Meeting(lambda array: array.view(Rolled), KEPT)
        plain = Run(None, self.unit, self.most, seen)
        found = []
        # every other one alone: a choice that hangs on what has gone down to 0 is another in these
        drawn = (Run(generator, self.unit, self.most, seen, number % 2 == 1) for number in range(count))
        for run in [plain, *drawn]:
            with running(run):
                again = self._ask(rolled(where.copied(where.args)), self.u)
            if again is None and run.sinks:
                continue
            if again is None or (run is plain and not alike(again, self._given(), 2.0**6 * self.unit)):
                break
            if run is not plain and run.choices == plain.choices:
                found.append(again)
        seen.write_back()
        self.at(where.x)  # what the claim keeps of its last call are plain arrays
        return found

    def nudged(self, count: int) -> list[Floats]:
        """What it says when all that is not checked is off by its rounding."""
        where, generator = self.task.where, np.random.default_rng(0)
        checked = {slot.keys for slot in where.slots}

        def moved(array: Any) -> Any:
            if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
                return array
            share = 2.0 * self.unit * generator.choice((-1.0, 1.0), array.shape)
            return (array * (1.0 + share)).astype(array.dtype)

        found = []
        for _ in range(count):
            seen = Meeting(moved)
            args = tuple(
                trees.map_leaves(lambda path, leaf: leaf if path in checked else moved(leaf), arg, (number,))
                for number, arg in enumerate(where.copied(where.args))
            )
            with running(Run(None, self.unit, self.unit, seen)):
                again = self._ask(args, self.u if self.task.scalar else moved(self.u))
            seen.write_back()
            if again is not None:
                found.append(again)
        self.at(where.x)  # what the claim keeps of its last call are plain arrays
        return found

    def _given(self) -> Floats:
        return np.zeros(0) if self.reading.problems else self.reading.flat

    def _ask(self, args: tuple[Any, ...], covector: Floats) -> Floats | None:
        try:
            again = self.task.ask(self.task.where, args, covector, self.output)
        except Raised:
            return None
        return None if again.problems or again.flat.shape != self._given().shape else again.flat
