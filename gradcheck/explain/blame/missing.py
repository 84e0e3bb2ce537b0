"""Edits that write what an expression is meant to be with what is in sight: a factor, a term, an operand more."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.edits import ADDED, EXCHANGED, Edit, operand
from gradcheck.explain.blame.flow import run_out
from gradcheck.explain.blame.forcing import Force, Wanted
from gradcheck.explain.blame.inverse import fitted, is_open, operands
from gradcheck.explain.blame.patch import bare
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.sight import PRODUCTS, Candidate, Scope, Site, in_sight
from gradcheck.explain.blame.synthesis import texts
from gradcheck.explain.blame.watch import Node, is_float
from gradcheck.explain.blame.written import Written, then

_FOUND, _EACH = 60, 12
"""Texts that are looked for in one place, and of them the short ones that are tried."""
_TOGETHER = 4
"""Places whose texts are weighed against each other: a mistake can be mended before and after what is done with it."""
LIKED = 8
"""How many letters more a forgotten factor may have."""
_LETTERS, _NUMBER = 4, re.compile(r"(?<![\w.])[3-9](?![\w.])")
"""How many letters more what is no number may have."""
_VISITS, _SHOWN = 6, 3
"""Visits of a place that is looked into, at most; and those that are looked at, of a place that has many."""


def missing(scene: Scene, wanted: tuple[Wanted, ...]) -> Iterator[list[tuple[Written, Edit]]]:
    """Edits that make expressions worth what is wanted of them, for some places after another."""
    places = ((one, place) for one in wanted for place in _places(one) if place[0].scopes)
    while some := list(islice(places, _TOGETHER)):
        found = []
        for one, (site, node, form) in some:
            if not scene.time.late():
                sight = sight_of(scene, site)
                weighed = [
                    (_weight(text, site), text) for text in islice(dict.fromkeys(texts(site, sight)), _FOUND)
                ]
                new = sorted(weighed)[:_EACH]
                found += [
                    (weight, one.function, node, form.format(text if form == "{}" else bare(text)))
                    for weight, text in new
                ]
        for one in dict.fromkeys(one for one, _ in some):
            if not scene.time.late():
                found += [(len(text), one.function, node, text) for node, text in _summed(scene, one)]
        found.sort(key=lambda each: (scene.functions.index(each[1]), each[0]))
        yield [(function, Edit(ADDED, "written", node, text)) for _, function, node, text in found]


_WAYS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("{s}", lambda e, s: s),
    ("{e} * {s}", lambda e, s: e * s),
    ("{e} / {s}", lambda e, s: e / s),
    ("{e} + {s}", lambda e, s: e + s),
    ("{e} - {s}", lambda e, s: e - s),
    ("{s} - {e}", lambda e, s: s - e),
    *PRODUCTS,
)


def _summed(scene: Scene, one: Wanted) -> Iterator[tuple[ast.expr, str]]:
    """A factor more in what is summed up, where the sum is known that it has to have."""
    node = one.node
    if (
        not isinstance(node, ast.Call)
        or not isinstance(node.func, ast.Attribute)
        or len(one.values) > _VISITS
    ):
        return
    name, array = node.func.attr, node.args[0] if node.args else node.func.value
    held = one.seen.get(array, [])
    if name not in ("sum", "mean") or len(node.args) > 1 or len(held) != len(one.values):
        return
    try:
        words = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg is not None}
    except ValueError:  # an axis that is computed
        return
    site, text = in_place(one)[0], operand(one.function.source, array)
    for other in sight_of(scene, site):
        try:
            sums = [
                getattr(np, name)(old * new, **words) for old, new in zip(held, other.values, strict=True)
            ]
        except Exception:  # of what does not suit it
            continue
        if all(map(_is_same, sums, one.values)):
            yield array, f"{text} * {other.text}"


def _is_same(value: Any, wanted: Any) -> bool:
    off = np.nanmax(np.abs(value - wanted), initial=0.0) if np.shape(value) == np.shape(wanted) else np.inf
    return bool(off <= 1e-9 * np.nanmax(np.abs(wanted), initial=0.0))


def sight_of(scene: Scene, site: Site) -> tuple[Candidate, ...]:
    """What is in sight of a place of the claim; nothing where it is a number at no visit."""
    if not site.scopes:
        return ()
    where = scene.points[0].task.where
    data = frozenset(name for number, name in enumerate(where.names) if number not in where.argnums)
    return in_sight(site, scene.of_f, data, scene.patience)


def guessed(scene: Scene, force: Force) -> Iterator[tuple[Written, Edit]]:
    """Edits by which something in sight joins an expression, that mend a leaf: a call of the claim each.

    What has a name of its own is tried everywhere before anything that is made of it.
    """
    astray = force.now is not None and bool(force.now.missing)
    places = list(_joinable(scene, force))
    for sight in (_named, sight_of):
        for site, node, held in places:
            for other in (one for one in sight(scene, site) if one.text != site.text):
                for form, made in _WAYS:
                    if scene.time.late():
                        return
                    values = _joined(made, held, other, astray)
                    if values and force.tried(node, values):
                        yield (
                            site.function,
                            Edit(ADDED, "times", node, form.format(e=site.text, s=other.text)),
                        )


def _named(scene: Scene, site: Site) -> Iterator[Candidate]:
    """The numbers and arrays that variables are worth."""
    for name in site.scopes[0]:
        values = tuple(scope.get(name) for scope in site.scopes)
        if all(map(is_float, values)):
            yield Candidate(name, values)


def _joinable(scene: Scene, force: Force) -> Iterator[tuple[Site, ast.expr, list[Any]]]:
    for node, leaves in scene.reach.leaves.items():
        held = scene.reach.values[node]
        if not isinstance(node, ast.expr) or len(held) > _VISITS or not all(map(is_float, held)):
            continue
        one = force.as_it_is(force.owners[node], node) if leaves & scene.left else None
        if one is not None and (site := in_place(one)[0]).scopes:  # it is a number somewhere
            yield site, node, held


def _joined(
    made: Callable[[Any, Any], Any], held: Sequence[Any], other: Candidate, astray: bool
) -> tuple[Any, ...]:
    """The values of a combination with the shapes that were there, or more axes; any where a leaf has a wrong one."""
    try:
        found = tuple(np.asarray(made(old, new)) for old, new in zip(held, other.values, strict=True))
    except Exception:  # of operands that do not suit each other
        return ()
    alike = all(
        np.shape(new) == np.shape(old) or np.ndim(new) > np.ndim(old)
        for new, old in zip(found, held, strict=True)
    )
    return found if alike or astray else ()


def _weight(text: str, site: Site) -> int:
    # a length that is there rather than the number that it is here
    number = _LETTERS * bool(_NUMBER.search(text.replace(site.text, "")))
    return len(text) - len(site.text) - liked(text, site.text) + number


def liked(text: str, old: str) -> int:
    """How many letters more a forgotten factor may have, and the other slope beside the one that a mask has.

    A mask may have more: a quotient that is worth the same is no number where it is zero by zero.
    """
    times, slopes = (f"{old} * ", f"{old} / "), f"np.where({bare(old)}, "
    mask = text.startswith(f"{old} * (") and text.endswith(" > 0)")
    return LIKED * (text.startswith(times) + mask) + 2 * LIKED * text.startswith(slopes)


def _places(one: Wanted) -> Iterator[Place]:
    if one.after is not None:
        yield _after(one, one.after)
        return
    yield in_place(one)
    yield from _for_numbers(one)
    yield from _after_the_round(one)
    yield from _before_what_is_added(one)


Place = tuple[Site, ast.expr | ast.stmt, str]
"""A site, the node that an edit of it is to stand for, and how the text that is found stands there."""


def in_place(one: Wanted) -> Place:
    """Something else for the expression itself."""
    visits = _chosen([visit for visit, value in enumerate(one.values) if not is_open(value)])
    seen, lost = list(one.seen), run_out(one.function, one.node)
    before = {node: one.seen[node] for node in seen[: seen.index(one.node)]}
    site = Site(
        one.function,
        operand(one.function.source, one.node),
        tuple(one.seen[one.node][visit] for visit in visits),
        tuple(one.values[visit] for visit in visits),
        tuple(_without(one.scopes[visit], lost) for visit in visits),
        _own(one, before, len(one.values), visits),
    )
    return site, one.node, "{}"


def numbers(wanted: tuple[Wanted, ...]) -> Iterator[tuple[Written, Edit]]:
    """Edits of a number that is an operand into the one that it has to be."""
    for one in wanted:
        for part, values in _of_numbers(one):
            every = np.concatenate([np.ravel(value) for value in values])
            every = every[np.isfinite(every)]
            number = float(np.median(every)) if every.size else np.nan
            if np.isfinite(number) and np.all(np.abs(every - number) <= _NEAR * abs(number)):
                for text in _spelled(number):
                    yield one.function, Edit(EXCHANGED, "constant", part, text)


def _of_numbers(one: Wanted) -> Iterator[tuple[ast.Constant, tuple[Floats, ...]]]:
    """The numbers that are operands of an expression, and what each has to be."""
    for part, values in operands(one.node, one.values, one.seen):
        kept = [fitted(value, 0.0) for value in values]
        number = isinstance(part, ast.Constant) and type(part.value) in (int, float)
        if number and all(value is not None for value in kept):
            yield part, tuple(kept)  # type: ignore[arg-type,misc]


def _spelled(number: float) -> Iterator[str]:
    """A number as one writes it: a whole one, or one over it."""
    for value, form in ((number, "{}"), (1.0 / number if number else np.inf, "1 / {}")):
        if abs(value) < _LARGE and round(value) and abs(value - round(value)) <= _NEAR * abs(value):
            yield form.format(round(value))


_NEAR, _LARGE = 1e-9, 1e4
"""Relative difference of a number from the one it is taken for, and the largest that is thought of."""


def _for_numbers(one: Wanted) -> Iterator[Place]:
    """Something else for a number that is an operand."""
    for part, values in _of_numbers(one):
        site, *_ = in_place(one)
        if not any(map(is_open, values)) and len(values) == len(site.scopes):
            yield (
                replace(site, text=repr(part.value), now=(part.value,) * len(values), target=values),
                part,
                "{}",
            )


def _without(scope: Scope, names: frozenset[str]) -> Scope:
    return {name: value for name, value in scope.items() if name not in names} if names else scope


def _after(one: Wanted, statement: ast.stmt) -> Place:
    """A statement more, after one that writes into a variable."""
    site, _, _ = in_place(one)
    written, name = one.function.source.segment(statement), one.function.source.segment(one.node)
    return site, statement, f"{_braced(written)}{then(one.function.source, statement)}{name} = {{}}"


def _after_the_round(one: Wanted) -> Iterator[Place]:
    """A statement at the end of a loop that gives a variable what is wanted of it in the next round."""
    node, source = one.node, one.function.source
    loop = source.parents.get(node)
    while loop is not None and not isinstance(loop, ast.For | ast.While) and loop is not one.function.node:
        loop = source.parents.get(loop)
    if not isinstance(node, ast.Name) or not isinstance(loop, ast.For | ast.While) or len(one.values) < 3:
        return
    last = loop.body[-1]
    visits = _chosen([visit - 1 for visit, value in enumerate(one.values) if visit and not is_open(value)])
    inside, name = list(ast.walk(loop)), node.id
    counted = {part: held for part, held in one.seen.items() if part in inside}
    own = _own(one, counted, len(one.values), visits)
    given = [
        part.value for part in inside if isinstance(part, ast.Assign) and _is_name(part.targets[0], name)
    ]
    held = one.seen.get(given[-1], one.values) if given else one.values
    site = Site(
        one.function,
        name,
        tuple(held[visit] for visit in visits) if len(held) == len(one.values) else own[name],
        tuple(one.values[visit + 1] for visit in visits),
        tuple(one.scopes[visit] for visit in visits),
        own,
    )
    yield site, last, f"{_braced(source.segment(last))}{then(source, last)}{name} = {{}}"


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _before_what_is_added(one: Wanted) -> Iterator[Place]:
    """A statement before a term is added that gives the sum so far what is wanted of it."""
    source, above = one.function.source, one.function.source.parents.get(one.node)
    if not isinstance(above, ast.AugAssign) or not isinstance(above.op, ast.Add) or len(one.values) > 1:
        return
    if not isinstance(above.target, ast.Name) or not isinstance(
        sum_ := one.scopes[0].get(above.target.id), np.ndarray
    ):
        return
    gap = one.values[0] - one.seen[one.node][0]
    place, *_ = in_place(one)
    name = above.target.id
    site = Site(one.function, name, (sum_,), (sum_ + gap,), one.scopes, place.own)
    yield site, above, f"{name} = {{}}{then(source, above)}{_braced(source.segment(above))}"


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _chosen(visits: Sequence[int]) -> list[int]:
    count = len(visits)
    return [
        visits[place]
        for place in sorted({round(each) for each in np.linspace(0, count - 1, min(count, _SHOWN))})
    ]


def _own(
    one: Wanted, held: Mapping[Node, list[Any]], count: int, visits: list[int]
) -> dict[str, tuple[Any, ...]]:
    """The values of the function's own expressions, of those that are evaluated as often or once."""
    inside, found = one.function.inside, dict[str, tuple[Any, ...]]()
    for node, values in held.items():
        if node in inside and isinstance(node, ast.expr) and len(values) in (1, count):
            text = operand(one.function.source, node)
            chosen = values * len(visits) if len(values) == 1 else [values[visit] for visit in visits]
            found.setdefault(text, tuple(chosen))
    return found
