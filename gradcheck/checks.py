"""The public checks: each says how a claim of its kind becomes a pullback, the rest is common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Unpack

import numpy as np

from gradcheck.anatomy.by_name import as_argument, by_argument, keys_of, returned_names
from gradcheck.ask import ambient, trees
from gradcheck.ask.alignment import fitting_argnums
from gradcheck.ask.calls import Counted, NotNumeric, Raised, flat, undisturbed
from gradcheck.ask.options import Keywords, Options, options_of, stated
from gradcheck.ask.point import MAX_BLOCKS, Point, describe, point
from gradcheck.ask.random_rounding import met
from gradcheck.ask.reading import (
    Reading,
    changed,
    contracted,
    hessian_rows,
    lent,
    read,
    shaped,
)
from gradcheck.ask.tangents import ENTRY_BY_ENTRY, Push, columns, spanned, tangent
from gradcheck.ask.task import Task, Through, generator_of
from gradcheck.ask.trees import Floats
from gradcheck.findings import Diagnosis, Verdict
from gradcheck.oracles.ball import length
from gradcheck.report.report import Report, conclude, left_out, raised_at_the_call

__tracebackhide__ = True  # a failure is the caller's: pytest shows the line of the test


@dataclass(frozen=True)
class Request:
    """A call of a check: what it was given, by the names it gives them."""

    check: str
    f: Callable[..., Any]
    claim: Callable[..., Any]
    names: tuple[str, str]
    args: tuple[Any, ...]
    options: Options
    labels: tuple[str, ...] | None = None
    """What the arguments are called, where f's signature does not say."""

    @property
    def where(self) -> Point:
        """The point, of the arguments that ``argnums`` names.

        Raises
        ------
        TypeError, ValueError
            f or claim is not callable; the arguments, or ``argnums``, are none that can be checked.
        """
        for value, name in zip((self.f, self.claim), self.names, strict=True):
            if not callable(value):
                raise TypeError(f"{name} must be callable, got {name}={value!r} ({type(value).__name__})")
        return point(self.f, self.args, self.options.argnums, self.labels)


class OtherArguments(Exception):
    """What the claim returned fits other arguments than all that hold floats: those of ``argnums`` alone."""

    def __init__(self, argnums: tuple[int, ...]) -> None:
        super().__init__(argnums)
        self.argnums = argnums


def checked(request: Request, task_of: Callable[[Request], Task]) -> Report:
    """Run the task of a request and raise or return its report."""
    return concluded(request, lambda asked: run_task(task_of(asked)))


def run_task(task: Task) -> Report:
    """The report of a task, whatever it says."""
    # oracles and judge: most of the library, for which an import alone need not wait
    from gradcheck.run import run

    return run(task)


def concluded(request: Request, report_of: Callable[[Request], Report]) -> Report:
    """Raise or return the report of a request; of other arguments where the claim is theirs."""
    options = request.options
    turn = ambient.turn(options.raise_on_failure)
    if turn is None:
        return left_out(request.check, options.seed)
    return conclude(_reported(request, report_of), options.raise_on_failure, turn)


_FIRST = {"vjp": "cotangent", "jvp": "tangents", "hvp": "v"}
"""What a claim of this kind takes before the arguments of f."""


def _reported(request: Request, report_of: Callable[[Request], Report]) -> Report:
    report = _of_what_came(request, report_of)
    if report.verdict is not Verdict.FAIL or request.check not in _FIRST:
        return report
    turned = _turned(request, report_of)
    return report if turned is None else turned


def _turned(request: Request, report_of: Callable[[Request], Report]) -> Report | None:
    """The report of a claim that takes last what is due first, as SciPy's ``hessp(x, p)`` does.

    It does where it passes so, or is linear in what it takes last, and not in what it takes first.
    """
    what, label = _FIRST[request.check], request.names[1]

    def claim(first: Any, *args: Any) -> Any:
        return request.claim(*args, first)

    turned = replace(request, claim=claim)
    if not _is_linear(turned):
        return None
    try:
        report = _of_what_came(turned, report_of)
    except (TypeError, ValueError):
        return None
    note = f"{label} takes {what} last, as {label}(*args, {what}); so it was called"
    if report.ok:
        return report.noting(f"{note}, and is right")
    return None if _is_linear(request) else report.noting(note)


_LINEAR = 1e-2
"""Share by which twice an answer may be off: half precision has roundings of a twentieth of it in every entry."""


