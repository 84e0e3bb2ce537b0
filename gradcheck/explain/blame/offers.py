"""In what order edits are tried: the most natural first, as many together as may be compiled at once."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import islice, takewhile

import numpy as np

from gradcheck.ask.whose import is_installed
from gradcheck.explain.blame.edits import ADDED, ADJUSTED, ARITHMETIC, EXCHANGED, Edit, edits
from gradcheck.explain.blame.flow import loop_variables
from gradcheck.explain.blame.grafting import above
from gradcheck.explain.blame.missing import guessed, liked, missing, numbers
from gradcheck.explain.blame.onsite import OnSite
from gradcheck.explain.blame.parts import indices, unwritten
from gradcheck.explain.blame.repeated import repeated
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.summed import terms, unadded
from gradcheck.explain.blame.suspects import Suspects
from gradcheck.explain.blame.unfit import unfit
from gradcheck.explain.blame.written import Written

Rank = tuple[float, float, float]
"""The smaller the more natural: of what kind and where, how suspicious the place, how short."""
Ranked = tuple[Rank, Written, Edit]
FOREIGN = 3
"""How much less natural an edit of another package's function is."""
UNABLE = 2
"""How much less natural an edit is where no value of the expression would make every leaf right."""
ELSEWHERE = 20.0
"""How many letters what stands elsewhere in f or the claim as it is may be longer than what does not."""
STILL = 10.0
"""How many letters an edit counts more for each variable of a loop that it leaves out."""
_WORD = re.compile(r"\w+")
NEAR, SOON = 0.6, 0.3
"""Shares of the time after which what is missing is looked for, where an exchange does not mend it, or nothing fits."""
DEAR, FITTING = 0.3, 0.55
"""Share of the time that all exchanges may take; where they would take more, those that suit their place come first, up
to that share of it."""
TOGETHER = 128
"""Edits that are compiled together, at most."""


def offers(scene: Scene, suspects: Suspects) -> Iterator[Sequence[Ranked]]:
    """All edits that may mend some of what is wrong."""
    every = (*scene.functions, *scene.of_f)

    def made(function: Written) -> Iterator[Edit]:
        yield from repeated(function, scene.of_f)
        yield from edits(function, _calls(function, every), scene.of_f)

    near = partial(_ranked, scene, suspects, made)
    rank, tried, ranked = _ranking(scene, suspects), set[Edit](), near()
    full = tuple(one for one in suspects.wanted if one.mended == scene.left)
    site = OnSite(full, scene.patience, suspects.sums)

    def likely(some: list[Ranked]) -> Iterator[Sequence[Ranked]]:
        plain = [one for one in some if one[0][0] < ADDED and one[2] not in tried]
        # where it is known what would mend, that is written before more is tried than an exchange
        unsure = ADJUSTED if site.wanted else ADDED
        suits = cache(site.suits)
        if len(plain) * scene.points[0].task.claim.seconds > DEAR * scene.time.seconds:
            early = takewhile(lambda _: not scene.time.past(FITTING), plain)
            yield from _batches((one for one in early if suits(*one[1:])), 1)
        yield from _batches(
            one
            for one in plain
            if (suited := suits(*one[1:])) or (suited is None and one[0][0] < unsure)
            if one[2] not in tried
        )

    several, batches = suspects.several, likely(ranked)

    def alone(some: Iterator[tuple[Written, Edit]]) -> Iterator[Sequence[Ranked]]:
        yield from ([(rank(function, edit, 0.0), function, edit)] for function, edit in some)

    now = suspects.force.now
    fits = scene.reach.whole and now is not None and not now.missing
    while not scene.time.past(NEAR if fits else SOON) and (batch := next(batches, None)) is not None:
        yield batch
        tried |= {edit for *_, edit in batch}
        if suspects.several != several:  # what mends a part was found: the others are elsewhere, then
            several, ranked = suspects.several, near()
            batches = likely(ranked)
    if not fits:
        yield from _batches((rank(*one, 0.0), *one) for one in unfit(scene, suspects.force))
    yield from alone(numbers(suspects.wanted))
    yield from alone(terms(scene, suspects.sums, suspects.force))
    yield from alone(unadded(scene, suspects.force, suspects.wanted, indices(scene)))
    for group in missing(scene, suspects.wanted):
        yield from _batches((rank(function, edit, 0.0), function, edit) for function, edit in group)
    yield from alone(unwritten(scene, suspects.force, suspects.goals, suspects.wanted))
    yield from _batches(one for one in ranked if one[2] not in tried)
    yield from alone(guessed(scene, suspects.force))


