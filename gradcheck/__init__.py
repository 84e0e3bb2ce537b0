"""Checks hand-written derivatives, proves how sharp the check was, and names the mistake."""

from gradcheck.case import Case as Case
from gradcheck.checks import check_grad as check_grad
from gradcheck.checks import check_hessian as check_hessian
from gradcheck.checks import check_hvp as check_hvp
from gradcheck.checks import check_jacobian as check_jacobian
from gradcheck.checks import check_jvp as check_jvp
from gradcheck.checks import check_vjp as check_vjp
from gradcheck.evidence import Evidence as Evidence
from gradcheck.findings import Diagnosis as Diagnosis
from gradcheck.findings import Leaf as Leaf
from gradcheck.findings import Verdict as Verdict
from gradcheck.layer import check_layer as check_layer
from gradcheck.oracles.derivative import derivative as derivative
from gradcheck.oracles.estimate import Estimate as Estimate
from gradcheck.report import GradientMismatch as GradientMismatch
from gradcheck.report import InconclusiveCheck as InconclusiveCheck
from gradcheck.report import Report as Report
