"""Element-wise kernels at 1e6 entries, forward and backward: ``python -m benchmarks.kernels``.

Beside a copy of the same array. One thread, the processor's time, a median over interleaved rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.machine import machine
from benchmarks.peers import Call, Missing, imported
from benchmarks.rounds import milliseconds
from reference_impls import elementwise

ENTRIES = 1_000_000
KERNELS = ("relu", "sigmoid", "softmax_ce_10", "softmax_ce_1000")


def inputs(kernel: str, dtype: str, entries: int) -> tuple[Any, Any]:
    """Logits, and what goes with them: an upstream derivative, or labels."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal(entries).astype(dtype)
    if not kernel.startswith("softmax"):
        return z, rng.standard_normal(entries).astype(dtype)
    classes = int(kernel.rsplit("_", 1)[1])
    rows = z[: entries // classes * classes].reshape(-1, classes)
    return rows, rng.integers(classes, size=len(rows))


def copy(kernel: str, dtype: str, entries: int) -> Call:
    """The floor: the array copied once."""
    z, _ = inputs(kernel, dtype, entries)
    out = np.empty_like(z)
    return lambda: np.copyto(out, z)


def ours(kernel: str, dtype: str, entries: int) -> Call:
    """Blocked, into memory made before."""
    z, other = inputs(kernel, dtype, entries)
    out = np.empty_like(z)
    if kernel.startswith("softmax"):
        return lambda: elementwise.softmax_cross_entropy(z, other, out)
    call, pair = getattr(elementwise, kernel), (out, np.empty_like(z))
    return lambda: call(z, other, pair)


def textbook(kernel: str, dtype: str, entries: int) -> Call:
    """Value, then derivative, in the usual NumPy expressions over the whole array."""
    z, other = inputs(kernel, dtype, entries)

    def relu() -> Any:
        return np.maximum(z, 0), other * (z > 0)

    def sigmoid() -> Any:
        a = 1 / (1 + np.exp(-z))
        return a, other * a * (1 - a)

    def softmax_cross_entropy() -> Any:
        rows = np.arange(len(z))
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        value = -np.mean(np.log(p[rows, other]))
        p[rows, other] -= 1
        return value, p / len(z)

    return {"relu": relu, "sigmoid": sigmoid}.get(kernel, softmax_cross_entropy)


def torch(kernel: str, dtype: str, entries: int) -> Call:
    """PyTorch, eager."""
    torch = imported("torch")
    z, other = (torch.tensor(array) for array in inputs(kernel, dtype, entries))
    z.requires_grad_()
    if kernel.startswith("softmax"):
        loss = torch.nn.functional.cross_entropy
        return lambda: torch.autograd.grad(loss(z, other), z)
    function = getattr(torch, kernel)
    return lambda: torch.autograd.grad(function(z), z, other)


def jax(kernel: str, dtype: str, entries: int) -> Call:
    """JAX, compiled."""
    jax = imported("jax")
    jax.config.update("jax_enable_x64", True)
    z, other = (jax.numpy.asarray(array) for array in inputs(kernel, dtype, entries))

    def loss(z: Any) -> Any:
        chosen = jax.numpy.take_along_axis(z, other[:, None], axis=1)[:, 0]
        return jax.numpy.mean(jax.nn.logsumexp(z, axis=1) - chosen)

    def both(z: Any, other: Any) -> Any:
        value, pull = jax.vjp(getattr(jax.nn, kernel), z)
        return value, pull(other)[0]

    if kernel.startswith("softmax"):
        compiled = jax.jit(jax.value_and_grad(loss))
        return lambda: jax.block_until_ready(compiled(z))
    compiled = jax.jit(both)
    return lambda: jax.block_until_ready(compiled(z, other))


def in_cache(dtype: str) -> dict[str, Call]:
    """Single calls over as many entries, block by block in the cache: what a kernel is made of at the least."""
    x, y, out = (np.full(elementwise.BLOCK, value, dtype) for value in (0.3, 0.7, 0.0))
    calls: dict[str, Call] = {
        "maximum": lambda: np.maximum(x, y, out=out),
        "exp": lambda: np.exp(x, out),
        "add": lambda: np.add(x, y, out),
        "multiply": lambda: np.multiply(x, y, out),
        "divide": lambda: np.divide(x, y, out),
    }
    return {name: _over_all(call) for name, call in calls.items()}


def _over_all(call: Call) -> Call:
    def repeated() -> None:
        for _ in range(-(-ENTRIES // elementwise.BLOCK)):
            call()

    return repeated


CONTENDERS: dict[str, Callable[[str, str, int], Call]] = {
    "ours": ours,
    "copy": copy,
    "textbook": textbook,
    "torch": torch,
    "jax.jit": jax,
}


def main() -> None:
    """Print a row for each kernel and dtype: how many copies it takes, and its rivals."""
    print(f"{machine()}, one thread, NumPy {np.__version__}\n")
    print(
        "| kernel | dtype | ours, ms | copy, ms | ours / copy | textbook / ours | torch / ours | jax.jit / ours |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for kernel in KERNELS:
        for dtype in ("float64", "float32"):
            times = milliseconds(_installed(kernel, dtype), 15, 0.05)
            ours, copied = times["ours"], times["copy"]
            rivals = (times.get(name, float("nan")) / ours for name in ("textbook", "torch", "jax.jit"))
            cells = [
                f"{ours:.2f}",
                f"{copied:.2f}",
                f"{ours / copied:.1f}",
                *(f"{rival:.2f}" for rival in rivals),
            ]
            print(f"| {kernel} | {dtype} | {' | '.join(cells)} |", flush=True)
    print()
    for dtype in ("float64", "float32"):
        times = milliseconds({"copy": copy("relu", dtype, ENTRIES), **in_cache(dtype)}, 15, 0.05)
        alone = (f"{name} {took / times['copy']:.1f}" for name, took in times.items() if name != "copy")
        print(f"one call in the cache, in copies, {dtype}: {', '.join(alone)}")


def _installed(kernel: str, dtype: str) -> dict[str, Call]:
    calls = {}
    for name, make in CONTENDERS.items():
        try:
            calls[name] = make(kernel, dtype, ENTRIES)
        except Missing:
            continue
    return calls


if __name__ == "__main__":
    main()
