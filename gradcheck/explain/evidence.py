"""What locating a failure yields and diagnosing it needs: claim beside truth, leaf by leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradcheck.ask.trees import Floats


@dataclass(frozen=True)
class LeafEvidence:
    """One leaf of a failed check.

    Attributes
    ----------
    path, argnum
        The leaf's name (``params['b'][0]``) and the position of the argument that holds it.
    value
        The leaf's own value, the point of the check.
    claimed
        What the claim returned for it, as float64 but in the shape it came in (which may be the mistake);
        None where nothing of the kind came back.
    truth, bound
        The derivative and a bound on its error, in the shape of ``value``; NaN where it was not located.
    wrong
        Whether the claim is outside the bound somewhere in this leaf.
    dtype, claimed_dtype
        Of the argument and of the claim as they came, before they were widened to float64.
    """

    path: str
    argnum: int
    value: Floats
    claimed: Floats | None
    truth: Floats
    bound: Floats
    wrong: bool
    dtype: str = "float64"
    claimed_dtype: str = "float64"


@dataclass(frozen=True)
class Evidence:
    """A failed check as the catalogue of mistakes sees it.

    Attributes
    ----------
    leaves
        All checked leaves, in the order of the arguments (for a network: input to output).
    arguments
        Every argument of f by name, data as well as parameters.
    surroundings
        What f finds in closures and in the objects that it names, by name.
    output
        f at the point (an array; the concatenation of the leaves where f returns a tree).
    cotangent
        What the claim was asked to pull back; None for a scalar f.
    tape
        The traced computation (`gradcheck.oracles.tracing.Tape`), None where f could not be traced.
    """

    leaves: tuple[LeafEvidence, ...]
    arguments: tuple[tuple[str, Any], ...]
    output: Floats
    cotangent: Floats | None
    tape: Any = None
    surroundings: tuple[tuple[str, Any], ...] = ()