def _is_linear(request: Request) -> bool:
    """Whether the claim takes twice of what is due first for twice the answer."""
    where = request.where
    with undisturbed():
        try:
            output = request.f(*where.copied(where.args))
            first = output if request.check == "vjp" else tangent(where, where.x + 1.0)
            twice = trees.map_leaves(lambda _, leaf: 2.0 * leaf, first)
            once, more = (
                flat(request.claim(given, *where.copied(where.args)), "claim") for given in (first, twice)
            )
        except Exception:  # not made to be called so
            return False
    if once.shape != more.shape or not once.any():
        return False
    with np.errstate(all="ignore"):
        return length(2.0 * once - more) <= _LINEAR * length(more)


def _of_what_came(request: Request, report_of: Callable[[Request], Report]) -> Report:
    try:
        return _with_its_derivation(request, report_of)
    except OtherArguments as other:
        chosen = other.argnums
    request = replace(request, options=replace(request.options, argnums=chosen))
    report = _with_its_derivation(request, report_of)
    names = ", ".join(point(request.f, request.args, chosen).names[number] for number in chosen)
    return report.noting(f"argnums was left out: what came is the gradient of {names}")


def _with_its_derivation(request: Request, report_of: Callable[[Request], Report]) -> Report:
    def derive() -> str:
        from gradcheck.explain.derive.derived import right_backward

        def proves(made: Callable[..., Any]) -> bool:
            options = replace(request.options, points=_PROVING, raise_on_failure=False)
            return report_of(replace(request, claim=made, options=options)).ok

        return right_backward(request.f, request.where, request.check, proves)

    return report_of(request).remembering(derive=derive)


_PROVING = 2
"""Points beside the given one at which a derivation that was written has to pass."""


@raised_at_the_call
@stated
def check_grad(
    f: Callable[..., Any], grad: Callable[..., Any], *args: Any, **keywords: Unpack[Keywords]
) -> Report:
    """Check the gradient of a scalar function.

    Parameters
    ----------
    f
        ``f(*args)`` -> a number.
    grad
        ``grad(*args)`` -> the gradient with respect to the checked arguments: of one, itself; of several, a
        tuple or list in their order. Each has the tree and the shapes of its argument.
    *args
        The point: arrays, floats, nested lists, tuples and dicts of them; anything else is passed on as it is.
    argnums
        The arguments to check; None for every one that holds floating-point arrays.
    rtol
        The relative error that must be caught; a check that cannot see it is inconclusive. Default 1e-3, in
        single precision 3e-2; most checks are far sharper and say so.
    oracles
        Of "autograd", "differences", "complex_step"; None for all that apply.
    seed
        Of the random directions; None for 0, or what the pytest plugin or the command was given.
    raise_on_failure
        Raise on any verdict but "pass"; otherwise return the report whatever it says.
    points
        So many further points near the given one are checked, too.
    allow
        A relative deviation that is meant (``log(p + 1e-7)``, a solver's tolerance), of every leaf or, in a dict, by
        leaf: one no larger, relative to the leaf's largest entry, passes, with its size beside what you allowed.
    strict
        A pass that could not see something (`Report.unseen`) is inconclusive; None for no, or what the pytest plugin
        was told.
    executor
        Takes independent evaluations of f; f must be picklable where its workers are processes.

    Returns
    -------
    Report

    Raises
    ------
    GradientMismatch
        The claim is wrong.
    InconclusiveCheck
        It cannot be told; the report says why.
    TypeError, ValueError
        The check was called wrongly.
    """
    options = options_of("check_grad", keywords)
    return checked(Request("grad", f, grad, ("f", "grad"), args, options), _grad_task)


def _grad_task(request: Request) -> Task:
    claim = Counted(request.claim, "grad")

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        result = claim(*arguments)
        return _behaved(
            _read(at, result, "grad", request),
            lent(result, arguments, at, "grad"),
        )

    return Task("grad", Counted(request.f, "f"), claim, ask, request.where, request.options, scalar=True)


@raised_at_the_call
@stated
def check_vjp(
    f: Callable[..., Any], vjp: Callable[..., Any], *args: Any, **keywords: Unpack[Keywords]
) -> Report:
    """Check a pullback: ``vjp(cotangent, *args)`` for a cotangent with the tree and shapes of ``f(*args)``.

    It returns what a gradient would (see `check_grad`, also for the keywords).
    """
    options = options_of("check_vjp", keywords)
    return checked(Request("vjp", f, vjp, ("f", "vjp"), args, options), pullback_task)


