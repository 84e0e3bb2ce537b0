"""The claim while it is mended: each edit that is kept is made in the text, and the next one in what it left."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from gradcheck.explain.blame.patch import spelled
from gradcheck.explain.blame.written import Written, source_of


@dataclass(frozen=True)
class Step:
    """What an edit was kept for.

    ``function`` is the number of the edited one, ``leaves`` are those that it made right, ``nearer`` those that others
    have to make right, too; ``was`` and ``now`` are the expressions of f that have the values of the old text and of
    the new one.
    """

    function: int
    leaves: frozenset[int] = frozenset()
    nearer: frozenset[int] = frozenset()
    was: str | None = None
    now: str | None = None


@dataclass(frozen=True)
class Passage:
    """What stands now where the bytes from ``start`` to ``end`` of the first text stood, and why."""

    start: int
    end: int
    text: bytes
    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Mend:
    """A node of a function as it was, and the text that is to stand there."""

    function: Written
    node: ast.expr | ast.stmt
    text: str
    step: Step


@dataclass(frozen=True, eq=False)
class Draft:
    """Functions as they were and as they are, and what differs, by file and in order."""

    first: tuple[Written, ...]
    now: tuple[Written, ...]
    passages: Mapping[str, tuple[Passage, ...]] = field(default_factory=dict)

    def edited(self, node: ast.expr | ast.stmt, text: str, step: Step) -> Draft | None:
        """The draft with another text for a node of what it is now; None where its functions are not found again."""
        source = self.now[step.function].source
        new = spelled(source, node, text)
        start, end = source.span(node)
        after = source_of(source.path, source.replaced(node, new))
        moved = [one.within(after) if after and one.source.path == source.path else one for one in self.now]
        now = tuple(one for one in moved if one is not None)
        if after is None or len(now) < len(self.now):
            return None
        known = _with(
            self.passages.get(source.path, ()),
            source.text.encode(),
            Passage(start, end, new.encode(), (step,)),
        )
        return Draft(self.first, now, {**self.passages, source.path: known})

    def mends(self) -> Iterator[Mend]:
        """What differs, as edits of the functions as they were."""
        for passages in self.passages.values():
            for one in passages:
                function = self.first[one.steps[-1].function]
                node = next(
                    node
                    for node in ast.walk(function.node)
                    if isinstance(node, ast.expr | ast.stmt)
                    and function.source.span(node) == (one.start, one.end)
                )
                yield Mend(function, node, one.text.decode(), _together(one.steps))


def _with(passages: tuple[Passage, ...], text: bytes, new: Passage) -> tuple[Passage, ...]:
    """Passages and a further one, at a place of the text as it is now; those that it touches are one with it."""
    places, shift = [], 0
    for one in passages:
        places.append((one.start + shift, one.start + shift + len(one.text)))
        shift += len(one.text) - (one.end - one.start)
    pairs = list(zip(passages, places, strict=True))
    touched = [(one, here) for one, here in pairs if here[0] < new.end and new.start < here[1]]
    low = min([new.start, *(here[0] for _, here in touched)])
    high = max([new.end, *(here[1] for _, here in touched)])

    def was(place: int) -> int:
        return place - sum(len(one.text) - (one.end - one.start) for one, here in pairs if here[1] <= place)

    whole = text[low : new.start] + new.text + text[new.end : high]
    steps = tuple(step for one, _ in touched for step in one.steps)
    made = Passage(was(low), was(high), whole, (*steps, *new.steps))
    apart = [one for one in passages if one not in {one for one, _ in touched}]
    return tuple(sorted([*apart, made], key=lambda one: one.start))


def _together(steps: tuple[Step, ...]) -> Step:
    """Why a text stands that several edits made."""
    if len(steps) == 1:
        return steps[0]
    leaves = frozenset().union(*(one.leaves for one in steps))
    nearer = frozenset().union(*(one.nearer for one in steps))
    return replace(steps[-1], leaves=leaves, nearer=nearer - leaves, was=None, now=None)
