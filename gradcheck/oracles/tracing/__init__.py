"""Plain NumPy code through HIPS autograd: the derivative of a function as it is written."""

from gradcheck.oracles.tracing.refusal import Untraceable
from gradcheck.oracles.tracing.run import trace
from gradcheck.oracles.tracing.tape import TapeNode, Trace

__all__ = ["TapeNode", "Trace", "Untraceable", "trace"]