def pullback_task(request: Request) -> Task:
    """The task of checking ``vjp(cotangent, *args)``; what `check_vjp` and `check_layer` share."""
    layer = request.check == "layer"
    label = "backward" if layer else "vjp"
    claim = Counted(request.claim, label)

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        cotangent, kept = shaped(output, u), shaped(output, u)
        result = claim(met(cotangent), *arguments)
        reading = _read(at, result, label, request)
        return _behaved(
            reading, lent(result, arguments, at, label), changed(cotangent, kept, label, "cotangent")
        )

    counted = Counted(request.f, "forward" if layer else "f")
    return Task(request.check, counted, claim, ask, request.where, request.options, scalar=False)


@raised_at_the_call
@stated
def check_jvp(
    f: Callable[..., Any], jvp: Callable[..., Any], *args: Any, **keywords: Unpack[Keywords]
) -> Report:
    """Check a forward derivative: ``jvp(tangents, *args)`` -> the rate of change of ``f(*args)``.

    ``tangents`` has the tree and shapes of the checked argument, of several it is a tuple of theirs. The
    keywords are those of `check_grad`.
    """
    options = options_of("check_jvp", keywords)
    return checked(Request("jvp", f, jvp, ("f", "jvp"), args, options), _forward)


@raised_at_the_call
@stated
def check_jacobian(
    f: Callable[..., Any], jac: Callable[..., Any], *args: Any, **keywords: Unpack[Keywords]
) -> Report:
    """Check a dense Jacobian: ``jac(*args)`` -> for each checked leaf an array of output shape + leaf shape.

    ``f`` returns one array. The keywords are those of `check_grad`.
    """
    options = options_of("check_jacobian", keywords)
    return checked(Request("jacobian", f, jac, ("f", "jac"), args, options), _jacobian_task)


def _jacobian_task(request: Request) -> Task:
    claim = Counted(request.claim, "jac")

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        if isinstance(output, tuple | list | dict):
            raise ValueError(
                f"f must return one array for check_jacobian; it returned {describe(output)}. "
                "Return np.array of it, or use check_vjp"
            )
        result = claim(*arguments)
        reading = _read(at, result, "jac", request, np.shape(output))
        return _behaved(contracted(reading, u, np.shape(output)), lent(result, arguments, at, "jac"))

    return Task("jacobian", Counted(request.f, "f"), claim, ask, request.where, request.options, scalar=False)


@raised_at_the_call
@stated
def check_hessian(
    f: Callable[..., Any], hess: Callable[..., Any], *args: Any, **keywords: Unpack[Keywords]
) -> Report:
    """Check the second derivatives of a scalar function.

    ``hess(*args)`` returns, for one checked array x, an array of shape x.shape + x.shape; for several
    arguments (or a tree) the block ``hess[i][j]`` of shape xi.shape + xj.shape. The keywords are those of
    `check_grad`.
    """
    options = options_of("check_hessian", keywords)
    return checked(Request("hessian", f, hess, ("f", "hess"), args, options), _hessian_task)


def _hessian_task(request: Request) -> Task:
    where, claim = request.where, Counted(request.claim, "hess")

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        result = claim(*arguments)
        return _behaved(hessian_rows(at, result, u, "hess"), lent(result, arguments, at, "hess"))

    f = Counted(request.f, "f")
    return Task("hessian", f, claim, ask, where, request.options, scalar=False, through=_derived(where))


def _derived(where: Point) -> Through:
    """The gradient of f, where the claim is about a derivative of that."""
    from gradcheck.oracles.gradients import gradient_of

    return partial(gradient_of, where)


@raised_at_the_call
@stated
def check_hvp(
    f_or_grad: Callable[..., Any], hvp: Callable[..., Any], *args: Any, **keywords: Unpack[Keywords]
) -> Report:
    """Check a Hessian-vector product: ``hvp(v, *args)`` with ``v`` as the checked arguments, and its result too.

    ``f_or_grad`` is the scalar function, or its gradient: what returns one number for more than one entry is
    taken for the function; at a single number both readings are tried. A gradient is trusted; check it first
    with `check_grad`, whose keywords these are.
    """
    options = options_of("check_hvp", keywords)
    request = Request("hvp", f_or_grad, hvp, ("f_or_grad", "hvp"), args, options)
    return concluded(request, _hvp_report)


