"""Choose cases by words in their names, as ``pytest -k`` does."""

from __future__ import annotations

import re
from collections.abc import Callable

_GRAMMAR = {"and", "or", "not", "(", ")"}


def matcher(expression: str) -> Callable[[str], bool]:
    """``matcher("losses and not mse")(name)``: whether a name contains the words so combined, in any case.

    Raises
    ------
    ValueError
        If the expression is not words joined by ``and``, ``or``, ``not`` and parentheses.
    """
    tokens = re.findall(r"[()]|[^\s()]+", expression)

    def matches(name: str) -> bool:
        # what is evaluated consists of and, or, not, parentheses, True and False alone
        logic = (token if token in _GRAMMAR else str(token.lower() in name.lower()) for token in tokens)
        chosen = eval(" ".join(logic) or "True")
        if not isinstance(chosen, bool):
            raise SyntaxError("empty parentheses")
        return chosen

    try:
        matches("")
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"-k {expression!r} is not words joined by and, or, not and parentheses") from error
    return matches
