"""Checking a whole layer: forward and backward, inputs and parameters, as it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Unpack

from gradcheck.anatomy.pullback import Pullback, pullback_of
from gradcheck.ask import trees
from gradcheck.ask.calls import undisturbed
from gradcheck.ask.options import Keywords, options_of, stated
from gradcheck.ask.task import Task
from gradcheck.checks import Request, concluded, pullback_task, run_task
from gradcheck.findings import Verdict
from gradcheck.judge.reasons import Reason
from gradcheck.report.report import Report, raised_at_the_call

__tracebackhide__ = True  # a failure is the caller's: pytest shows the line of the test


@raised_at_the_call
@stated
def check_layer(
    layer: Any,
    *inputs: Any,
    params: Mapping[str, str | Callable[[Any], Any] | None] | None = None,
    **keywords: Unpack[Keywords],
) -> Report:
    """Check the backward pass of a layer: the gradients of its inputs and of its parameters.

    How the layer is written is found out by running copies of it, and said in the report's first lines; the layer
    itself is never changed.

    Parameters
    ----------
    layer
        An object with ``forward(*inputs)`` and ``backward(cotangent)`` (or ``__call__``, ``forward_pass``,
        ``backprop`` and the like), which returns the gradients of its inputs, or leaves them in ``dinputs``.
        Parameters are arrays that it keeps through a pass, in itself, in dicts and lists, in objects inside it; their
        gradients are returned beside those of the inputs or left in the layer: as ``dW``, ``W_grad``, ``W.grad``,
        ``grads['W']``, a list in the same order, the step that backward makes. Or a pair of functions
        ``(forward, backward)``, where ``forward`` returns the output, or outputs and a cache, and ``backward`` takes
        a cotangent for each output and then the cache, the inputs, or nothing. What the two close over is taken as
        given: make it an argument to have it checked. Where backward returns a gradient of it, or leaves one there
        (``nonlocal dW``), the check is inconclusive.
    *inputs
        What ``forward`` takes. Integer inputs (tokens, labels) and settings are passed on and not checked.
    params
        Where this finds something else than is meant: ``{parameter or input: where its gradient is left}``, the first
        as a report calls it or as a path (``"layers[0].W"``; of a dict, list or layer, all that it holds), the second a
        path, a function of the layer, or None for an array that needs no gradient.
    argnums
        Positions in parameters (in their order) followed by inputs, to check only some.
    rtol, oracles, seed, raise_on_failure, points, allow, strict, executor
        As for `check_grad`.

    Raises
    ------
    InconclusiveCheck
        As for `check_grad`; also where the output depends on arrays, inputs among them, whose gradient was not found.
    TypeError
        ``layer`` is neither; there is nothing floating-point to check; an input, or a weight that the layer keeps, is
        an array of another library that ``params`` does not leave out.
    ValueError
        ``params`` names what the layer does not have; an input contains itself.
    """
    options = options_of("check_layer", keywords)
    for number, value in enumerate(inputs):
        trees.must_end(f"input {number}", value)
    with undisturbed():
        pulled = pullback_of(layer, inputs, params, options.argnums)
    if options.argnums is None:
        options = replace(options, argnums=pulled.argnums)
    called = ("forward", "backward")
    request = Request("layer", pulled.forward, pulled.backward, called, pulled.args, options, pulled.names)

    def report_of(asked: Request) -> Report:
        report = run_task(_task(asked, pulled))
        if report.verdict is not Verdict.FAIL or asked.claim is not pulled.backward:
            return report
        if pulled.each is not None and (own := read_so(asked, pulled.each())).ok:
            return own.noting(_EACH)
        if pulled.upwards is not None and _all_pass(up := read_so(asked, pulled.upwards())):
            return _left_open(up, Reason.UPWARDS)
        wrong, fine = (
            {leaf.path for leaf in report.leaves if leaf.verdict is verdict and leaf.path in pulled.names}
            for verdict in (Verdict.FAIL, Verdict.PASS)
        )
        orders = pulled.reordered()
        likely = (other for moved, other in orders if wrong <= moved and moved.isdisjoint(fine))
        reordered = (read_so(asked, other()) for other in likely)
        right = next(filter(_all_pass, reordered), None)
        if right is None:
            return report
        if len(orders) == 1 and any(one.kind == "shape" for one in report.diagnoses):
            return right.noting(_REORDERED)
        return _left_open(right, Reason.REORDERED)

    def read_so(asked: Request, other: Pullback) -> Report:
        return run_task(_task(replace(asked, f=other.forward, claim=other.backward), other))

    return concluded(request, report_of)


_REORDERED = "gradients are in a list in another order than the parameters, the one that their shapes allow"
_EACH = "weights share memory, and each gradient is right for what its own array contributes"


def _all_pass(report: Report) -> bool:
    return all(leaf.verdict is Verdict.PASS for leaf in report.leaves)


def _left_open(report: Report, reason: Reason) -> Report:
    return replace(report, verdict=Verdict.INCONCLUSIVE, reasons=(reason.told().words, *report.reasons))


def _task(request: Request, pulled: Pullback) -> Task:
    return replace(
        pullback_task(request),
        subject=pulled.subject,
        unchecked=pulled.unchecked,
        none_came=pulled.none_came,
        layer=pulled.layer,
        scalar=pulled.scalar,
    )
