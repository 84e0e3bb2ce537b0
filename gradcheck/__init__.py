"""Checks hand-written derivatives, proves how sharp the check was, and names the mistake."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradcheck.checks import check_grad as check_grad
    from gradcheck.checks import check_hessian as check_hessian
    from gradcheck.checks import check_hvp as check_hvp
    from gradcheck.checks import check_jacobian as check_jacobian
    from gradcheck.checks import check_jvp as check_jvp
    from gradcheck.checks import check_vjp as check_vjp
    from gradcheck.conformance.layer_checks import layer_checks as layer_checks
    from gradcheck.conformance.layer_checks import layers as layers
    from gradcheck.dimensions.shaped import shapes as shapes
    from gradcheck.exploration.explore import explore as explore
    from gradcheck.exploration.found import Exploration as Exploration
    from gradcheck.exploration.found import ExplorationFailed as ExplorationFailed
    from gradcheck.findings import Blame as Blame
    from gradcheck.findings import Branch as Branch
    from gradcheck.findings import Diagnosis as Diagnosis
    from gradcheck.findings import Leaf as Leaf
    from gradcheck.findings import Unseen as Unseen
    from gradcheck.findings import Verdict as Verdict
    from gradcheck.layer import check_layer as check_layer
    from gradcheck.oracles.derivative import derivative as derivative
    from gradcheck.oracles.estimate import Estimate as Estimate
    from gradcheck.report.report import GradientMismatch as GradientMismatch
    from gradcheck.report.report import InconclusiveCheck as InconclusiveCheck
    from gradcheck.report.report import Report as Report
    from gradcheck.verify.case import Case as Case
    from gradcheck.verify.parametrize import cases as cases

_HOMES = {
    "Case": "verify.case",
    "cases": "verify.parametrize",
    **dict.fromkeys(
        ("check_grad", "check_hessian", "check_hvp", "check_jacobian", "check_jvp", "check_vjp"), "checks"
    ),
    **dict.fromkeys(("Blame", "Branch", "Diagnosis", "Leaf", "Unseen", "Verdict"), "findings"),
    "check_layer": "layer",
    **dict.fromkeys(("layer_checks", "layers"), "conformance.layer_checks"),
    **dict.fromkeys(("Exploration", "ExplorationFailed"), "exploration.found"),
    "explore": "exploration.explore",
    "derivative": "oracles.derivative",
    "Estimate": "oracles.estimate",
    **dict.fromkeys(("GradientMismatch", "InconclusiveCheck", "Report"), "report.report"),
    "shapes": "dimensions.shaped",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # every start of pytest imports this package for its plugin; numpy and autograd wait until a check needs them
    if name not in _HOMES:
        raise AttributeError(f"module 'gradcheck' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"gradcheck.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__doc__"]
