"""The activations and losses of reference_impls beside torch's: ``python -m benchmarks.pointwise [--quick]``.

One thread. Each figure is of one forward and one backward pass over a million entries, the processor's time, a median
over interleaved rounds; torch runs eagerly. Activations are those of `reference_impls.layers.activation`; losses are
the plain forms, written to be read: blocked ones of the commonest are in `reference_impls.elementwise` (``python -m
benchmarks.kernels``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.machine import machine
from benchmarks.rounds import Call, milliseconds
from reference_impls import ctc, losses, margin_losses, softmax_losses
from reference_impls.layers import activation

SHAPE = (4096, 256)


def main() -> None:
    """Print a row for each function and dtype."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pointwise", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("-k", default="", help="only functions whose name holds this")
    given = parser.parse_args()
    rounds, seconds = (5, 0.02) if given.quick else (15, 0.05)
    import torch

    torch.set_num_threads(1)
    print(f"{machine()}, one thread, NumPy {np.__version__}, torch {torch.__version__}\n")
    print("| function | dtype | ours, ms | torch, ms | torch / ours |")
    print("|---|---|---|---|---|")
    settings = activations(torch) | of_outputs(torch) | {"ctc": sequences(torch)}
    for name, setting in settings.items():
        if given.k not in name:
            continue
        for dtype in ("float64", "float32"):
            times = milliseconds(setting(dtype), rounds, seconds)
            ours, theirs = times["ours"], times["torch"]
            print(f"| {name} | {dtype} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.2f} |", flush=True)


Setting = Callable[[str], dict[str, Call]]


def activations(torch: Any) -> dict[str, Setting]:
    """Each activation and its pullback, by name."""
    functional = torch.nn.functional
    theirs = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky_relu": functional.leaky_relu,
        "softplus": functional.softplus,
        "elu": functional.elu,
        "hard_tanh": functional.hardtanh,
        "hard_sigmoid": functional.hardsigmoid,
        "hard_swish": functional.hardswish,
        "silu": functional.silu,
        "gelu": functional.gelu,
        "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
        "softmax": lambda z: functional.softmax(z, -1),
        "log_softmax": lambda z: functional.log_softmax(z, -1),
    }

    def setting(name: str) -> Setting:
        def made(dtype: str) -> dict[str, Call]:
            z, upstream = np.random.default_rng(0).standard_normal((2, *SHAPE)).astype(dtype)
            tensor, pulled = torch.tensor(z, requires_grad=True), torch.tensor(upstream)

            def ours() -> Any:
                _, cache = activation.forward({}, z, name=name)
                return activation.backward(upstream, cache)

            return {
                "ours": ours,
                "torch": lambda: torch.autograd.grad(theirs[name](tensor), tensor, pulled),
            }

        return made

    return {name: setting(name) for name in theirs}


def of_outputs(torch: Any) -> dict[str, Setting]:
    """Each loss of outputs and targets and its gradient, by name."""
    functional = torch.nn.functional

    def focal(z: Any, k: Any) -> Any:
        log_p = functional.log_softmax(z, -1).gather(1, k[:, None])
        return -((1 - log_p.exp()) ** 2 * log_p).mean()

    def binary_focal(z: Any, t: Any) -> Any:
        s = (2 * t - 1) * z
        return (torch.sigmoid(-s) ** 2 * functional.softplus(-s)).mean()

    theirs: dict[str, Any] = {
        "mse_mean": functional.mse_loss,
        "mse_sum": lambda z, t: functional.mse_loss(z, t, reduction="sum"),
        "binary_cross_entropy": functional.binary_cross_entropy,
        "logistic": functional.soft_margin_loss,
        "binary_cross_entropy_with_logits": functional.binary_cross_entropy_with_logits,
        "softmax_cross_entropy": functional.cross_entropy,
        "softmax_cross_entropy_one_hot": functional.cross_entropy,
        "negative_log_likelihood": functional.nll_loss,
        "huber": functional.huber_loss,
        "hinge": lambda z, y: (1 - y * z).clamp(min=0).mean(),
        "multiclass_hinge": functional.multi_margin_loss,
        "label_smoothing": lambda z, k: functional.cross_entropy(z, k, label_smoothing=0.1),
        "kl_divergence": lambda z, t: functional.kl_div(
            functional.log_softmax(z, -1), t, reduction="batchmean"
        ),
        "focal": focal,
        "binary_focal": binary_focal,
    }

    def arguments(name: str, dtype: str) -> tuple[Any, Any]:
        rng = np.random.default_rng(0)
        if name in losses.LOSSES:
            z, made = losses.example(name, SHAPE, rng)
            return z.astype(dtype), made if made.dtype.kind in "iu" else made.astype(dtype)
        z = rng.standard_normal(SHAPE).astype(dtype)
        room = margin_losses if name in margin_losses.MARGIN_LOSSES else softmax_losses
        return z, room.targets_of(name, z, rng)

    known = losses.LOSSES | margin_losses.MARGIN_LOSSES | softmax_losses.SOFTMAX_LOSSES

    def setting(name: str) -> Setting:
        def made(dtype: str) -> dict[str, Call]:
            z, t = arguments(name, dtype)
            tensor, wanted = torch.tensor(z, requires_grad=True), torch.tensor(t)
            value, gradient = known[name]
            return {
                "ours": lambda: (value(z, t), gradient(z, t)),
                "torch": lambda: torch.autograd.grad(theirs[name](tensor, wanted), tensor),
            }

        return made

    return {name: setting(name) for name in theirs}


def sequences(torch: Any) -> Setting:
    """CTC: 100 steps, 32 sequences of 20 letters, 50 classes."""

    def made(dtype: str) -> dict[str, Call]:
        rng = np.random.default_rng(0)
        z, labels = rng.standard_normal((100, 32, 50)).astype(dtype), rng.integers(1, 50, (32, 20))
        tensor, wanted = torch.tensor(z, requires_grad=True), torch.tensor(labels)
        steps, letters = torch.full((32,), 100), torch.full((32,), 20)

        def theirs() -> Any:
            log_y = torch.nn.functional.log_softmax(tensor, -1)
            loss = torch.nn.functional.ctc_loss(log_y, wanted, steps, letters, reduction="sum") / 32
            return torch.autograd.grad(loss, tensor)

        return {"ours": lambda: (ctc.ctc(z, labels), ctc.ctc_gradient(z, labels)), "torch": theirs}

    return made


if __name__ == "__main__":
    main()
