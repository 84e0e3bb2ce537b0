"""The layers of reference_impls beside torch's and their textbook forms: ``python -m benchmarks.layers [--quick]``.

One thread. Each figure is of one forward and one backward pass, the processor's time, a median over interleaved rounds;
torch runs eagerly, as people use it. The textbook form (`benchmarks.textbook`) is what a course's code or a first
version looks like: loops over pixels, or the same formulas without care for memory. The floor is, of convolution, its
three products of matrices and one copy of the columns; of attention its six products and one exponential; of a
recurrent layer its products and an exponential for each gate; all into memory that is there, an image or example at a
time where that is what the cache holds. Of a norm it is three passes over memory, each reading one array and writing
another: what must be read and written if everything else were free.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import textbook
from benchmarks.machine import machine
from benchmarks.rounds import Call, milliseconds
from reference_impls import elementwise
from reference_impls.layers import (
    activation,
    attention,
    average_pool2d,
    batch_norm,
    conv2d,
    conv_transpose2d,
    dot_product_attention,
    dropout,
    embedding,
    group_norm,
    gru,
    layer_norm,
    linear,
    lstm,
    max_pool2d,
    rms_norm,
    rnn,
)
from reference_impls.layers.layer import Layer
from reference_impls.layers.residual import Residual
from reference_impls.layers.windows import Windows

Rivals = dict[str, Call]


def main() -> None:
    """Print a row for each layer and dtype, and draw them where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("-k", default="", help="only layers whose name holds this")
    parser.add_argument("--picture", type=Path, help="draw the factors here (PNG, SVG or PDF)")
    given = parser.parse_args()
    rounds, seconds = (5, 0.02) if given.quick else (15, 0.1)
    print(f"{machine()}, one thread, NumPy {np.__version__}, torch {_torch().__version__}\n")
    columns = "ours, ms", "torch, ms", "torch / ours", "textbook / ours", "ours / floor", "torch / floor"
    print(f"| layer | dtype | {' | '.join(columns)} |")
    print("|---" * (2 + len(columns)) + "|")
    found: dict[tuple[str, str], dict[str, float]] = {}
    for name, setting in SETTINGS.items():
        if given.k not in name:
            continue
        for dtype in ("float64", "float32"):
            times = milliseconds(setting(dtype), rounds, seconds)
            found[name, dtype] = times
            ours = times["ours"]
            cells = [f"{ours:.2f}", f"{times['torch']:.2f}", f"{times['torch'] / ours:.2f}"]
            cells += [f"{times['textbook'] / ours:.1f}" if "textbook" in times else ""]
            for whose in ("ours", "torch"):
                cells += [f"{times[whose] / times['floor']:.2f}" if "floor" in times else ""]
            print(f"| {name} | {dtype} | {' | '.join(cells)} |", flush=True)
    if given.picture:
        draw(given.picture, found)


TICKS = (0.2, 0.5, 1, 2, 5, 10)
"""Factors that the picture's axis names."""


