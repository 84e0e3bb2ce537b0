"""What a check found: the data that every report, table, JSON file and picture is a view of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

STOPPED = "the diagnosis stopped after"
"""How a remark begins that some guesses were not tried."""
SLIGHT = 1e-2
"""A deviation of no more may be meant, or what an iteration left undone; a solver's coarsest default leaves 1e-3."""


class Verdict(StrEnum):
    """The three answers a check can give."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Entry:
    """One entry of a leaf, truth beside claim.

    ``bound`` bounds |truth - exact derivative|.
    """

    index: tuple[int, ...]
    claimed: float
    truth: float
    bound: float


@dataclass(frozen=True)
class ErrorMap:
    """The relative errors over an array as a picture: rows by columns of cells, each the largest of a block of entries.

    Attributes
    ----------
    shape
        Of the array. Its first axis goes down, all others across in their order; a single axis goes across.
    block
        How many entries a cell stands for: down, across.
    errors
        The cells, row by row: 0 where all is right, None where no truth is known, infinite where the claim is. Where
        the truth is 0 in the whole array what is wrong counts as 1.
    """

    shape: tuple[int, ...]
    block: tuple[int, int]
    errors: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class Steps:
    """What differences said along the direction that the verdict rests on, step after step.

    Attributes
    ----------
    differences
        (step, central difference of f over it), from the shortest step to the longest.
    chosen
        The step that ``slope`` rests on; 0 where there is no such step.
    slope, bound
        The derivative that differences are taken to show, and how far it may be off.
    truth
        Autograd's where it lies within that, else ``slope``.
    claimed
        What the claim says it is.
    noise
        What one evaluation of f may be off by: a difference is then off by ``noise / step``.
    """

    differences: tuple[tuple[float, float], ...]
    chosen: float
    slope: float
    bound: float
    truth: float
    claimed: float
    noise: float


@dataclass(frozen=True)
class Leaf:
    """The outcome for one array of the checked arguments.

    Attributes
    ----------
    path
        The argument's own name, then keys: ``W1``, ``params['b'][0]``.
    resolution
        Smallest relative error in this leaf that the check would have caught; None where it was not tested.
    max_abs_error, max_rel_error
        The largest error located, None where the errors were not located. Relative to the truth's own entry
        where that is not 0, else to the leaf's largest entry.
    worst_index
        Index of the entry with the largest absolute error, which need not be the largest relative one; None where not
        located.
    entries
        A handful of entries with truth and claim, worst first.
    note
        What a reader must know beyond the verdict: "at a kink, accepted as a subgradient",
        "not tested: the derivative is zero here". Empty where there is nothing to say.
    errors
        Where in the array the errors are; None where they were not located, or there is one entry only.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    verdict: Verdict
    resolution: float | None = None
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    worst_index: tuple[int, ...] | None = None
    entries: tuple[Entry, ...] = ()
    note: str = ""
    errors: ErrorMap | None = None


@dataclass(frozen=True)
class Diagnosis:
    """A mistake by name.

    ``kind`` is one of `KINDS`, ``leaf`` a path ("" where it concerns the whole claim), ``message`` what was seen, for
    a person, ``evidence`` the figures behind it, ``certainty`` "certain", "likely" or "possible", ``advice`` where to
    look ("" where there is nothing to add).
    """

    kind: str
    leaf: str
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    certainty: str = "certain"
    advice: str = ""


@dataclass(frozen=True)
class Blame:
    """An expression of the claim's own source, and what would mend it.

    Attributes
    ----------
    file, line, end_line, column, end_column
        Where it stands; lines count from 1, columns from 0, in bytes of UTF-8, as in `ast`.
    expression
        Its text.
    message
        What is wrong with it, for a person.
    repair
        The text that would mend it, None where none was found.
    leaves
        The leaves that come right with the repair.
    proved
        Whether the claim was run with the repair and passed the whole check, at several points.
    function
        The function that it stands in.
    lines
        The source from three lines before it to three after, each line with its number.
    """

    file: str
    line: int
    end_line: int
    column: int
    end_column: int
    expression: str
    message: str
    repair: str | None
    leaves: tuple[str, ...]
    proved: bool
    function: str = ""
    lines: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Blamed:
    """The expressions that are to blame for a failure, best first.

    ``patch`` is a unified diff of the proved repairs, "" without any; ``remark`` says what was tried in vain.
    """

    blame: tuple[Blame, ...] = ()
    patch: str = ""
    remark: str = ""


