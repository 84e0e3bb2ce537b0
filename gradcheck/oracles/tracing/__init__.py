"""Plain NumPy code through HIPS autograd: the derivative of a function as it is written.

An argument is wrapped in an array that speaks NumPy's dispatch protocols (`array`); writes are made functional
(`memory`); what the protocols do not reach is met by stand-ins under the function's own names (`rebind`). The
computation is kept as a tape (`tape`) that can be pulled back again and again, also with a local derivative
replaced. What cannot be traced is refused, with the line that stopped it (`refusal`).
"""

from gradcheck.oracles.tracing.refusal import Untraceable
from gradcheck.oracles.tracing.run import hessian_vector, trace
from gradcheck.oracles.tracing.tape import TapeNode, Trace

__all__ = ["TapeNode", "Trace", "Untraceable", "hessian_vector", "trace"]
