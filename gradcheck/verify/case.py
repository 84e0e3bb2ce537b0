"""A check as data: name, function, claim, point and what should come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradcheck import checks
from gradcheck.ask import ambient
from gradcheck.findings import KINDS, Verdict
from gradcheck.layer import check_layer
from gradcheck.report.report import Report, raise_for, raised_at_the_call

__tracebackhide__ = True  # pytest shows the user's own frames alone

CHECKS: dict[str, Callable[..., Report]] = {
    "grad": checks.check_grad,
    "vjp": checks.check_vjp,
    "jvp": checks.check_jvp,
    "jacobian": checks.check_jacobian,
    "hessian": checks.check_hessian,
    "hvp": checks.check_hvp,
    "layer": check_layer,
}


class UnexpectedOutcome(AssertionError):
    """A case whose check ended otherwise than the case expects; ``report`` is what came instead."""

    def __init__(self, problem: str, report: Report) -> None:
        super().__init__(problem, report)
        self.report = report

    def __str__(self) -> str:
        return f"{self.args[0]}\n\n{self.report}"


@dataclass(frozen=True, init=False, eq=False)
class Case:
    """One check with the outcome it should have; what ``gradcheck verify`` collects.

    Parameters
    ----------
    name
        Unique among the cases run together; the part before the last ``/`` groups cases in tables.
    f, claim
        The function and the claim about its derivative, as the check of this kind takes them. For
        ``kind="layer"`` a pair of functions, or a layer object as ``f`` with ``claim=None``.
    args
        The arguments of ``f``: the point of the check.
    kind
        "grad", "vjp", "jvp", "jacobian", "hessian", "hvp" or "layer": which ``gradcheck.check_*`` runs.
    argnums
        As the check takes it.
    expect
        "pass", "fail" for a specimen that must be caught, or "inconclusive" where no oracle can tell.
    diagnosis, leaf
        For a specimen: the kind of the diagnosis that should come first, and a leaf that should be found
        wrong. Not looked at where None.
    options
        Further keywords of the check (``rtol``, ``seed``, ``points``, ...).

    Raises
    ------
    ValueError, TypeError
        If ``kind``, ``expect`` or ``diagnosis`` is none of the known words, or ``args`` no list or tuple.
    """

    name: str
    f: Any
    claim: Any
    args: tuple[Any, ...]
    kind: str
    argnums: int | Sequence[int] | None
    expect: Verdict
    diagnosis: str | None
    leaf: str | None
    options: dict[str, Any]

    def __init__(
        self,
        name: str,
        f: Any,
        claim: Any,
        args: Sequence[Any],
        kind: str = "grad",
        argnums: int | Sequence[int] | None = None,
        expect: str = "pass",
        *,
        diagnosis: str | None = None,
        leaf: str | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(args, list | tuple):
            raise TypeError(f"args of case {name!r} is a {type(args).__name__}, not a tuple: write args=(x,)")
        _one_of("kind", kind, tuple(CHECKS), name)
        _one_of("expect", expect, tuple(Verdict), name)
        if diagnosis is not None:
            _one_of("diagnosis", diagnosis, KINDS, name)
        given = dict(locals(), args=tuple(args), expect=Verdict(expect))
        for field in self.__dataclass_fields__:
            object.__setattr__(self, field, given[field])

    @property
    def __name__(self) -> str:
        """The case's name: pytest takes a parameter's ``__name__`` for the test's id."""
        return self.name

    def run(self) -> Report:
        """Run the check and return its report, whatever the verdict."""
        check = CHECKS[self.kind]
        options = {"seed": ambient.default("seed")} | self.options | {"raise_on_failure": False}
        if self.argnums is not None:
            options["argnums"] = self.argnums
        if self.kind == "layer":
            layer = self.f if self.claim is None else (self.f, self.claim)
            return check(layer, *self.args, **options)
        return check(self.f, self.claim, *self.args, **options)

    def problem(self, report: Report) -> str:
        """How ``report`` differs from what the case expects, without its name; empty where it does not."""
        if report.verdict is not self.expect:
            return f"should {_outcome(self.expect)} but {_came(report.verdict)}"
        wrong = [leaf.path for leaf in report.leaves if leaf.verdict is Verdict.FAIL]
        if self.leaf is not None and self.leaf not in wrong:
            return f"should fail in {self.leaf}, but the leaves found wrong are {_list(wrong)}"
        kinds = [diagnosis.kind for diagnosis in report.diagnoses]
        if self.diagnosis is not None and self.diagnosis not in kinds[:1]:
            return f"should be diagnosed as {self.diagnosis}, but the diagnoses are {_list(kinds)}"
        return ""

    @raised_at_the_call
    def check(self) -> Report:
        """Run the check and return its report; raise if the outcome is not the expected one.

        Raises
        ------
        GradientMismatch, InconclusiveCheck
            If the case should pass and does not.
        UnexpectedOutcome
            If a specimen that should fail passes, or fails in another leaf or for another reason.
        """
        report = self.run()
        problem = self.problem(report)
        if problem and self.expect is Verdict.PASS:
            raise_for(report)
        if problem:
            raise UnexpectedOutcome(f"{self.name} {problem}", report)
        return report


def _one_of(argument: str, value: str, allowed: Sequence[str], name: str) -> None:
    if value not in allowed:
        raise ValueError(f"{argument}={value!r} of case {name!r} is none of {', '.join(allowed)}")


def _outcome(verdict: Verdict) -> str:
    return "be inconclusive" if verdict is Verdict.INCONCLUSIVE else verdict.value


def _came(verdict: Verdict) -> str:
    words = {Verdict.PASS: "passed", Verdict.FAIL: "failed", Verdict.INCONCLUSIVE: "was inconclusive"}
    return words[verdict]


def _list(words: Sequence[str]) -> str:
    return ", ".join(words) or "none"
