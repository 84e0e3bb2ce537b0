"""Which guesses are told, and in which order: the fewest and likeliest mistakes that explain every wrong leaf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce

from gradcheck.explain.diagnose.guess import EXACT, FITTED, PATTERN, REMAINDER, Guess
from gradcheck.explain.diagnose.words import diagnosis
from gradcheck.explain.evidence import Evidence
from gradcheck.findings import Diagnosis

# Guesses dearer than the best by more than this are no rivals of it.
RIVAL = 12.0
TOLD = 6
# Kinds that leave no room for another story once they fit.
PLAIN = ("scale", "sign", "zero", "transpose", "permutation", "swapped_leaves", "single_entry")


def merged(guesses: Iterable[Guess]) -> list[Guess]:
    """Guesses of equal kind and key made one, over all leaves that they explain."""
    found: dict[tuple[str, object], Guess] = {}
    for guess in guesses:
        # leaves about which nothing is known are not one mistake
        name = (guess.kind, guess.leaves if guess.kind == "other" and guess.cost >= REMAINDER else guess.key)
        found[name] = found[name].joined(guess) if name in found else guess
    return list(found.values())


def price(guesses: Iterable[Guess], evidence: Evidence) -> float:
    """What the likeliest explanation of all wrong leaves costs."""
    wrong = {i for i, leaf in enumerate(evidence.leaves) if leaf.wrong}
    return sum(guess.cost for guess in _cover(merged(guesses), wrong))


def settled(guesses: Iterable[Guess], evidence: Evidence) -> bool:
    """Whether single leaves tell it all: the chain could only tell the same in longer words."""
    wrong = {i for i, leaf in enumerate(evidence.leaves) if leaf.wrong}
    chosen = _cover(merged(guesses), wrong)
    return all(g.cost < EXACT - 1.0 or (g.kind in PLAIN and g.cost < FITTED) for g in chosen)


def ranked(guesses: Iterable[Guess], evidence: Evidence) -> Iterator[Diagnosis]:
    """The likeliest explanation of all wrong leaves, then the rivals of each part of it."""
    pool = merged(guesses)
    chosen = _cover(pool, {i for i, leaf in enumerate(evidence.leaves) if leaf.wrong})
    unknown = [g for g in chosen if g.cost >= REMAINDER]
    if len(unknown) > 1:
        chosen = [g for g in chosen if g.cost < REMAINDER] + [reduce(Guess.joined, unknown)]
    rivals: list[Guess] = []
    for guess in chosen:
        for rival in _rivals(guess, pool):
            if rival.kind not in {g.kind for g in chosen + rivals}:
                rivals.append(rival)
    for guess in chosen:
        close = [
            g.cost - guess.cost for g in _rivals(guess, pool) if g.kind != guess.kind and not _same(g, guess)
        ]
        yield diagnosis(guess, evidence, _certainty(guess, min(close, default=RIVAL)))
    told = {i for guess in chosen for i in guess.leaves}
    for leaf in (leaf for i, leaf in enumerate(evidence.leaves) if leaf.wrong and i not in told):
        message = f"{leaf.path} is wrong; where and by how much could not be located."
        yield Diagnosis("other", leaf.path, message, {}, "possible")
    for guess in sorted(rivals, key=lambda g: g.cost)[: max(TOLD - len(chosen), 1)]:
        if same := [other.kind for other in chosen if _same(guess, other)]:
            guess = replace(
                guess,
                says=f"the same may be called {_article(guess.kind)} in {{leaves}}",
                remedy="",
                figures={**guess.figures, "synonym_of": same[0]},
            )
        yield diagnosis(guess, evidence, "possible")


def _cover(pool: list[Guess], wrong: set[int]) -> list[Guess]:
    """Guesses that together explain every wrong leaf, cheapest first found: the whole at once, or leaf by leaf.

    The price of a guess is what it costs plus what the leaves it leaves open cost by themselves.
    """
    alone = {i: min((g.cost for g in pool if i in g.leaves), default=REMAINDER) for i in wrong}
    chosen: list[Guess] = []
    left = set(wrong)
    while left:
        useful = [g for g in pool if left & set(g.leaves)]
        if not useful:
            break

        def open_price(guess: Guess, left: set[int] = left) -> float:
            return guess.cost + sum(alone[i] for i in left - set(guess.leaves))

        best = min(useful, key=lambda g: (open_price(g), g.cost))
        chosen.append(best)
        left = left - set(best.leaves)
    return chosen


def _rivals(guess: Guess, pool: list[Guess]) -> list[Guess]:
    """Other explanations of the same leaves, likeliest first; those of part of them after those of all."""
    own = set(guess.leaves)
    others = [g for g in pool if g is not guess and own & set(g.leaves) and g.cost - guess.cost < RIVAL]
    return sorted(others, key=lambda g: (len(own - set(g.leaves)), g.cost))


def _same(one: Guess, other: Guess) -> bool:
    """Whether both tell the same story, under two kinds."""
    return one.key is not None and one.key == other.key and one.leaves == other.leaves


def _article(kind: str) -> str:
    noun = kind.replace("_", " ")
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _certainty(guess: Guess, gap: float) -> str:
    if guess.kind == "other" or guess.cost > PATTERN:  # what hardly anything bears out
        return "possible"
    return "certain" if gap >= 3.0 else "likely" if gap >= 1.0 else "possible"
