"""The edits of the claim's source after which every leaf is right: program repair with a whole gradient as the oracle.

Edits by mutation with a test as the oracle are GenProg's idea (Le Goues et al., 2012). Tests are weak oracles; a
gradient at generic points is not: what makes every leaf right at several of them is right.
"""

from __future__ import annotations

import ast
import inspect
import math
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain

import numpy as np

from gradcheck.explain.blame.apart import Alive, TooLong, no_longer_than
from gradcheck.explain.blame.edits import ADDED, ARITHMETIC, EXCHANGED, Edit, additions, edits, operand
from gradcheck.explain.blame.experiments import Candidate, Trial, candidates, experiments
from gradcheck.explain.blame.grafting import above, edited, install, kept, offered
from gradcheck.explain.blame.manners import manners
from gradcheck.explain.blame.meaning import Meanings, values_by_text
from gradcheck.explain.blame.needed import LARGEST, Needed, needed
from gradcheck.explain.blame.probes import Probe, probes
from gradcheck.explain.blame.reach import Reach, reach_of
from gradcheck.explain.blame.reached import reached
from gradcheck.explain.blame.synthesis import products, with_products
from gradcheck.explain.blame.watch import Node, Observer, is_float, observing
from gradcheck.explain.blame.written import Written
from gradcheck.judge.examine import Examined

PROBES = 3
"""Points at which an edit must make every leaf right: two to find it, one more to believe it."""
_INSTALLED = sysconfig.get_path("purelib"), sysconfig.get_path("platlib")
Rank = tuple[float, float, float]
Ranked = tuple[Rank, Written, Edit]
FOREIGN = 3
"""How much less natural an edit of another package's function is."""
UNABLE = 2
"""How much less natural an edit is where no value of the expression would make every leaf right."""
WAITING = 3.0
"""How many times the seconds given may pass."""
THINKING = 0.5
"""Share of the seconds in which to tell where a mistake may be."""
_TICK = 0.01
"""Seconds that the stopwatch does not tell apart."""
TOGETHER = 128
"""Edits that are compiled together, at most."""
RIVALS = 150
"""Edits that are tried for a better one after the first that mends everything; a tenth where each is searched for."""


@dataclass(frozen=True, eq=False)
class Mend:
    """An edit of one function, and the leaves that it made right.

    ``was`` and ``now`` are the expressions of f that have the values of the old text and of the new one.
    """

    function: Written
    edit: Edit
    leaves: frozenset[int]
    was: str | None = None
    now: str | None = None


@dataclass(eq=False)
class Search:
    """What a search for repairs found, and what became of it."""

    wrong: frozenset[int] = frozenset()
    mends: list[Mend] = field(default_factory=list)
    left: frozenset[int] = frozenset()
    proved: bool = False
    tried: int = 0
    said: str = ""
    points: int = 0


def search(seen: Examined, seconds: float, alive: Alive) -> Search:
    """Look for edits for so many seconds; changes the user's functions, so only in a process of our own.

    The seconds are those of `stopwatch`.
    """
    found = Search()
    points = probes(seen, PROBES)
    if not points:
        found.said = "the truth at other points, which a repair must be right at, is not to be had"
        return found
    first, found.points = points[0], len(points)
    where = first.task.where
    of_f = reached(lambda: first.task.f(*where.copied(where.args)))
    shared = {one.code for one in of_f}
    # an edit of what f itself is made of would change f as well
    functions = tuple(one for one in reached(first.ask) if one.code not in shared)
    if not functions:
        found.said = "the claim has no source here: it cannot be searched for the mistake"
        return found
    # how it behaves is mended after its values are
    behaves = seen.asked is None or not (seen.asked.conduct or seen.asked.lends or seen.look.conduct)
    found.wrong = frozenset().union(*(probe.wrong() for probe in points))
    if behaves and not found.wrong:  # wrong in an entry that is small beside others
        points = probes(seen, PROBES, fine=True)
        first, found.wrong = points[0], frozenset().union(*(probe.wrong() for probe in points))
    found.left = found.wrong
    alive()
    clock = stopwatch()
    started = time.perf_counter()
    first.wrong()
    patience = 20.0 * (time.perf_counter() - started) + 0.05
    meanings = Meanings(of_f, first)
    closed: set[ast.AST] = set()
    settled = Probe.proved if behaves else Probe.right
    while found.left and clock() < seconds:
        with observing(functions) as observer:
            reach = reach_of(observer, first, lambda: clock() > 0.3 * seconds)
            hunt = _Hunt(functions, of_f, points, observer, reach, clock, seconds, patience, closed, settled)
            best = hunt.next(found)
        if best is None:
            found.said = "" if found.mends else hunt.unexplained()
            break
        found.mends.append(_meant(best, meanings, reach))
        found.left -= best.leaves
        closed |= {
            *ast.walk(best.edit.node),
            *above(best.function, best.edit.node),
            *kept(best.function, best.edit),
        }
        install(best.function)
    if not found.left:
        # what is right at one point alone may be so by accident
        found.proved = len(points) > 1 and bool(found.mends) and all(probe.proved() for probe in points)
        if not found.proved:
            written = functions if not seen.look.conduct else (*functions, *of_f)
            _behaved(found, written, points, lambda: clock() > seconds)
    return found


