"""What a check hands back: the findings with their views, and the two exceptions that carry them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from threading import RLock
from typing import TYPE_CHECKING, Any, Never, ParamSpec, TypeVar

from gradcheck.ask import ambient
from gradcheck.findings import NOBODY, Blame, Blamed, Branch, Findings, Unseen, Verdict
from gradcheck.report.views import text
from gradcheck.report.views.plain import plain, strict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__tracebackhide__ = True  # pytest shows the user's own frames alone

_REMEMBERED = frozenset({"_again", "_search", "_derive", "_look"})
"""What a report can ask once more, while the claim is at hand."""


@dataclass(frozen=True)
class Report(Findings):
    """The outcome of one check.

    A value object: ``verdict``, ``ok``, ``leaves``, ``diagnoses``, ``reasons``, ``evaluations``, ``seconds``,
    ``seed`` and the other fields of `gradcheck.findings.Findings`. Text, dict, JSON and HTML are views of it.
    """

    def __str__(self) -> str:
        return text.render(self, self.blamed)

    def __bool__(self) -> bool:
        """True for a pass alone: ``assert check_grad(..., raise_on_failure=False)`` means what it says."""
        return self.ok

    def sensitivity(self) -> Any:
        """Plant known errors into the claim (a sign, a factor, one wrong entry) and see which this check catches.

        Returns
        -------
        gradcheck.explain.sensitivity.Sensitivity
            ``planted``, one row an error; ``str`` of it is a table.

        Raises
        ------
        ValueError
            The report is no pass, or came from elsewhere (unpickled): there is nothing to ask again.
        """
        again = self.__dict__.get("_again")
        if again is None:
            raise ValueError(
                "sensitivity() asks the check again, and this report no longer has it at hand; run it anew"
            )
        return again()

    def right_backward(self) -> str:
        """Write the right backward pass of f, as NumPy in its own names: for a gradient or a VJP, and a short f.

        What is returned has passed the same check at several points.

        Raises
        ------
        ValueError
            f has a loop, a branch, or an operation that there is no rule for, and the message says which; or the
            report came from elsewhere (unpickled).
        """
        derive = self.__dict__.get("_derive")
        if derive is None:
            raise ValueError(
                "right_backward() reads f, and this report no longer has it at hand, or is none of a gradient or a VJP"
            )
        written: str = derive()
        return written

    def remembering(self, **means: Callable[[], Any]) -> Report:
        """Give the report the means to ask its check once more.

        ``again`` does so with errors planted, ``search`` looks for what is wrong in the claim's source, ``derive``
        writes a derivation of f, ``look`` tells what was not seen.
        """
        for name, mean in means.items():
            object.__setattr__(self, f"_{name}", mean)
        if "look" in means:  # what they are is told when it is asked for
            for name in ("unseen", "branches"):
                self.__dict__.pop(name, None)
        return self

    @cached_property  # type: ignore[misc]  # a field that is worked out where it was not given
    def unseen(self) -> tuple[Unseen, ...]:
        """Of a pass what it could not see, looked for when first asked for: by two calls of f and of the claim."""
        return self._looked[0]

    @cached_property  # type: ignore[misc]
    def branches(self) -> tuple[Branch, ...]:
        """Of a pass the choices of f and of the claim, looked for with what is `unseen`."""
        return self._looked[1]

    @cached_property
    def _looked(self) -> tuple[tuple[Unseen, ...], tuple[Branch, ...]]:
        with self.__dict__.setdefault("_looking", RLock()):  # another thread waits for what this one finds
            look = self.__dict__.pop("_look", None)  # f may read this report while it is looked at
            if look is None:
                return self.__dict__.get("unseen", ()), self.__dict__.get("branches", ())
            try:
                unseen, branches = look()
            except BaseException:  # it was broken off
                object.__setattr__(self, "_look", look)
                raise
            self.__dict__.update(unseen=unseen, branches=branches)
            return unseen, branches

    def noting(self, note: str) -> Report:
        """The same report with one more remark; what it remembers goes with it."""
        noted = replace(self, notes=(*self.notes, note))
        for name in _REMEMBERED & self.__dict__.keys():
            object.__setattr__(noted, name, self.__dict__[name])
        return noted

    def settled(self) -> Report:
        """The same report with nothing left to ask: of a failure that was expected nobody searches the source."""
        settled = replace(self)
        if "blamed" in self.__dict__:
            object.__setattr__(settled, "blamed", self.blamed)
        return settled

    @cached_property
    def blamed(self) -> Blamed:
        """Which expression of the claim is wrong, searched for when it is first asked for (seconds)."""
        search = self.__dict__.get("_search")
        if search is None or self.verdict is not Verdict.FAIL:
            return NOBODY
        found: Blamed = search()
        in_vain = found.remark and not found.blame and self.seconds <= _QUICK
        return (
            replace(found, remark=f"{found.remark.rstrip('.')}. {_OFFER}")
            if in_vain and self._can_be_written()
            else found
        )

    def _can_be_written(self) -> bool:
        try:
            return bool(self.right_backward())
        except Exception:  # the verdict stands, whatever becomes of the offer
            return False

    @property
    def blame(self) -> tuple[Blame, ...]:
        """The expressions to blame, best first; empty where none was found."""
        return self.blamed.blame

    @property
    def patch(self) -> str:
        """A unified diff of all proved repairs, "" without any."""
        return self.blamed.patch

    def __getstate__(self) -> dict[str, Any]:
        if self.verdict is Verdict.FAIL:
            self.blamed  # noqa: B018 - searched for while the claim is at hand
        self.unseen, self.branches  # noqa: B018 - and this
        own = {*_REMEMBERED, "_looked", "_looking"}
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def to_dict(self) -> dict[str, Any]:
        """The report as dicts, lists, strings and numbers.

        ``oracles`` lists the names of those that took part, ``unused_oracles`` the others, each with the
        reason. Floats stay floats, NaN and infinities included.
        """
        whole: dict[str, Any] = plain(self)
        oracles = whole.pop("oracles")
        return {
            "check": whole.pop("check"),
            "verdict": whole.pop("verdict"),
            "ok": self.ok,
            "summary": text.headline(self),
            "oracles": [oracle["name"] for oracle in oracles if oracle["used"]],
            "unused_oracles": {oracle["name"]: oracle["note"] for oracle in oracles if not oracle["used"]},
            **whole,
            "blame": plain(self.blame),
            "patch": self.patch,
            "search": self.blamed.remark,
        }

    def to_json(self, indent: int | None = 2) -> str:
        """`to_dict` as strict JSON (RFC 8259): NaN and infinities are the strings "nan", "inf", "-inf"."""
        return json.dumps(strict(self.to_dict()), indent=indent, allow_nan=False)

    def to_html(self) -> str:
        """A page of its own with the drawings: no script, no link to anything outside it, light and dark."""
        from gradcheck.report.views import html

        return html.page([self.to_dict()], f"gradcheck: {self.verdict}")

    def plot(self) -> Figure:
        """Draw error against step, the step that counts, the noise floor and the bound; and where leaves are wrong.

        Returns
        -------
        matplotlib.figure.Figure
            Made without pyplot, whose state stays as it is; a notebook shows it.

        Raises
        ------
        ImportError
            matplotlib is not installed (``pip install "gradcheck[plot]"``).
        ValueError
            There is neither.
        """
        from gradcheck.plotting import of_report

        return of_report(self.steps, text.worst_first(self.leaves))

    def _repr_html_(self) -> str:
        """What a notebook shows for a report that ends a cell: the plain text where jinja2 is not installed."""
        from html import escape

        from gradcheck.report.views import html

        try:
            return html.fragment(self.to_dict())
        except ImportError:
            return f"<pre>{escape(str(self))}</pre>"


_OFFER = "report.right_backward() writes a backward pass of f that passes."
_QUICK = 1.0
"""Seconds of a check up to which it is offered unasked: to write one takes about three such checks."""


class Unsuccessful(AssertionError):
    """A check that did not pass; ``report`` says why, and so does ``str``."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)  # the report alone in args, so that the exception can be pickled
        self.report = report

    def __str__(self) -> str:
        return str(self.report)


