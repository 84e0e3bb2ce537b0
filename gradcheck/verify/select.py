"""Choose cases by words in their names, as ``pytest -k`` does."""

from __future__ import annotations

import re
from collections.abc import Callable

Matcher = Callable[[str], bool]

_TOKEN = re.compile(r"[()]|[^\s()]+")
_JOINING = {"and", "or", "not", "(", ")"}


class _Unreadable(Exception):
    """What stands where a word is due is none."""


def matcher(expression: str) -> Matcher:
    """``matcher("losses and not mse")(name)``: whether a name contains the words so combined, in any case.

    Raises
    ------
    ValueError
        If the expression is not words joined by ``and``, ``or``, ``not`` and parentheses.
    """
    tokens = _TOKEN.findall(expression)
    if not tokens:
        return lambda name: True
    try:
        matches, rest = _either(tokens)
        if not rest:
            return matches
    except (_Unreadable, RecursionError):
        pass
    raise ValueError(f"-k {expression!r} is not words joined by and, or, not and parentheses")


# Each of these reads what it can from the front of the tokens, and returns it with the tokens that are left.


def _either(tokens: list[str]) -> tuple[Matcher, list[str]]:
    first, rest = _both(tokens)
    if rest[:1] != ["or"]:
        return first, rest
    second, left = _either(rest[1:])
    return lambda name: first(name) or second(name), left


def _both(tokens: list[str]) -> tuple[Matcher, list[str]]:
    first, rest = _single(tokens)
    if rest[:1] != ["and"]:
        return first, rest
    second, left = _both(rest[1:])
    return lambda name: first(name) and second(name), left


def _single(tokens: list[str]) -> tuple[Matcher, list[str]]:
    head, rest = tokens[:1], tokens[1:]
    if head == ["not"]:
        negated, left = _single(rest)
        return lambda name: not negated(name), left
    if head == ["("]:
        inner, left = _either(rest)
        if left[:1] != [")"]:
            raise _Unreadable
        return inner, left[1:]
    if not head or head[0] in _JOINING:
        raise _Unreadable
    word = head[0].lower()
    return lambda name: word in name.lower(), rest