def draw(path: Path, found: dict[tuple[str, str], dict[str, float]]) -> None:
    """How many times as long the textbook form and torch take, a panel for each dtype, a row for each layer."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for name, _ in found))
    figure = Figure(figsize=(11, 0.42 * len(names) + 1.2), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for panel, dtype in zip(panels, ("float64", "float32"), strict=True):
        for rival, style in (("textbook", "s"), ("torch", "o")):
            times = [found[name, dtype] for name in names]
            factors = [one.get(rival, float("nan")) / one["ours"] for one in times]
            panel.plot(factors, names, style, label=rival)
        panel.axvline(1, color="black", linewidth=0.8)
        panel.set(title=dtype, xscale="log", xlabel="time, ours being 1")
        panel.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        panel.minorticks_off()
        panel.grid(axis="y", alpha=0.3)
    panels[0].invert_yaxis()
    panels[1].legend()
    figure.savefig(path, dpi=110)


def _torch() -> Any:
    import torch

    torch.set_num_threads(1)
    return torch


def _both(module: Any, params: Any, inputs: tuple[Any, ...], **settings: Any) -> Call:
    y, _ = module.forward(params, *inputs, **settings)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype)

    def call() -> Any:
        _, cache = module.forward(params, *inputs, **settings)
        return module.backward(dy, cache)

    return call


def _of_torch(function: Callable[..., Any], *arrays: Any) -> Call:
    torch = _torch()
    tensors = [torch.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
    with torch.no_grad():
        shape = function(*tensors).shape
    dy = torch.tensor(np.random.default_rng(1).standard_normal(tuple(shape)), dtype=_floating(tensors))

    def call() -> None:
        for tensor in tensors:
            tensor.grad = None
        function(*tensors).backward(dy)

    return call


def _floating(tensors: Any) -> Any:
    return next(tensor.dtype for tensor in tensors if tensor.requires_grad)


def _normal(*shape: int, dtype: str, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def _conv(dtype: str) -> Rivals:
    x, dy = _normal(32, 32, 28, 28, dtype=dtype), _normal(32, 64, 28, 28, dtype=dtype, seed=1)
    params = conv2d.initial_params(32, 64, 3, np.random.default_rng(2), dtype=np.dtype(dtype))
    functional = _torch().nn.functional
    windows, W, d = (
        Windows((28, 28), (3, 3), padding=(1, 1)),
        params["W"].reshape(64, 288),
        dy.reshape(32, 64, 784),
    )
    room = windows.columns(x[:1])
    taken, back, y, dW = (
        room.reshape(288, 784),
        np.empty((288, 784), dtype),
        np.empty_like(d),
        np.empty_like(W),
    )

    def floor() -> None:
        for n in range(len(x)):
            windows.columns(x[n : n + 1], room)
            np.matmul(W, taken, out=y[n])
            np.matmul(d[n], taken.T, out=dW)
            np.matmul(W.T, d[n], out=back)

    return {
        "ours": _both(conv2d, params, (x,), padding=1),
        "torch": _of_torch(lambda x, W, b: functional.conv2d(x, W, b, padding=1), x, *params.values()),
        "floor": floor,
        "textbook": lambda: textbook.conv2d(x, params["W"], params["b"], dy),
    }


def _copies(like: Any, count: int) -> Call:
    """So many passes over memory that read an array and write one."""
    to = np.empty_like(like)
    return lambda: [np.copyto(to, like) for _ in range(count)]


def _layer_norm(dtype: str) -> Rivals:
    x, params = _normal(4096, 512, dtype=dtype), layer_norm.initial_params(512, np.dtype(dtype))
    functional, dy = _torch().nn.functional, _normal(4096, 512, dtype=dtype, seed=1)
    return {
        "ours": _both(layer_norm, params, (x,)),
        "torch": _of_torch(lambda x, g, s: functional.layer_norm(x, (512,), g, s), x, *params.values()),
        "textbook": lambda: textbook.norm(x, params["gain"], params["shift"], dy, (1,), (0,)),
        "floor": _copies(x, 3),
    }


def _rms_norm(dtype: str) -> Rivals:
    x, params = _normal(4096, 512, dtype=dtype), rms_norm.initial_params(512, np.dtype(dtype))
    functional, dy = _torch().nn.functional, _normal(4096, 512, dtype=dtype, seed=1)
    return {
        "ours": _both(rms_norm, params, (x,)),
        "torch": _of_torch(lambda x, g: functional.rms_norm(x, (512,), g, 1e-5), x, *params.values()),
        "textbook": lambda: textbook.rms_norm(x, params["gain"], dy),
        "floor": _copies(x, 3),
    }


def _batch_norm(dtype: str) -> Rivals:
    x, params = _normal(32, 64, 28, 28, dtype=dtype), batch_norm.initial_params(64, np.dtype(dtype))
    functional, dy = _torch().nn.functional, _normal(32, 64, 28, 28, dtype=dtype, seed=1)
    gain, shift = (value[:, None, None] for value in params.values())
    return {
        "ours": _both(batch_norm, params, (x,)),
        "torch": _of_torch(
            lambda x, g, s: functional.batch_norm(x, None, None, g, s, training=True), x, *params.values()
        ),
        "textbook": lambda: textbook.norm(x, gain, shift, dy, (0, 2, 3), (0, 2, 3)),
        "floor": _copies(x, 3),
    }


def _group_norm(dtype: str) -> Rivals:
    x, params = _normal(32, 64, 28, 28, dtype=dtype), group_norm.initial_params(64, np.dtype(dtype))
    functional, dy = _torch().nn.functional, _normal(32, 64, 28, 28, dtype=dtype, seed=1)
    grouped, by_group = (32, 8, 8, 28, 28), (value.reshape(8, 8, 1, 1) for value in params.values())
    gain, shift = by_group
    return {
        "ours": _both(group_norm, params, (x,), groups=8),
        "torch": _of_torch(lambda x, g, s: functional.group_norm(x, 8, g, s), x, *params.values()),
        "textbook": lambda: textbook.norm(
            x.reshape(grouped), gain, shift, dy.reshape(grouped), (2, 3, 4), (0, 3, 4)
        ),
        "floor": _copies(x, 3),
    }


def _conv_transpose(dtype: str) -> Rivals:
    x, dy = _normal(32, 64, 14, 14, dtype=dtype), _normal(32, 32, 28, 28, dtype=dtype, seed=1)
    params = conv_transpose2d.initial_params(64, 32, 4, np.random.default_rng(2), dtype=np.dtype(dtype))
    functional = _torch().nn.functional
    return {
        "ours": _both(conv_transpose2d, params, (x,), stride=2, padding=1),
        "torch": _of_torch(
            lambda x, W, b: functional.conv_transpose2d(x, W, b, 2, 1), x, params["W"], params["b"]
        ),
        "textbook": lambda: textbook.conv_transpose2d(x, params["W"], params["b"], dy),
    }


def _average_pool(dtype: str) -> Rivals:
    x, dy = _normal(32, 64, 28, 28, dtype=dtype), _normal(32, 64, 14, 14, dtype=dtype, seed=1)
    functional = _torch().nn.functional
    return {
        "ours": _both(average_pool2d, {}, (x,), kernel=2),
        "torch": _of_torch(lambda x: functional.avg_pool2d(x, 2), x),
        "textbook": lambda: textbook.average_pool2d(x, dy),
    }


def _dropout(dtype: str) -> Rivals:
    x, dy = _normal(4096, 512, dtype=dtype), _normal(4096, 512, dtype=dtype, seed=1)
    mask = dropout.mask_of(x.shape, 0.5, np.random.default_rng(1), np.dtype(dtype))
    kept = _torch().tensor(mask)
    return {
        "ours": _both(dropout, {}, (x,), mask=mask),
        "torch": _of_torch(lambda x: x * kept, x),
        "textbook": lambda: textbook.dropout(x, mask, dy),
    }


def _heads(dtype: str) -> Rivals:
    x, dy = _normal(8, 128, 256, dtype=dtype), _normal(8, 128, 256, dtype=dtype, seed=1)
    functional = _torch().nn.functional
    params = attention.initial_params(256, np.random.default_rng(2), np.dtype(dtype))

    def theirs(x: Any, Wq: Any, bq: Any, Wk: Any, bk: Any, Wv: Any, bv: Any, Wo: Any, bo: Any) -> Any:
        q, k, v = (
            (x @ W + b).reshape(8, 128, 8, 32).transpose(1, 2) for W, b in ((Wq, bq), (Wk, bk), (Wv, bv))
        )
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(8, 128, 256) @ Wo + bo

    return {
        "ours": _both(attention, params, (x,), heads=8),
        "torch": _of_torch(theirs, x, *(params[f"{kind}{name}"] for name in "qkvo" for kind in "Wb")),
        "textbook": lambda: textbook.multi_head_attention(x, params, 8, dy),
    }


def _residual(dtype: str) -> Rivals:
    x, rng, functional = _normal(256, 512, dtype=dtype), np.random.default_rng(2), _torch().nn.functional
    dy = _normal(256, 512, dtype=dtype, seed=1)
    first, second = (linear.initial_params(512, 512, rng, np.dtype(dtype)) for _ in range(2))
    block = Residual(
        [
            Layer(linear.forward, linear.backward, first),
            Layer(activation.forward, activation.backward, {}, name="relu"),
            Layer(linear.forward, linear.backward, second),
        ]
    )

    def ours() -> Any:
        return block.forward(x), block.backward(dy)

    def theirs(x: Any, W: Any, b: Any, V: Any, c: Any) -> Any:
        return x + functional.relu(x @ W + b) @ V + c

    both = *first.values(), *second.values()
    return {
        "ours": ours,
        "torch": _of_torch(theirs, x, *both),
        "textbook": lambda: textbook.residual(x, *both, dy),
    }


def _max_pool(dtype: str) -> Rivals:
    x, dy = _normal(32, 64, 28, 28, dtype=dtype), _normal(32, 64, 14, 14, dtype=dtype, seed=1)
    functional = _torch().nn.functional
    return {
        "ours": _both(max_pool2d, {}, (x,)),
        "torch": _of_torch(lambda x: functional.max_pool2d(x, 2), x),
        "textbook": lambda: textbook.max_pool2d(x, dy),
    }


def _embedding(dtype: str) -> Rivals:
    params = embedding.initial_params(10_000, 128, np.random.default_rng(0), np.dtype(dtype))
    ids = np.random.default_rng(1).integers(0, 10_000, (64, 128))
    functional, dy = _torch().nn.functional, _normal(64, 128, 128, dtype=dtype, seed=1)
    return {
        "ours": _both(embedding, params, (ids,)),
        "torch": _of_torch(lambda W, ids: functional.embedding(ids, W), params["W"], ids),
        "textbook": lambda: textbook.embedding(params["W"], ids, dy),
    }


def _attention(dtype: str) -> Rivals:
    q, k, v, dy = (_normal(8, 8, 128, 32, dtype=dtype, seed=n) for n in range(4))
    functional, scores = _torch().nn.functional, _normal(8, 128, 128, dtype=dtype)
    exp, wide, narrow = np.empty_like(scores), np.empty_like(scores), np.empty_like(q[0])

    def floor() -> None:  # the six products of matrices and one exponential
        for n in range(len(q)):
            for rows in (q[n], dy[n]):
                np.matmul(rows, k[n].swapaxes(1, 2), out=wide)
            np.exp(scores, out=exp)
            for rows in (q[n], k[n], v[n], dy[n]):
                np.matmul(scores, rows, out=narrow)

    return {
        "ours": _both(dot_product_attention, {}, (q, k, v)),
        "torch": _of_torch(functional.scaled_dot_product_attention, q, k, v),
        "textbook": lambda: textbook.attention(q, k, v, dy),
        "floor": floor,
    }


def _recurrent(module: Any, cell: str) -> Callable[[str], Rivals]:
    def setting(dtype: str) -> Rivals:
        torch = _torch()
        x = _normal(50, 32, 64, dtype=dtype)
        params = module.initial_params(64, 128, np.random.default_rng(0), np.dtype(dtype))
        net = getattr(torch.nn, cell)(64, 128).to(getattr(torch, dtype))
        tensor = torch.tensor(x, requires_grad=True)
        dy = torch.tensor(_normal(50, 32, 128, dtype=dtype, seed=1))
        plain = getattr(textbook, cell.lower())
        a = _normal(1600, len(params["b"]), dtype=dtype, seed=3)
        # state and input below one another, and their weights by gate, (gates, units, state and input)
        by_gate = np.concatenate([params["Wh"], params["Wx"]]).T.reshape(-1, 128, 192)
        back, below = by_gate.swapaxes(1, 2), _normal(192, 320, dtype=dtype, seed=4)
        step, das = np.empty((len(by_gate), 128, 32), a.dtype), a[:320].copy()
        of_step, of_weights, b = np.empty((len(by_gate), 192, 32), a.dtype), below @ das, np.empty_like(a)
        first = np.ascontiguousarray(below[:, :32])

        def theirs() -> None:
            net.zero_grad()
            tensor.grad = None
            net(tensor)[0].backward(dy)

        def floor() -> None:  # two products a gate and step, one more every ten, an exponential a gate
            for _ in range(50):
                np.matmul(by_gate, first, out=step)
                np.matmul(back, step, out=of_step)
            for _ in range(5):
                np.matmul(below, das, out=of_weights)
            np.exp(a, out=b)

        return {
            "ours": _both(module, params, (x,)),
            "torch": theirs,
            "textbook": lambda: plain(x, *params.values(), dy.numpy()),
            "floor": floor,
        }

    return setting


def _classes(dtype: str) -> Rivals:
    z, k = _normal(1024, 1000, dtype=dtype), np.random.default_rng(1).integers(0, 1000, 1024)
    torch = _torch()
    tensor, labels = torch.tensor(z, requires_grad=True), torch.tensor(k)

    def theirs() -> None:
        tensor.grad = None
        torch.nn.functional.cross_entropy(tensor, labels).backward()

    return {
        "ours": lambda: elementwise.softmax_cross_entropy(z, k),
        "torch": theirs,
        "textbook": lambda: textbook.softmax_cross_entropy(z, k),
    }


SETTINGS: dict[str, Callable[[str], Rivals]] = {
    "conv2d 3x3, 32 to 64 channels, 28x28, batch 32": _conv,
    "transposed conv2d 4x4, 64 to 32 channels, 14x14 to 28x28, batch 32": _conv_transpose,
    "layer norm, 4096 x 512": _layer_norm,
    "RMS norm, 4096 x 512": _rms_norm,
    "batch norm, 32 x 64 x 28 x 28": _batch_norm,
    "group norm, 8 groups, 32 x 64 x 28 x 28": _group_norm,
    "max pooling 2x2, 32 x 64 x 28 x 28": _max_pool,
    "average pooling 2x2, 32 x 64 x 28 x 28": _average_pool,
    "dropout, 4096 x 512": _dropout,
    "embedding, 8192 of 10,000 words, width 128": _embedding,
    "attention, 8 heads, 128 tokens, width 32, batch 8": _attention,
    "attention with its four linear layers, 8 heads, 128 tokens, width 256, batch 8": _heads,
    "RNN, 128 units, 50 steps, batch 32": _recurrent(rnn, "RNN"),
    "LSTM, 128 units, 50 steps, batch 32": _recurrent(lstm, "LSTM"),
    "GRU, 128 units, 50 steps, batch 32": _recurrent(gru, "GRU"),
    "residual block of two linear layers and a relu, width 512, batch 256": _residual,
    "softmax cross-entropy, 1024 x 1000": _classes,
}


if __name__ == "__main__":
    main()