class GradientMismatch(Unsuccessful):
    """The claim is wrong: outside the oracle's bound, or no derivative at all."""

    __module__ = "gradcheck"  # where users import it from, and so what a traceback should say


class InconclusiveCheck(Unsuccessful):
    """The oracles cannot tell whether the claim is right; ``report.reasons`` says what stands in the way."""

    __module__ = "gradcheck"


def raise_for(report: Report) -> Never:
    """Raise the exception that belongs to a report which is not a pass."""
    raise (GradientMismatch if report.verdict is Verdict.FAIL else InconclusiveCheck)(report)


P = ParamSpec("P")
R = TypeVar("R")


def raised_at_the_call(check: Callable[P, R]) -> Callable[P, R]:
    """``check`` with a failure that is raised where it is called: how it came about is no news, the call is."""

    @wraps(check)
    def called(*args: P.args, **keywords: P.kwargs) -> R:
        try:
            return check(*args, **keywords)
        except Unsuccessful as failure:
            failure.__traceback__ = None
            raise

    return called


def left_out(check: str, seed: int) -> Report:
    """The report of a check that was not made, for it is another's turn (`gradcheck.ask.ambient.turn`)."""
    reason = "this check was left out: another one was asked for"
    return Report(check, Verdict.INCONCLUSIVE, (), (), (reason,), (), 0, 0, 0.0, seed, 0.0)


def conclude(report: Report, raise_on_failure: bool, turn: Any) -> Report:
    """The last step of every check: announce the report to who listens, then raise or return it.

    ``turn`` is what `gradcheck.ask.ambient.turn` gave the check as it began.

    Raises
    ------
    GradientMismatch, InconclusiveCheck
        If the report is not a pass and ``raise_on_failure`` is set.
    """
    ambient.announce(report, turn)
    if raise_on_failure and not report.ok:
        raise_for(report)
    return report