def _ranked(scene: Scene, suspects: Suspects, made: Callable[[Written], Iterator[Edit]]) -> list[Ranked]:
    suspicious, rank = cache(suspects.suspicion), _ranking(scene, suspects)
    found = [
        (rank(function, edit, suspicion), function, edit)
        for function in scene.functions
        for edit in made(function)
        if (suspicion := suspicious(function, edit.node)) is not None
        if not scene.reach.whole or edit.what not in ARITHMETIC or edit.node in scene.reach.leaves
    ]
    return sorted(found, key=lambda each: each[0])


def _ranking(scene: Scene, suspects: Suspects) -> Callable[[Written, Edit, float], Rank]:
    written = _written((*scene.functions, *scene.of_f))
    shared = frozenset(one.name for one in scene.functions if one.is_one_of(scene.of_f))

    @cache
    def place(function: Written, node: ast.expr | ast.stmt) -> tuple[int, float]:
        dearer = FOREIGN * _is_foreign(scene, function) + UNABLE * (
            not suspects.able(function, node) or _is_handed_to(shared, function, node)
        )
        return dearer, 4.0 * len(list(above(function, node)))

    def rank(function: Written, edit: Edit, suspicion: float) -> Rank:
        dearer, depth = place(function, edit.node)
        # what is added is added to the whole of an expression rather than deep inside it
        far = depth * (edit.cost > EXCHANGED)
        # and rather in the function that was called first than in its helpers
        far += 15.0 * scene.functions.index(function)
        return (
            edit.cost + dearer,
            suspicion,
            _plainness(function, edit) + far - ELSEWHERE * (edit.text in written),
        )

    return rank


def _is_handed_to(names: frozenset[str], function: Written, node: ast.AST) -> bool:
    """Whether it is what a function of one of these names is called with: f and the claim hand it the same."""
    calls = (one.func for one in above(function, node) if isinstance(one, ast.Call))
    return any(getattr(call, "id", getattr(call, "attr", "")) in names for call in calls)


def _written(functions: tuple[Written, ...]) -> frozenset[str]:
    """Texts of the operations and calls that stand somewhere."""
    nodes = ((one, node) for one in functions for node in ast.walk(one.node))
    return frozenset(
        one.source.segment(node) for one, node in nodes if isinstance(node, ast.BinOp | ast.Call)
    )


def _is_foreign(scene: Scene, function: Written) -> bool:
    """Whether a function is of an installed package and another is not: a library's is right, as a rule."""
    return is_installed(function.source.path) and not all(
        is_installed(one.source.path) for one in scene.functions
    )


def _batches(plain: Iterable[Ranked], size: int = 16) -> Iterator[list[Ranked]]:
    """Few at first, for those that come first are often enough."""
    some = iter(plain)
    while batch := list(islice(some, size)):
        yield batch
        size = min(2 * size, TOGETHER)


def _plainness(function: Written, edit: Edit) -> float:
    old = function.source.segment(edit.node)
    text = edit.text.replace(f"({old})", old)  # as it will stand there
    longer = len(text) - len(old)
    if edit.what == "written":  # in the place of all that stood there: the shorter, the plainer
        likes = liked(text, old) if isinstance(edit.node, ast.expr) else 0
        return max(longer, 0) + 0.01 * len(text) - likes
    # what goes round with a loop hardly stands still in it: one round does not show it
    still = loop_variables(function.node) & set(_WORD.findall(old)) - set(_WORD.findall(text))
    return abs(longer) + 0.01 * len(text) + STILL * len(still)


def _calls(function: Written, functions: tuple[Written, ...]) -> tuple[str, ...]:
    """Functions of one array that the claim or f calls itself."""
    used = {name for one in functions for name in (one.name, *one.code.co_names, *one.code.co_freevars)}
    words = sorted(used | {other for pair in _SLOPES for other in pair if used & {*pair}})
    space, held = function.functions[0].__globals__, inspect.getclosurevars(function.functions[0]).nonlocals
    own = [name for name in words if _takes_one(held.get(name, space.get(name)))]
    methods = [
        f"self.{one.name}"
        for one in functions
        if one.owner == function.owner is not None
        and one.code.co_varnames[:1] == ("self",)
        and one.code.co_argcount == 2
    ]
    ufuncs = [
        f"np.{name}"
        for name in words
        if name in _OF_ONE or (isinstance(one := getattr(np, name, None), np.ufunc) and one.nin == 1)
    ]
    return (*own, *methods, *ufuncs, "np.zeros_like", "len")


_SLOPES = (("sin", "cos"), ("sinh", "cosh"), ("abs", "sign"))
"""Functions of which one is in the derivative of the other."""
_OF_ONE = frozenset({"cumsum", "diag", "ones_like"})


def _takes_one(value: object) -> bool:
    return inspect.isfunction(value) and value.__code__.co_argcount == 1