NOBODY = Blamed()
"""No expression is to blame, and nothing was tried."""

KINDS = (
    "scale", "sign", "transpose", "permutation", "swapped_leaves", "shape", "dtype",
    "missing_activation_derivative", "wrong_activation_derivative", "missing_term", "extra_term", "zero",
    "constant", "single_entry", "rows", "columns", "sparse", "small_relative", "nonfinite",
    "nondeterministic", "mutates_input", "kink", "other",
)  # fmt: skip


class Blind(StrEnum):
    """Kinds of what a pass cannot see."""

    AXIS = "axis"
    """An axis of length 1."""
    ROWS = "rows"
    """Equal rows or columns, or equal arrays."""
    CONSTANT = "constant"
    """All entries zero, one, or another number."""
    SYMMETRIC = "symmetric"
    """A symmetric matrix, the identity among them, or a stack of such."""
    BRANCH = "branch"
    """A side of a comparison, a mask or an ``if`` never taken, a loop, a case or an ``except`` that never ran."""
    INDEX = "index"
    """An index array in which no index comes twice."""
    MASK = "mask"
    """A mask that is true, or false, everywhere."""
    DROPOUT = "dropout"
    """Dropout, or training, that is off."""
    COTANGENT = "cotangent"
    """A cotangent of ones."""
    INTEGERS = "integers"
    """Integers where floats are due."""
    UNKNOWN = "unknown"
    """What was asked for after f or the claim had come to answer otherwise, or could not be looked for."""


@dataclass(frozen=True)
class Unseen:
    """What a pass could not see.

    ``where`` is the argument, the name by which f finds what is none, or "f" or the claim's label; ``file`` and
    ``line`` say where its branch stands ("" and 0 elsewhere). ``seen_to`` says that a point which is not special in
    this way was checked as well.
    """

    kind: Blind
    where: str
    message: str
    file: str = ""
    line: int = 0
    seen_to: bool = False


@dataclass(frozen=True)
class Branch:
    """A choice that f or the claim makes entry by entry: a comparison, a mask, ``maximum``, ``where``, ``clip``.

    ``where`` is "f" or the claim's label, ``what`` the function or operator, ``taken`` the share of entries that went
    its first way (the comparison is true, the first operand is taken, the mask takes it).
    """

    where: str
    file: str
    line: int
    what: str
    text: str
    taken: float


@dataclass(frozen=True)
class OracleUse:
    """Whether an oracle took part, and if not why: ("autograd", False, "np.vectorize cannot be traced")."""

    name: str
    used: bool
    note: str = ""


@dataclass(frozen=True)
class Findings:
    """Everything one check found.

    Attributes
    ----------
    check
        "grad", "vjp", "jvp", "jacobian", "hessian", "hvp" or "layer".
    reasons
        Of an inconclusive verdict: what stands in the way, whose fault it is, what to do.
    evaluations, claim_evaluations
        Calls of f (traced ones included) and of the claim, up to the verdict: what a pass did not see is looked for by
        two more of each, when it is first asked for.
    rtol
        The relative error the user wants caught.
    miss_probability
        Bound on the probability that an error of relative size ``rtol`` in one leaf was missed.
    notes
        Other remarks worth a line each.
    subject
        Of a layer: what was taken for what, in a line.
    unchecked
        Arrays that f depends on and that no gradient came for.
    unseen
        Of a pass: what it could not see, by what is special about the point.
    branches
        Of a pass: the choices of f and of the claim, and which share of the entries went which way.
    steps
        The differences that the verdict rests on; None where there were none, or f is kinked along them.
    weighted
        How f's outputs were made one number, whose derivative the entries are: "the outputs weighted at random, ...";
        empty where it is the derivative of f itself.
    """

    check: str
    verdict: Verdict
    leaves: tuple[Leaf, ...]
    diagnoses: tuple[Diagnosis, ...]
    reasons: tuple[str, ...]
    oracles: tuple[OracleUse, ...]
    evaluations: int
    claim_evaluations: int
    seconds: float
    seed: int
    rtol: float
    miss_probability: float | None = None
    notes: tuple[str, ...] = ()
    subject: str = ""
    unchecked: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    branches: tuple[Branch, ...] = ()
    steps: Steps | None = None
    weighted: str = ""

    @property
    def ok(self) -> bool:
        """Whether the verdict is a pass."""
        return self.verdict is Verdict.PASS