def _hvp_report(request: Request) -> Report:
    reading = _returned(request)
    if reading == "gradient":
        return run_task(_forward(request))
    of_function = run_task(_forward(request, _derived(request.where)))
    if reading == "function" or of_function.ok:
        return of_function
    of_gradient = run_task(_forward(request))
    if not of_gradient.ok:
        return of_function
    note = (
        "f_or_grad maps a number to a number and was taken for the gradient; taken for the function it fails"
    )
    return of_gradient.noting(note)


def _returned(request: Request) -> str:
    """What one call shows f to be: the scalar "function", its "gradient", or, of one plain number, "either"."""
    where = request.where
    with undisturbed():
        try:
            output = Counted(request.f, "f")(*where.copied(where.args))
            size = flat(output, "f").size
        except (Raised, NotNumeric):
            return "gradient"  # the first look will say what is wrong
    if size != 1 or (where.x.size == 1 and np.ndim(output) > 0):
        return "gradient"
    return "either" if where.x.size == 1 else "function"


def _forward(request: Request, through: Through | None = None) -> Task:
    """The task of a claim that pushes tangents forward: entry by entry, or along a few directions of each leaf."""
    where, options, kind = request.where, request.options, request.check
    f, claim = Counted(request.f, "f"), Counted(request.claim, kind)
    if where.x.size <= ENTRY_BY_ENTRY:

        def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
            return columns(Push(at, claim, arguments, u, output))

        return Task(kind, f, claim, ask, where, options, scalar=False, through=through)

    span = spanned(where, generator_of(options))

    def along(at: Point, coordinates: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        return Push(where, claim, span.arguments(coordinates), u, output).along(span.bases)

    def composed(counted: Counted) -> Callable[..., Any]:
        function = counted if through is None else through(counted)
        return lambda *coordinates: function(*span.arguments(coordinates))

    return Task(kind, f, claim, along, span.point, options, scalar=False, through=composed, given=where)


def _behaved(reading: Reading, lends: Diagnosis | None, changes: Diagnosis | None = None) -> Reading:
    if lends is None and changes is None:
        return reading
    return replace(reading, conduct=(changes,) if changes else (), lends=(lends,) if lends else ())


def _named_as_the_arguments(where: Point, result: Any, free: bool) -> Any:
    """Gradients that came in a dict by names of their own, in the build that the arguments have.

    Raises
    ------
    OtherArguments
        They are those of other arguments, and which was not said (``free``).
    """
    if not isinstance(result, dict):
        return result
    checked = where.argnums
    if len(checked) == 1 and isinstance(where.args[checked[0]], dict):
        return as_argument(where.args[checked[0]], result)
    fitting = [
        number
        for number in checked
        if isinstance(argument := where.args[number], dict)
        and as_argument(argument, result).keys() == argument.keys()
    ]
    if free and len(fitting) == 1:
        raise OtherArguments((fitting[0],))
    parts = by_argument(where.names, result)
    if free and parts and tuple(parts) != checked:
        raise OtherArguments(tuple(parts))
    if not all(number in parts for number in checked):
        return result
    return parts[checked[0]] if len(checked) == 1 else tuple(parts[number] for number in checked)


def _read(where: Point, result: Any, label: str, request: Request, output: tuple[int, ...] = ()) -> Reading:
    """What came, matched with the checked arguments; with others where ``argnums`` was left out and it is theirs.

    Raises
    ------
    OtherArguments
        It fits exactly one choice of other arguments.
    TypeError
        It fits several, or is none of the things that are read.
    """
    options = request.options
    result = _named_as_the_arguments(where, result, options.argnums is None)
    fitting: tuple[tuple[int, ...], ...] = ()
    if options.argnums is None and len(where.argnums) > 1:
        named = keys_of(where.names, [*filter(None, returned_names(request.claim))])
        fitting = fitting_argnums(
            where, result, [number for number, name in enumerate(where.names) if name in named], output
        )
    if len(fitting) == 1:
        raise OtherArguments(fitting[0])
    if fitting:
        choices = "; ".join(
            f"{', '.join(where.names[number] for number in chosen)} (argnums={_spelled(chosen)})"
            for chosen in fitting[:MAX_BLOCKS]
        )
        raise TypeError(
            f"argnums was left out, and what {label} returned fits several choices of arguments: {choices}. Say which"
        )
    return read(where, result, label, output)


def _spelled(argnums: tuple[int, ...]) -> int | tuple[int, ...]:
    return argnums[0] if len(argnums) == 1 else argnums
