"""Loss and gradients of an MLP over buffers that are made once: the numbers of `mlp`, with less work.

What the textbook form pays for beyond its matrix products is new memory for every intermediate array and, in
small networks, NumPy's own cost of a call. So a `Plan` is made once for given parameters and batch size: it
holds a buffer for every intermediate and the list of NumPy calls that fill them, each with its operands and
output bound. Running it is walking the list. What makes the calls themselves cheap, as measured:

- ``ndarray.dot`` with an output starts faster than ``matmul`` and is 3 times as fast for a batch of one. But it
  fills its output with zeros first, so large ones are left to ``matmul``. Every operand and output lies in memory so
  that BLAS reads it in place.
- Operands of equal shape: for a small array, broadcasting costs 3 times the addition itself, and the maximum
  with a scalar takes longer than with an array of zeros.
- In small networks the bias is one more row of the weights, below a column of ones in the activations, so that the
  products add it and sum its gradient. That needs ``W`` and ``b`` side by side in memory, as
  `mlp.initial_parameters` puts them.
- There, and at the outputs, a buffer keeps each feature's values next to each other (order "F"), so that leaving out
  the column of ones leaves it contiguous, and sums over classes run along memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls import mlp
from reference_impls.fast_hidden import HIDDEN, Steps
from reference_impls.fast_losses import FUSED
from reference_impls.parameters import Array, Parameters, are, arrays, copies, like, side_by_side

# Up to this many entries in the widest layer's activations, the calls that add biases and sum their gradients cost more
# than one row and one column more in the products.
SMALL = 2**14
# From this many entries on, the zeros that dot writes first cost more than what matmul takes longer to start.
LARGE = 2**15


def loss_and_gradients(
    params: Parameters,
    X: Array,
    targets: Array,
    hidden: str = "relu",
    loss: str = "softmax_cross_entropy",
    *,
    workspace: Workspace | None = None,
    out: Parameters | None = None,
) -> tuple[Any, Parameters]:
    """The loss of an MLP and its derivative with respect to every parameter.

    Parameters
    ----------
    params
        ``{"W": (inputs, outputs), "b": (outputs,)}`` for each layer, float64 or float32 throughout.
    X
        Inputs, (examples, inputs), of the parameters' dtype.
    targets
        As the loss takes them: (examples, outputs), or integer labels of shape (examples,).
    hidden
        "relu", "sigmoid" or "tanh", after every layer but the last.
    loss
        A key of `fast_losses.FUSED`.
    workspace
        Buffers to use again. Gradients are returned in memory of their own, unless ``out`` is given.
    out
        Gradients are written here and ``out`` is returned: arrays of the shapes and dtype of ``params``,
        which `like` makes.

    Raises
    ------
    ValueError, TypeError
        If shapes do not chain, a dtype differs from the others', or ``hidden`` or ``loss`` is not known.
    """
    if workspace is None:
        plan = Plan(params, X, hidden, loss, like(params) if out is None else out)
        return plan.run(X, targets), plan.gradients
    plan = workspace.plan(params, X, hidden, loss, out)
    value = plan.run(X, targets)
    return value, copies(plan.gradients) if out is None else out


class Workspace:
    """Buffers that outlive a call of `loss_and_gradients`: hand the same one to each call of a training loop.

    It keeps a `Plan` for each of the last few batch shapes and makes a new one where something else than
    the numbers has changed: another array in place of ``W``, another loss. So it is always safe, and fast
    where parameters are updated in place (``layer["W"] -= rate * gradient["W"]``). Not to be shared between
    threads.
    """

    def __init__(self) -> None:
        self._plans: dict[tuple[Any, ...], Plan] = {}

    def plan(self, params: Parameters, X: Array, hidden: str, loss: str, out: Parameters | None) -> Plan:
        """The plan for these very arrays, a new one where none fits."""
        key = (X.shape, hidden, loss, out is None)
        plan = self._plans.get(key)
        if plan is None or not plan.fits(params, X, out):
            if len(self._plans) >= 4:
                self._plans.clear()
            plan = Plan(params, X, hidden, loss, like(params) if out is None else out)
            self._plans[key] = plan
        return plan


class Plan:
    """Every buffer and every NumPy call of one loss and its gradients, operands bound.

    Layer ``k`` reads ``below[k]`` and writes ``values[k]``; where the bias is folded, ``below[k + 1]`` is
    ``values[k]`` and a column of ones. In the backward pass ``values[k]`` takes up the loss's derivative
    with respect to what it held, as soon as that is no longer needed.
    """

    def __init__(self, params: Parameters, X: Array, hidden: str, loss: str, gradients: Parameters) -> None:
        _validate(params, X, hidden, loss, gradients)
        self.gradients = gradients
        self._bound = [(layer["W"], layer["b"]) for layer in params]
        self._bound_out = [(layer["W"], layer["b"]) for layer in gradients]
        self._dtype = X.dtype
        self._target_shape = (len(X),) if loss == "softmax_cross_entropy" else (len(X), len(params[-1]["b"]))

        small = len(X) * max(len(layer["W"]) for layer in params) <= SMALL
        weights, slopes = (_wholes(tree) if small else None for tree in (params, gradients))
        folds = weights is not None and slopes is not None
        if weights is None or slopes is None:
            weights, slopes = ([layer["W"] for layer in tree] for tree in (params, gradients))
        widths = [X.shape[1], *(len(layer["b"]) for layer in params)]
        below = [_buffer(len(X), width, X.dtype, folds) for width in widths[:-1]]
        values = [buffer[:, :width] for buffer, width in zip(below[1:], widths[1:], strict=False)]
        values.append(np.empty((len(X), widths[-1]), X.dtype, order="F"))
        activations = [HIDDEN[hidden](buffer) for buffer in values[:-1]]
        derivative, self._loss = FUSED[loss](values[-1].T)

        self._forward: Steps = []
        for k, layer in enumerate(params):
            self._forward.append(_product(below[k], weights[k], values[k]))
            if not folds:
                self._forward.append(partial(np.add, values[k], layer["b"], values[k]))
            if k < len(activations):
                self._forward += activations[k].enter
        self._backward: Steps = []
        upstream, ones = derivative.T, np.ones(len(X), X.dtype)
        for k in reversed(range(len(params))):
            if not folds:
                self._backward.append(partial(ones.dot, upstream, gradients[k]["b"]))
            self._backward.append(_product(below[k].T, upstream, slopes[k]))
            if k > 0:
                self._backward += activations[k - 1].differentiate
                self._backward.append(_product(upstream, params[k]["W"].T, values[k - 1]))
                upstream = values[k - 1]
                self._backward.append(partial(np.multiply, upstream, activations[k - 1].slope, upstream))

        self._inputs = below[0][:, :-1] if folds else None
        if not folds:  # X is read where it lies, so the first and the last product wait for the call
            del self._forward[0], self._backward[-1]
        self._first, self._last = (params[0]["W"], values[0]), (upstream, gradients[0]["W"])

    def fits(self, params: Parameters, X: Array, out: Parameters | None) -> bool:
        """Whether the plan was made for these very arrays, and for ``X``'s dtype."""
        own = out is None or are(out, self._bound_out)
        return own and X.dtype == self._dtype and are(params, self._bound)

    def run(self, X: Array, targets: Array) -> Any:
        """Fill the gradients and return the loss."""
        if targets.shape != self._target_shape:
            raise ValueError(f"targets has the shape {targets.shape}; this loss needs {self._target_shape}")
        if self._inputs is None:
            X = X if X.flags.forc else X.copy()  # or else BLAS would have it copied twice
            _product(X, *self._first)()
        else:
            self._inputs[...] = X
        for step in self._forward:
            step()
        value = self._loss(targets)
        for step in self._backward:
            step()
        if self._inputs is None:
            _product(X.T, *self._last)()
        return value

    def steps(self, X: Array, targets: Array) -> list[tuple[str, Callable[[], object]]]:
        """Each call that `run` makes, in order, with a name: for a look at where the time goes."""
        named = [(_title(step), step) for step in self._forward]
        named.append(("loss and its gradient", partial(self._loss, targets)))
        named += [(_title(step), step) for step in self._backward]
        if self._inputs is not None:
            return [("inputs copied", partial(np.copyto, self._inputs, X)), *named]
        first, last = _product(X, *self._first), _product(X.T, *self._last)
        return [(_title(first), first), *named, (_title(last), last)]


