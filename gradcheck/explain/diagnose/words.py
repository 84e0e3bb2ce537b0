"""From guesses to sentences: names joined, verbs agreeing, and where a chain's error enters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gradcheck.explain.diagnose.guess import Guess
from gradcheck.explain.evidence import Evidence
from gradcheck.findings import Diagnosis

VERBS = {"is": ("is", "are"), "has": ("has", "have"), "differs": ("differs", "differ")}
NAMED = 6
_EXPONENT = re.compile(r"(?<=\d)e([-+])0(?=\d)")
"""``3e-05``, which reports spell ``3e-5``."""
# Mistakes that a chain hands down to every leaf below the place where they are made.
PASSED_ON = (
    "sign", "scale", "zero", "nonfinite", "missing_term", "extra_term", "missing_activation_derivative",
    "wrong_activation_derivative", "transpose", "other",
)  # fmt: skip


def listed(names: Sequence[str]) -> str:
    """``W1, b1 and W2``; of many the first and how many more."""
    if len(names) > NAMED:
        return f"{', '.join(names[: NAMED - 1])} and {len(names) - NAMED + 1} more leaves"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def diagnosis(guess: Guess, evidence: Evidence, certainty: str) -> Diagnosis:
    """The guess as a sentence with its leaves, and what to try."""
    paths = [evidence.leaves[i].path for i in guess.leaves]
    plural = len(paths) > 1
    verbs = {verb: forms[plural] for verb, forms in VERBS.items()}
    clause = _fill(guess.says, {"leaves": listed(paths), **verbs})
    message = "; ".join(filter(None, (clause, _entrance(guess, evidence))))
    message = _EXPONENT.sub(r"e\1", message)
    figures = dict(guess.figures) | ({"leaves": paths} if plural else {})
    return Diagnosis(guess.kind, paths[0], f"{message}.", figures, certainty, guess.remedy)


def _fill(template: str, words: dict[str, str]) -> str:
    for key, word in words.items():
        template = template.replace(f"{{{key}}}", word)
    return template


def _entrance(guess: Guess, evidence: Evidence) -> str:
    """For a chain whose first leaves are wrong and whose last are right: between which the error enters."""
    wrong = [leaf.wrong for leaf in evidence.leaves]
    count = sum(wrong)
    if (
        guess.kind not in PASSED_ON
        or not 1 < count < len(wrong)
        or len(guess.leaves) < count
        or not all(wrong[:count])
    ):
        return ""
    paths = [leaf.path for leaf in evidence.leaves]
    return f"the error enters between {paths[count]} and {paths[count - 1]}"