def _behaved(
    found: Search, functions: tuple[Written, ...], points: tuple[Probe, ...], late: Callable[[], bool]
) -> None:
    """Look for the edit with which a claim that is right in its values leaves alone what it is given."""
    for function in functions:
        for edit in manners(function):
            if late():
                return
            found.tried += 1
            with edited(function, edit) as installed:
                proved = installed and all(probe.proved() for probe in points)
            if proved:
                found.mends.append(Mend(function, edit, frozenset()))
                found.proved = len(points) > 1
                return


def stopwatch() -> Callable[[], float]:
    """The seconds since now that this thread worked: what is found does not hang on what else the machine does.

    Where it waits for others, a share of the time that passes.
    """
    worked, passed = time.thread_time(), time.perf_counter()
    asked = seconds = 0.0

    def clock() -> float:
        nonlocal asked, seconds
        now = time.perf_counter() - passed
        if now - asked > _TICK:
            asked, seconds = now, max(time.thread_time() - worked, now / WAITING)
        return seconds

    return clock


@dataclass(eq=False)
class _Hunt:
    """What all steps of one search share."""

    functions: tuple[Written, ...]
    of_f: tuple[Written, ...]
    points: tuple[Probe, ...]
    observer: Observer
    reach: Reach
    clock: Callable[[], float]
    seconds: float
    patience: float
    closed: set[ast.AST]
    settled: Callable[[Probe], bool]
    several: bool = False
    _solved: dict[tuple[Node, bool], Needed | None] = field(default_factory=dict)
    _places: dict[ast.AST, tuple[int, float]] = field(default_factory=dict)

    def next(self, found: Search) -> Mend | None:
        """The most natural edit that mends all that is left, else the one that mends most of it."""
        best: Mend | None = None
        most, rank_of_best, spread_of_best = math.inf, (math.inf, 0.0, 0.0), 0
        several = self.several = len(found.left) > 1 and not self._one_place(found.left)
        # what mends a part has to leave time for the rest
        halfway = 0.5 * (self.clock() + self.seconds)
        # each is in force until the next one is asked for
        for rank, function, edit in chain.from_iterable(map(_chosen, self._ranked(found.left))):
            complete = best is not None and (several or best.leaves == found.left)
            late = self.clock() > (halfway if best else self.seconds) or found.tried > most
            if late or (complete and rank[0] > rank_of_best[0]):
                break
            found.tried += 1
            leaves = _mended(found.left, self.points, self.patience)
            if leaves == found.left and not self.settled(self.points[0]):
                continue  # right in its values alone: it writes into an argument, say
            # what mends a part by itself is no place that the rest hangs on, too
            spread = 0 if leaves == found.left else self._spread(function, edit.node, found.left)
            if len(leaves) > (len(best.leaves) if best else 0):
                best, rank_of_best, spread_of_best = Mend(function, edit, leaves), rank, spread
                if leaves == found.left:
                    most = found.tried + (RIVALS if edit.cost < ADDED else RIVALS // 10)
            elif best and leaves == best.leaves and (spread, rank) < (spread_of_best, rank_of_best):
                best, rank_of_best, spread_of_best = Mend(function, edit, leaves), rank, spread
        return best

    def unexplained(self) -> str:
        """The first expression with one other value of which every leaf would be right, where there is one."""
        for function in self.functions:
            inside = set(ast.walk(function.node))
            for node in self.reach.leaves:
                solution = self._solved.get((node, False))
                if node not in inside or solution is None or not solution.only:
                    continue
                if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Subscript):
                    place = f"{function.source.segment(node)} (line {node.lineno})"
                    return f"With another value of {place} every leaf would be right here; none was found"
        return ""

    def _one_place(self, left: frozenset[int]) -> bool:
        """Whether there may be one expression with another value of which all leaves were right."""
        nodes = [node for node, leaves in self.reach.leaves.items() if leaves >= left]
        return not self.reach.whole or any(self._solvable(node) for node in nodes)

    def _able(self, function: Written, node: ast.AST) -> bool:
        """Whether another value of the expression, or of what it is part of, may make every leaf right."""
        around = node.value if isinstance(node, ast.Assign | ast.AugAssign) else node
        while isinstance(around, ast.expr | ast.keyword) and around not in self.reach.leaves:
            around = function.source.parents[around]
        return self.several or not isinstance(around, ast.expr) or self._solvable(around)

    def _solvable(self, node: Node) -> bool:
        """Whether some value in this place may make every leaf right; so too where that would take long to tell."""
        held = self.reach.values[node]
        dear = len(held) > 1 or np.size(held[0]) > LARGEST or self.clock() > THINKING * self.seconds
        return dear or self._needed(node) is not None

    def _needed(self, node: Node) -> Needed | None:
        """The value that a place should have, solved for once: of several mistakes, for the leaves that hang on it."""
        if (node, self.several) not in self._solved:
            first, every = self.points[0], frozenset(range(len(self.points[0].truth)))
            which = self.reach.leaves.get(node) if self.several else None
            solution = needed(self.observer, node, self.reach.values[node][0], first, which or every)
            self._solved[node, self.several] = solution
        return self._solved[node, self.several]

    def _ranked(self, left: frozenset[int]) -> Iterator[Sequence[Ranked]]:
        """What to try, the most natural first; as many together as may be compiled at once."""
        suspicious = cache(lambda function, node: self._suspicion(function, node, left))

        def ranked(made: Callable[[Written], Iterator[Edit]]) -> list[Ranked]:
            found = [
                (self._rank(function, edit, suspicion), function, edit)
                for function in self.functions
                for edit in made(function)
                if edit.node not in self.closed
                if (suspicion := suspicious(function, edit.node)) is not None
                if not self.reach.whole or edit.what not in ARITHMETIC or edit.node in self.reach.leaves
            ]
            return sorted(found, key=lambda each: each[0])

        every = (*self.functions, *self.of_f)
        near = ranked(lambda function: edits(function, _calls(function, every)))
        yield from _batches([one for one in near if one[0][0] < ADDED])
        if self.reach.whole:
            for function in sorted(self.functions, key=self._is_foreign):
                for edit in self._missing(function, left):
                    yield [(self._rank(function, edit, 0.0), function, edit)]
        yield from _batches([one for one in near if one[0][0] >= ADDED])
        yield from _batches(ranked(additions))

    def _rank(self, function: Written, edit: Edit, suspicion: float) -> Rank:
        """The smaller the more natural: first of its kind, then at a suspicious place, then short."""
        if edit.node not in self._places:
            dearer = FOREIGN * self._is_foreign(function) + UNABLE * (not self._able(function, edit.node))
            self._places[edit.node] = dearer, 4.0 * len(list(above(function, edit.node)))
        dearer, depth = self._places[edit.node]
        # what is added is added to the whole of an expression rather than deep inside it
        far = depth * (edit.cost > EXCHANGED)
        # and rather in the function that was called first than in its helpers
        far += 10.0 * self.functions.index(function)
        return edit.cost + dearer, suspicion, _plainness(function, edit) + far

    def _spread(self, function: Written, node: ast.AST, left: frozenset[int]) -> int:
        """How many of the wrong leaves hang on the expression; all where that is not known."""
        leaves = self.reach.of(node, function.source)
        return len(left if leaves is None else leaves & left)

    def _suspicion(self, function: Written, node: ast.expr | ast.stmt, left: frozenset[int]) -> float | None:
        """How well the leaves that hang on the expression are the wrong ones: 0 best; None where none of them does.

        One mistake is where all wrong leaves hang on; of several each is where as few as possible do.
        """
        if not self.reach.ran(node, function.source):
            return None
        leaves = self.reach.of(node, function.source)
        if leaves is None:
            return 2.0
        if not any(self.reach.leaves.values()):
            return 2.0  # what it computes is not what comes: it lacks a return
        if not leaves & left:
            own = self.reach.values.get(node) if isinstance(node, ast.expr) else None
            # a nudge of what is zero may be lost on the way
            return 4.0 if own is not None and is_float(own[0]) and not np.any(own[0]) else None
        missed = float(len(leaves & left) - 1) if self.several else float(len(left - leaves) > 0)
        return missed + 0.5 * (len(leaves - left) > 0)

    def _is_foreign(self, function: Written) -> bool:
        """Whether a function is of an installed package and another is not: a library's is right, as a rule."""
        return function.source.path.startswith(_INSTALLED) and not all(
            one.source.path.startswith(_INSTALLED) for one in self.functions
        )

    def _missing(self, function: Written, left: frozenset[int]) -> Iterator[Edit]:
        """Edits that add what stands elsewhere, the most suspicious places first."""
        inside = set(ast.walk(function.node)) - self.closed
        places = [
            (suspicion, len(list(above(function, node))), number, node)
            for number, node in enumerate(self.reach.leaves)
            if isinstance(node, ast.expr) and node in inside and self._able(function, node)
            if (suspicion := self._suspicion(function, node, left)) is not None
        ]
        texts = [
            (node, operand(function.source, node)) for *_, node in sorted(places, key=lambda each: each[:3])
        ]
        where = self.points[0].task.where
        data = frozenset(name for number, name in enumerate(where.names) if number not in where.argnums)
        held, first = self.reach.values, self.points[0]
        # an edit that is made stands nowhere in the source
        read = {node: values for node, values in held.items() if node not in self.closed}
        sight = candidates(function, self.of_f, read, data, self.patience)
        trial = Trial(
            self.observer, left, first, self.patience, lambda: self.clock() > self.seconds, self._solution
        )
        # where the value that is needed is known, what is worth it is found without a call of the claim
        known = {node for node, _ in texts if self._solution(node) is not None}
        yield from experiments(trial, held, sight, [one for one in texts if one[0] in known])
        for node, text in texts:
            if node in known and self.clock() < self.seconds:
                for new in self._written(node, text, sight):
                    yield Edit(ADDED, "written", node, new)
        yield from experiments(trial, held, sight, [one for one in texts if one[0] not in known])

    def _solution(self, node: ast.expr) -> Needed | None:
        """The value that a place of one visit should have, where it is known."""
        held = self.reach.values[node]
        known = (node, self.several) in self._solved or self.clock() < self.seconds
        return self._needed(node) if known and len(held) == 1 and np.size(held[0]) <= LARGEST else None

    def _written(self, node: ast.expr, text: str, sight: tuple[Candidate, ...]) -> Iterator[str]:
        """Texts for the value that the expression should have, where the leaves tell which that is."""
        now = self.reach.values[node][0]
        solution = self._solution(node)
        if solution is None:
            return
        then = solution.value
        wide = with_products(sight, np.shape(then))
        with np.errstate(all="ignore"):
            yield from products(then, wide)
            yield from (f"{text} + {more}" for more in products(then - now, wide))
            factor = then / now
        if np.isfinite(factor).all():
            yield from (f"{text} * {more}" for more in products(factor, wide))