def _title(step: Callable[[], object]) -> str:
    name = str(getattr(getattr(step, "func", step), "__name__", step))
    return "product" if name in ("dot", "matmul") else name


def _wholes(params: Parameters) -> list[Array] | None:
    """Each layer's ``W`` and ``b`` as one array, if they all lie side by side."""
    found = [whole for layer in params if (whole := side_by_side(layer)) is not None]
    return found if len(found) == len(params) else None


def _buffer(examples: int, width: int, dtype: Any, folds: bool) -> Array:
    return np.ones((examples, width + 1), dtype, order="F") if folds else np.empty((examples, width), dtype)


def _product(A: Array, B: Array, out: Array) -> Callable[[], object]:
    """``A B`` into ``out``, to be called later; products write row by row, so an ``out`` of columns is turned."""
    if not out.flags.c_contiguous:
        A, B, out = B.T, A.T, out.T
    if out.size >= LARGE and A.shape[1] > 1:  # with one column matmul goes from entry to entry
        return partial(np.matmul, A, B, out)
    return partial(A.dot, B, out)


def _validate(params: Parameters, X: Array, hidden: str, loss: str, gradients: Parameters) -> None:
    if hidden not in HIDDEN:
        raise ValueError(f"hidden={hidden!r}: the fast form knows {', '.join(HIDDEN)}")
    if loss not in FUSED:
        raise ValueError(f"loss={loss!r}: the fast form knows {', '.join(FUSED)}")
    if X.ndim != 2 or X.dtype not in (np.float64, np.float32):
        raise ValueError(f"X is {X.dtype} of shape {X.shape}; wanted float64 or float32, (examples, inputs)")
    width = X.shape[1]
    for k, (layer, gradient) in enumerate(zip(params, gradients, strict=True)):
        shapes = {"W": (width, layer["W"].shape[-1]), "b": layer["W"].shape[-1:]}
        for name, shape in shapes.items():
            _validate_array(f"params[{k}][{name!r}]", layer[name], shape, X.dtype)
            _validate_array(f"out[{k}][{name!r}]", gradient[name], shape, X.dtype)
            if not gradient[name].flags.c_contiguous:
                raise ValueError(f"out[{k}][{name!r}] is not contiguous; like(params) makes arrays that are")
            if any(np.may_share_memory(gradient[name], array) for array in [X, *arrays(params)]):
                raise ValueError(f"out[{k}][{name!r}] shares memory with X or a parameter")
        width = layer["W"].shape[1]


def _validate_array(name: str, array: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has the shape {array.shape}, where the layer before it calls for {shape}")
    if array.dtype != dtype:
        raise TypeError(f"{name} is {array.dtype} and X is {dtype}; give both one dtype, say by X.astype")


def cases() -> list[Case]:
    """The textbook's loss with the fast gradients as the claim, for every network of `mlp.cases`."""
    return [_case(case) for case in mlp.cases()]


def _case(textbook: Case) -> Case:
    options = textbook.f.keywords  # the hidden activation and the loss, bound by partial

    def gradients(params: Parameters, X: Array, targets: Array) -> Parameters:
        return loss_and_gradients(params, X, targets, **options)[1]

    return Case(f"fast_{textbook.name}", textbook.f, gradients, textbook.args, argnums=textbook.argnums)
