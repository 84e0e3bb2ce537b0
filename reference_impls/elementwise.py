"""Forward and backward in one go for arrays larger than the cache, block by block.

Each function runs its NumPy calls over a block that stays in the cache before it goes on to the next, so that
memory is read and written once and not once for each call. Inputs may lie in memory in any way. Results go
into ``out``, contiguous arrays of the inputs' shape, or into new ones where that is None. The derivations are
in `reference_impls.activations` and `reference_impls.losses`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls import activations, losses
from reference_impls.broadcast import short_buffer
from reference_impls.fast_losses import FUSED
from reference_impls.layers.axes import must_be_floats
from reference_impls.targets import by_row

Array = np.ndarray[Any, np.dtype[Any]]
Pair = tuple[Array, Array]

# Entries to a block. Timed from 4096 to 65536: half a microsecond for every NumPy call weighs more than a block
# that outgrows the second-level cache, as long as the third holds it.
BLOCK = 65536
# With fewer classes than this NumPy's reductions along a row cost more than turning the block around.
FEW_CLASSES = 64


def relu(z: Array, upstream: Array, out: Pair | None = None) -> Pair:
    """``max(z, 0)``; and ``upstream`` where ``z > 0``, else 0."""
    out = _results(z, upstream, out)
    zero, positive = z.dtype.type(0), np.empty(min(BLOCK, z.size), bool)
    for a, dz, z_block, u in _blocks(*out, z, upstream):
        mask = positive[: a.size]
        np.greater(z_block, zero, mask)
        np.multiply(u, mask, dz)
        np.maximum(z_block, zero, out=a)
    return out


def sigmoid(z: Array, upstream: Array, out: Pair | None = None) -> Pair:
    """``a = e / (1 + e)`` with ``e = exp(z)``; and ``upstream * a / (1 + e)``."""
    out = _results(z, upstream, out)
    # beyond log(max) the exponential would overflow, where the sigmoid has long been as good as 1
    limit = np.floor(np.log(np.finfo(z.dtype).max)).astype(z.dtype)
    one = np.array(1, z.dtype)
    for a, dz, z_block, u in _blocks(*out, z, upstream):
        np.minimum(z_block, limit, out=a)
        np.exp(a, a)
        np.add(a, one, dz)
        np.divide(a, dz, a)
        np.divide(u, dz, dz)
        np.multiply(dz, a, dz)
    return out


def softmax_cross_entropy(logits: Array, labels: Array, out: Array | None = None) -> tuple[Any, Array]:
    """The mean over rows of ``log sum_j exp(z_j) - z_label``; and its gradient, in ``out``.

    Logits have the shape (examples, classes), labels (examples,).
    """
    must_be_floats("logits", logits)
    by_row(labels, logits)  # which looks at all of them once, before they are taken block by block
    examples, classes = logits.shape
    gradient = np.empty_like(logits) if out is None else out
    if gradient.shape != logits.shape or gradient.dtype != logits.dtype:
        raise ValueError(
            f"out is {gradient.dtype} of shape {gradient.shape}, and logits {logits.dtype} of {logits.shape}: give "
            "both one of each"
        )
    block = _few_classes if classes < FEW_CLASSES else _many_classes
    rows = max(1, BLOCK // max(1, classes))
    total = 0.0
    for start in range(0, examples, rows):
        part = slice(start, start + rows)
        total += float(block(logits[part], labels[part], gradient[part], examples))
    return logits.dtype.type(total / max(1, examples)), gradient


def _few_classes(logits: Array, labels: Array, out: Array, examples: int) -> Any:
    turned = np.ascontiguousarray(logits.T)
    gradient, evaluate = FUSED["softmax_cross_entropy"](turned)
    mean = evaluate(labels)
    np.multiply(gradient.T, logits.dtype.type(len(logits) / examples), out)
    return mean * len(logits)


def _many_classes(logits: Array, labels: Array, out: Array, examples: int) -> Any:
    rows, ones = np.arange(len(logits)), np.ones(logits.shape[1], logits.dtype)
    with short_buffer():
        np.subtract(logits, np.maximum.reduce(logits, axis=1, keepdims=True), out)
        chosen = out[rows, labels]
        np.exp(out, out)
        total = out.dot(ones)
        np.multiply(out, (1 / (examples * total))[:, None], out)
    out[rows, labels] -= logits.dtype.type(1 / examples)
    return np.sum(np.log(total) - chosen)


def _results(z: Array, upstream: Array, out: Pair | None) -> Pair:
    must_be_floats("z", z)
    # not empty_like: a block of what does not lie row by row would be a copy, and what is written there lost
    out = (np.empty(z.shape, z.dtype), np.empty(z.shape, z.dtype)) if out is None else out
    for name, array in (("upstream", upstream), ("out[0]", out[0]), ("out[1]", out[1])):
        if array.shape != z.shape or array.dtype != z.dtype:
            raise ValueError(
                f"{name} is {array.dtype} of shape {array.shape}, and z {z.dtype} of {z.shape}: give both one of each"
            )
    for name, array, others in (("out[0]", out[0], (z, upstream)), ("out[1]", out[1], (z, upstream, out[0]))):
        if not array.flags.c_contiguous:
            raise ValueError(f"{name} is not contiguous: give an array as numpy.empty_like(z) makes it")
        if any(np.may_share_memory(array, other) for other in others):
            raise ValueError(
                f"{name} lies where another array does, which is still needed: give it memory of its own"
            )
    return out


def _blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The arrays, of one shape and those that are written to contiguous, cut into blocks at the same places."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield tuple(array[start : start + BLOCK] for array in flat)


def cases() -> list[Case]:
    """The derivatives as claims about the textbook functions, over more than one block."""
    rng = np.random.default_rng(4)
    z = 2 * rng.standard_normal(BLOCK + 5)
    logits, labels = losses.example("softmax_cross_entropy", (BLOCK // 10 + 7, 10), rng)
    wide, wide_labels = losses.example("softmax_cross_entropy", (BLOCK // 1000 + 3, 1000), rng)
    return [
        Case("elementwise/relu", activations.relu, lambda u, z: relu(z, u)[1], (z,), kind="vjp"),
        Case("elementwise/sigmoid", activations.sigmoid, lambda u, z: sigmoid(z, u)[1], (z,), kind="vjp"),
        *(
            Case(
                f"elementwise/softmax_cross_entropy_{len(z[0])}_classes",
                losses.softmax_cross_entropy,
                lambda z, labels: softmax_cross_entropy(z, labels)[1],
                (z, labels),
                argnums=0,
            )
            for z, labels in ((logits, labels), (wide, wide_labels))
        ),
    ]