def _meant(mend: Mend, meanings: Meanings, reach: Reach) -> Mend:
    """The mend with what its two texts are in f."""
    known, old = values_by_text(reach.values, mend.function), mend.function.source.segment(mend.edit.node)
    was, now = (meanings.of(known[text], text) if text in known else None for text in (old, mend.edit.text))
    return replace(mend, was=was, now=now)


def _mended(left: frozenset[int], points: tuple[Probe, ...], patience: float) -> frozenset[int]:
    """The wrong leaves that are right now at every point; none where a right one has become wrong."""
    mended = left
    for probe in points:
        try:
            with no_longer_than(patience):
                wrong = probe.wrong()
        except TooLong:
            return frozenset()
        mended -= wrong
        if not mended or wrong - left:
            return frozenset()
    return mended


def _chosen(offers: Sequence[Ranked]) -> Iterator[Ranked]:
    """One after another in force; where one of them does not compile, the halves by themselves."""
    with offered([(function, edit) for _, function, edit in offers]) as choose:
        yield from (offer for number, offer in enumerate(offers) if choose is not None and choose(number))
    if choose is None and len(offers) > 1:
        half = len(offers) // 2
        yield from _chosen(offers[:half])
        yield from _chosen(offers[half:])


def _batches(plain: list[Ranked]) -> Iterator[list[Ranked]]:
    """Few at first, for those that come first are often enough."""
    start, size = 0, 16
    while start < len(plain):
        yield plain[start : start + size]
        start, size = start + size, min(2 * size, TOGETHER)


def _plainness(function: Written, edit: Edit) -> float:
    old = function.source.segment(edit.node)
    return abs(len(edit.text) - len(old)) + 0.01 * len(edit.text)


def _calls(function: Written, functions: tuple[Written, ...]) -> tuple[str, ...]:
    """Functions of one array that the claim or f calls itself."""
    words = {name for one in functions for name in one.code.co_names}
    space = function.functions[0].__globals__
    own = [
        name
        for name in sorted(words)
        if inspect.isfunction(one := space.get(name)) and one.__code__.co_argcount == 1
    ]
    ufuncs = [
        f"np.{name}"
        for name in sorted(words)
        if isinstance(one := getattr(np, name, None), np.ufunc) and one.nin == 1
    ]
    return tuple([*own, *ufuncs])
